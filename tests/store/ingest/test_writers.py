"""Writers at once: one log without a hole, nothing left waiting, nothing counted twice."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from random import Random

import pytest

from store import Database, log, tables
from store.filters import ActivityFilter, DeliveryEventFilter
from store.ingest.events import Event
from store.ingest.outcomes import Arrival, Outcome
from store.ingest.record import record
from store.want import want
from store.words import DeliveryKind, EventOutcome, StepKind
from tests.support.factories import (
    NOW,
    Workspace,
    a_contact,
    a_database,
    a_journey,
    a_workspace,
    after,
    an_entry,
    announced,
    by_provider,
    converted,
    delivered,
    entered,
    reached,
)

SOON = 60.0
WRITERS = 4


@pytest.fixture
async def desks(shared_url: str) -> AsyncIterator[list[Workspace]]:
    """One workspace as four processes see it, each with its own connections."""
    databases = [Database(shared_url) for _ in range(WRITERS)]
    workspace = await a_workspace(databases[0])
    await a_journey(workspace)
    for n in range(WRITERS):
        await a_contact(workspace, f"contact {n}")
    yield [Workspace(database, workspace.id) for database in databases]
    for database in databases:
        await database.dispose()


Batches = Sequence[Sequence[Event]]


async def all_at_once(desks: Sequence[Workspace], plans: Sequence[Batches]) -> list[list[Outcome]]:
    """Each desk records its batches one after the other, all desks at once."""

    async def work(number: int) -> list[Outcome]:
        outcomes = []
        for turn, batch in enumerate(plans[number]):
            # The clocks of processes differ, and one is set back.
            now = NOW + 1_000 * turn - 700 * number * (turn % 2)
            outcomes += await desks[number].record(*batch, now=now)
        return outcomes

    async with asyncio.timeout(SOON):
        return await asyncio.gather(*(work(number) for number in range(len(plans))))


def a_story(entry: str, contact: str) -> list[Event]:
    return [
        entered(entry, contact),
        reached("hello", StepKind.WAITING, entry),
        announced(f"message to {entry}", entry),
        delivered(DeliveryKind.SENT, f"message to {entry}"),
        delivered(DeliveryKind.CLICKED, f"message to {entry}", at=after(1)),
        converted(entry, at=after(2)),
    ]


async def test_the_log_has_no_hole_and_never_runs_backwards(desks: list[Workspace]) -> None:
    plans = [
        [a_story(f"e{n}-{turn}", f"contact {(n + turn) % WRITERS}") for turn in range(6)]
        for n in range(WRITERS)
    ]

    await all_at_once(desks, plans)

    rows = await desks[0].rows(tables.log)
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    assert len(rows) == WRITERS + WRITERS * 6 * 6
    times = [row["recorded_at"] for row in rows]
    assert times == sorted(times)
    (head,) = await desks[0].rows(tables.heads)
    assert (head["seq"], head["recorded_at"], head["nonce"]) == (
        len(rows),
        times[-1],
        rows[-1]["nonce"],
    )


async def test_a_reader_that_polls_misses_and_repeats_no_row(desks: list[Workspace]) -> None:
    plans = [[a_story(f"e{n}-{turn}", f"contact {n}") for turn in range(6)] for n in range(WRITERS)]
    expected = WRITERS * 6 * 6
    seen: list[int] = []
    wanted = want(["seq", "recorded_at", "nonce", "activity"])

    async def poll() -> None:
        last = WRITERS
        while len(seen) < expected:
            async with desks[0].database.read() as connection:
                head = await log.head(connection, desks[0].id)
                rows = await log.activities(
                    connection, desks[0].id, ActivityFilter(), last, head.seq, 7, wanted
                )
            seen.extend(row.seq for row in rows)
            last = seen[-1] if seen else last

    async with asyncio.timeout(SOON):
        await asyncio.gather(poll(), all_at_once(desks, plans))

    assert seen == list(range(WRITERS + 1, WRITERS + expected + 1))


async def test_writers_that_meet_on_the_same_rows_do_not_fail_each_other(
    desks: list[Workspace],
) -> None:
    for n in range(WRITERS):
        await an_entry(desks[0], f"e{n}", f"contact {n}")
        await desks[0].record(announced(f"m{n}", f"e{n}"))
    shuffle = Random(1).sample

    def a_batch() -> list[Event]:
        numbers = range(WRITERS)
        return shuffle(
            [
                *(delivered(DeliveryKind.CLICKED, f"m{n}", at=after(1)) for n in numbers),
                *(reached("hello", StepKind.WAITING, f"e{n}") for n in numbers),
                *(converted(f"e{n}") for n in numbers),
            ],
            3 * WRITERS,
        )

    plans = [[a_batch() for _ in range(8)] for _ in range(WRITERS)]

    outcomes = await all_at_once(desks, plans)

    assert {one.kind for each in outcomes for one in each} == {EventOutcome.ACCEPTED}
    messages = await desks[0].rows(tables.communications)
    assert [row["click_count"] for row in messages] == [8 * WRITERS] * WRITERS
    counters = await desks[0].rows(tables.communication_counters, bucket_seconds=60)
    assert [row["clicked"] for row in counters] == [WRITERS]


async def test_messages_and_their_deliveries_from_two_sides_at_once_all_meet(
    desks: list[Workspace],
) -> None:
    await an_entry(desks[0], "e1", "contact 0")
    rounds = 40
    makers = [[announced(f"m{n}", "e1")] for n in range(rounds)]
    couriers = [[delivered(DeliveryKind.CLICKED, f"m{n}", at=after(1))] for n in range(rounds)]

    outcomes = await all_at_once(desks[:2], [makers, couriers])

    assert EventOutcome.REJECTED not in {one.kind for each in outcomes for one in each}
    assert await desks[0].rows(tables.pending_events) == []
    messages = await desks[0].rows(tables.communications)
    assert Counter(row["status"] for row in messages) == {"CLICKED": rounds}


async def test_messages_and_what_their_providers_report_at_once_all_meet(
    desks: list[Workspace],
) -> None:
    await an_entry(desks[0], "e1", "contact 0")
    names = [str(number) for number in range(30)]
    announcing = [[announced(f"m{n}", provider_message_id=f"p{n}")] for n in names]
    reporting = [
        [by_provider(delivered(), f"p{n}"), delivered(communication=f"m{n}")] for n in names
    ]

    await all_at_once(desks, [announcing, reporting, reporting[::-1]])

    messages = await desks[0].rows(tables.communications)
    assert [row["status"] for row in messages] == ["DELIVERED"] * 30
    assert await desks[0].rows(tables.pending_events) == []
    keys = await desks[0].rows(tables.provider_message_keys)
    assert {row["communication_id"] for row in keys} == {row["id"] for row in messages}


async def test_entries_and_their_facts_from_all_sides_at_once_all_meet(
    desks: list[Workspace],
) -> None:
    rounds = 25
    numbers = range(rounds)
    plans: list[list[list[Event]]] = [
        [[entered(f"e{n}", "contact 0")] for n in numbers],
        [[converted(f"e{n}"), reached("hello", StepKind.STEP_ENTERED, f"e{n}")] for n in numbers],
        [[announced(f"m{n}", f"e{n}")] for n in numbers],
        [[delivered(DeliveryKind.SENT, f"m{n}")] for n in reversed(numbers)],
    ]

    await all_at_once(desks, plans)

    assert await desks[0].rows(tables.pending_events) == []
    entries = await desks[0].rows(tables.entries)
    messages = await desks[0].rows(tables.communications)
    assert [row["converted_at"] for row in entries] == [NOW] * rounds
    assert [row["status"] for row in messages] == ["SENT"] * rounds
    assert len(await desks[0].facts()) == 5 * rounds
    (counter,) = await desks[0].rows(tables.entry_counters, bucket_seconds=3_600)
    assert (counter["entered"], counter["converted"]) == (rounds, rounds)


async def test_a_key_from_all_sides_at_once_is_recorded_once(desks: list[Workspace]) -> None:
    await an_entry(desks[0], "e1", "contact 0")
    await desks[0].record(announced("m1", "e1"))
    batches = [[delivered(DeliveryKind.CLICKED, "m1", at=after(n))] for n in range(15)]

    outcomes = await all_at_once(desks, [batches] * WRITERS)

    kinds = Counter(one.kind for each in outcomes for one in each)
    assert kinds == {EventOutcome.ACCEPTED: 15, EventOutcome.DUPLICATE: 15 * (WRITERS - 1)}
    (message,) = await desks[0].rows(tables.communications)
    assert message["click_count"] == 15


async def test_a_message_announced_from_all_sides_at_once_has_one_set_of_links(
    desks: list[Workspace],
) -> None:
    await an_entry(desks[0], "e1", "contact 0")
    batches = [[announced(f"m{n}", "e1", links=("https://a.example",))] for n in range(10)]

    outcomes = await all_at_once(desks, [batches] * WRITERS)

    for turn in range(10):
        ids = {each[turn].communication_id for each in outcomes}
        assert len(ids) == 1
        assert all(each[turn].links == ("https://a.example",) for each in outcomes)
    assert len(await desks[0].rows(tables.links)) == 20


async def test_one_id_for_different_messages_from_all_sides_makes_one(
    desks: list[Workspace],
) -> None:
    await an_entry(desks[0], "e1", "contact 0")
    plans = [[[announced(f"m{n}", "e1")] for n in range(10)] for _ in range(WRITERS)]

    outcomes = await all_at_once(desks, plans)

    kinds = Counter(one.kind for each in outcomes for one in each)
    assert kinds == {EventOutcome.ACCEPTED: 10, EventOutcome.REJECTED: 10 * (WRITERS - 1)}
    assert len(await desks[0].rows(tables.communications)) == 10


async def test_a_stop_and_facts_at_once_leave_one_truth(desks: list[Workspace]) -> None:
    ids = [await an_entry(desks[0], f"e{n}", "contact 0") for n in range(20)]

    async def stop_all() -> None:
        for one in ids:
            await desks[0].stop(one, now=after(1))

    async with asyncio.timeout(SOON):
        await asyncio.gather(
            stop_all(),
            all_at_once(desks[1:2], [[[converted(f"e{n}", at=after(5))] for n in range(20)]]),
        )

    ignored = {row["entry_id"] for row in await desks[0].facts() if row["is_ignored"]}
    for row in await desks[0].rows(tables.entries):
        assert row["state"] == "STOPPED"
        assert (row["converted_at"] is None) is (row["id"] in ignored)
    (counter,) = await desks[0].rows(tables.entry_counters, bucket_seconds=60)
    assert (counter["stopped"], counter["active"]) == (20, 0)
    assert counter["converted"] == 20 - len(ignored)


async def test_resources_new_to_all_sides_are_made_once(desks: list[Workspace]) -> None:
    await an_entry(desks[0], "e1", "contact 0")
    plans = [
        [[announced(f"m{desk}-{n}", "e1", resource=f"mail {n}")] for n in range(10)]
        for desk in range(WRITERS)
    ]

    await all_at_once(desks, plans)

    assert len(await desks[0].rows(tables.resources)) == 10
    counters = await desks[0].rows(tables.communication_counters, bucket_seconds=60)
    assert [row["created"] for row in counters] == [WRITERS] * 10


async def test_events_of_messages_are_read_in_the_order_of_the_log(desks: list[Workspace]) -> None:
    plans = [[a_story(f"e{n}", f"contact {n}")] for n in range(WRITERS)]
    await all_at_once(desks, plans)
    wanted = want(["seq", "recorded_at", "nonce", "delivery"])

    async with desks[0].database.read() as connection:
        first = await log.delivery_events(
            connection, desks[0].id, DeliveryEventFilter(), 0, 10_000, 5, wanted
        )
        rest = await log.delivery_events(
            connection, desks[0].id, None, first[-1].seq, 10_000, 100, wanted
        )

    seqs = [row.seq for row in first + rest]
    assert seqs == sorted(set(seqs))
    assert len(seqs) == 3 * WRITERS


async def test_a_mark_is_the_row_at_its_place_alone(shared_url: str) -> None:
    async with a_database(shared_url) as database:
        workspace = await a_workspace(database)
        await a_contact(workspace)
        (row,) = await workspace.rows(tables.log)

        async with database.read() as connection:
            marks = [await log.mark(connection, workspace.id, seq) for seq in (0, 1, 2)]

    assert marks == [None, (row["recorded_at"], row["nonce"]), None]


async def test_a_write_that_is_rolled_back_leaves_no_hole_and_no_key(
    desks: list[Workspace],
) -> None:
    desk, event = desks[0], entered("e1", "contact 0")

    async def record_and_fail() -> None:
        async with desk.database.write() as connection:
            await record(connection, desk.id, [Arrival(event, "Shop")], NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await record_and_fail()
    outcomes = await desk.record(event)

    assert [one.kind for one in outcomes] == [EventOutcome.ACCEPTED]
    rows = await desk.rows(tables.log)
    assert [row["seq"] for row in rows] == list(range(1, WRITERS + 2))
