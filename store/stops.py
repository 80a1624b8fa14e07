"""Stops: ending entries by request, and saying so in the log."""

from collections.abc import Sequence
from dataclasses import dataclass

from store import tables
from store.database import Connection
from store.ingest.batch import Batch
from store.ingest.known import lock_entries
from store.ingest.write import write
from store.log import Head
from store.merge import Passage
from store.types import DAY, Id, Instant, new_id
from store.words import ActivityKind, JourneyStatus, StopOutcome, StopReason

UNDOABLE_FOR = DAY
_STOPPABLE = (JourneyStatus.ACTIVE, JourneyStatus.PAUSED)


@dataclass(frozen=True, slots=True)
class Stopping:
    """The outcome of each entry in the order asked, and the log's head when any was stopped."""

    outcomes: list[tuple[Id, StopOutcome]]
    behind: Head | None
    journey_ids: frozenset[Id]


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
    batch = Batch(now)
    await lock_entries(connection, workspace_id, entry_ids, batch.known)
    stop_id = new_id()
    outcomes: list[tuple[Id, StopOutcome]] = []
    stopped: list[Passage] = []
    for entry_id in dict.fromkeys(entry_ids):
        entry = batch.known.entries_by_id.get(entry_id)
        outcome = _outcome(batch, entry)
        if outcome is StopOutcome.WOULD_STOP and not is_dry_run:
            assert entry is not None
            outcome = StopOutcome.STOPPED
            batch.touch_entry(entry)
            entry.stop(now, stop_id=stop_id, cause=StopReason.OPERATOR, actor=actor, note=note)
            batch.fact(actor, now, activity=ActivityKind.STOPPED, entry=entry, reason=note)
            stopped.append(entry)
        outcomes.append((entry_id, outcome))
    behind = None
    if stopped:
        await _keep(connection, workspace_id, stop_id, stopped, actor, note, now)
        behind = await write(connection, workspace_id, batch)
    return Stopping(outcomes, behind, frozenset(entry.journey_id for entry in stopped))


def _outcome(batch: Batch, entry: Passage | None) -> StopOutcome:
    if entry is None:
        return StopOutcome.NOT_FOUND
    if entry.stop_requested_at is not None:
        return StopOutcome.ALREADY_STOPPED
    journey = batch.known.journeys_by_id[entry.journey_id]
    if not entry.is_open or journey.status not in _STOPPABLE:
        return StopOutcome.FINISHED
    return StopOutcome.WOULD_STOP


async def _keep(
    connection: Connection,
    workspace_id: int,
    stop_id: Id,
    entries: Sequence[Passage],
    actor: str,
    note: str | None,
    now: Instant,
) -> None:
    await connection.execute(
        tables.stops.insert(),
        {
            "workspace_id": workspace_id,
            "id": stop_id,
            "by": actor,
            "note": note,
            "at": now,
            "undoable_until": now + UNDOABLE_FOR,
        },
    )
    await connection.execute(
        tables.stop_entries.insert(),
        [
            {"workspace_id": workspace_id, "stop_id": stop_id, "entry_id": entry.id}
            for entry in entries
        ],
    )
