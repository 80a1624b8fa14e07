"""Jobs: long work as rows, each claimed with a lease by whichever process is free.

A lease that ends makes the job claimable again; `lease_until` of a job that waits is the moment
from which it may be claimed. Whoever lost the lease is stopped by `hold`, before it writes.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, case, func, select, update

from store.database import Connection
from store.tables import job_errors, jobs
from store.types import SECOND, Id, Instant, new_id
from store.words import OPEN_JOBS, ErrorCode, JobKind, JobState

LEASE = 30 * SECOND
ATTEMPTS_AT_MOST = 5
"""In a row without progress: any progress makes them start anew."""

_BACKOFF = (2 * SECOND, 10 * SECOND, 60 * SECOND, 300 * SECOND)

# A file that is not written to its end is none.
_NO_FILE = {"file_name": None, "expires_at": None}

STANDING = frozenset({"WEBHOOK", "RETENTION"})
"""Kinds that never finish and are not shown: they are kept here for the lease alone."""


class LeaseLost(Exception):
    """Another process has the job now, or it is over: nothing more may be written for it."""


class CancelRequested(Exception):
    """Somebody asked for the job to end where it stands."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the rows of a job."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0

    def plus(self, **more: int) -> "Counts":
        return Counts(**{**self.plain(), **{n: getattr(self, n) + by for n, by in more.items()}})

    def plain(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in Counts.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is; the checkpoint says where it goes on.

    It is an object, a list or a text of the kind's own: SQLite makes a number of JSON's numbers.
    """

    checkpoint: Any = None
    done: int = 0
    total: int | None = None
    counts: Counts = field(default_factory=Counts)


class RowRefusal(NamedTuple):
    """What is wrong with one row of a job's input; `message` says what to do."""

    number: int
    column: str | None
    value: str | None
    message: str
    code: ErrorCode


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that this process runs; `owner` is of this claim alone."""

    workspace_id: int
    id: Id
    kind: str
    input: Mapping[str, Any]
    created_by: str
    created_at: Instant
    attempts: int
    owner: str


@dataclass(frozen=True, slots=True)
class Due:
    """A job that may be claimed."""

    workspace_id: int
    id: Id
    kind: str


async def enqueue(
    connection: Connection,
    workspace_id: int,
    kind: JobKind | str,
    asked: Mapping[str, Any],
    *,
    by: str,
    now: Instant,
    total: int | None = None,
    id: Id | None = None,  # noqa: A002
) -> Id:
    """Hand in a job; `asked` is JSON, and all that the work will know of what was wanted."""
    job_id = id or new_id()
    await connection.execute(
        jobs.insert(),
        {
            "workspace_id": workspace_id,
            "id": job_id,
            "kind": kind,
            "state": JobState.QUEUED,
            "input": asked,
            "done": 0,
            "total": total,
            "counts": Counts().plain(),
            "created_by": by,
            "created_at": now,
            "attempts": 0,
            "lease_until": now,
            "is_cancel_requested": False,
        },
    )
    return job_id


async def due(
    connection: Connection, now: Instant, limit: int | None, *, standing: str | None = None
) -> list[Due]:
    """Jobs of all workspaces that may be claimed, those that waited longest first.

    `standing`: those of that standing kind, and not the ones that finish.
    """
    kind = jobs.c.kind.not_in(STANDING) if standing is None else jobs.c.kind == standing
    found = await connection.execute(
        select(jobs.c.workspace_id, jobs.c.id, jobs.c.kind)
        .where(jobs.c.state.in_(OPEN_JOBS), jobs.c.lease_until <= now, kind)
        .order_by(jobs.c.lease_until)
        .limit(limit)
    )
    return [Due(*row) for row in found]


async def claim(
    connection: Connection, one: Due, owner: str, now: Instant, until: Instant
) -> Claim | None:
    """Take the job; None when another was faster."""
    own = and_(jobs.c.workspace_id == one.workspace_id, jobs.c.id == one.id)
    free = await connection.execute(
        select(jobs.c.id)
        .where(own, jobs.c.state.in_(OPEN_JOBS), jobs.c.lease_until <= now)
        .with_for_update(skip_locked=True)
    )
    if free.first() is None:
        return None
    taken = await connection.execute(
        update(jobs)
        .where(own)
        .values(
            state=JobState.RUNNING,
            lease_owner=owner,
            lease_until=until,
            attempts=jobs.c.attempts + 1,
            started_at=func.coalesce(jobs.c.started_at, now),
        )
        .returning(jobs.c.kind, jobs.c.input, jobs.c.created_by, jobs.c.created_at, jobs.c.attempts)
    )
    kind, asked, created_by, created_at, attempts = taken.one()
    return Claim(
        workspace_id=one.workspace_id,
        id=one.id,
        kind=kind,
        input=asked,
        created_by=created_by,
        created_at=created_at,
        attempts=attempts,
        owner=owner,
    )


async def hold(connection: Connection, held: Claim, until: Instant) -> Progress:
    """Lock the job for this transaction, and stretch its lease.

    Raises LeaseLost, or CancelRequested.
    """
    found = await connection.execute(
        update(jobs)
        .where(is_held(held))
        .values(lease_until=until)
        .returning(
            jobs.c.is_cancel_requested,
            jobs.c.checkpoint,
            jobs.c.done,
            jobs.c.total,
            jobs.c.counts,
        )
    )
    row = found.first()
    if row is None:
        raise LeaseLost
    if row[0]:
        raise CancelRequested
    return Progress(row[1], row[2], row[3], Counts(**row[4]))


async def save(connection: Connection, held: Claim, progress: Progress) -> None:
    """Write how far the job is, in the transaction of the rows that brought it there."""
    await connection.execute(
        update(jobs)
        .where(is_held(held))
        .values(
            checkpoint=progress.checkpoint,
            done=progress.done,
            total=progress.total,
            counts=progress.counts.plain(),
            attempts=0,
        )
    )


async def refuse_rows(connection: Connection, held: Claim, refusals: Sequence[RowRefusal]) -> None:
    """Keep what was wrong with rows, each once."""
    if refusals:
        await connection.execute(
            job_errors.insert(),
            [
                {
                    "workspace_id": held.workspace_id,
                    "job_id": held.id,
                    "row": one.number,
                    "column": one.column,
                    "value": one.value,
                    "message": one.message,
                    "code": one.code,
                }
                for one in refusals
            ],
        )


async def last_refused_row(connection: Connection, held: Claim) -> int:
    """The number of the last row that was refused so far, 0 for none."""
    found = await connection.execute(
        select(func.max(job_errors.c.row)).where(
            job_errors.c.workspace_id == held.workspace_id, job_errors.c.job_id == held.id
        )
    )
    return found.scalar() or 0


async def finish(
    connection: Connection,
    held: Claim,
    state: JobState,
    now: Instant,
    *,
    failure_reason: str | None = None,
) -> Counts | None:
    """End the job; returns what it came to, None when it is not held any more."""
    ended = await connection.execute(
        update(jobs)
        .where(is_held(held))
        .values(
            state=state,
            finished_at=now,
            failure_reason=failure_reason,
            lease_owner=None,
            lease_until=None,
            # What was asked for may name somebody, and is of no use any more.
            input={},
            **({} if state is JobState.COMPLETED else _NO_FILE),
        )
        .returning(jobs.c.counts)
    )
    counts = ended.scalar()
    return None if counts is None else Counts(**counts)


async def put_back(
    connection: Connection, held: Claim, at: Instant, *, has_failed: bool = False
) -> None:
    """Let it be claimed again from that moment on."""
    await connection.execute(
        update(jobs)
        .where(is_held(held))
        .values(
            state=JobState.QUEUED,
            lease_owner=None,
            lease_until=at,
            attempts=jobs.c.attempts if has_failed else 0,
        )
    )


async def renew(connection: Connection, held: Claim, until: Instant) -> bool:
    """Stretch the lease; False when it is lost."""
    result = await connection.execute(
        update(jobs)
        .where(is_held(held))
        .values(lease_until=case((jobs.c.lease_until > until, jobs.c.lease_until), else_=until))
    )
    return result.rowcount == 1


async def cancel(
    connection: Connection, workspace_id: int, job_id: Id, now: Instant
) -> JobState | None:
    """Ask for a job's end; returns the state that it had, None for an unknown one.

    One that waits is over at once; one that runs ends at its next step, and keeps what it did.
    """
    own = and_(
        jobs.c.workspace_id == workspace_id, jobs.c.id == job_id, jobs.c.kind.not_in(STANDING)
    )
    found = await connection.execute(select(jobs.c.state).where(own).with_for_update())
    row = found.first()
    if row is None:
        return None
    state = JobState(row[0])
    if state is JobState.QUEUED:
        await connection.execute(
            update(jobs)
            .where(own)
            .values(
                state=JobState.CANCELED,
                is_cancel_requested=True,
                finished_at=now,
                lease_until=None,
                input={},
                **_NO_FILE,
            )
        )
    elif state is JobState.RUNNING:
        await connection.execute(update(jobs).where(own).values(is_cancel_requested=True))
    return state


async def close(connection: Connection, workspace_id: int, ids: Collection[Id]) -> None:
    """End standing jobs for good."""
    await connection.execute(
        update(jobs)
        .where(jobs.c.workspace_id == workspace_id, jobs.c.id.in_(ids))
        .values(
            state=JobState.CANCELED,
            is_cancel_requested=True,
            lease_owner=None,
            lease_until=None,
        )
    )


def backoff(attempts: int) -> Instant:
    """How long to wait after so many attempts."""
    return _BACKOFF[min(attempts, len(_BACKOFF)) - 1]


def is_held(held: Claim) -> ColumnElement[bool]:
    """Whether the job's row is still this claim's."""
    return and_(
        jobs.c.workspace_id == held.workspace_id,
        jobs.c.id == held.id,
        jobs.c.lease_owner == held.owner,
        jobs.c.state == JobState.RUNNING,
    )
