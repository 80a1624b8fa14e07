"""Buckets: the stretches of time by which counters are kept, and how a period is made of them."""

from collections.abc import Iterator
from dataclasses import dataclass

from store.filters import Period
from store.types import DAY, HOUR, MINUTE, Instant
from store.words import TimeBucket

ALL_TIME = 0
"""The bucket_seconds of the one row, at 0, in which everything is counted."""

_KEPT = {60: MINUTE, 3_600: HOUR}

WIDTHS: dict[TimeBucket, Instant] = {
    TimeBucket.MINUTE: MINUTE,
    TimeBucket.HOUR: HOUR,
    TimeBucket.DAY: DAY,
}


def buckets_of(moment: Instant) -> Iterator[tuple[int, Instant]]:
    """The keys (bucket_seconds, at) of the rows in which what belongs to that moment is counted."""
    yield ALL_TIME, 0
    for seconds, width in _KEPT.items():
        yield seconds, moment - moment % width


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows of one width, start <= at < end; None is unbounded."""

    bucket_seconds: int
    start: Instant | None = None
    end: Instant | None = None


def stretches(period: Period, *, by: TimeBucket | None = None) -> list[Stretch]:
    """The rows that make up a period whose bounds are whole minutes: hours between ragged ends.

    by: only rows that lie within one bucket of that width.
    """
    start, end = period.start, period.end
    if by is TimeBucket.MINUTE:
        return [Stretch(60, start, end)]
    if start is None and end is None:
        return [Stretch(ALL_TIME if by is None else 3_600)]
    first = None if start is None else -(-start // HOUR) * HOUR
    behind = None if end is None else end // HOUR * HOUR
    if first is not None and behind is not None and first >= behind:
        return [Stretch(60, start, end)]
    found = [Stretch(3_600, first, behind)]
    if start != first:
        found.append(Stretch(60, start, first))
    if end != behind:
        found.append(Stretch(60, behind, end))
    return found
