"""Counters: sums of what was counted of journeys, in a period or of all time, and by step."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    Table,
    cast,
    func,
    select,
    union_all,
)

from store import rows, tables
from store.buckets import WIDTHS, Stretch, stretches
from store.database import Connection
from store.entities import RESOURCE
from store.filters import Period
from store.reading import alias, selected
from store.tables.communications import MILESTONES
from store.tables.journeys import ENTRY_COUNTS, STEP_COUNTS
from store.types import Id, Instant
from store.want import Want
from store.words import Channel, TimeBucket


class EntryCounts(NamedTuple):
    """Of tables.journeys.ENTRY_COUNTS."""

    entered: int = 0
    active: int = 0
    waiting: int = 0
    completed: int = 0
    converted: int = 0
    stopped: int = 0
    exited: int = 0
    failed: int = 0


class MessageCounts(NamedTuple):
    """Of tables.communications.MILESTONES."""

    created: int = 0
    sent: int = 0
    delivered: int = 0
    impressions: int = 0
    opened: int = 0
    clicked: int = 0
    failed: int = 0
    bounced: int = 0
    suppressed: int = 0
    complained: int = 0
    unsubscribed: int = 0
    raw_opened: int = 0
    raw_clicked: int = 0


class StepCounts(NamedTuple):
    """Of tables.journeys.STEP_COUNTS."""

    entered: int = 0
    waiting: int = 0
    completed: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Groups:
    """The entries of a journey: who is treated, and who is only watched for comparison."""

    treated: EntryCounts
    control: EntryCounts


@dataclass(frozen=True, slots=True)
class ResourceCounts:
    """`resource` holds the wanted columns; None when none were wanted."""

    resource_id: Id
    channel: Channel
    counts: MessageCounts
    resource: rows.Resource | None


Sparse = dict[Id, dict[Instant, MessageCounts]]
"""By resource, the buckets in which something was counted."""


def total(parts: Iterable[MessageCounts]) -> MessageCounts:
    return MessageCounts._make(map(sum, zip(MessageCounts(), *parts, strict=True)))


async def groups(
    connection: Connection, workspace_id: int, journey_ids: Sequence[Id], period: Period
) -> dict[Id, Groups]:
    """The entries of each journey that entered in the period."""
    table = tables.entry_counters
    rows_ = _rows(table, workspace_id, journey_ids, stretches(period))
    keys = (rows_.c.journey_id, rows_.c.in_control_group)
    found = await connection.execute(select(*keys, *_sums(rows_, ENTRY_COUNTS)).group_by(*keys))
    counts = {(row[0], bool(row[1])): EntryCounts._make(row[2:]) for row in found}
    nobody = EntryCounts()
    return {
        one: Groups(counts.get((one, False), nobody), counts.get((one, True), nobody))
        for one in journey_ids
    }


async def resources(
    connection: Connection,
    workspace_id: int,
    journey_ids: Sequence[Id],
    period: Period,
    wanted: Want | None,
) -> dict[Id, list[ResourceCounts]]:
    """The messages of each journey created in the period, by resource; most messages first."""
    table = tables.communication_counters
    rows_ = _rows(table, workspace_id, journey_ids, stretches(period))
    keys = (rows_.c.journey_id, rows_.c.resource_id, rows_.c.channel)
    statement: Select[Any] = select(*keys, *_sums(rows_, MILESTONES)).group_by(*keys)
    build = None
    if wanted is not None:
        sums = statement.subquery()
        own = alias(RESOURCE)
        reading = selected(RESOURCE, wanted, own)
        build = reading.build
        statement = select(*sums.c, *reading.columns).join_from(
            sums, own, (own.c.workspace_id == workspace_id) & (own.c.id == sums.c.resource_id)
        )
    width = 3 + len(MILESTONES)
    found: dict[Id, list[ResourceCounts]] = {one: [] for one in journey_ids}
    for row in (await connection.execute(statement)).all():
        counts = MessageCounts._make(row[3:width])
        resource = None if build is None else build(row[width:])
        found[row[0]].append(ResourceCounts(row[1], Channel(row[2]), counts, resource))
    for of_journey in found.values():
        of_journey.sort(key=lambda one: (-one.counts.created, one.resource_id))
    return found


async def series(
    connection: Connection,
    workspace_id: int,
    journey_ids: Sequence[Id],
    period: Period,
    bucket: TimeBucket,
    *,
    channels: Iterable[Channel] | None,
    limit: int,
) -> dict[Id, Sparse] | None:
    """The same by buckets of time; None when there are more than `limit` of them."""
    table, width = tables.communication_counters, WIDTHS[bucket]
    condition = [] if channels is None else [table.c.channel.in_(list(channels))]
    rows_ = _rows(
        table,
        workspace_id,
        journey_ids,
        stretches(period, by=bucket),
        *condition,
        # The remainder of a moment before 1970 is negative.
        slot=table.c.at - (table.c.at % width + width) % width,
    )
    keys = (rows_.c.journey_id, rows_.c.resource_id, rows_.c.slot)
    statement = select(*keys, *_sums(rows_, MILESTONES)).group_by(*keys).limit(limit + 1)
    rows_found = (await connection.execute(statement)).all()
    if len(rows_found) > limit:
        return None
    found: dict[Id, Sparse] = {one: {} for one in journey_ids}
    for row in rows_found:
        found[row[0]].setdefault(row[1], {})[row[2]] = MessageCounts._make(row[3:])
    return found


async def steps(
    connection: Connection, workspace_id: int, journey_ids: Sequence[Id]
) -> dict[Id, dict[Id, StepCounts]]:
    """What was counted at the steps of each journey; a step where nobody was is left out."""
    table = tables.step_counters
    statement = select(
        table.c.journey_id, table.c.step_id, *(table.c[name] for name in STEP_COUNTS)
    ).where(table.c.workspace_id == workspace_id, table.c.journey_id.in_(journey_ids))
    found: dict[Id, dict[Id, StepCounts]] = {one: {} for one in journey_ids}
    for row in (await connection.execute(statement)).all():
        found[row[0]][row[1]] = StepCounts._make(row[2:])
    return found


def _rows(
    table: Table,
    workspace_id: int,
    journey_ids: Sequence[Id],
    parts: Sequence[Stretch],
    *conditions: ColumnElement[bool],
    **labelled: ColumnElement[Any],
) -> Subquery:
    """The rows of these stretches, each found along the primary key."""
    columns = [
        *(column for column in table.c if column.name not in ("workspace_id", "bucket_seconds")),
        *(expression.label(name) for name, expression in labelled.items()),
    ]
    chosen = [
        select(*columns).where(
            table.c.workspace_id == workspace_id,
            table.c.journey_id.in_(journey_ids),
            table.c.bucket_seconds == part.bucket_seconds,
            *([] if part.start is None else [table.c.at >= part.start]),
            *([] if part.end is None else [table.c.at < part.end]),
            *conditions,
        )
        for part in parts
    ]
    return chosen[0].subquery() if len(chosen) == 1 else union_all(*chosen).subquery()


def _sums(source: Subquery, names: Sequence[str]) -> list[ColumnElement[int]]:
    # PostgreSQL sums big integers as decimals.
    return [cast(func.sum(source.c[name]), BigInteger).label(name) for name in names]
