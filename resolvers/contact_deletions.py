"""Contact deletions: taking chosen contacts out of every list, as long as nobody undoes it."""

from dataclasses import dataclass, replace
from typing import Any

from resolvers import auditing, bulk_contacts, contact_selections
from resolvers.bulk_contacts import Part
from resolvers.contact_erasures import Erasure
from resolvers.contact_selections import Chosen, Found
from resolvers.context import Context
from resolvers.once import once
from resolvers.work import Work
from store import Connection, contact_deletions, jobs
from store.contact_deletions import UNDOABLE_FOR
from store.contact_statuses import Appended
from store.refusals import Refusal
from store.types import Id, Instant, new_id
from store.words import DeletionMode, ErrorCode, JobKind, Scope

_MUTATION = "deleteContacts"
CONTACTS_A_TRANSACTION = 100
"""Each with its open entries, which are three rows apiece."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """How many contacts were chosen, and how many were deleted; `deletion_id` undoes it.

    deleted: None for a dry run, for a refusal, and while a job is at it.
    """

    matched: int = 0
    deleted: int | None = None
    deletion_id: Id | None = None
    undoable_until: Instant | None = None
    job_id: Id | None = None
    refusals: tuple[Refusal, ...] = ()


async def delete(
    context: Context,
    chosen: Chosen,
    mode: DeletionMode = DeletionMode.DELETE,
    *,
    is_dry_run: bool = False,
    idempotency_key: str | None = None,
) -> Deleted:
    """At once for as many as a transaction takes, else as a job."""
    context.require(Scope.OPERATE)
    refusal = _refusal(chosen)
    if refusal is not None:
        return Deleted(refusals=(refusal,))
    if mode is DeletionMode.ERASE:
        # Who was deleted has data here all the same.
        chosen = replace(chosen, with_deleted=True)
    found = await contact_selections.find(context, chosen)
    if is_dry_run:
        return Deleted(found.matched)
    deleting: _Delete | Erasure = _Delete(context, chosen, found)
    if mode is DeletionMode.ERASE:
        deleting = Erasure(context, chosen, found)
    said = (chosen.said, mode)
    done = await once(context, _MUTATION, idempotency_key, said, deleting.run)
    if isinstance(done, Refusal):
        return Deleted(refusals=(done,))
    await deleting.announce()
    return Deleted(
        done["matched"], done["deleted"], _id(done["deletion"]), done["until"], _id(done["job"])
    )


async def run(work: Work) -> None:
    """The job: delete the chosen contacts."""
    deletion_id = bytes.fromhex(work.claim.input["deletion"])

    async def act(connection: Connection, ids: list[Id]) -> Part:
        done = await contact_deletions.delete(
            connection,
            work.workspace_id,
            deletion_id,
            ids,
            by=work.claim.created_by,
            now=work.now(),
        )
        return Part(updated=len(done.ids), skipped=len(ids) - len(done.ids), appended=done.appended)

    await bulk_contacts.walk(work, act, CONTACTS_A_TRANSACTION)


class _Delete:
    """One deletion, in a transaction that may be tried again."""

    def __init__(self, context: Context, chosen: Chosen, found: Found) -> None:
        self._context, self._chosen, self._found = context, chosen, found
        self._now, self._id = context.now(), new_id()
        self._appended = Appended()
        self._has_job = False

    async def run(self, connection: Connection) -> dict[str, Any]:
        self._appended, self._has_job = Appended(), False
        matched = self._found.matched
        if self._found.is_large:
            job_id = await self._hand_in(connection)
            await self._keep(connection, matched, job_id)
            return _result(matched, None, self._id, self._now + UNDOABLE_FOR, job_id)
        done = await contact_deletions.delete(
            connection,
            self._context.workspace_id,
            self._id,
            self._found.ids,
            by=self._context.viewer.token_name,
            now=self._now,
        )
        self._appended = done.appended
        deleted = len(done.ids)
        if not deleted:
            return _result(matched, 0)
        await self._keep(connection, deleted, None)
        return _result(matched, deleted, self._id, self._now + UNDOABLE_FOR)

    async def _hand_in(self, connection: Connection) -> Id:
        self._has_job = True
        return await jobs.enqueue(
            connection,
            self._context.workspace_id,
            JobKind.BULK_DELETE,
            {
                "contacts": contact_selections.encode(self._chosen),
                "deletion": self._id.hex(),
            },
            by=self._context.viewer.token_name,
            now=self._now,
            total=self._found.matched,
        )

    async def _keep(self, connection: Connection, affected: int, job_id: Id | None) -> None:
        workspace_id, by = self._context.workspace_id, self._context.viewer.token_name
        await contact_deletions.begin(
            connection, workspace_id, self._id, by=by, now=self._now, job_id=job_id
        )
        await auditing.note(
            connection, self._context, _MUTATION, affected=affected, deletion=self._id, job=job_id
        )

    async def announce(self) -> None:
        """Tell subscribers and the worker, behind the commit."""
        bulk_contacts.ring(self._context, self._appended)
        if self._has_job:
            self._context.wake_worker()


def _refusal(chosen: Chosen) -> Refusal | None:
    if chosen.is_all:
        return Refusal(
            ErrorCode.INVALID,
            "All contacts at once are not deleted: choose them by ids or by a filter.",
            ("contacts", "all"),
        )
    return contact_selections.refusal(chosen)


def _result(
    matched: int,
    deleted: int | None = None,
    deletion_id: Id | None = None,
    until: Instant | None = None,
    job_id: Id | None = None,
) -> dict[str, Any]:
    return {
        "matched": matched,
        "deleted": deleted,
        "deletion": _hex(deletion_id),
        "until": until,
        "job": _hex(job_id),
    }


def _hex(id: Id | None) -> str | None:
    return None if id is None else id.hex()


def _id(text: str | None) -> Id | None:
    return None if text is None else bytes.fromhex(text)
