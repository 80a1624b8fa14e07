"""Buckets: a period is made of hours between ragged minutes, each minute once."""

from hypothesis import given
from hypothesis import strategies as st

from store.buckets import ALL_TIME, Stretch, buckets_of, stretches
from store.filters import Period
from store.types import DAY, HOUR, MINUTE
from store.words import TimeBucket

WIDTHS = {60: MINUTE, 3_600: HOUR, 86_400: DAY}
# From before 1970 on: what is backfilled may be old.
minutes = st.integers(-4_000, 4_000).map(lambda count: count * MINUTE)


def minutes_of(stretch: Stretch) -> list[int]:
    """The minutes that the rows of a bounded stretch count."""
    assert stretch.start is not None
    assert stretch.end is not None
    width = WIDTHS[stretch.bucket_seconds]
    first = -(-stretch.start // width) * width
    return [
        minute
        for at in range(first, stretch.end, width)
        for minute in range(at, at + width, MINUTE)
    ]


@given(minutes, minutes, st.sampled_from([None, *TimeBucket]))
def test_the_stretches_of_a_period_hold_each_of_its_minutes_once(
    one: int, other: int, by: TimeBucket | None
) -> None:
    start, end = sorted((one, other))

    found = stretches(Period(start, end), by=by)

    held = sorted(minute for stretch in found for minute in minutes_of(stretch))
    assert held == list(range(start, end, MINUTE))


def test_the_widest_rows_that_fit_are_taken() -> None:
    start, end = DAY - 61 * MINUTE, 3 * DAY + 2 * HOUR + MINUTE

    assert stretches(Period(start, end)) == [
        Stretch(86_400, DAY, 3 * DAY),
        Stretch(3_600, DAY - HOUR, DAY),
        Stretch(60, start, DAY - HOUR),
        Stretch(3_600, 3 * DAY, 3 * DAY + 2 * HOUR),
        Stretch(60, 3 * DAY + 2 * HOUR, end),
    ]
    assert stretches(Period(start, end), by=TimeBucket.HOUR) == [
        Stretch(3_600, DAY - HOUR, 3 * DAY + 2 * HOUR),
        Stretch(60, start, DAY - HOUR),
        Stretch(60, 3 * DAY + 2 * HOUR, end),
    ]


def test_an_open_period_has_one_ragged_end() -> None:
    assert stretches(Period(HOUR + MINUTE, None)) == [
        Stretch(86_400, DAY, None),
        Stretch(3_600, 2 * HOUR, DAY),
        Stretch(60, HOUR + MINUTE, 2 * HOUR),
    ]
    assert stretches(Period(None, HOUR)) == [Stretch(86_400, None, 0), Stretch(3_600, 0, HOUR)]
    assert stretches(Period(), by=TimeBucket.DAY) == [Stretch(86_400)]


def test_all_time_is_one_row() -> None:
    assert stretches(Period()) == [Stretch(ALL_TIME)]


@given(st.integers(-(10**15), 10**16))
def test_a_moment_is_counted_by_minute_hour_and_day_and_of_all_time(moment: int) -> None:
    found = dict(buckets_of(moment))

    assert found.keys() == {ALL_TIME, *WIDTHS}
    assert found[ALL_TIME] == 0
    for seconds, width in WIDTHS.items():
        assert found[seconds] % width == 0
        assert found[seconds] <= moment < found[seconds] + width
