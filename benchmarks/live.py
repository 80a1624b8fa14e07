"""Live: what it costs to tell subscribers of each event, beside others, and how soon they hear."""

import secrets
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks import audience, contenders, dataset, machine, servers
from benchmarks.contenders import Contender, Way
from benchmarks.dataset import Dataset
from benchmarks.figures import Spread, ratios, short
from benchmarks.packages import PackagesMissing
from benchmarks.partners import Recorder
from benchmarks.report import section, table
from benchmarks.run import ROUNDS, Run
from benchmarks.stores import Kind
from tests.support.loops import run as wait_for
from tests.support.ports import free_port

BATCH = 50
SINGLE = Way("single events", 1, is_in_step=True)
BATCHES = Way(f"batches of {BATCH}", BATCH, is_in_step=True)
WITHOUT_PAUSE = Way("single events without a pause", 1, is_in_step=False)
MISSED = 1_000
_SECONDS = 75
_PEER = "graphql-ws"
_WARMING = 4


@dataclass(frozen=True, slots=True)
class _Size:
    """How many listen, and how many requests of each way a round has."""

    subscribers: int
    requests: dict[Way, int]


_QUICK = (_Size(200, {SINGLE: 50, BATCHES: 5, WITHOUT_PAUSE: 50}),)
_FULL = (
    _Size(200, {SINGLE: 200, BATCHES: 20, WITHOUT_PAUSE: 200}),
    _Size(2_000, {SINGLE: 20, BATCHES: 4, WITHOUT_PAUSE: 50}),
)


def measure(run: Run) -> None:
    """Print the figures of every size, and of a return of all at once."""
    sizes = _QUICK if run.is_quick else _FULL
    machine.allow_files(2 * sizes[-1].subscribers + 1_000)
    run.say(
        section(
            "live: subscribers of communicationEvents, beside graphql-ws on ws and Mercurius",
            "All tell the same events of the same shape over graphql-transport-ws to the same "
            "program, one process on these",
            "cores too. trackside is told of them by recordEvents and keeps them (in PostgreSQL); "
            "its peers are handed them and",
            "keep nothing. A delivery is one event at one subscriber; its CPU is the server's, "
            "less that of the same writing",
            f"while nobody listens. Single events and batches of {BATCH} are written when "
            "everybody has heard the last. The latency",
            "runs from receivedAt (trackside: as the writing transaction begins, so the commit is "
            "inside) to the arrival; one in",
            "twenty subscribers tells it.",
        )
    )
    for size in sizes:
        _beside(run, size)
    _return(run, sizes[-1].subscribers)


def _beside(run: Run, size: _Size) -> None:
    with ExitStack() as ending:
        loaded = _loaded(run, ending)
        running = [contenders.trackside(ending, loaded)]
        try:
            running += contenders.peers(ending, loaded)
        except PackagesMissing as missing:
            run.say(f"\nThe peers are left out: {missing}")
        for one in running:
            one.partner.write(one.partner.prepare(BATCH, _WARMING))
            for way, number in size.requests.items():
                for _ in range(ROUNDS):
                    one.unheard_round(way, number)
        for one in running:
            ending.enter_context(one.listened_to(loaded, size.subscribers))
        for _ in run.rounds(seconds=_SECONDS):
            for way, number in size.requests.items():
                for one in running:
                    one.round(way, number)
    _report(run, size, running)


def _report(run: Run, size: _Size, running: Sequence[Contender]) -> None:
    headers = ["CPU µs a delivery", "CPU µs an event, unheard", "events a message"]
    for way in size.requests:
        rows = [[one.name, *one.told[way].cells()] for one in running]
        title = f"{size.subscribers:,} subscribers, {way.name}"
        run.say("\n" + table([title, *headers, "deliveries/s", "p50 ms", "p99 ms"], rows))
    idle = [[one.name, short(one.idle_kib)] for one in running]
    run.say("\n" + table([f"{size.subscribers:,} idle subscribers", "KiB each"], idle))
    for peer in running:
        if peer.name == _PEER:
            names = [way.name for way in size.requests]
            shares = [
                [one.name, *(str(_share(one, peer, way)) for way in size.requests)]
                for one in running
            ]
            run.say("\n" + table([f"CPU, times that of {_PEER}", *names], shares))


def _share(one: Contender, peer: Contender, way: Way) -> Spread:
    return ratios(one.told[way].cpu_us, peer.told[way].cpu_us)


def _return(run: Run, subscribers: int) -> None:
    """A server ends; another takes its place, and all come back to it at once."""
    with ExitStack() as ending:
        loaded = _loaded(run, ending)
        port, secret = free_port(), secrets.token_urlsafe(32)
        with servers.trackside(loaded.url, port=port, secret=secret) as server:
            listening = ending.enter_context(audience.attached(server, loaded, subscribers))
            partner = Recorder(loaded, server)
            partner.write(partner.prepare(BATCH, _WARMING))
            listening.hear(BATCH * _WARMING)
            listening.leave()
        server = ending.enter_context(servers.trackside(loaded.url, port=port, secret=secret))
        partner.server = server
        partner.write(partner.prepare(BATCH, MISSED // BATCH))
        spent, begun = server.usage().cpu_s, time.time()
        heard = listening.come_back(MISSED)
        seconds, cpu_s = heard.finished_at - begun, server.usage().cpu_s - spent
    caught_up = subscribers - heard.behind
    run.say(
        f"\n{subscribers:,} subscribers come back at once to a server that was begun anew, each "
        f"{MISSED:,} events behind:\n{caught_up:,} have caught up after {short(seconds)} s, for "
        f"{short(cpu_s)} s of CPU, by {heard.messages:,} messages; {heard.again:,} times the "
        "server failed or closed one of them, who came back again."
    )


def _loaded(run: Run, ending: ExitStack) -> Dataset:
    url = ending.enter_context(run.stores.fresh(Kind.POSTGRESQL))
    return wait_for(dataset.make(url, messages=0, entries=10_000))
