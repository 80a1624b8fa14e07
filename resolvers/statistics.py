"""Statistics: the counters of journeys at one place of the log, and as they change."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace

from resolvers import journeys, latest
from resolvers.context import Context
from store import Connection, counters, log
from store.buckets import WIDTHS
from store.counters import Groups, MessageCounts, ResourceCounts, Sparse, StepCounts
from store.filters import Period
from store.log import Head
from store.types import MINUTE, SECOND, Id, Instant
from store.want import Want, want
from store.words import Channel, Scope, TimeBucket
from subscriptions.cursors import LogCursor

POINTS_AT_MOST = 1_500
"""Of one series."""

COUNTED_AT_MOST = 20_000
"""Buckets with something in them, of all the series of one reading."""


class UnknownJourney(Exception):
    """The workspace has no journey with this id."""


class TooManyPoints(Exception):
    """A series would be longer than anyone looks at; `points` is None for all of them together."""

    def __init__(self, bucket: TimeBucket, points: int | None = None) -> None:
        super().__init__(bucket, points)
        self.bucket, self.points = bucket, points


@dataclass(frozen=True, slots=True)
class Asked:
    """What is wanted of statistics; the rest is not read.

    resource: the wanted columns of the resources, None without them. buckets: the widths of the
    series, for these channels (None: for all).
    """

    has_groups: bool = False
    has_messages: bool = False
    has_period: bool = False
    has_place: bool = False
    resource: Want | None = None
    buckets: frozenset[TimeBucket] = frozenset()
    channels: frozenset[Channel] | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """Counts by buckets of time from `start` up to `end`; those that are not held are zero."""

    width: Instant
    start: Instant
    end: Instant
    counted: dict[Instant, MessageCounts]

    def __len__(self) -> int:
        return (self.end - self.start) // self.width


@dataclass(frozen=True, slots=True)
class Performance:
    """What a journey's messages made from one resource did."""

    of: ResourceCounts
    series: dict[TimeBucket, Series]


@dataclass(frozen=True, slots=True)
class Statistics:
    """What was asked for of one journey, all of it true at `place`; None where it was not asked."""

    period: Period | None
    groups: Groups | None = None
    performance: tuple[Performance, ...] | None = None
    place: LogCursor | None = None


async def read(
    context: Context, journey_ids: Sequence[Id], period: Period | None, asked: Asked
) -> dict[Id, Statistics]:
    """The statistics of each journey from one snapshot. Raises TooManyPoints."""
    context.require(Scope.READ)
    parts = asked.has_groups + asked.has_messages + asked.has_place + len(asked.buckets)
    database = context.database
    async with database.read() if parts <= 1 else database.snapshot() as connection:
        head = await log.head(connection, context.workspace_id) if asked.has_place else None
        return await _read(connection, context.workspace_id, journey_ids, period, asked, head)


async def steps(context: Context, journey_ids: Sequence[Id]) -> dict[Id, dict[Id, StepCounts]]:
    """What was counted at the steps of each journey, by the step's id."""
    context.require(Scope.READ)
    async with context.database.read() as connection:
        return await counters.steps(connection, context.workspace_id, journey_ids)


async def follow(
    context: Context,
    journey_id: Id,
    period_at: Callable[[Instant], Period | None],
    asked: Asked,
) -> AsyncIterator[Statistics]:
    """The statistics now, and again whenever something asked for has changed.

    Raises UnknownJourney, TooManyPoints.
    """
    context.require(Scope.READ)
    if await journeys.get(context, want(["id"]), id=journey_id) is None:
        raise UnknownJourney
    question = _OfJourney(context.workspace_id, journey_id, period_at, asked)
    async for found in latest.follow(context, question, frozenset({journey_id})):
        yield found


@dataclass(frozen=True, slots=True)
class _OfJourney:
    workspace_id: int
    journey_id: Id
    period_at: Callable[[Instant], Period | None]
    asked: Asked

    def setting(self, now: Instant) -> Period | None:
        return self.period_at(now)

    def holds_for(self, now: Instant) -> float:
        """A rolling period moves on with the minute."""
        return (MINUTE - now % MINUTE) / SECOND

    async def read(self, connection: Connection, head: Head, period: Period | None) -> Statistics:
        found = await _read(
            connection, self.workspace_id, [self.journey_id], period, self.asked, head
        )
        return found[self.journey_id]

    def says_more(self, found: Statistics, sent: Statistics) -> bool:
        """Whether anything but the place differs; the period only where it is shown."""
        period = found.period if self.asked.has_period else sent.period
        return replace(found, place=sent.place, period=period) != sent


async def _read(
    connection: Connection,
    workspace_id: int,
    journey_ids: Sequence[Id],
    period: Period | None,
    asked: Asked,
    head: Head | None,
) -> dict[Id, Statistics]:
    within = period or Period()
    for bucket in asked.buckets:
        if within.start is not None and within.end is not None:
            _axis(bucket, within, ())
    groups, resources = {}, {}
    by_bucket: dict[TimeBucket, dict[Id, Sparse]] = {}
    if asked.has_groups:
        groups = await counters.groups(connection, workspace_id, journey_ids, within)
    if asked.has_messages:
        resources = await counters.resources(
            connection, workspace_id, journey_ids, within, asked.resource
        )
    for bucket in sorted(asked.buckets):
        counted = await counters.series(
            connection,
            workspace_id,
            journey_ids,
            within,
            bucket,
            channels=asked.channels,
            limit=COUNTED_AT_MOST,
        )
        if counted is None:
            raise TooManyPoints(bucket)
        by_bucket[bucket] = counted
    place = None
    if head is not None:
        place = LogCursor(head.epoch, head.seq, head.recorded_at, head.nonce)
    return {
        one: Statistics(
            period,
            groups.get(one),
            _performance(
                resources[one],
                {bucket: counted[one] for bucket, counted in by_bucket.items()},
                within,
            )
            if asked.has_messages
            else None,
            place,
        )
        for one in journey_ids
    }


def _performance(
    resources: Sequence[ResourceCounts], by_bucket: dict[TimeBucket, Sparse], period: Period
) -> tuple[Performance, ...]:
    axes = {
        bucket: _axis(bucket, period, [at for counts in sparse.values() for at in counts])
        for bucket, sparse in by_bucket.items()
    }
    return tuple(
        Performance(
            one,
            {
                bucket: Series(WIDTHS[bucket], *axes[bucket], sparse.get(one.resource_id, {}))
                for bucket, sparse in by_bucket.items()
            },
        )
        for one in resources
    )


def _axis(
    bucket: TimeBucket, period: Period, counted: Sequence[Instant]
) -> tuple[Instant, Instant]:
    """The first bucket of a series and the one behind its last: of the period, or of what counted
    where the period is open. Raises TooManyPoints."""
    width = WIDTHS[bucket]
    start = min(counted, default=0) if period.start is None else period.start // width * width
    end = max(counted, default=start - width) + width
    if period.end is not None:
        end = -(-period.end // width) * width
    if not counted and (period.start is None or period.end is None):
        end = start
    if (end - start) // width > POINTS_AT_MOST:
        raise TooManyPoints(bucket, (end - start) // width)
    return start, end
