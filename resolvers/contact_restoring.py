"""Contact restoring: taking a deletion back, within a day and once."""

from dataclasses import dataclass
from typing import Any

from resolvers import auditing, bulk_contacts, bulk_stops
from resolvers.contact_deletions import CONTACTS_A_TRANSACTION
from resolvers.context import Context
from resolvers.once import once
from resolvers.work import Work
from store import Connection, contact_deletions, jobs, undo
from store.contact_deletions import Standing
from store.contact_statuses import Appended
from store.jobs import Progress
from store.refusals import Refusal
from store.types import Id, Instant
from store.words import ErrorCode, JobKind, Scope

AT_MOST = 1_000
"""So many contacts, entries and facts that were ignored are restored at once; more are a job."""

_MUTATION = "restoreContacts"
_FIELD = ("undoToken",)
_ENTRIES = "entries"
"""The checkpoint behind the last contact: their entries are next."""


@dataclass(frozen=True, slots=True)
class Restored:
    """How many contacts were restored; None when a job does it."""

    restored: int | None = None
    job_id: Id | None = None
    refusals: tuple[Refusal, ...] = ()


async def restore(
    context: Context, deletion_id: Id, *, idempotency_key: str | None = None
) -> Restored:
    """Restore what the deletion has deleted, and the entries that it has stopped."""
    context.require(Scope.OPERATE)
    restoring = _Restore(context, deletion_id)
    done = await once(context, _MUTATION, idempotency_key, deletion_id, restoring.run)
    if isinstance(done, Refusal):
        return Restored(refusals=(done,))
    restoring.announce()
    return Restored(done["restored"], None if done["job"] is None else bytes.fromhex(done["job"]))


async def run(work: Work) -> None:
    """The job: the contacts first, then their entries."""
    deletion_id = bytes.fromhex(work.claim.input["deletion"])
    appended = Appended()

    async def step(connection: Connection, progress: Progress) -> Progress:
        nonlocal appended
        appended = Appended()
        if progress.checkpoint is not None:
            return progress
        done = await contact_deletions.restore(
            connection,
            work.workspace_id,
            deletion_id,
            by=work.claim.created_by,
            now=work.now(),
            limit=CONTACTS_A_TRANSACTION,
        )
        appended = done.appended
        return Progress(
            [_ENTRIES] if done.is_last else None,
            progress.done + len(done.ids),
            progress.total,
            progress.counts.plus(updated=len(done.ids)),
        )

    while True:
        progress = await work.step(step)
        work.ring(appended.behind, appended.journey_ids)
        if progress.checkpoint is not None:
            break
    await bulk_stops.resume(work, deletion_id, is_counted=False)


class _Restore:
    """One undo, in a transaction that may be tried again."""

    def __init__(self, context: Context, deletion_id: Id) -> None:
        self._context, self._id = context, deletion_id
        self._appended = Appended()
        self._has_job = False

    async def run(self, connection: Connection) -> dict[str, Any] | Refusal:
        context, now = self._context, self._context.now()
        workspace_id, by = context.workspace_id, context.viewer.token_name
        self._appended, self._has_job = Appended(), False
        standing = await contact_deletions.find(connection, workspace_id, self._id)
        refusal = _refusal(standing, now)
        if refusal is not None:
            return refusal
        if standing is not None and standing.job_id is not None:
            # It may be at work still. This waits for its step, and there is none behind it: whom
            # it has deleted by then is restored as well.
            await jobs.cancel(connection, workspace_id, standing.job_id, now)
        number = await contact_deletions.count(connection, workspace_id, self._id)
        rows = number + await undo.count_rows(connection, workspace_id, self._id, AT_MOST + 1)
        job_id = None
        if rows > AT_MOST:
            self._has_job = True
            job_id = await jobs.enqueue(
                connection,
                workspace_id,
                JobKind.BULK_RESTORE,
                {"deletion": self._id.hex()},
                by=by,
                now=now,
                total=number,
            )
        await contact_deletions.mark_undone(connection, workspace_id, self._id, now, job_id)
        await auditing.note(
            connection, context, _MUTATION, affected=number, deletion=self._id, job=job_id
        )
        if job_id is not None:
            return {"restored": None, "job": job_id.hex()}
        done = await contact_deletions.restore_all(
            connection, workspace_id, self._id, by=by, now=now
        )
        self._appended = done.appended
        return {"restored": len(done.ids), "job": None}

    def announce(self) -> None:
        """Tell subscribers and the worker, behind the commit."""
        bulk_contacts.ring(self._context, self._appended)
        if self._has_job:
            self._context.wake_worker()


def _refusal(standing: Standing | None, now: Instant) -> Refusal | None:
    if standing is None:
        return Refusal(
            ErrorCode.NOT_FOUND,
            "This workspace has no such deletion: give the undoToken that deleteContacts answered.",
            _FIELD,
        )
    if standing.is_undone:
        return Refusal(ErrorCode.UNDO_USED, "This deletion was undone before.", _FIELD)
    if standing.undoable_until <= now:
        return Refusal(
            ErrorCode.UNDO_EXPIRED,
            "A deletion can be undone for 24 hours, which are over: it stands.",
            _FIELD,
        )
    return None
