"""Periods: rolling, of the calendar in a zone, and between two moments."""

from typing import Any

import pytest
from graphql import GraphQLError

from schema.inputs.conditions import Budget
from schema.inputs.periods import (
    CalendarPeriod,
    CalendarPeriodInput,
    DateTimeRange,
    PeriodInput,
    RollingPeriod,
)
from schema.scalars import DateTime, read_instant, write_instant
from store.filters import Period
from store.types import Instant


def at(text: str) -> Instant:
    read = read_instant(text)
    assert isinstance(read, int)
    return read


def resolved(asked: PeriodInput, now: str = "2026-11-22T10:20:30.5Z") -> list[str | None]:
    period = asked.frozen(Budget(at(now)))
    return [None if one is None else write_instant(one) for one in (period.start, period.end)]


def calendar(period: CalendarPeriod, zone: str = "UTC") -> PeriodInput:
    return PeriodInput(calendar=CalendarPeriodInput(period=period, time_zone=zone))


def between(start: Any = None, end: Any = None) -> PeriodInput:
    return PeriodInput(between=DateTimeRange(from_=start, to=end))


def test_a_rolling_period_ends_now_and_is_rounded_outward() -> None:
    found = [
        resolved(PeriodInput(last=one)) for one in (RollingPeriod.HOURS_1, RollingPeriod.DAYS_7)
    ]

    assert found == [
        ["2026-11-22T09:20:00Z", "2026-11-22T10:21:00Z"],
        ["2026-11-15T10:20:00Z", "2026-11-22T10:21:00Z"],
    ]


@pytest.mark.parametrize(
    ("period", "bounds"),
    [
        (CalendarPeriod.TODAY, ["2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"]),
        (CalendarPeriod.YESTERDAY, ["2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"]),
        (CalendarPeriod.THIS_WEEK, ["2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"]),
        (CalendarPeriod.LAST_WEEK, ["2026-11-09T00:00:00Z", "2026-11-16T00:00:00Z"]),
        (CalendarPeriod.THIS_MONTH, ["2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"]),
        (CalendarPeriod.LAST_MONTH, ["2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"]),
        (CalendarPeriod.THIS_YEAR, ["2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"]),
    ],
)
def test_a_stretch_of_the_calendar(period: CalendarPeriod, bounds: list[str]) -> None:
    assert resolved(calendar(period)) == bounds


def test_months_of_every_length_are_whole() -> None:
    found = [
        resolved(calendar(CalendarPeriod.THIS_MONTH), f"2028-{month:02}-28T12:00:00Z")
        for month in range(1, 13)
    ]

    starts, ends = [one[0] for one in found], [one[1] for one in found]
    assert starts[1:] == ends[:-1]
    assert ends[-1] == "2029-01-01T00:00:00Z"


def test_the_zones_midnights_count() -> None:
    found = [
        resolved(calendar(CalendarPeriod.TODAY, "Europe/Sofia"), "2026-11-22T22:30:00Z"),
        # The day on which the clocks go back has 25 hours.
        resolved(calendar(CalendarPeriod.TODAY, "Europe/Sofia"), "2026-10-25T12:00:00Z"),
        resolved(calendar(CalendarPeriod.YESTERDAY, "America/New_York"), "2026-11-22T02:00:00Z"),
        resolved(calendar(CalendarPeriod.TODAY, "Asia/Kathmandu"), "2026-11-22T12:00:00Z"),
    ]

    assert found == [
        ["2026-11-22T22:00:00Z", "2026-11-23T22:00:00Z"],
        ["2026-10-24T21:00:00Z", "2026-10-25T22:00:00Z"],
        ["2026-11-20T05:00:00Z", "2026-11-21T05:00:00Z"],
        ["2026-11-21T18:15:00Z", "2026-11-22T18:15:00Z"],
    ]


def test_bounds_are_rounded_outward_to_whole_minutes() -> None:
    found = [
        resolved(between(at("2026-11-22T00:00:59Z"), at("2026-11-22T00:01:01Z"))),
        resolved(between(at("1969-12-31T23:59:59Z"), DateTime(0))),
        resolved(between(at("2026-11-22T00:00:00Z"))),
    ]

    assert found == [
        ["2026-11-22T00:00:00Z", "2026-11-22T00:02:00Z"],
        ["1969-12-31T23:59:00Z", "1970-01-01T00:00:00Z"],
        ["2026-11-22T00:00:00Z", None],
    ]


def test_a_period_without_bounds_is_any_moment() -> None:
    assert between().frozen(Budget(0)) == Period()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            between(DateTime(60_000_000), DateTime(0)),
            "ends at 1970-01-01T00:00:00Z, before it begins at 1970-01-01T00:01:00Z",
        ),
        (calendar(CalendarPeriod.TODAY, "Mars/Olympus"), "'Mars/Olympus' is no time zone"),
        (calendar(CalendarPeriod.TODAY, "../etc/passwd"), "is no time zone"),
        (calendar(CalendarPeriod.TODAY, ""), "is no time zone"),
        (between(read_instant("2026-11-22")), "'2026-11-22' is not a DateTime"),
    ],
)
def test_impossible_periods_are_refused(asked: PeriodInput, message: str) -> None:
    with pytest.raises(GraphQLError, match=message) as raised:
        resolved(asked)

    assert raised.value.extensions == {"code": "BAD_USER_INPUT"}
