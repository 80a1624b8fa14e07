"""Periods: stretches of time as clients name them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

import strawberry

from schema.enums import describe
from schema.errors import bad_input, shown
from schema.inputs.conditions import Budget
from schema.scalars import DateTime, readable, write_instant
from store.filters import Period
from store.types import DAY, HOUR, MINUTE, SECOND, Instant


class RollingPeriod(StrEnum):
    HOURS_1 = "HOURS_1"
    HOURS_24 = "HOURS_24"
    DAYS_7 = "DAYS_7"
    DAYS_14 = "DAYS_14"
    DAYS_30 = "DAYS_30"
    DAYS_90 = "DAYS_90"


class CalendarPeriod(StrEnum):
    TODAY = "TODAY"
    YESTERDAY = "YESTERDAY"
    THIS_WEEK = "THIS_WEEK"
    LAST_WEEK = "LAST_WEEK"
    THIS_MONTH = "THIS_MONTH"
    LAST_MONTH = "LAST_MONTH"
    THIS_YEAR = "THIS_YEAR"


describe(
    RollingPeriod,
    "A stretch of time that ends now.",
    {
        "HOURS_1": "The last hour.",
        "HOURS_24": "The last 24 hours.",
        "DAYS_7": "The last 7 times 24 hours.",
        "DAYS_14": "The last 14 times 24 hours.",
        "DAYS_30": "The last 30 times 24 hours.",
        "DAYS_90": "The last 90 times 24 hours.",
    },
)
describe(
    CalendarPeriod,
    "A stretch of the calendar. Weeks begin on Monday.",
    {
        "TODAY": "The day that it is.",
        "YESTERDAY": "The day before.",
        "THIS_WEEK": "The week that it is, from Monday to Sunday.",
        "LAST_WEEK": "The week before.",
        "THIS_MONTH": "The month that it is.",
        "LAST_MONTH": "The month before.",
        "THIS_YEAR": "The year that it is, from January.",
    },
)

_LENGTHS = {
    RollingPeriod.HOURS_1: HOUR,
    RollingPeriod.HOURS_24: 24 * HOUR,
    RollingPeriod.DAYS_7: 7 * DAY,
    RollingPeriod.DAYS_14: 14 * DAY,
    RollingPeriod.DAYS_30: 30 * DAY,
    RollingPeriod.DAYS_90: 90 * DAY,
}


@strawberry.input(description="A stretch of the calendar in a time zone.")
class CalendarPeriodInput:
    period: CalendarPeriod = strawberry.field(description="Which stretch.")
    time_zone: str = strawberry.field(
        default="UTC",
        description="The IANA name of the zone whose midnights count, such as Europe/Sofia.",
    )


@strawberry.input(description="From one moment up to another: from <= t < to.")
class DateTimeRange:
    from_: DateTime | None = strawberry.field(
        name="from",
        default=strawberry.UNSET,
        description="The first moment; left out or null, there is no first one.",
    )
    to: DateTime | None = strawberry.field(
        default=strawberry.UNSET,
        description="The first moment behind it; left out or null, there is no end.",
    )


@strawberry.input(
    one_of=True,
    description="A stretch of time, named in one of three ways. Bounds are rounded outward to "
    "whole minutes, in lists and statistics alike.",
)
class PeriodInput:
    last: RollingPeriod | None = strawberry.field(
        default=strawberry.UNSET, description="A stretch that ends now."
    )
    calendar: CalendarPeriodInput | None = strawberry.field(
        default=strawberry.UNSET, description="A stretch of the calendar."
    )
    between: DateTimeRange | None = strawberry.field(
        default=strawberry.UNSET,
        description="From one moment up to another. With neither bound: any moment, but not none.",
    )

    def frozen(self, budget: Budget) -> Period:
        budget.spend()
        if self.last:
            return _rounded(budget.now - _LENGTHS[self.last], budget.now)
        if self.calendar:
            return _of_calendar(self.calendar, budget.now)
        assert self.between
        start, end = _bound(self.between.from_), _bound(self.between.to)
        if start is not None and end is not None and end < start:
            raise bad_input(
                f"The period ends at {write_instant(end)}, before it begins at "
                f"{write_instant(start)}: exchange from and to."
            )
        return _rounded(start, end)


def _bound(moment: DateTime | None) -> Instant | None:
    found: Instant | None = None if moment is strawberry.UNSET else readable(moment)
    return found


def _rounded(start: Instant | None, end: Instant | None) -> Period:
    return Period(
        None if start is None else start // MINUTE * MINUTE,
        None if end is None else -(-end // MINUTE) * MINUTE,
    )


def _of_calendar(asked: CalendarPeriodInput, now: Instant) -> Period:
    if asked.time_zone not in _zones():
        raise bad_input(
            f"timeZone: {shown(asked.time_zone)} is no time zone: give an IANA name such as "
            "Europe/Sofia."
        )
    zone = ZoneInfo(asked.time_zone)
    today = datetime.fromtimestamp(now // SECOND, zone).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    first, behind = _BOUNDS[asked.period](today)
    return _rounded(_instant(first), _instant(behind))


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _instant(moment: datetime) -> Instant:
    return round(moment.astimezone(UTC).timestamp()) * SECOND


def _days(day: datetime, count: int) -> datetime:
    """Midnight so many days later, on the zone's own clock."""
    return day + timedelta(days=count)


def _monday(day: datetime) -> datetime:
    return _days(day, -day.weekday())


def _first(day: datetime) -> datetime:
    return day.replace(day=1)


def _next_month(day: datetime) -> datetime:
    return _first(_days(_first(day), 31))


_BOUNDS: dict[CalendarPeriod, Callable[[datetime], tuple[datetime, datetime]]] = {
    CalendarPeriod.TODAY: lambda day: (day, _days(day, 1)),
    CalendarPeriod.YESTERDAY: lambda day: (_days(day, -1), day),
    CalendarPeriod.THIS_WEEK: lambda day: (_monday(day), _days(_monday(day), 7)),
    CalendarPeriod.LAST_WEEK: lambda day: (_days(_monday(day), -7), _monday(day)),
    CalendarPeriod.THIS_MONTH: lambda day: (_first(day), _next_month(day)),
    CalendarPeriod.LAST_MONTH: lambda day: (_first(_days(_first(day), -1)), _first(day)),
    CalendarPeriod.THIS_YEAR: lambda day: (
        day.replace(month=1, day=1),
        day.replace(year=day.year + 1, month=1, day=1),
    ),
}
