"""Counting: what an operation asks of statistics, and reading it for the journeys of a level."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from resolvers import statistics
from resolvers.loaders import load
from resolvers.statistics import (
    POINTS_AT_MOST,
    Asked,
    Performance,
    Statistics,
    TooManyPoints,
    UnknownJourney,
)
from schema import ids
from schema.enums import Channel, TimeBucket
from schema.errors import bad_input, shown
from schema.fields import NEEDS, Needs
from schema.info import Info
from schema.inputs.conditions import Budget
from schema.inputs.periods import PeriodInput
from schema.selection import Selection, below, given
from schema.types.statistics import Channels, channels, of_channels
from store import rows
from store.counters import StepCounts
from store.filters import Period
from store.types import DAY, MINUTE, Id, Instant

Within = Annotated[
    PeriodInput | None,
    strawberry.argument(
        description="Only entries that entered, and messages that were created, in this time. Left "
        "out or null: all that ever were."
    ),
]

_NO_GROUPS = {"communications", "resources", "period", "asOf", "__typename"}


def counted(resolver: Any, description: str, *needs: str) -> Any:
    """A field that is read from the counters; it reads the columns `needs` of its row."""
    return strawberry.field(
        resolver=resolver, description=description, metadata={NEEDS: Needs(needs)}
    )


async def journey_statistics(
    parent: strawberry.Parent[rows.Journey], info: Info, within: Within = UNSET
) -> Statistics:
    return await _of_journey(info, parent.id, within, _of_statistics(info))


async def resource_performance(
    parent: strawberry.Parent[rows.Journey],
    info: Info,
    within: Within = UNSET,
    channel: Channels = UNSET,
) -> tuple[Performance, ...]:
    chosen = channels(channel)
    asked = Asked(
        has_messages=True,
        resource=below(info, "resource").want if "resource" in below(info) else None,
        buckets=_buckets(info, below(info)),
        channels=frozenset(chosen) if chosen else None,
    )
    found = await _of_journey(info, parent.id, within, asked)
    assert found.performance is not None
    return of_channels(found.performance, chosen)


async def step_counts(parent: strawberry.Parent[rows.JourneyStep], info: Info) -> StepCounts:
    read = partial(statistics.steps, info.context)
    of_steps = await load(info.context, "step.counts", parent.journey_id, read)
    return of_steps.get(parent.id, StepCounts())


async def followed(
    info: Info,
    journey_id: Annotated[strawberry.ID, strawberry.argument(description="The journey, by id.")],
    within: Within = UNSET,
) -> AsyncIterator[Statistics]:
    asked = _of_statistics(info)

    def period_at(now: Instant) -> Period | None:
        return _period(within, now, asked.buckets)

    with _told():
        try:
            async for found in statistics.follow(
                info.context, ids.parse(journey_id, ids.JOURNEY), period_at, asked
            ):
                yield found
        except UnknownJourney:
            raise bad_input(
                f"journeyId: {shown(journey_id)} is no journey of this workspace."
            ) from None


def _of_statistics(info: Info) -> Asked:
    chosen, performance = below(info), below(info, "resources")
    asked_channels: list[list[Channel] | None] = given(
        info, chosen, "JourneyStatistics", "resources", "channel"
    )
    every = [one for each in asked_channels if each for one in each]
    return Asked(
        has_groups=any(name not in _NO_GROUPS for name in chosen.nodes),
        has_messages="communications" in chosen or "resources" in chosen,
        has_period="period" in chosen,
        has_place="asOf" in chosen,
        resource=below(info, "resources", "resource").want if "resource" in performance else None,
        buckets=_buckets(info, performance),
        channels=frozenset(every) if all(asked_channels) and every else None,
    )


def _buckets(info: Info, chosen: Selection) -> frozenset[TimeBucket]:
    return frozenset(given(info, chosen, "ResourcePerformance", "series", "bucket"))


async def _of_journey(
    info: Info, journey_id: Id, within: PeriodInput | None, asked: Asked
) -> Statistics:
    context = info.context
    period = _period(within, context.now(), asked.buckets)

    async def read(journey_ids: Sequence[Id]) -> dict[Id, Statistics]:
        return await statistics.read(context, journey_ids, period, asked)

    with _told():
        return await load(context, ("journey.statistics", period, asked), journey_id, read)


def _period(
    within: PeriodInput | None, now: Instant, buckets: frozenset[TimeBucket]
) -> Period | None:
    period = within.frozen(Budget(now)) if within else None
    if TimeBucket.MINUTE in buckets and not (within and within.calendar):
        bounds = period or Period()
        # Rounding outward makes 24 hours a minute longer.
        if bounds.start is None or bounds.end is None or bounds.end - bounds.start > DAY + MINUTE:
            raise bad_input(
                "series: MINUTE is for periods of at most 24 hours: "
                "give a shorter one as within, or ask for HOUR."
            )
    return period


@contextmanager
def _told() -> Iterator[None]:
    """Tells the client of a series that would be too long."""
    try:
        yield
    except TooManyPoints as too_many:
        raise bad_input(_too_many(too_many)) from None


def _too_many(error: TooManyPoints) -> str:
    if error.points is None:
        return (
            f"series: the resources have too many points by {error.bucket} together: ask for "
            "fewer channels, wider buckets or a shorter period."
        )
    return (
        f"series: by {error.bucket} this period has {error.points:,} points, at most "
        f"{POINTS_AT_MOST:,} are allowed: ask for wider buckets or a shorter period."
    )
