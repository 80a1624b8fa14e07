"""Stops: ending entries by request, and saying so in the log."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update

from store import lists, tables, totals
from store.conditions import terms
from store.database import Connection
from store.entities import ENTRY
from store.filters import EntryFilter
from store.ingest.batch import Batch
from store.ingest.loading import lock_entries
from store.ingest.write import write
from store.lists import Order, PageRequest
from store.log import Head
from store.merge import Passage
from store.reading import alias
from store.types import DAY, Id, Instant, new_id
from store.want import want
from store.words import (
    OPEN_STATES,
    ActivityKind,
    JobState,
    JourneyStatus,
    StopOutcome,
    StopReason,
)

UNDOABLE_FOR = DAY
STOPPABLE = (JourneyStatus.ACTIVE, JourneyStatus.PAUSED)
ENTRIES_A_TRANSACTION = 300
"""Each is three rows: the entry, its activity in the log, its line in the stop."""


@dataclass(frozen=True, slots=True)
class Stopping:
    """The outcome of each entry in the order asked, and the log's head when any was stopped."""

    outcomes: list[tuple[Id, StopOutcome]]
    behind: Head | None
    journey_ids: frozenset[Id]
    stop_id: Id | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a large stop; the next one begins `behind` this entry, None: it was the last."""

    behind: tuple[Instant, Id] | None
    stopping: Stopping


@dataclass(frozen=True, slots=True)
class Standing:
    """A stop as it was asked for; `job_id` is the job that does it, if one does."""

    undoable_until: Instant
    is_undone: bool
    job_id: Id | None


async def stop(
    connection: Connection,
    workspace_id: int,
    entry_ids: Sequence[Id],
    *,
    actor: str,
    note: str | None,
    now: Instant,
    is_dry_run: bool,
) -> Stopping:
    """Stop those that are open; a stop that stands already stays as it is."""
    stop_id = new_id()
    stopping = await _stop(
        connection,
        workspace_id,
        entry_ids,
        stop_id=stop_id,
        actor=actor,
        note=note,
        now=now,
        is_dry_run=is_dry_run,
    )
    if stopping.behind is not None:
        await begin(connection, workspace_id, stop_id, actor=actor, note=note, now=now)
    return stopping


async def begin(
    connection: Connection,
    workspace_id: int,
    stop_id: Id,
    *,
    actor: str,
    note: str | None,
    now: Instant,
    job_id: Id | None = None,
) -> None:
    """Keep that a stop was asked for, so that it can be undone."""
    await connection.execute(
        tables.stops.insert(),
        {
            "workspace_id": workspace_id,
            "id": stop_id,
            "by": actor,
            "note": note,
            "at": now,
            "undoable_until": now + UNDOABLE_FOR,
            "job_id": job_id,
        },
    )


async def find(connection: Connection, workspace_id: int, stop_id: Id) -> Standing | None:
    """Locks the stop: two undos take turns.

    An undo whose job was cancelled or failed half-way may be asked for again.
    """
    stops, jobs = tables.stops, tables.jobs
    row = (
        await connection.execute(
            select(stops.c.undoable_until, stops.c.undone_at, stops.c.job_id, stops.c.undo_job_id)
            .where(stops.c.workspace_id == workspace_id, stops.c.id == stop_id)
            .with_for_update()
        )
    ).first()
    if row is None:
        return None
    undoable_until, undone_at, job_id, undo_job_id = row
    is_undone = undone_at is not None
    if undo_job_id is not None:
        state = await connection.execute(
            select(jobs.c.state).where(
                jobs.c.workspace_id == workspace_id, jobs.c.id == undo_job_id
            )
        )
        is_undone = state.scalar() not in (JobState.CANCELED, JobState.FAILED)
    return Standing(undoable_until, is_undone, job_id)


async def mark_undone(
    connection: Connection, workspace_id: int, stop_id: Id, now: Instant, undo_job_id: Id | None
) -> None:
    stops = tables.stops
    await connection.execute(
        update(stops)
        .where(stops.c.workspace_id == workspace_id, stops.c.id == stop_id)
        .values(undone_at=now, undo_job_id=undo_job_id)
    )


async def journey_status(
    connection: Connection, workspace_id: int, journey_id: Id
) -> tuple[str, JourneyStatus] | None:
    """The journey's name and status."""
    journeys = tables.journeys
    row = (
        await connection.execute(
            select(journeys.c.name, journeys.c.status).where(
                journeys.c.workspace_id == workspace_id, journeys.c.id == journey_id
            )
        )
    ).first()
    return None if row is None else (row[0], JourneyStatus(row[1]))


async def first_open(
    connection: Connection, workspace_id: int, asked: EntryFilter, journey_id: Id, limit: int
) -> list[Id]:
    """The open entries of the journey for which the filter holds, the oldest first."""
    entries = alias(ENTRY)
    chosen = EntryFilter(journey_id=(journey_id,), is_active=True, and_=(asked,))
    found = await connection.execute(
        select(entries.c.id)
        .where(
            entries.c.workspace_id == workspace_id,
            *(term.clause(entries) for term in terms(ENTRY, chosen, workspace_id)),
        )
        .order_by(entries.c.entered_at, entries.c.id)
        .limit(limit)
    )
    return [row[0] for row in found]


async def count_open(
    connection: Connection, workspace_id: int, asked: EntryFilter, journey_id: Id
) -> int:
    """How many they are, exactly: who stops them all at once wants to know."""
    chosen = EntryFilter(journey_id=(journey_id,), is_active=True, and_=(asked,))
    return await totals.count(connection, ENTRY, workspace_id, chosen)


async def stop_chunk(
    connection: Connection,
    workspace_id: int,
    stop_id: Id,
    asked: EntryFilter,
    journey_id: Id,
    *,
    behind: tuple[Instant, Id] | None,
    until: Id,
    actor: str,
    note: str | None,
    now: Instant,
) -> Chunk:
    """Stop the next ones of a large stop; entries made after `until` are not meant.

    Along the journey's entries in the order of entering, which no change of their states disturbs:
    along the states one that changes at the wrong moment would be missed.
    """
    narrowed = EntryFilter(journey_id=(journey_id,), is_active=True, and_=(asked,))
    page = await lists.page(
        connection,
        ENTRY,
        workspace_id,
        narrowed,
        Order("entered_at", is_descending=False),
        PageRequest(ENTRIES_A_TRANSACTION, behind),
        want(["id"]),
    )
    last: Any = None
    if page.has_next:
        last = page.stopped_at if page.is_partial else page.positions[-1]
    stopping = await _stop(
        connection,
        workspace_id,
        [row.id for row in page.rows if row.id <= until],
        stop_id=stop_id,
        actor=actor,
        note=note,
        now=now,
        is_dry_run=False,
    )
    return Chunk(last, stopping)


async def end_open(
    connection: Connection,
    workspace_id: int,
    contact_ids: Collection[Id],
    batch: Batch,
    *,
    stop_id: Id,
    cause: StopReason,
    actor: str,
) -> None:
    """Put into the batch a stop of all the open entries of these contacts, wherever they are."""
    entries = tables.entries
    found = await connection.execute(
        select(entries.c.id).where(
            entries.c.workspace_id == workspace_id,
            entries.c.contact_id.in_(contact_ids),
            entries.c.state.in_(OPEN_STATES),
        )
    )
    await lock_entries(connection, workspace_id, [row[0] for row in found], batch.known)
    stopped = [
        one
        for one in batch.known.entries_by_id.values()
        if one.contact_id in contact_ids and one.is_open and one.stop_requested_at is None
    ]
    for entry in stopped:
        _end(batch, entry, stop_id=stop_id, cause=cause, actor=actor, note=None)
    await _keep(connection, workspace_id, stop_id, stopped)


async def _stop(
    connection: Connection,
    workspace_id: int,
    entry_ids: Sequence[Id],
    *,
    stop_id: Id,
    actor: str,
    note: str | None,
    now: Instant,
    is_dry_run: bool,
) -> Stopping:
    batch = Batch(now)
    await lock_entries(connection, workspace_id, entry_ids, batch.known)
    outcomes: list[tuple[Id, StopOutcome]] = []
    stopped: list[Passage] = []
    for entry_id in dict.fromkeys(entry_ids):
        entry = batch.known.entries_by_id.get(entry_id)
        outcome = _outcome(batch, entry)
        if outcome is StopOutcome.WOULD_STOP and not is_dry_run:
            assert entry is not None
            outcome = StopOutcome.STOPPED
            _end(batch, entry, stop_id=stop_id, cause=StopReason.OPERATOR, actor=actor, note=note)
            stopped.append(entry)
        outcomes.append((entry_id, outcome))
    behind = None
    if stopped:
        await _keep(connection, workspace_id, stop_id, stopped)
        behind = await write(connection, workspace_id, batch)
    return Stopping(
        outcomes,
        behind,
        frozenset(entry.journey_id for entry in stopped),
        stop_id if stopped else None,
    )


def _end(
    batch: Batch,
    entry: Passage,
    *,
    stop_id: Id,
    cause: StopReason,
    actor: str,
    note: str | None,
) -> None:
    batch.touch_entry(entry)
    entry.stop(batch.now, stop_id=stop_id, cause=cause, actor=actor, note=note)
    batch.fact(actor, batch.now, activity=ActivityKind.STOPPED, entry=entry, reason=note)


async def _keep(
    connection: Connection, workspace_id: int, stop_id: Id, stopped: Sequence[Passage]
) -> None:
    if stopped:
        await connection.execute(
            tables.stop_entries.insert(),
            [
                {"workspace_id": workspace_id, "stop_id": stop_id, "entry_id": entry.id}
                for entry in stopped
            ],
        )


def _outcome(batch: Batch, entry: Passage | None) -> StopOutcome:
    if entry is None:
        return StopOutcome.NOT_FOUND
    if entry.stop_requested_at is not None:
        return StopOutcome.ALREADY_STOPPED
    journey = batch.known.journeys_by_id[entry.journey_id]
    if not entry.is_open or journey.status not in STOPPABLE:
        return StopOutcome.FINISHED
    return StopOutcome.WOULD_STOP
