"""Buckets: the stretches of time by which counters are kept, and how a period is made of them."""

from collections.abc import Iterator
from dataclasses import dataclass

from store.filters import Period
from store.types import DAY, HOUR, MINUTE, SECOND, Instant
from store.words import TimeBucket

ALL_TIME = 0
"""The bucket_seconds of the one row, at 0, in which everything is counted."""

WIDTHS: dict[TimeBucket, Instant] = {
    TimeBucket.MINUTE: MINUTE,
    TimeBucket.HOUR: HOUR,
    TimeBucket.DAY: DAY,
}


def buckets_of(moment: Instant) -> Iterator[tuple[int, Instant]]:
    """The keys (bucket_seconds, at) of the rows in which what belongs to that moment is counted."""
    yield ALL_TIME, 0
    for width in WIDTHS.values():
        yield width // SECOND, moment - moment % width


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows of one width, start <= at < end; None is unbounded."""

    bucket_seconds: int
    start: Instant | None = None
    end: Instant | None = None


def stretches(period: Period, *, by: TimeBucket | None = None) -> list[Stretch]:
    """The rows that make up a period whose bounds are whole minutes: the widest that fit.

    by: only rows that lie within one bucket of that width.
    """
    if by is None and period.start is None and period.end is None:
        return [Stretch(ALL_TIME)]
    widest = DAY if by is None else WIDTHS[by]
    widths = [width for width in (DAY, HOUR, MINUTE) if width <= widest]
    return list(_made_of(widths, period.start, period.end))


def _made_of(
    widths: list[Instant], start: Instant | None, end: Instant | None
) -> Iterator[Stretch]:
    """Whole buckets of the first width, and the ragged ends made of the narrower ones."""
    width, *narrower = widths
    first = None if start is None else -(-start // width) * width
    behind = None if end is None else end // width * width
    if narrower and first is not None and behind is not None and first >= behind:
        yield from _made_of(narrower, start, end)
        return
    yield Stretch(width // SECOND, first, behind)
    if start != first:
        yield from _made_of(narrower, start, first)
    if end != behind:
        yield from _made_of(narrower, behind, end)
