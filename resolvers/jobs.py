"""Jobs: reading, following and cancelling long work."""

import asyncio
from collections.abc import AsyncIterator

from resolvers import auditing
from resolvers.context import Context
from resolvers.reading import Reader
from store import Connection, jobs, rows
from store.entities import JOB, JOB_ERROR
from store.filters import JobErrorFilter, JobFilter
from store.refusals import Refusal
from store.types import Id
from store.want import Want
from store.words import OPEN_JOBS, ErrorCode, JobState, Scope

PROGRESS_INTERVAL_S = 0.25

_jobs: Reader[rows.Job, JobFilter] = Reader(JOB)
_errors: Reader[rows.JobError, JobErrorFilter] = Reader(JOB_ERROR)
_SHOWN = frozenset({"state", "done", "total", "counts", "file_name", "finished_at"})

page = _jobs.page
pages = _jobs.pages
count = _jobs.count
changed = _jobs.changed


class errors:  # noqa: N801  A noun within the noun, with the words that lists are read by.
    page = _errors.page
    pages = _errors.pages
    count = _errors.count


async def get(context: Context, want: Want, *, id: Id) -> rows.Job | None:
    return await _jobs.get_where(context, want, id=id)


async def get_many(context: Context, ids: list[Id], want: Want) -> dict[Id, rows.Job]:
    """Jobs by id; what is kept as one, but is none, is left out."""
    wanted = Want(want.columns | {"kind"}, want.relations)
    found = await _jobs.get_many(context, ids, wanted)
    return {one: row for one, row in found.items() if row.kind not in jobs.STANDING}


async def handed_in(context: Context, id: Id | None, want: Want) -> rows.Job | None:
    """The job that the caller has just handed in, if it did: who may do that may see it."""
    return None if id is None else (await changed(context, [id], want)).get(id)


async def cancel(context: Context, id: Id) -> Refusal | None:
    """Ask for the job's end; cancelling twice is cancelling once."""
    context.require(Scope.OPERATE)

    async def work(connection: Connection) -> JobState | None:
        state = await jobs.cancel(connection, context.workspace_id, id, context.now())
        if state in OPEN_JOBS:
            await auditing.note(connection, context, "cancelJob", job=id)
        return state

    state = await context.database.transact(work)
    if state is None:
        return Refusal(ErrorCode.NOT_FOUND, "This workspace has no such job.", ("id",))
    if state in OPEN_JOBS or state is JobState.CANCELED:
        return None
    return Refusal(
        ErrorCode.JOB_FINISHED,
        f"The job is over already: it is {state}. What it did stays done.",
        ("id",),
    )


async def follow(context: Context, id: Id, want: Want) -> AsyncIterator[rows.Job]:
    """The job at once, and whenever it changed, until it is over; nothing for an unknown one.

    It is read when the last one was taken: a slow consumer gets the latest.
    """
    wanted = Want(want.columns | _SHOWN, want.relations)
    shown: object = None
    while True:
        job = await get(context, wanted, id=id)
        if job is None:
            return
        now = (job.state, job.done, job.total, job.counts, job.file_name, job.finished_at)
        if now != shown:
            shown = now
            yield job
        if job.state not in OPEN_JOBS:
            return
        await asyncio.sleep(PROGRESS_INTERVAL_S)
