"""Clicks: following a tracked link, which is recorded before it leads on."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import cycle, islice
from urllib.parse import urlsplit

import orjson

from benchmarks import dataset, documents, servers
from benchmarks.dataset import Dataset
from benchmarks.figures import Spread, percentile, short
from benchmarks.report import section, table
from benchmarks.requests import Connection, at_once, get, graphql
from benchmarks.run import ROUNDS, Run
from benchmarks.servers import Server
from benchmarks.stores import Kind
from tests.support.loops import run as wait_for

MESSAGES = 500
CONNECTIONS = 16

_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@dataclass(slots=True)
class _Target:
    """Requests to one server, each in its turn, with what the rounds gave."""

    name: str
    server: Server
    requests: Sequence[bytes]
    status: int
    latencies: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)


def measure(run: Run) -> None:
    """Print the figures of both databases."""
    times = 160 if run.is_quick else 800
    run.say(
        section(
            f"clicks: the links of {MESSAGES} messages, each click committed first",
            f"{times} clicks over one connection (p50, p99), then as many over {CONNECTIONS}, in",
            f"{ROUNDS} rounds, beside a route on the same server software that answers 3 bytes.",
            "Whoever has waited two seconds is led on, and the click is written behind.",
        )
    )
    for kind in Kind:
        with ExitStack() as ending:
            url = ending.enter_context(run.stores.fresh(kind))
            loaded = wait_for(dataset.make(url, messages=0, entries=MESSAGES))
            own, peer = (
                ending.enter_context(make(url)) for make in (servers.trackside, servers.peer)
            )
            targets = [
                _Target("empty route", peer, [get("/empty")], 200),
                _Target("click", own, _clicks(own, loaded), 302),
            ]
            for _ in run.rounds(seconds=60):
                for target in targets:
                    _round(target, times)
            run.say(f"\n{kind}\n" + _table(targets))


def _clicks(own: Server, loaded: Dataset) -> list[bytes]:
    """Announce the messages, and follow what their links became."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    events = [
        {
            "communication": {
                "key": f"announced-{number}",
                "communication": f"clicked-{number}",
                "entry": loaded.entry(number),
                "channel": "EMAIL",
                "resource": "Welcome",
                "links": ["https://shop.example/offer"],
                "occurredAt": now,
            }
        }
        for number in range(MESSAGES)
    ]
    with Connection(own.port) as connection:
        answer = orjson.loads(
            connection.ask(graphql(loaded.token, documents.RECORD, {"events": events}))
        )
    paths = [
        urlsplit(result["links"][0]["url"]).path
        for result in answer["data"]["recordEvents"]["results"]
    ]
    return [
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: {_BROWSER}\r\n\r\n".encode()
        for path in paths
    ]


def _round(target: _Target, times: int) -> None:
    requests = list(islice(cycle(target.requests), times))
    spent = target.server.usage().cpu_s
    with Connection(target.server.port, status=target.status) as connection:
        for request in requests:
            begun = time.perf_counter()
            connection.ask(request)
            target.latencies.append((time.perf_counter() - begun) * 1_000)
    each = [requests[number::CONNECTIONS] for number in range(CONNECTIONS)]
    load = at_once(target.server.port, each, lambda _: True, status=target.status)
    target.rates.append(load.rate)
    target.cpu_us.append(
        (target.server.usage().cpu_s - spent) * 1_000_000 / (len(requests) + load.requests)
    )


def _table(targets: Sequence[_Target]) -> str:
    rows = [
        [
            target.name,
            short(percentile(target.latencies, 50)),
            short(percentile(target.latencies, 99)),
            str(Spread.of(target.rates)),
            str(Spread.of(target.cpu_us)),
        ]
        for target in targets
    ]
    return table(["", "p50 ms", "p99 ms", "requests/s", "CPU µs a request"], rows)
