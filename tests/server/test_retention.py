"""Retention as the worker does it: once a day, in every workspace, whoever is killed meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from resolvers.work import Work
from server.files import Files
from server.retention import BEGUN_EVERY, Retention
from server.services import utc_now
from server.webhooks import Webhooks
from server.worker import Worker
from store import Database, log, retention, tables
from store.jobs import ATTEMPTS_AT_MOST
from store.retention import KIND, Keeping
from store.types import DAY, Instant, new_id
from subscriptions import Hub
from tests.server.test_killed_jobs import a_look
from tests.support.factories import NOW, Workspace, a_database, a_workspace
from tests.support.trackside import Trackside, TracksideServer
from tests.support.waiting import SOON

ROWS = 20_000


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with a_database(database_url) as opened:
        yield opened


@pytest.fixture
def server(database_url: str) -> Iterator[TracksideServer]:
    server = TracksideServer(database_url, "TRACKSIDE_LOG_DAYS=30")
    server.start()
    yield server
    server.stop()


class Broken(Retention):
    async def run(self, work: Work) -> Instant:
        raise OSError("the disk is away")


def a_worker(database: Database, now: Callable[[], Instant], kept: Retention) -> Worker:
    webhooks = Webhooks(allows_private=True)
    return Worker(database, Hub(), now, webhooks, {}, retention=kept)


async def job(workspace: Workspace, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The workspace's standing job, as soon as that holds of it."""
    async with asyncio.timeout(SOON):
        while True:
            found = await workspace.rows(tables.jobs, kind=KIND)
            if found and is_so(found[0]):
                return found[0]


async def a_key(workspace: Workspace, at: Instant) -> None:
    """The key of a call, which is of no use a day later."""
    await workspace.insert(
        tables.idempotency_keys, mutation="m", key=f"{at}", input_digest=b"", result={}, at=at
    )


async def test_every_workspace_is_gone_through_once_a_day(
    database: Database, tmp_path: Path
) -> None:
    first = await a_workspace(database)
    clock = [NOW + DAY]
    worker = a_worker(database, lambda: clock[0], Retention(Keeping(), Files(tmp_path)))
    await a_key(first, NOW)
    worker.start()

    done = await job(first, lambda row: row["lease_until"] == NOW + 2 * DAY)
    second = await a_workspace(database)
    for workspace in (first, second):
        await a_key(workspace, NOW + 1)
    clock[0] += BEGUN_EVERY
    worker.wake()
    await job(second, lambda row: row["lease_until"] == clock[0] + DAY)
    not_yet = await first.rows(tables.idempotency_keys)
    clock[0] = NOW + 2 * DAY
    worker.wake()
    await job(first, lambda row: row["lease_until"] == NOW + 3 * DAY)
    await worker.stop()

    assert (done["state"], done["checkpoint"]) == ("QUEUED", None)
    assert [row["at"] for row in not_yet] == [NOW + 1]
    assert await first.rows(tables.idempotency_keys) == []
    assert await second.rows(tables.idempotency_keys) == []


async def test_files_that_nobody_may_download_any_more_go(
    database: Database, tmp_path: Path
) -> None:
    workspace = await a_workspace(database)
    path = Files(tmp_path).path(workspace.id, new_id())
    path.parent.mkdir()
    path.write_text("old")
    # The clock of the file is the machine's.
    now = round(path.stat().st_mtime) * 1_000_000 + 2 * DAY
    worker = a_worker(database, lambda: now, Retention(Keeping(), Files(tmp_path)))
    worker.start()

    await job(workspace, lambda row: row["lease_until"] == now + DAY)
    await worker.stop()

    assert not path.exists()


async def test_what_fails_again_and_again_is_never_given_up(
    database: Database, tmp_path: Path
) -> None:
    workspace = await a_workspace(database)
    clock = [NOW]
    worker = a_worker(database, lambda: clock[0], Broken(Keeping(), Files(tmp_path)))
    worker.start()

    for attempt in range(1, ATTEMPTS_AT_MOST + 2):
        row = await failed(workspace, attempt)
        clock[0] = row["lease_until"]
        worker.wake()
    last = await failed(workspace, ATTEMPTS_AT_MOST + 2)
    await worker.stop()

    assert (last["state"], last["finished_at"]) == ("QUEUED", None)


async def failed(workspace: Workspace, attempts: int) -> dict[str, Any]:
    return await job(
        workspace, lambda row: row["state"] == "QUEUED" and row["attempts"] == attempts
    )


async def test_a_killed_server_goes_on_where_it_was(server: TracksideServer) -> None:
    house = await server.a_workspace()
    async with a_look(house) as workspace:
        await an_old_log(workspace)
        await workspace.database.transact(lambda connection: retention.begin(connection, utc_now()))
        # The server may have begun it before there was anything old.
        await end_lease(workspace)
    begun = await until_oldest(house, lambda oldest: oldest > 1)

    server.kill()
    async with a_look(house) as workspace:
        (left,) = await workspace.rows(tables.jobs)
        kept = await workspace.rows(tables.log)
        killed_at = await head(workspace)
        await end_lease(workspace)
    server.start()

    await until_oldest(house, lambda oldest: oldest == ROWS + 1)
    async with a_look(house) as workspace:
        row = await job(workspace, lambda row: row["state"] == "QUEUED")
        (audited,) = await workspace.rows(tables.audit_log)
        gone = await workspace.rows(tables.log)
    assert begun < ROWS
    assert left["state"] == "RUNNING"
    # What is gone and what the head says of it are committed together.
    assert [one["seq"] for one in kept] == list(range(killed_at.oldest_seq, ROWS + 1))
    assert gone == []
    assert (row["checkpoint"], audited["affected"]) == (None, ROWS)


async def an_old_log(workspace: Workspace) -> None:
    """ROWS rows of a year ago."""
    at = utc_now() - 365 * DAY
    fact = {
        "workspace_id": workspace.id,
        "recorded_at": at,
        "nonce": bytes(4),
        "change": "CONTACT_CREATED",
        "occurred_at": at,
        "source": "partner",
        "is_suspected_bot": False,
        "is_ignored": False,
    }
    async with workspace.database.write() as connection:
        for start in range(1, ROWS, 5_000):
            rows = [{**fact, "seq": seq} for seq in range(start, start + 5_000)]
            await connection.execute(tables.log.insert(), rows)
        await connection.execute(
            update(tables.heads)
            .where(tables.heads.c.workspace_id == workspace.id)
            .values(seq=ROWS, nonce=bytes(4), recorded_at=at)
        )


async def until_oldest(house: Trackside, is_so: Callable[[int], bool]) -> int:
    async with a_look(house) as workspace, asyncio.timeout(SOON * 3):
        while not is_so(oldest := (await head(workspace)).oldest_seq):
            pass
    return oldest


async def head(workspace: Workspace) -> log.Head:
    async with workspace.database.read() as connection:
        return await log.head(connection, workspace.id)


async def end_lease(workspace: Workspace) -> None:
    async with workspace.database.write() as connection:
        await connection.execute(update(tables.jobs).values(lease_until=0))
