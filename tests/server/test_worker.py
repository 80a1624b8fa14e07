"""The worker: leases, retries, cancellation, and several at once over one database."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest

from resolvers.work import JobFailed, Run, Work
from server.webhooks import Webhooks
from server.worker import Worker
from store import Connection, Database, jobs, tables
from store.jobs import LEASE, Due, Progress
from store.types import SECOND, Id, Instant
from store.words import JobKind, JobState
from subscriptions import Hub
from tests.support.factories import NOW, Workspace, a_database, a_workspace
from tests.support.waiting import SOON

KIND = JobKind.BULK_STOP


class Clock:
    def __init__(self) -> None:
        self.now: Instant = NOW

    def __call__(self) -> Instant:
        return self.now


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with a_database(database_url) as opened:
        yield opened


@pytest.fixture
async def workspace(database: Database) -> Workspace:
    return await a_workspace(database)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@asynccontextmanager
async def a_worker(database: Database, clock: Clock, run: Run) -> AsyncIterator[Worker]:
    worker = Worker(database, Hub(), clock, Webhooks(allows_private=True), {KIND: run})
    worker.start()
    try:
        yield worker
    finally:
        await worker.stop()


async def a_job(workspace: Workspace, **values: Any) -> Id:
    return await workspace.database.transact(
        lambda connection: jobs.enqueue(
            connection, workspace.id, KIND, values, by="ops", now=NOW, total=3
        )
    )


async def row_of(workspace: Workspace, job_id: Id) -> dict[str, Any]:
    (row,) = await workspace.rows(tables.jobs, id=job_id)
    return row


async def until(
    workspace: Workspace, job_id: Id, is_so: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """The job's row as soon as that holds."""
    async with asyncio.timeout(SOON):
        while True:
            row = await row_of(workspace, job_id)
            if is_so(row):
                return row


def is_over(row: dict[str, Any]) -> bool:
    return row["finished_at"] is not None


async def counting(work: Work) -> None:
    """Three steps, each of which adds one."""

    async def step(_: Connection, progress: Progress) -> Progress:
        done = progress.done + 1
        return Progress({"done": done}, done, 3, progress.counts.plus(updated=1))

    while (await work.progress()).done < 3:
        await work.step(step)


async def test_a_job_is_done_and_says_when(workspace: Workspace, clock: Clock) -> None:
    job_id = await a_job(workspace)

    async with a_worker(workspace.database, clock, counting):
        row = await until(workspace, job_id, is_over)

    assert (row["state"], row["done"], row["counts"]["updated"]) == ("COMPLETED", 3, 3)
    assert (row["started_at"], row["finished_at"], row["lease_owner"]) == (NOW, NOW, None)


async def test_a_fault_is_tried_again_after_a_while_and_given_up_in_the_end(
    workspace: Workspace, clock: Clock
) -> None:
    job_id = await a_job(workspace)
    attempts: list[Instant] = []

    async def fail(_: Work) -> None:
        attempts.append(clock.now)
        raise OSError("the disk is full of secrets")

    async with a_worker(workspace.database, clock, fail) as worker:
        for attempt in range(1, 5):
            row = await until(
                workspace,
                job_id,
                lambda row, at=attempt: row["state"] == "QUEUED" and row["attempts"] == at,  # type: ignore[misc]
            )
            clock.now = row["lease_until"]
            worker.wake()
        row = await until(workspace, job_id, is_over)

    waits = [(later - sooner) // SECOND for sooner, later in pairwise(attempts)]
    assert waits == [2, 10, 60, 300]
    assert row["state"] == "FAILED"
    assert row["failure_reason"].startswith("It failed here 5 times in a row. Tell us the id ")


async def test_progress_makes_the_attempts_begin_anew(workspace: Workspace, clock: Clock) -> None:
    job_id = await a_job(workspace)

    async def step_and_fail(work: Work) -> None:
        async def step(_: Connection, progress: Progress) -> Progress:
            return Progress(None, progress.done + 1)

        if (await work.step(step)).done < 8:
            raise OSError("once more")

    async with a_worker(workspace.database, clock, step_and_fail) as worker:
        for done in range(1, 8):
            await until(
                workspace,
                job_id,
                lambda row, at=done: row["state"] == "QUEUED" and row["done"] == at,  # type: ignore[misc]
            )
            clock.now += 400 * SECOND
            worker.wake()
        row = await until(workspace, job_id, is_over)

    assert (row["state"], row["done"]) == ("COMPLETED", 8)


async def test_what_can_never_be_done_fails_at_once_with_its_reason(
    workspace: Workspace, clock: Clock
) -> None:
    job_id = await a_job(workspace)

    async def refuse(_: Work) -> None:
        raise JobFailed("The file is gone: hand it in again.")

    async with a_worker(workspace.database, clock, refuse):
        row = await until(workspace, job_id, is_over)

    assert (row["state"], row["failure_reason"]) == (
        "FAILED",
        "The file is gone: hand it in again.",
    )


async def test_a_job_that_kills_its_process_each_time_is_given_up(
    workspace: Workspace, clock: Clock
) -> None:
    job_id = await a_job(workspace)
    for _ in range(5):
        assert await claimed(workspace, job_id, clock.now) is not None
        clock.now += LEASE

    async with a_worker(workspace.database, clock, counting):
        row = await until(workspace, job_id, is_over)

    assert (row["state"], row["done"]) == ("FAILED", 0)
    assert row["failure_reason"] == "It was begun 5 times without coming any further."


async def claimed(workspace: Workspace, job_id: Id, now: Instant) -> jobs.Claim | None:
    due = Due(workspace.id, job_id, KIND)
    return await workspace.database.transact(
        lambda connection: jobs.claim(connection, due, f"gone at {now}", now, now + LEASE)
    )


async def test_a_lease_that_stands_keeps_others_away(workspace: Workspace, clock: Clock) -> None:
    job_id = await a_job(workspace)

    first = await claimed(workspace, job_id, clock.now)
    second = await claimed(workspace, job_id, clock.now + LEASE - 1)
    third = await claimed(workspace, job_id, clock.now + LEASE)

    assert first is not None
    assert second is None
    assert third is not None
    assert third.attempts == 2


async def test_who_lost_the_lease_writes_nothing(workspace: Workspace, clock: Clock) -> None:
    job_id = await a_job(workspace)
    held = await claimed(workspace, job_id, clock.now)
    assert held is not None
    slow = Work(held, workspace.database, Hub(), clock, lambda: False)
    clock.now += LEASE
    async with a_worker(workspace.database, clock, counting):
        await until(workspace, job_id, is_over)

    with pytest.raises(jobs.LeaseLost):
        await slow.step(add_a_hundred)

    assert (await row_of(workspace, job_id))["done"] == 3


async def add_a_hundred(_: Connection, progress: Progress) -> Progress:
    return Progress(None, progress.done + 100)


async def test_a_job_that_runs_ends_at_its_next_step_when_cancelled(
    workspace: Workspace, clock: Clock
) -> None:
    job_id = await a_job(workspace)
    has_begun, may_go_on = asyncio.Event(), asyncio.Event()

    async def slow(work: Work) -> None:
        await work.step(add_a_hundred)
        has_begun.set()
        await may_go_on.wait()
        await work.step(add_a_hundred)

    async with a_worker(workspace.database, clock, slow):
        async with asyncio.timeout(SOON):
            await has_begun.wait()
        state = await workspace.database.transact(
            lambda connection: jobs.cancel(connection, workspace.id, job_id, NOW)
        )
        may_go_on.set()
        row = await until(workspace, job_id, is_over)

    assert state is JobState.RUNNING
    assert (row["state"], row["done"]) == ("CANCELED", 100)


async def test_a_process_that_ends_leaves_its_job_to_the_next_one(
    workspace: Workspace, clock: Clock
) -> None:
    job_id = await a_job(workspace)
    is_ending = asyncio.Event()

    async def first_step(work: Work) -> None:
        await work.step(add_a_hundred)
        is_ending.set()
        while True:
            await work.step(add_nothing)

    async with a_worker(workspace.database, clock, first_step):
        async with asyncio.timeout(SOON):
            await is_ending.wait()
    left = await row_of(workspace, job_id)
    async with a_worker(workspace.database, clock, counting):
        row = await until(workspace, job_id, is_over)

    assert (left["state"], left["lease_until"], left["done"]) == ("QUEUED", NOW, 100)
    assert (row["state"], row["done"]) == ("COMPLETED", 100)


async def add_nothing(_: Connection, progress: Progress) -> Progress:
    return progress


async def test_several_workers_share_the_jobs_and_run_each_once(
    workspace: Workspace, clock: Clock
) -> None:
    other = await a_workspace(workspace.database)
    expected = [await a_job(each, name=str(n)) for n in range(10) for each in (workspace, other)]
    ran: list[Id] = []
    at_once: set[Id] = set()

    async def run(work: Work) -> None:
        assert work.claim.id not in at_once
        at_once.add(work.claim.id)
        await counting(work)
        ran.append(work.claim.id)
        at_once.remove(work.claim.id)

    async with (
        a_worker(workspace.database, clock, run),
        a_worker(workspace.database, clock, run),
        a_worker(workspace.database, clock, run),
    ):
        for job_id in expected:
            owner = workspace if await workspace.rows(tables.jobs, id=job_id) else other
            await until(owner, job_id, is_over)

    assert sorted(ran) == sorted(expected)


async def test_a_standing_job_is_done_again_at_its_time(workspace: Workspace, clock: Clock) -> None:
    job_id = await a_job(workspace)
    runs: list[Instant] = []

    async def again(_: Work) -> Instant | None:
        runs.append(clock.now)
        return None if len(runs) == 2 else NOW + 30 * SECOND

    async with a_worker(workspace.database, clock, again) as worker:
        row = await until(
            workspace, job_id, lambda row: row["state"] == "QUEUED" and row["lease_until"] > NOW
        )
        clock.now = row["lease_until"]
        worker.wake()
        await until(workspace, job_id, is_over)

    assert runs == [NOW, NOW + 30 * SECOND]
