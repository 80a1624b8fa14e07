"""Live: what it costs to tell 200 subscribers of each event, and how soon they hear of it."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

from benchmarks import audience, dataset, documents, servers
from benchmarks.audience import Audience
from benchmarks.dataset import JOURNEYS, Dataset
from benchmarks.figures import Spread, percentile, short
from benchmarks.report import section, table
from benchmarks.requests import Connection, UnexpectedAnswer, graphql
from benchmarks.run import ROUNDS, Run
from benchmarks.servers import Server
from benchmarks.stores import Kind
from benchmarks.traffic import Event, as_input, batches, traffic
from tests.support.loops import run as wait_for

SUBSCRIBERS = 200
BATCH = 50
_PACED_BATCH, _PACE_S = 20, 1.0


@dataclass(slots=True)
class _Figures:
    """What the rounds gave; a delivery is one event at one subscriber."""

    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    events_a_message: list[float] = field(default_factory=list)
    unheard_us: list[float] = field(default_factory=list)
    latencies_ms: list[float] = field(default_factory=list)

    def cells(self) -> list[str]:
        spreads = (self.rates, self.cpu_us, self.events_a_message, self.unheard_us)
        latencies = [percentile(self.latencies_ms, percent) for percent in (50, 99)]
        return [*(str(Spread.of(one)) for one in spreads), *map(short, latencies)]


def measure(run: Run) -> None:
    """Print the figures of both databases."""
    number = 3 if run.is_quick else 20
    paced = 1 if run.is_quick else 4
    run.say(
        section(
            f"live: {SUBSCRIBERS} subscribers of one journey's communicationEvents",
            f"Each of {ROUNDS} rounds writes {number} batches of {BATCH} events by "
            "recordEvents, as fast as it goes; then",
            f"{paced} batches of {_PACED_BATCH} events in each, one every {_PACE_S:.0f} s. A "
            "delivery is one event at one subscriber; its CPU is",
            "the server's, less that of the same writing while nobody listens.",
            "The subscribers are one process, on these cores too. The latency runs from "
            "receivedAt, set as the writing",
            "transaction begins (so the commit is inside), to the arrival; one in twenty "
            "subscribers tells it.",
        )
    )
    rows = []
    for kind in Kind:
        with ExitStack() as ending:
            url = ending.enter_context(run.stores.fresh(kind))
            loaded = wait_for(dataset.make(url, messages=0, entries=10_000))
            partner = Partner(loaded, ending.enter_context(servers.trackside(url)))
            partner.write(partner.prepare(BATCH, 2))
            fast, slow = _Figures(), _Figures()
            for figures, size, count, pace_s in (
                (fast, BATCH, number, 0.0),
                (slow, _PACED_BATCH, paced, _PACE_S),
            ):
                for _ in range(ROUNDS):
                    _unheard_round(figures, partner, size, count)
                with audience.attached(partner.server, loaded, SUBSCRIBERS) as listening:
                    for _ in run.rounds(seconds=45):
                        _round(figures, partner, listening, partner.prepare(size, count), pace_s)
            rows.append([f"{kind}, as fast as it goes", *fast.cells()])
            rows.append([f"{kind}, paced", *slow.cells()])
    headers = ["", "deliveries/s", "CPU µs a delivery", "events a message"]
    run.say("\n" + table([*headers, "CPU µs an event, unheard", "p50 ms", "p99 ms"], rows))


class Partner:
    """Writes traffic of the first journey."""

    def __init__(self, loaded: Dataset, server: Server) -> None:
        self.loaded, self.server = loaded, server
        self._events: Iterator[Event] = traffic(
            "live", lambda number: loaded.entry(number * JOURNEYS), loaded.entries // JOURNEYS
        )

    def prepare(self, size: int, number: int) -> list[bytes]:
        """The next requests, so many events each."""
        return [
            graphql(self.loaded.token, documents.RECORD, {"events": [*map(as_input, batch)]})
            for batch in batches(self._events, size, number)
        ]

    def write(self, requests: Sequence[bytes], pace_s: float = 0) -> None:
        """One after the other; raises UnexpectedAnswer when an event was not accepted."""
        begun = time.monotonic()
        # A connection of its own: the server closes one that was idle for a few seconds.
        with Connection(self.server.port) as connection:
            for number, request in enumerate(requests):
                time.sleep(max(0, begun + number * pace_s - time.monotonic()))
                answer = connection.ask(request)
                if answer.count(b'"outcome":"ACCEPTED"') != request.count(b'"occurredAt"'):
                    raise UnexpectedAnswer(answer[:500].decode(errors="replace"))


def _unheard_round(figures: _Figures, partner: Partner, size: int, number: int) -> None:
    requests = partner.prepare(size, number)
    spent = partner.server.usage().cpu_s
    partner.write(requests)
    cpu_s = partner.server.usage().cpu_s - spent
    figures.unheard_us.append(cpu_s * 1_000_000 / (size * number))


def _round(
    figures: _Figures,
    partner: Partner,
    listening: Audience,
    requests: Sequence[bytes],
    pace_s: float,
) -> None:
    events = sum(request.count(b'"occurredAt"') for request in requests)
    spent, begun = partner.server.usage().cpu_s, time.time()
    partner.write(requests, pace_s)
    told = listening.hear(events)
    cpu_us = (partner.server.usage().cpu_s - spent) * 1_000_000
    deliveries = SUBSCRIBERS * events
    figures.rates.append(deliveries / (told.finished_at - begun))
    figures.cpu_us.append((cpu_us - median(figures.unheard_us) * events) / deliveries)
    figures.events_a_message.append(deliveries / told.messages)
    figures.latencies_ms += told.latencies_ms
