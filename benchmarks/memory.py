"""Memory: what the server holds while events pass through it to subscribers who stay."""

from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks import audience, dataset, servers
from benchmarks.figures import short, slope
from benchmarks.partners import Recorder
from benchmarks.report import section, table
from benchmarks.run import Run
from benchmarks.stores import Kind
from tests.support.loops import run as wait_for

SUBSCRIBERS = 20
BATCH = 100
SAMPLES = 10
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class _Sample:
    """What had passed, and what the server then held."""

    events: int
    messages: int
    held_bytes: int


def measure(run: Run) -> None:
    """Print the samples and the slope, on PostgreSQL.

    SQLite would say less: its page caches grow inside the server until they are full.
    """
    a_sample = 1_000 if run.is_quick else 10_000
    run.say(
        section(
            f"memory: {SUBSCRIBERS} subscribers, {SAMPLES * a_sample:,} events, PostgreSQL",
            "Resident memory of the server: before anything, after a warm-up of "
            f"{a_sample:,} events, and after each further {a_sample:,}",
            f"when every subscriber has had them. Batches of {BATCH} events as fast as it goes; a "
            "message holds those that a subscriber",
            "was behind. The slope is the line of least squares: a leak adds as much at the end as "
            "in the middle,",
            "what allocators and caches keep does not.",
        )
    )
    with ExitStack() as ending:
        url = ending.enter_context(run.stores.fresh(Kind.POSTGRESQL))
        loaded = wait_for(dataset.make(url, messages=0, entries=10_000))
        server = ending.enter_context(servers.trackside(url))
        partner = Recorder(loaded, server)
        samples = [_Sample(0, 0, server.usage().resident_bytes)]
        listening = ending.enter_context(audience.attached(server, loaded, SUBSCRIBERS))
        for number in run.rounds(seconds=240, number=SAMPLES + 1, at_least=5):
            partner.write(partner.prepare(BATCH, a_sample // BATCH))
            messages = samples[-1].messages + listening.hear(a_sample).messages
            samples.append(_Sample(number * a_sample, messages, server.usage().resident_bytes))
    rows = [
        [f"{one.events:,}", f"{one.messages:,}", f"{one.held_bytes / _MIB:.1f}"] for one in samples
    ]
    run.say("\n" + table(["events", "messages", "MiB"], rows))
    steady = samples[1:]
    run.say(f"\nslope behind the warm-up:    {_slope(steady)}")
    run.say(f"slope over the second half:  {_slope(steady[len(steady) // 2 :])}")


def _slope(samples: list[_Sample]) -> str:
    by_event = slope([(one.events, one.held_bytes) for one in samples])
    by_message = slope([(one.messages, one.held_bytes) for one in samples])
    return f"{short(by_event)} bytes an event, {short(by_message)} bytes a message"
