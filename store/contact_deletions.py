"""Contact deletions: taking contacts out of every list, and bringing them back.

A deleted contact keeps its row and, as long as it can be restored, its names: events that name it
are recorded for it, and nobody else gets them, so that undo never meets another of the same name.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import delete as delete_rows
from sqlalchemy import func, select, update

from store import contact_statuses, stops, tables, undo
from store.contact_statuses import Appended
from store.database import Connection
from store.ingest.batch import Batch
from store.ingest.write import write
from store.log import append
from store.types import DAY, Id, Instant
from store.words import ContactStatus, JobState, StopReason

UNDOABLE_FOR = DAY


@dataclass(frozen=True, slots=True)
class Standing:
    """A deletion as it was asked for; `job_id` is the job that does it, if one does."""

    undoable_until: Instant
    is_undone: bool
    job_id: Id | None


@dataclass(frozen=True, slots=True)
class Changed:
    """Which contacts were deleted or restored, the log behind it, and whether more are left."""

    ids: tuple[Id, ...] = ()
    appended: Appended = Appended()  # noqa: RUF009
    is_last: bool = True


async def begin(
    connection: Connection,
    workspace_id: int,
    deletion_id: Id,
    *,
    by: str,
    now: Instant,
    job_id: Id | None = None,
) -> None:
    """Keep that a deletion was asked for, so that it can be undone."""
    await connection.execute(
        tables.contact_deletions.insert(),
        {
            "workspace_id": workspace_id,
            "id": deletion_id,
            "by": by,
            "at": now,
            "undoable_until": now + UNDOABLE_FOR,
            "job_id": job_id,
        },
    )


async def delete(
    connection: Connection,
    workspace_id: int,
    deletion_id: Id,
    ids: Collection[Id],
    *,
    by: str,
    now: Instant,
) -> Changed:
    """Delete those that are not deleted yet, and stop their open entries."""
    contacts = tables.contacts
    found = await connection.execute(
        select(contacts.c.id, contacts.c.status, contacts.c.converted_at)
        .where(
            contacts.c.workspace_id == workspace_id,
            contacts.c.id.in_(ids),
            contacts.c.deleted_at.is_(None),
        )
        .order_by(contacts.c.id)
        .with_for_update(key_share=True)
    )
    rows = found.all()
    here = [row[0] for row in rows]
    if not here:
        return Changed()
    own = contacts.c.workspace_id == workspace_id
    await connection.execute(
        update(contacts).where(own, contacts.c.id.in_(here)).values(deleted_at=now)
    )
    await connection.execute(
        tables.deleted_contacts.insert(),
        [
            {"workspace_id": workspace_id, "deletion_id": deletion_id, "contact_id": one}
            for one in here
        ],
    )
    batch = Batch(now)
    await stops.end_open(
        connection,
        workspace_id,
        set(here),
        batch,
        stop_id=deletion_id,
        cause=StopReason.OPERATOR,
        actor=by,
    )
    for one in here:
        batch.fact(by, now, change="CONTACT_DELETED", contact_id=one)
    behind = await write(connection, workspace_id, batch)
    await contact_statuses.count(
        connection,
        workspace_id,
        gone=[ContactStatus(row[1]) for row in rows],
        converted=-sum(row[2] is not None for row in rows),
    )
    return Changed(tuple(here), Appended(behind, journeys_of(batch)))


async def find(connection: Connection, workspace_id: int, deletion_id: Id) -> Standing | None:
    """Locks the deletion: two undos take turns.

    An undo whose job was cancelled or failed half-way may be asked for again.
    """
    deletions, jobs = tables.contact_deletions, tables.jobs
    found = await connection.execute(
        select(
            deletions.c.undoable_until,
            deletions.c.undone_at,
            deletions.c.job_id,
            deletions.c.undo_job_id,
        )
        .where(deletions.c.workspace_id == workspace_id, deletions.c.id == deletion_id)
        .with_for_update()
    )
    row = found.first()
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
    connection: Connection, workspace_id: int, deletion_id: Id, now: Instant, job_id: Id | None
) -> None:
    deletions = tables.contact_deletions
    await connection.execute(
        update(deletions)
        .where(deletions.c.workspace_id == workspace_id, deletions.c.id == deletion_id)
        .values(undone_at=now, undo_job_id=job_id)
    )


async def count(connection: Connection, workspace_id: int, deletion_id: Id) -> int:
    """How many contacts it still holds deleted."""
    lines = tables.deleted_contacts
    counted = select(func.count()).where(
        lines.c.workspace_id == workspace_id, lines.c.deletion_id == deletion_id
    )
    return int((await connection.execute(counted)).scalar_one())


async def restore(
    connection: Connection,
    workspace_id: int,
    deletion_id: Id,
    *,
    by: str,
    now: Instant,
    limit: int,
) -> Changed:
    """Restore the next contacts of the deletion, in the order of their ids.

    Their entries stay stopped until the stop of the same id is undone (`store/undo.py`).
    """
    taken = await _take(connection, workspace_id, deletion_id, limit)
    return await _announce(connection, workspace_id, taken, by=by, now=now)


async def restore_all(
    connection: Connection, workspace_id: int, deletion_id: Id, *, by: str, now: Instant
) -> Changed:
    """Restore all contacts of a deletion that is known to be small, with their entries."""
    number = await count(connection, workspace_id, deletion_id)
    taken = await _take(connection, workspace_id, deletion_id, number)
    # Entries are locked before the log's head is.
    undone = await undo.undo_all(connection, workspace_id, deletion_id, actor=by, now=now)
    restored = await _announce(connection, workspace_id, taken, by=by, now=now)
    behind = restored.appended.behind or undone.behind
    return Changed(restored.ids, Appended(behind, undone.journey_ids))


async def give_up(
    connection: Connection, workspace_id: int, names: Collection[tuple[str, Id]]
) -> None:
    """Free names of contacts that were deleted for good: "external_username", "username", "email".

    A restore that was asked for in time and comes too late passes such a contact over.
    """
    contacts, lines = tables.contacts, tables.deleted_contacts
    for name, contact_id in sorted(names):
        column = "email_key" if name == "email" else name
        await connection.execute(
            update(contacts)
            .where(contacts.c.workspace_id == workspace_id, contacts.c.id == contact_id)
            .values({column: None})
        )
    await connection.execute(
        delete_rows(lines).where(
            lines.c.workspace_id == workspace_id,
            lines.c.contact_id.in_({contact_id for _, contact_id in names}),
        )
    )


@dataclass(frozen=True, slots=True)
class _Returned:
    """Contacts whose rows were restored, and are not counted yet."""

    rows: tuple[tuple[Id, ContactStatus, bool], ...]
    is_last: bool


async def _take(
    connection: Connection, workspace_id: int, deletion_id: Id, limit: int
) -> _Returned:
    contacts, lines = tables.contacts, tables.deleted_contacts
    mine = (lines.c.workspace_id == workspace_id, lines.c.deletion_id == deletion_id)
    held = await connection.execute(
        select(lines.c.contact_id).where(*mine).order_by(lines.c.contact_id).limit(limit + 1)
    )
    ids = [row[0] for row in held]
    is_last = len(ids) <= limit
    ids = ids[:limit]
    own = contacts.c.workspace_id == workspace_id
    found = await connection.execute(
        select(contacts.c.id, contacts.c.status, contacts.c.converted_at)
        .where(own, contacts.c.id.in_(ids))
        .order_by(contacts.c.id)
        .with_for_update(key_share=True)
    )
    rows = {row[0]: row for row in found}
    # What took a contact away for good meanwhile took its line as well.
    taken = await connection.execute(
        delete_rows(lines).where(*mine, lines.c.contact_id.in_(ids)).returning(lines.c.contact_id)
    )
    here = sorted(row[0] for row in taken)
    await connection.execute(
        update(contacts).where(own, contacts.c.id.in_(here)).values(deleted_at=None)
    )
    return _Returned(
        tuple((one, ContactStatus(rows[one][1]), rows[one][2] is not None) for one in here),
        is_last,
    )


async def _announce(
    connection: Connection, workspace_id: int, taken: _Returned, *, by: str, now: Instant
) -> Changed:
    if not taken.rows:
        return Changed(is_last=taken.is_last)
    batch = Batch(now)
    for one, _, _ in taken.rows:
        batch.fact(by, now, change="CONTACT_RESTORED", contact_id=one)
    batch.sign_facts()
    behind = await append(connection, workspace_id, batch.facts, now)
    await contact_statuses.count(
        connection,
        workspace_id,
        come=[status for _, status, _ in taken.rows],
        converted=sum(has_converted for _, _, has_converted in taken.rows),
    )
    return Changed(tuple(row[0] for row in taken.rows), Appended(behind), taken.is_last)


def journeys_of(batch: Batch) -> frozenset[Id]:
    """The journeys that a batch's facts are about."""
    return frozenset(one["journey_id"] for one in batch.facts if one["journey_id"] is not None)
