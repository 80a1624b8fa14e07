"""Stops: the outcome of each entry, and what a stop leaves behind."""

import asyncio

import pytest

from resolvers import stops
from resolvers.context import Forbidden
from store import Database, tables
from store.types import DAY, Id, new_id
from store.words import ErrorCode, JourneyStatus, Scope, StopOutcome
from tests.support.factories import (
    NOW,
    Workspace,
    a_contact,
    a_context,
    a_database,
    a_house,
    a_journey,
    a_workspace,
    after,
    an_entry,
    completed,
)

S = StopOutcome
OPERATE = Scope.OPERATE


@pytest.fixture
async def house(database: Database) -> Workspace:
    """The entry e1 of ada in the journey welcome."""
    return await a_house(database)


async def the_entry(house: Workspace) -> Id:
    return bytes((await house.entry())["id"])


async def test_an_open_entry_is_stopped(house: Workspace) -> None:
    entry_id = await the_entry(house)
    context = a_context(house, OPERATE, now=after(9), source="Ops desk")

    done = await stops.stop(context, (entry_id,), note="wrong offer")

    assert done.outcomes == ((entry_id, S.STOPPED),)
    assert (done.matched, done.stopped, done.refusals) == (1, 1, ())
    entry = await house.entry()
    assert (entry["state"], entry["stopped_at"], entry["stop_reason"]) == (
        "STOPPED",
        after(9),
        "OPERATOR",
    )
    assert (entry["stop_actor"], entry["stop_note"]) == ("Ops desk", "wrong offer")
    fact = (await house.facts())[-1]
    assert (fact["activity"], fact["entry_id"], fact["source"]) == ("STOPPED", entry_id, "Ops desk")
    assert (fact["occurred_at"], fact["reason"]) == (after(9), "wrong offer")


async def test_a_stop_is_kept_so_that_it_can_be_undone(house: Workspace) -> None:
    entry_id = await the_entry(house)

    await stops.stop(a_context(house, OPERATE, source="Ops desk"), (entry_id,))

    (stop,) = await house.rows(tables.stops)
    (line,) = await house.rows(tables.stop_entries)
    assert (stop["by"], stop["at"], stop["undoable_until"]) == ("Ops desk", NOW, NOW + DAY)
    assert (line["stop_id"], line["entry_id"]) == (stop["id"], entry_id)
    assert (await house.entry())["stop_id"] == stop["id"]


async def test_stopping_twice_reports_the_first_stop(house: Workspace) -> None:
    entry_id = await the_entry(house)
    await stops.stop(a_context(house, OPERATE, now=after(1)), (entry_id,), note="first")
    before = await house.facts()

    done = await stops.stop(a_context(house, OPERATE, now=after(2)), (entry_id,), note="second")

    assert done.outcomes == ((entry_id, S.ALREADY_STOPPED),)
    assert (done.matched, done.stopped) == (1, 0)
    entry = await house.entry()
    assert (entry["stopped_at"], entry["stop_note"]) == (after(1), "first")
    assert await house.facts() == before
    assert len(await house.rows(tables.stops)) == 1


async def test_an_id_given_twice_is_stopped_once(house: Workspace) -> None:
    entry_id = await the_entry(house)

    done = await stops.stop(a_context(house, OPERATE), (entry_id, entry_id))

    assert done.outcomes == ((entry_id, S.STOPPED),)


async def test_an_entry_that_has_ended_is_finished(house: Workspace) -> None:
    await house.record(completed())
    entry_id = await the_entry(house)

    done = await stops.stop(a_context(house, OPERATE), (entry_id,))

    assert done.outcomes == ((entry_id, S.FINISHED),)
    assert (await house.entry())["state"] == "COMPLETED"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (JourneyStatus.ACTIVE, S.STOPPED),
        (JourneyStatus.PAUSED, S.STOPPED),
        (JourneyStatus.DRAFT, S.FINISHED),
        (JourneyStatus.ENDED, S.FINISHED),
    ],
)
async def test_entries_are_stopped_where_the_journey_runs(
    house: Workspace, status: JourneyStatus, outcome: StopOutcome
) -> None:
    await a_journey(house, status=status)

    done = await stops.stop(a_context(house, OPERATE), (await the_entry(house),))

    assert [one for _, one in done.outcomes] == [outcome]


async def test_unknown_and_foreign_ids_are_not_found(house: Workspace, database: Database) -> None:
    other = await a_house(database)
    foreign, unknown = await the_entry(other), new_id()

    done = await stops.stop(a_context(house, OPERATE), (foreign, unknown))

    assert done.outcomes == ((foreign, S.NOT_FOUND), (unknown, S.NOT_FOUND))
    assert (done.matched, done.stopped) == (0, 0)
    assert (await other.entry())["state"] == "ACTIVE"
    assert await other.rows(tables.stops) == await house.rows(tables.stops) == []


async def test_each_id_has_its_own_outcome_in_the_order_asked(house: Workspace) -> None:
    unknown = new_id()
    second = await an_entry(house, "e2")
    third = await an_entry(house, "e3")
    await house.record(completed("e3"))
    first = await the_entry(house)

    done = await stops.stop(a_context(house, OPERATE), (third, unknown, second, first))

    assert done.outcomes == (
        (third, S.FINISHED),
        (unknown, S.NOT_FOUND),
        (second, S.STOPPED),
        (first, S.STOPPED),
    )
    assert (done.matched, done.stopped) == (3, 2)
    assert len(await house.rows(tables.stops)) == 1


async def test_a_dry_run_says_what_it_would_do_and_does_nothing(house: Workspace) -> None:
    entry_id = await the_entry(house)
    before = await house.facts()

    done = await stops.stop(a_context(house, OPERATE), (entry_id,), is_dry_run=True)

    assert done.outcomes == ((entry_id, S.WOULD_STOP),)
    assert (done.matched, done.stopped) == (1, None)
    assert (await house.entry())["state"] == "ACTIVE"
    assert await house.facts() == before
    assert await house.rows(tables.stops) == []


async def test_the_same_key_and_input_answers_with_the_first_result(house: Workspace) -> None:
    entry_id = await the_entry(house)
    first = await stops.stop(a_context(house, OPERATE), (entry_id,), idempotency_key="k")

    again = await stops.stop(
        a_context(house, OPERATE, now=after(9)), (entry_id,), idempotency_key="k"
    )

    assert again == first
    assert len(await house.rows(tables.stops)) == 1


async def test_the_same_key_with_another_input_is_refused(house: Workspace) -> None:
    entry_id = await the_entry(house)
    await stops.stop(a_context(house, OPERATE), (entry_id,), is_dry_run=True, idempotency_key="k")

    done = await stops.stop(a_context(house, OPERATE), (entry_id,), idempotency_key="k")

    assert [one.code for one in done.refusals] == [ErrorCode.KEY_REUSED]
    assert (await house.entry())["state"] == "ACTIVE"


async def test_a_key_is_free_again_after_24_hours(house: Workspace) -> None:
    entry_id = await the_entry(house)
    await stops.stop(a_context(house, OPERATE), (entry_id,), is_dry_run=True, idempotency_key="k")

    done = await stops.stop(
        a_context(house, OPERATE, now=NOW + DAY), (entry_id,), idempotency_key="k"
    )

    assert done.outcomes == ((entry_id, S.STOPPED),)


async def test_a_key_is_of_one_workspace(house: Workspace, database: Database) -> None:
    other = await a_house(database)
    await stops.stop(a_context(house, OPERATE), (await the_entry(house),), idempotency_key="k")

    done = await stops.stop(
        a_context(other, OPERATE), (await the_entry(other),), idempotency_key="k"
    )

    assert (done.stopped, done.refusals) == (1, ())


async def test_the_same_key_from_two_sides_at_once_stops_once(shared_url: str) -> None:
    async with a_database(shared_url) as one, a_database(shared_url) as other:
        here = await a_house(one)
        there = Workspace(other, here.id)
        entry_id = await the_entry(here)

        results = await asyncio.gather(
            *(
                stops.stop(a_context(desk, OPERATE), (entry_id,), idempotency_key="k")
                for desk in (here, there) * 3
            )
        )

        assert len(await here.rows(tables.stops)) == 1
    assert all(one == results[0] for one in results)
    assert results[0].outcomes == ((entry_id, S.STOPPED),)


async def test_two_stops_at_once_are_one(shared_url: str) -> None:
    async with a_database(shared_url) as one, a_database(shared_url) as other:
        here = await a_workspace(one)
        await a_journey(here)
        await a_contact(here)
        there = Workspace(other, here.id)
        ids = tuple([await an_entry(here, f"e{n}") for n in range(10)])

        results = await asyncio.gather(
            *(
                stops.stop(a_context(desk, OPERATE), ids if desk is here else ids[::-1])
                for desk in (here, there) * 2
            )
        )

        (counter,) = await here.rows(tables.entry_counters, bucket_seconds=60)
    assert sum(one.stopped or 0 for one in results) == 10
    assert (counter["stopped"], counter["active"]) == (10, 0)


@pytest.mark.parametrize(
    ("ids", "note", "code"),
    [
        ((), None, ErrorCode.EMPTY_SELECTION),
        (tuple(new_id() for _ in range(1_001)), None, ErrorCode.TOO_MANY),
        ((bytes(16),), "x" * 2_001, ErrorCode.TOO_LONG),
    ],
    ids=["no id", "1,001 ids", "a long note"],
)
async def test_what_cannot_be_asked_is_refused(
    house: Workspace, ids: tuple[Id, ...], note: str | None, code: ErrorCode
) -> None:
    done = await stops.stop(a_context(house, OPERATE), ids, note=note)

    assert [one.code for one in done.refusals] == [code]
    assert done.outcomes == ()


async def test_a_thousand_ids_are_taken(house: Workspace) -> None:
    ids = tuple(new_id() for _ in range(999))

    done = await stops.stop(a_context(house, OPERATE), (await the_entry(house), *ids))

    assert (done.matched, done.stopped, len(done.outcomes)) == (1, 1, 1_000)


@pytest.mark.parametrize("scope", [Scope.READ, Scope.INTEGRATE])
async def test_stopping_needs_the_scope_operate(house: Workspace, scope: Scope) -> None:
    with pytest.raises(Forbidden, match="operate"):
        await stops.stop(a_context(house, scope), (await the_entry(house),))

    assert (await house.entry())["state"] == "ACTIVE"


async def test_a_stop_rings_behind_its_commit(house: Workspace) -> None:
    context = a_context(house, OPERATE)

    await stops.stop(context, (await the_entry(house),))

    (head,) = await house.rows(tables.heads)
    assert context.hub.known(house.id) == head["seq"]
