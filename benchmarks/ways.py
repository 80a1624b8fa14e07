"""Ways: several ways to write the same traffic, with what each took."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.figures import Spread, ratios
from benchmarks.report import table


@dataclass(slots=True)
class Way:
    """One of them, with what the rounds gave."""

    name: str
    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)

    def took(self, events: int, seconds: float, cpu_s: float) -> None:
        self.rates.append(events / seconds)
        self.cpu_us.append(cpu_s * 1_000_000 / events)


@contextmanager
def clocked(way: Way, events: int) -> Iterator[None]:
    """Times what this process does in the block, its threads included."""
    begun, spent = time.perf_counter(), time.process_time()
    yield
    way.took(events, time.perf_counter() - begun, time.process_time() - spent)


def compared(ways: Sequence[Way], base: Way) -> str:
    """A table of all, with how many times the CPU of `base` each took."""
    rows = [
        [
            way.name,
            str(Spread.of(way.rates)),
            str(Spread.of(way.cpu_us)),
            "" if way is base else str(ratios(way.cpu_us, base.cpu_us)),
        ]
        for way in ways
    ]
    return table(["", "events/s", "CPU µs an event", f"CPU: {base.name} = 1"], rows)
