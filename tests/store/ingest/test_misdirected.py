"""Misdirected events: in any order and by any writer, each of them ends as one dead letter."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import Database, tables
from store.ingest.encoding import digest
from store.ingest.events import Delivery, Event
from store.ingest.outcomes import Arrival
from store.ingest.via import Via, scope
from store.types import DAY, new_id
from store.words import Channel, DeliveryKind
from tests.store.test_undo import STOPPED_AT, stopped, undone
from tests.support.factories import (
    NOW,
    Workspace,
    a_contact,
    a_journey,
    a_workspace,
    after,
    announced,
    by_provider,
    delivered,
    entered,
)

SOON = 60.0
MAILS, TEXTS = Via(new_id(), Channel.EMAIL), Via(new_id(), Channel.SMS)


def by(via: Via, event: Event) -> Arrival:
    return Arrival(event, via.channel, scope(via.connector_id), via)


@dataclass(frozen=True)
class Ways:
    """Two ways in which the same arrives: batches, in which some comes twice."""

    one: Sequence[Sequence[Arrival]]
    other: Sequence[Sequence[Arrival]]


@st.composite
def ways(draw: st.DrawFn) -> Ways:
    arrivals = [
        Arrival(entered("e1", "ada"), "Shop"),
        Arrival(announced("m1", "e1", provider_message_id="p1"), "Shop"),
        Arrival(announced("m2", "e1", channel=Channel.SMS, resource="Text"), "Shop"),
        *draw(st.lists(st.builds(by, st.sampled_from([MAILS, TEXTS]), _REPORTS), max_size=6)),
    ]
    again = draw(st.lists(st.sampled_from(arrivals), max_size=3))
    return Ways(draw(_cut(arrivals)), draw(_cut(arrivals + again)))


_REPORTS: st.SearchStrategy[Event] = st.builds(
    lambda kind, name, second: (
        by_provider(delivered(kind, at=after(second)), name)
        if name == "p1"
        else delivered(kind, name, at=after(second))
    ),
    st.sampled_from([DeliveryKind.DELIVERED, DeliveryKind.CLICKED, DeliveryKind.BOUNCED]),
    st.sampled_from(["m1", "m2", "p1"]),
    st.integers(0, 2),
)


@st.composite
def _cut(draw: st.DrawFn, arrivals: Sequence[Arrival]) -> list[list[Arrival]]:
    order = draw(st.permutations(arrivals))
    cuts = sorted(draw(st.sets(st.integers(1, len(order) - 1), max_size=3)))
    return [list(order[a:b]) for a, b in pairwise([0, *cuts, len(order)])]


async def a_shop(database: Database) -> Workspace:
    workspace = await a_workspace(database)
    await a_journey(workspace)
    await a_contact(workspace, "ada")
    return workspace


async def held(workspace: Workspace) -> dict[str, Any]:
    """What became of the events; letters by the key of the event in them."""
    letters = await workspace.rows(tables.dead_letters)
    keys = {row["digest"] for row in await workspace.rows(tables.event_keys)}
    events = [(row["connector_id"], orjson.loads(row["body"])) for row in letters]
    assert not {digest(scope(one), event["key"]) for one, event in events} & keys
    return {
        "letters": sorted((one, event["key"], event["kind"]) for one, event in events),
        "told": sorted(
            (row["source"], row["delivery"], row["channel"], row["occurred_at"])
            for row in await workspace.facts()
            if row["delivery"] is not None
        ),
        "messages": sorted(
            (row["external_id"], row["status"], row["click_count"])
            for row in await workspace.rows(tables.communications)
        ),
        "waiting": await workspace.rows(tables.pending_events),
        "keys": keys,
    }


def expected_letters(arrivals: Sequence[Arrival]) -> list[tuple[bytes, str, str]]:
    found = set()
    for one in arrivals:
        if one.via is not None and isinstance(one.event, Delivery):
            of = Channel.SMS if one.event.communication == "m2" else Channel.EMAIL
            if of is not one.via.channel:
                found.add((one.via.connector_id, one.event.key, str(one.event.kind)))
    return sorted(found)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ways=ways())
async def test_any_order_split_and_repetition_ends_in_the_same(
    database: Database, ways: Ways
) -> None:
    one, other = await a_shop(database), await a_shop(database)

    for batch in ways.one:
        await one.arrived(batch)
    for batch in ways.other:
        await other.arrived(batch)

    ended = await held(one)
    assert await held(other) == ended
    assert ended["waiting"] == []
    assert ended["letters"] == expected_letters([each for batch in ways.one for each in batch])


@pytest.fixture
async def desks(shared_url: str) -> AsyncIterator[list[Workspace]]:
    """A shop as three processes see it."""
    databases = [Database(shared_url) for _ in range(3)]
    workspace = await a_shop(databases[0])
    yield [Workspace(database, workspace.id) for database in databases]
    for database in databases:
        await database.dispose()


async def test_messages_and_reports_of_both_channels_at_once_lose_nothing(
    desks: list[Workspace],
) -> None:
    """Two report the same: right ones count once, and each wrong one is one letter."""
    await desks[0].record(entered("e1", "ada"))
    rounds = 30
    makers = [
        [Arrival(announced(f"m{n}", provider_message_id=f"p{n}"), "Shop")] for n in range(rounds)
    ]
    couriers = [
        [
            by(TEXTS, delivered(DeliveryKind.CLICKED, f"m{n}")),
            by(MAILS, by_provider(delivered(DeliveryKind.OPENED), f"p{n}")),
            by(TEXTS, by_provider(delivered(DeliveryKind.BOUNCED), f"p{n}")),
        ]
        for n in range(rounds)
    ]

    async def work(desk: Workspace, batches: Sequence[Sequence[Arrival]]) -> None:
        for batch in batches:
            await desk.arrived(batch)

    async with asyncio.timeout(SOON):
        await asyncio.gather(
            work(desks[0], makers), work(desks[1], couriers), work(desks[2], couriers[::-1])
        )

    ended = await held(desks[0])
    assert ended["waiting"] == []
    assert len(ended["letters"]) == 2 * rounds
    assert [kind for _, kind, *_ in ended["told"]].count("OPENED") == rounds
    messages = await desks[0].rows(tables.communications)
    assert [row["status"] for row in messages] == ["OPENED"] * rounds


async def test_a_letter_of_what_waited_came_when_the_event_did(database: Database) -> None:
    workspace = await a_shop(database)
    await workspace.record(entered("e1", "ada"))
    await workspace.arrived([by(TEXTS, delivered())])

    await workspace.record(announced("m1", "e1"), now=NOW + DAY)

    (letter,) = await workspace.rows(tables.dead_letters)
    (message,) = await workspace.rows(tables.communications)
    assert letter["received_at"] == NOW
    assert letter["communication_id"] == message["id"]
    assert letter["connector_id"] == TEXTS.connector_id


async def test_the_same_report_with_another_time_is_one_letter(database: Database) -> None:
    workspace = await a_shop(database)
    await workspace.record(entered("e1", "ada"), announced("m1", "e1"))

    for second in range(2):
        await workspace.arrived([by(TEXTS, delivered(key="k", at=after(second)))])
    await workspace.arrived([by(TEXTS, delivered(DeliveryKind.CLICKED, key="k"))])

    letters = await workspace.rows(tables.dead_letters)
    kinds = [orjson.loads(row["body"])["kind"] for row in letters]
    assert sorted(kinds) == ["CLICKED", "DELIVERED"]


async def test_what_waited_for_a_message_that_an_undo_brings_is_kept_too(
    database: Database,
) -> None:
    workspace = await a_shop(database)
    await workspace.record(entered("e1", "ada"))
    stop_id = await stopped(workspace)
    await workspace.record(announced("m1", "e1", at=after(STOPPED_AT)))
    await workspace.arrived([by(TEXTS, delivered()), by(MAILS, delivered())])

    await undone(workspace, stop_id)

    ended = await held(workspace)
    assert ended["messages"] == [("m1", "DELIVERED", 0)]
    assert [one for one, *_ in ended["letters"]] == [TEXTS.connector_id]
    assert ended["waiting"] == []
