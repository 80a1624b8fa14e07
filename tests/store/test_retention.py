"""Retention: what is too old goes, a thousand rows at a time, along primary keys."""

import re
from typing import Any

import pytest
from sqlalchemy import Table, func, select

from store import Connection, Database, jobs, log, retention, tables
from store.dead_letters import DeadLetter
from store.dead_letters import keep as keep_letters
from store.retention import DELETED_AT_ONCE, Keeping, Place
from store.types import DAY, Instant, new_id
from store.words import DeliveryKind, JobState
from tests.store.test_plans import explained, statements
from tests.support.factories import (
    NOW,
    Workspace,
    a_house,
    a_workspace,
    after,
    delivered,
    entered,
    reached,
)

MONTH = Keeping(log=30 * DAY, audit=30 * DAY, finished=30 * DAY)
LATER = NOW + 31 * DAY


async def prune(
    workspace: Workspace, now: Instant, keeping: Keeping = MONTH
) -> list[dict[str, int]]:
    """What was deleted after each step of a whole round."""
    place, is_over = Place(), False
    steps: list[dict[str, int]] = []

    async def step(connection: Connection) -> tuple[Place, bool]:
        return await retention.prune(connection, workspace.id, keeping, now, place)

    while not is_over:
        place, is_over = await workspace.database.transact(step)
        steps.append(dict(place.deleted))
        # As the checkpoint of a job keeps it.
        place = Place.read(place.plain())
    return steps


async def head(workspace: Workspace) -> log.Head:
    async with workspace.database.read() as connection:
        return await log.head(connection, workspace.id)


async def clicks(workspace: Workspace, count: int, now: Instant) -> None:
    await workspace.record(
        *(delivered(DeliveryKind.OPENED, at=after(number)) for number in range(count)), now=now
    )


async def test_the_oldest_rows_of_the_log_go_and_the_head_says_so(database: Database) -> None:
    workspace = await a_house(database)
    old = await head(workspace)
    await workspace.record(reached(), now=LATER)

    steps = await prune(workspace, LATER)

    rows = await workspace.rows(tables.log)
    assert steps[-1]["log"] == old.seq >= 3
    assert [row["seq"] for row in rows] == list(range(old.seq + 1, (await head(workspace)).seq + 1))
    assert (await head(workspace)).oldest_seq == old.seq + 1


async def test_a_log_that_is_old_as_a_whole_may_be_emptied(database: Database) -> None:
    workspace = await a_house(database)
    before = await head(workspace)

    await prune(workspace, LATER)
    await prune(workspace, LATER + DAY)
    await workspace.record(reached(), now=LATER)

    now = await head(workspace)
    assert (now.oldest_seq, now.seq) == (before.seq + 1, before.seq + 1)
    assert [row["seq"] for row in await workspace.rows(tables.log)] == [now.seq]


@pytest.mark.parametrize(
    ("keeping", "now"),
    [
        (Keeping(), NOW + 10_000 * DAY),
        (MONTH, NOW + 30 * DAY),
        # Less than is safe is not what anybody gets.
        (Keeping(log=DAY), NOW + 30 * DAY),
    ],
    ids=["for ever", "not old enough", "under the least"],
)
async def test_nothing_of_the_log_goes_before_its_time(
    database: Database, keeping: Keeping, now: Instant
) -> None:
    workspace = await a_house(database)
    kept = await workspace.rows(tables.log)

    await prune(workspace, now, keeping)

    assert await workspace.rows(tables.log) == kept
    assert (await head(workspace)).oldest_seq == 1


async def test_no_transaction_deletes_more_than_a_thousand_rows(database: Database) -> None:
    workspace = await a_house(database)
    await clicks(workspace, 2 * DELETED_AT_ONCE, NOW)
    number = (await head(workspace)).seq
    keys = len(await workspace.rows(tables.event_keys))

    steps = await prune(workspace, NOW + 61 * DAY)

    sums = [sum(one.values()) for one in steps]
    assert steps[-1] == {"log": number, "event_keys": keys}
    assert all(
        later - sooner <= DELETED_AT_ONCE for sooner, later in zip([0, *sums], sums, strict=False)
    )
    assert len(steps) >= (number + keys) / DELETED_AT_ONCE


async def test_an_event_is_known_for_a_month_longer_than_the_log(database: Database) -> None:
    workspace = await a_house(database)
    happened = delivered(DeliveryKind.OPENED)
    await workspace.record(happened)

    await prune(workspace, NOW + 60 * DAY)
    (again,) = await workspace.record(happened)
    await prune(workspace, NOW + 60 * DAY + 1)

    assert again.kind == "DUPLICATE"
    assert await workspace.rows(tables.event_keys) == []


async def test_a_round_goes_on_where_it_stood(database: Database) -> None:
    workspace = await a_house(database)
    await clicks(workspace, 1_500, NOW)
    total = (await head(workspace)).seq

    place, is_over = await workspace.database.transact(
        lambda connection: retention.prune(connection, workspace.id, MONTH, LATER, Place())
    )
    async with workspace.database.write() as connection:
        # Killed: the step is done, and undone with its transaction.
        await retention.prune(connection, workspace.id, MONTH, LATER, Place.read(place.plain()))
        await connection.rollback()
    last, _ = await workspace.database.transact(
        lambda connection: retention.prune(
            connection, workspace.id, MONTH, LATER, Place.read(place.plain())
        )
    )

    assert (is_over, place.deleted) == (False, {"log": DELETED_AT_ONCE})
    assert last.deleted["log"] == total
    assert await workspace.rows(tables.log) == []


async def test_another_workspace_keeps_what_it_has(database: Database) -> None:
    workspace, neighbour = await a_house(database), await a_house(database)
    kept = await neighbour.rows(tables.log)

    await prune(workspace, LATER)

    assert await neighbour.rows(tables.log) == kept
    assert (await head(neighbour)).oldest_seq == 1


async def a_job(
    workspace: Workspace, finished_at: Instant | None, kind: str = "BULK_STOP"
) -> bytes:
    job_id: bytes = await workspace.database.transact(
        lambda connection: jobs.enqueue(connection, workspace.id, kind, {}, by="ops", now=NOW)
    )
    state = JobState.QUEUED if finished_at is None else JobState.COMPLETED
    async with workspace.database.write() as connection:
        await connection.execute(
            tables.jobs.update()
            .where(tables.jobs.c.workspace_id == workspace.id, tables.jobs.c.id == job_id)
            .values(state=state, finished_at=finished_at)
        )
    await workspace.insert(
        tables.job_errors, job_id=job_id, row=1, message="no", code="INVALID", column=None
    )
    return job_id


async def test_finished_jobs_go_with_their_errors_and_open_ones_stay(database: Database) -> None:
    workspace = await a_workspace(database)
    await a_job(workspace, NOW)
    kept = [await a_job(workspace, NOW + 2 * DAY), await a_job(workspace, None)]
    kept.append(await a_job(workspace, NOW, kind="WEBHOOK"))

    steps = await prune(workspace, LATER)

    assert steps[-1] == {"jobs": 1, "job_errors": 1}
    assert {row["id"] for row in await workspace.rows(tables.jobs)} == set(kept)
    assert {row["job_id"] for row in await workspace.rows(tables.job_errors)} == set(kept)


async def test_settled_deliveries_go_and_what_is_still_to_be_sent_stays(database: Database) -> None:
    workspace = await a_workspace(database)
    values = {"endpoint_id": new_id(), "kind": "STOPPED", "body": "{}", "attempts": 1}
    waits, young = new_id(), new_id()
    for own, created_at, next_attempt_at in (
        (new_id(), NOW, None),
        (waits, NOW, NOW),
        (young, NOW + 2 * DAY, None),
    ):
        await workspace.insert(
            tables.webhook_deliveries,
            id=own,
            created_at=created_at,
            next_attempt_at=next_attempt_at,
            **values,
        )

    await prune(workspace, LATER)

    left = {row["id"] for row in await workspace.rows(tables.webhook_deliveries)}
    assert left == {waits, young}


async def test_letters_that_nobody_replayed_go(database: Database) -> None:
    workspace = await a_workspace(database)
    for body, now in ((b"old", NOW), (b"young", NOW + 2 * DAY)):
        letters = [DeadLetter(body, "", None, "no")]
        await workspace.database.transact(
            lambda connection, letters=letters, now=now: keep_letters(  # type: ignore[misc]
                connection, workspace.id, bytes(16), letters, now
            )
        )

    await prune(workspace, LATER)

    assert [row["body"] for row in await workspace.rows(tables.dead_letters)] == [b"young"]


async def test_events_that_waited_in_vain_go(database: Database) -> None:
    workspace = await a_workspace(database)
    await workspace.record(entered("e9"))
    await workspace.record(reached(entry="unknown"))
    await workspace.record(reached(entry="unknown"), now=NOW + DAY)

    await prune(workspace, NOW + 30 * DAY, Keeping())

    (left,) = await workspace.rows(tables.pending_events)
    assert left["received_at"] == NOW + DAY


async def test_keys_of_calls_go_after_a_day(database: Database) -> None:
    workspace = await a_workspace(database)
    for key, at in (("old", NOW), ("young", NOW + 1)):
        await workspace.insert(
            tables.idempotency_keys, mutation="m", key=key, input_digest=b"", result={}, at=at
        )

    await prune(workspace, NOW + DAY, Keeping())

    assert [row["key"] for row in await workspace.rows(tables.idempotency_keys)] == ["young"]


async def test_ended_tokens_go_and_good_ones_stay(database: Database) -> None:
    workspace = await a_workspace(database)
    for name, expires_at, revoked_at in (
        ("good", None, None),
        ("ends", NOW + 40 * DAY, None),
        ("ended lately", NOW + 2 * DAY, None),
        ("expired", NOW, None),
        ("revoked", None, NOW),
    ):
        await workspace.insert(
            tables.tokens,
            id=new_id(),
            name=name,
            scopes=[],
            secret_hash=name.encode(),
            created_at=NOW,
            expires_at=expires_at,
            revoked_at=revoked_at,
        )

    await prune(workspace, LATER)

    left = {row["name"] for row in await workspace.rows(tables.tokens)}
    assert left == {"good", "ends", "ended lately"}


async def test_what_an_undo_needed_goes_with_the_stop(database: Database) -> None:
    workspace = await a_house(database)
    entry_id = (await workspace.entry())["id"]
    await workspace.stop(entry_id)

    await prune(workspace, LATER)
    kept = await workspace.rows(tables.stop_entries)
    await prune(workspace, LATER + DAY)

    assert [row["entry_id"] for row in kept] == [entry_id]
    assert await workspace.rows(tables.stop_entries) == []
    assert await workspace.rows(tables.stops) == []
    assert (await workspace.entry())["state"] == "STOPPED"


async def test_the_audit_log_is_kept_for_ever_unless_asked_otherwise(database: Database) -> None:
    workspace = await a_workspace(database)
    for at in (NOW, NOW + 2 * DAY):
        await workspace.insert(
            tables.audit_log, id=new_id(), at=at, by="ops", action="stop", affected=1
        )

    await prune(workspace, NOW + 10_000 * DAY, Keeping())
    kept = await workspace.rows(tables.audit_log)
    await prune(workspace, LATER)

    assert len(kept) == 2
    assert [row["at"] for row in await workspace.rows(tables.audit_log)] == [NOW + 2 * DAY]


async def test_old_rows_are_found_behind_many_young_ones(database: Database) -> None:
    workspace = await a_workspace(database)
    many = retention.EXAMINED_AT_ONCE + 10
    rows = [
        {
            "workspace_id": workspace.id,
            "mutation": "m",
            "key": f"k{number:05}",
            "input_digest": b"",
            "result": {},
            "at": NOW if number in (7, many - 1) else LATER,
        }
        for number in range(many)
    ]
    async with workspace.database.write() as connection:
        await connection.execute(tables.idempotency_keys.insert(), rows)

    steps = await prune(workspace, LATER)

    async with workspace.database.read() as connection:
        left = await connection.execute(
            select(func.count()).where(tables.idempotency_keys.c.workspace_id == workspace.id)
        )
    assert steps[-1] == {"idempotency_keys": 2}
    assert left.scalar_one() == many - 2
    assert len(steps) >= 2


async def test_every_statement_of_a_round_goes_along_a_primary_key(database: Database) -> None:
    workspace = await a_house(database)
    await workspace.stop((await workspace.entry())["id"])
    with statements(database) as seen:
        for now in (LATER, NOW + 70 * DAY):
            await prune(workspace, now)

    asked: dict[str, Any] = {
        statement: parameters
        for statement, parameters in seen
        if statement.startswith(("SELECT", "DELETE"))
    }
    plans = {
        one: await explained(database, one, parameters, unwanted_of(one))
        for one, parameters in asked.items()
    }

    assert {table_of(one) for one in asked} >= set(retention.TABLES)
    for statement, plan in plans.items():
        first = plan.splitlines()[0]
        assert not re.search(r"\bSCAN (?!CONSTANT|\(|anon)|Seq Scan|TEMP B-TREE|Sort", plan), plan
        if database.is_sqlite:
            assert "USING INDEX" not in first, f"{statement}: {plan}"
            continue
        assert f"{table_of(statement)}_pkey" in plan, f"{statement}: {plan}"


def table_of(statement: str) -> str:
    """What is read; what a column of it is looked up in comes before."""
    found = re.findall(r"FROM (\w+)", statement)
    return str(found[0] if statement.startswith("DELETE") else found[-1])


def unwanted_of(statement: str) -> list[str]:
    """Of a table with a row or two PostgreSQL takes any index that begins with the workspace."""
    table: Table = tables.metadata.tables[table_of(statement)]
    return [str(one.name) for one in table.indexes]
