"""Pages: what one page of a list costs, beside the same page written by hand."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from urllib.parse import urlencode

import orjson

from benchmarks import dataset, documents, servers
from benchmarks.dataset import Dataset
from benchmarks.figures import Spread, percentile, ratios, short
from benchmarks.report import section, table
from benchmarks.requests import Connection, UnexpectedAnswer, at_once, get, graphql, latencies_ms
from benchmarks.run import ROUNDS, Run
from benchmarks.servers import Server
from benchmarks.stores import Kind
from tests.support.loops import run as wait_for

CONNECTIONS = 4

_EMPTY, _BY_HAND = 10, 5


@dataclass(slots=True)
class _Target:
    """One server and one request to it, with what the rounds gave.

    `share`: how many requests it gets for one of trackside's, so that its CPU time is no less
    than what can be told apart from the hundredths of /proc.
    """

    name: str
    server: Server
    request: bytes
    share: int
    latencies: list[float] = field(default_factory=list)
    middles: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)


def measure(run: Run) -> None:
    """Print the figures of both databases."""
    sizes = (10_000,) if run.is_quick else (10_000, 1_000_000)
    times = 100 if run.is_quick else 300
    run.say(
        section(
            "pages: the first page of 50 communications of one journey, channel EMAIL",
            "11 fields a row, 3 of them the contact's. Each target is asked in turn in each of "
            f"{ROUNDS} rounds:",
            f"{times} requests over one connection (p50, p99), then as many over {CONNECTIONS};",
            f"the page by hand {_BY_HAND} times as many, the empty route {_EMPTY} times.",
            "CPU: user and system time of the web server's process alone, not of PostgreSQL's;",
            "with SQLite the database's work is inside.",
        )
    )
    for kind in Kind:
        with ExitStack() as ending:
            sets = [_load(run, ending, kind, size) for size in sizes]
            targets = _targets(ending, sets, sizes)
            _check(targets)
            for target in targets:
                at_once(target.server.port, [[target.request] * 50] * CONNECTIONS)
            for _ in run.rounds(seconds=80):
                for target in targets:
                    _round(target, times)
            run.say(f"\n{kind}\n" + _table(targets))


def _load(run: Run, ending: ExitStack, kind: Kind, size: int) -> Dataset:
    url = ending.enter_context(run.stores.fresh(kind))
    return wait_for(dataset.make(url, messages=size, entries=size // 5))


def _targets(ending: ExitStack, sets: Sequence[Dataset], sizes: Sequence[int]) -> list[_Target]:
    targets: list[_Target] = []
    for loaded, size in zip(sets, sizes, strict=True):
        journey = f"jrn_{loaded.journeys[0].hex()}"
        peer = ending.enter_context(servers.peer(loaded.url))
        own = ending.enter_context(servers.trackside(loaded.url))
        asked = urlencode({"workspace": loaded.workspace_id, "journey": journey})
        if not targets:
            targets.append(_Target("empty route", peer, get("/empty"), _EMPTY))
        targets.append(_Target(f"by hand, {size:,} rows", peer, get(f"/page?{asked}"), _BY_HAND))
        request = graphql(loaded.token, documents.PAGE, {"journey": [journey]})
        targets.append(_Target(f"trackside, {size:,} rows", own, request, 1))
    return targets


def _check(targets: Sequence[_Target]) -> None:
    """The peer and trackside give the same rows, or the ratio would mean nothing."""
    pages = []
    for target in targets[1:]:
        with Connection(target.server.port) as connection:
            pages.append(orjson.loads(connection.ask(target.request)))
    for by_hand, own in zip(pages[::2], pages[1::2], strict=True):
        nodes = own.get("data", {}).get("communications", {}).get("nodes")
        if nodes != by_hand["data"]["communications"]["nodes"] or len(nodes) != 50:
            raise UnexpectedAnswer(f"Not the page by hand: {orjson.dumps(own)[:500].decode()}")


def _round(target: _Target, times: int) -> None:
    times *= target.share
    spent = target.server.usage().cpu_s
    with Connection(target.server.port) as connection:
        taken = latencies_ms(connection, target.request, times)
    load = at_once(target.server.port, [[target.request] * (times // CONNECTIONS)] * CONNECTIONS)
    target.latencies += taken
    target.middles.append(percentile(taken, 50))
    target.rates.append(load.rate)
    asked = times + load.requests
    target.cpu_ms.append((target.server.usage().cpu_s - spent) * 1_000 / asked)


def _table(targets: Sequence[_Target]) -> str:
    rows = []
    for index, target in enumerate(targets):
        # Each own page stands behind the one by hand of the same rows.
        is_own = index > 0 and index % 2 == 0
        base = targets[index - 1] if is_own else None
        rows.append(
            [
                target.name,
                str(Spread.of(target.middles)),
                short(percentile(target.latencies, 99)),
                str(Spread.of(target.rates)),
                str(Spread.of(target.cpu_ms)),
                "" if base is None else str(ratios(target.cpu_ms, base.cpu_ms)),
            ]
        )
    headers = ["", "p50 ms", "p99 ms", "requests/s", "CPU ms a request", "CPU: by hand = 1"]
    return table(headers, rows)
