"""Stop undo: taking a stop of the campaign back, within a day and once."""

from dataclasses import dataclass
from typing import Any

from resolvers import auditing
from resolvers.context import Context
from resolvers.once import once
from store import Connection, jobs, stops, undo
from store.refusals import Refusal
from store.types import Id, Instant
from store.words import ErrorCode, JobKind, Scope

AT_MOST = 1_000
"""So many entries, with what was ignored of them, are restored at once; more are a job."""

_MUTATION = "undoStopCampaign"
_FIELD = ("undoToken",)
_NO_STOP = Refusal(
    ErrorCode.NOT_FOUND,
    "This workspace has no such stop: give the undoToken that stopCampaign answered.",
    _FIELD,
)


@dataclass(frozen=True, slots=True)
class Undone:
    """How many entries were restored; None when a job does it."""

    restored: int | None = None
    job_id: Id | None = None
    refusals: tuple[Refusal, ...] = ()


async def undo_stop(context: Context, stop_id: Id, *, idempotency_key: str | None = None) -> Undone:
    """Restore what the stop has stopped; what was ignored meanwhile takes effect."""
    context.require(Scope.OPERATE)
    undoing = _Undo(context, stop_id)
    done = await once(context, _MUTATION, idempotency_key, stop_id, undoing.run)
    if isinstance(done, Refusal):
        return Undone(refusals=(done,))
    undoing.announce()
    return Undone(done["restored"], None if done["job"] is None else bytes.fromhex(done["job"]))


class _Undo:
    """One undo, in a transaction that may be tried again."""

    def __init__(self, context: Context, stop_id: Id) -> None:
        self._context, self._stop_id = context, stop_id
        self._done: undo.Undoing | None = None
        self._has_job = False

    async def run(self, connection: Connection) -> dict[str, Any] | Refusal:
        workspace_id, now = self._context.workspace_id, self._context.now()
        self._done, self._has_job = None, False
        standing = await stops.find(connection, workspace_id, self._stop_id)
        if standing is None:
            return _NO_STOP
        refusal = _refusal(standing, now)
        if refusal is not None:
            return refusal
        if standing.job_id is not None:
            # It may be at work still. This waits for its step, and there is none behind it: what it
            # has stopped by then is restored as well.
            await jobs.cancel(connection, workspace_id, standing.job_id, now)
        job_id = None
        rows = await undo.count_rows(connection, workspace_id, self._stop_id, AT_MOST + 1)
        if rows > AT_MOST:
            job_id = await self._hand_in(connection, now)
        await stops.mark_undone(connection, workspace_id, self._stop_id, now, job_id)
        if job_id is not None:
            await self._note(connection, rows, job_id)
            return {"restored": None, "job": job_id.hex()}
        self._done = await undo.undo_all(
            connection,
            workspace_id,
            self._stop_id,
            actor=self._context.viewer.token_name,
            now=now,
        )
        await self._note(connection, self._done.restored, None)
        return {"restored": self._done.restored, "job": None}

    async def _note(self, connection: Connection, affected: int, job_id: Id | None) -> None:
        await auditing.note(
            connection, self._context, _MUTATION, affected=affected, stop=self._stop_id, job=job_id
        )

    async def _hand_in(self, connection: Connection, now: Instant) -> Id:
        self._has_job = True
        return await jobs.enqueue(
            connection,
            self._context.workspace_id,
            JobKind.BULK_RESTORE,
            {"stop": self._stop_id.hex()},
            by=self._context.viewer.token_name,
            now=now,
            total=await undo.count_entries(connection, self._context.workspace_id, self._stop_id),
        )

    def announce(self) -> None:
        """Tell subscribers and the worker, behind the commit."""
        if self._done is not None and self._done.behind is not None:
            self._context.hub.ring(
                self._context.workspace_id, self._done.journey_ids, self._done.behind.seq
            )
        if self._has_job:
            self._context.wake_worker()


def _refusal(standing: stops.Standing, now: Instant) -> Refusal | None:
    if standing.is_undone:
        return Refusal(ErrorCode.UNDO_USED, "This stop was undone before.", _FIELD)
    if standing.undoable_until <= now:
        return Refusal(
            ErrorCode.UNDO_EXPIRED,
            "A stop can be undone for 24 hours, which are over: it stands.",
            _FIELD,
        )
    return None
