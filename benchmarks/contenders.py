"""Contenders: servers that tell the same events, each with its partner and its audience."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from statistics import median

from benchmarks import audience, packages, servers
from benchmarks.audience import Audience, Heard
from benchmarks.dataset import Dataset
from benchmarks.figures import Spread, percentile, short
from benchmarks.partners import Partner, Publisher, Recorder

PEERS = {"graphql-ws": "graphql-ws.js", "Mercurius": "mercurius.js"}
_KIB = 1 << 10


@dataclass(frozen=True, slots=True)
class Way:
    """How events are written: so many a request; in step: each when all have heard the last."""

    name: str
    size: int
    is_in_step: bool


@dataclass(slots=True)
class Told:
    """What the rounds of one way gave; a delivery is one event at one subscriber."""

    unheard_us: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    events_a_message: list[float] = field(default_factory=list)
    latencies_ms: list[float] = field(default_factory=list)

    def cells(self) -> list[str]:
        spreads = (self.cpu_us, self.unheard_us, self.events_a_message, self.rates)
        latencies = [percentile(self.latencies_ms, percent) for percent in (50, 99)]
        return [*(str(Spread.of(one)) for one in spreads), *map(short, latencies)]


class Contender:
    """One server and the figures of it."""

    def __init__(self, name: str, partner: Partner) -> None:
        self.name, self.partner = name, partner
        self.told: dict[Way, Told] = {}
        self.idle_kib = 0.0
        self._listening: Audience | None = None
        self._subscribers = 0

    def unheard_round(self, way: Way, number: int) -> None:
        """What the writing costs while nobody listens."""
        requests = self.partner.prepare(way.size, number)
        spent = self._cpu_s()
        self.partner.write(requests)
        cpu_us = (self._cpu_s() - spent) * 1_000_000
        self.told.setdefault(way, Told()).unheard_us.append(cpu_us / (way.size * number))

    @contextmanager
    def listened_to(self, loaded: Dataset, subscribers: int) -> Iterator[None]:
        before = self.partner.server.usage().resident_bytes
        with audience.attached(self.partner.server, loaded, subscribers) as listening:
            after = self.partner.server.usage().resident_bytes
            self.idle_kib = (after - before) / subscribers / _KIB
            self._listening, self._subscribers = listening, subscribers
            yield

    def round(self, way: Way, number: int) -> None:
        requests = self.partner.prepare(way.size, number)
        spent, begun = self._cpu_s(), time.time()
        heard = self._write(way, requests)
        cpu_us = (self._cpu_s() - spent) * 1_000_000
        told, events = self.told[way], way.size * number
        deliveries = events * self._subscribers
        told.cpu_us.append((cpu_us - median(told.unheard_us) * events) / deliveries)
        told.rates.append(deliveries / (heard[-1].finished_at - begun))
        told.events_a_message.append(deliveries / sum(one.messages for one in heard))
        told.latencies_ms += [each for one in heard for each in one.latencies_ms]

    def _write(self, way: Way, requests: list[bytes]) -> list[Heard]:
        assert self._listening is not None
        heard: list[Heard] = []
        listening = self._listening
        if way.is_in_step:
            self.partner.write(requests, lambda _: heard.append(listening.hear(way.size)))
        else:
            self.partner.write(requests)
            heard.append(listening.hear(way.size * len(requests)))
        return heard

    def _cpu_s(self) -> float:
        return self.partner.server.usage().cpu_s


def trackside(ending: ExitStack, loaded: Dataset) -> Contender:
    server = ending.enter_context(servers.trackside(loaded.url))
    return Contender("trackside", Recorder(loaded, server))


def peers(ending: ExitStack, loaded: Dataset) -> list[Contender]:
    """The servers on Node; raises PackagesMissing."""
    packages.install()
    return [
        Contender(
            name, Publisher(loaded, ending.enter_context(servers.node(packages.FOLDER / program)))
        )
        for name, program in PEERS.items()
    ]
