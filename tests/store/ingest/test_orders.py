"""Orders: the same events in any order, split and repeated, end in the same rows and counters."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from store import Database, tables
from store.ingest.events import Delivery, Event
from store.merge import Message, Passage
from store.tables.communications import MILESTONES
from store.tables.journeys import ENTRY_COUNTS, STEP_COUNTS
from store.types import HOUR, MINUTE
from store.words import Channel, DeliveryKind, EventOutcome, StepKind
from tests.support.factories import (
    NOW,
    Workspace,
    a_contact,
    a_journey,
    a_workspace,
    after,
    announced,
    by_provider,
    completed,
    converted,
    delivered,
    entered,
    exited,
    failed,
    reached,
)

SOON = 90.0
JOURNEYS = ("welcome", "winback")
STEPS = ("hello", "remind")
CONTACTS = ("ada", "bob")
BUCKETS = ((60, MINUTE), (3_600, HOUR))

# Ties, neighbouring minutes, another hour.
moments = st.sampled_from([after(seconds) for seconds in (-3_600, -60, -59, 0, 1, 2)])
names = st.sampled_from(["1", "2"])


reasons = st.sampled_from([None, "why"])


def _named(event: Delivery, *, is_by_provider: bool) -> Event:
    """The event of m1, or the same of what its provider calls p1."""
    name = event.communication.replace("m", "p")
    return by_provider(event, name) if is_by_provider else event


facts: st.SearchStrategy[Event] = st.one_of(
    # Links that are followed one by one, or all at once as a scanner does.
    st.builds(
        lambda message, link, at, is_bot: delivered(
            DeliveryKind.CLICKED,
            "m" + message,
            at=at,
            url=f"https://{link}.example",
            link=link,
            is_suspected_bot=is_bot,
        ),
        names,
        st.integers(1, 4),
        moments,
        st.sampled_from([False, False, True]),
    ),
    st.builds(
        lambda kind, message, at, url, reason, is_bot, is_by_provider: _named(
            delivered(kind, "m" + message, at=at, url=url, reason=reason, is_suspected_bot=is_bot),
            is_by_provider=is_by_provider,
        ),
        st.sampled_from(DeliveryKind),
        names,
        moments,
        st.sampled_from([None, "https://a.example", "https://b.example"]),
        reasons,
        st.booleans(),
        st.booleans(),
    ),
    st.builds(
        lambda kind, step, entry, at, waiting_for, reason: reached(
            step, kind, "e" + entry, at=at, waiting_for=waiting_for, reason=reason
        ),
        st.sampled_from(StepKind),
        st.sampled_from(STEPS),
        names,
        moments,
        st.sampled_from([None, "an answer"]),
        reasons,
    ),
    st.builds(
        lambda make, entry, at: make("e" + entry, at=at),
        st.sampled_from([converted, exited, completed, failed]),
        names,
        moments,
    ),
)


@dataclass(frozen=True)
class Sent:
    """Batches of events, as a partner might send them."""

    batches: tuple[tuple[Event, ...], ...]

    @property
    def events(self) -> list[Event]:
        return list({event.key: event for batch in self.batches for event in batch}.values())


@st.composite
def sendings(draw: st.DrawFn) -> tuple[Sent, Sent]:
    """Two ways of sending the same events, each once or twice."""
    events: list[Event] = [
        entered("e1", "ada", "welcome", at=draw(moments)),
        entered("e2", "bob", draw(st.sampled_from(JOURNEYS)), at=draw(moments)),
        announced(
            "m1",
            draw(st.sampled_from(["e1", "e2"])),
            at=draw(moments),
            step="hello",
            provider_message_id="p1",
        ),
        announced(
            "m2",
            "e2",
            at=draw(moments),
            channel=Channel.SMS,
            resource="Text",
            provider_message_id="p2",
        ),
        *draw(st.lists(facts, max_size=8)),
    ]
    again = draw(st.lists(st.sampled_from(events), max_size=3))
    return draw(ways(events)), draw(ways(events + again))


@st.composite
def ways(draw: st.DrawFn, events: Sequence[Event]) -> Sent:
    order = draw(st.permutations(events))
    cuts = sorted(draw(st.sets(st.integers(1, len(order) - 1), max_size=3)))
    edges = [0, *cuts, len(order)]
    return Sent(tuple(tuple(order[a:b]) for a, b in pairwise(edges)))


async def sent_to_a_new_workspace(
    database: Database, sent: Sent, writers: Sequence[Database] = ()
) -> Workspace:
    """By one writer, batch after batch; or by several, each with every so many-th batch at once."""
    workspace = await a_workspace(database)
    for journey in JOURNEYS:
        await a_journey(workspace, journey, STEPS)
    for contact in CONTACTS:
        await a_contact(workspace, contact)

    async def write(own: Database, batches: Sequence[Sequence[Event]]) -> None:
        for batch in batches:
            outcomes = await Workspace(own, workspace.id).record(*batch)
            assert EventOutcome.REJECTED not in {outcome.kind for outcome in outcomes}, outcomes

    desks = list(writers) or [database]
    async with asyncio.timeout(SOON):
        await asyncio.gather(
            *(write(own, sent.batches[turn :: len(desks)]) for turn, own in enumerate(desks))
        )
    return workspace


GENERATED = {"workspace_id", "id", "nonce", "seq", "recorded_at"}


async def contents(workspace: Workspace) -> dict[str, Any]:
    """What a workspace holds, with the partner's names instead of ids."""
    known: dict[bytes, str] = {}
    for table, column in (
        (tables.journeys, "external_id"),
        (tables.journey_steps, "key"),
        (tables.contacts, "external_username"),
        (tables.entries, "external_id"),
        (tables.communications, "external_id"),
        (tables.resources, "name"),
    ):
        known |= {row["id"]: row[column] for row in await workspace.rows(table)}

    async def named(table: Any) -> Counter[Any]:
        found = await workspace.rows(table)
        return Counter(
            tuple(
                (str(name), known[value] if isinstance(value, bytes) else repr(value))
                for name, value in sorted(row.items())
                if name not in GENERATED
            )
            for row in found
            # What was thought when differs, what is thought at last does not.
            if row.get("change") != "ROBOT_SUSPECTED"
        )

    return {
        "entries": await named(tables.entries),
        "visits": await named(tables.entry_steps),
        "messages": await named(tables.communications),
        "marks": sorted(
            (known[row["id"]], row["mark"], row["created_at"])
            for row in await workspace.rows(tables.communication_marks)
        ),
        "consents": await named(tables.contact_consents),
        "resources": await named(tables.resources),
        "log": await named(tables.log),
        "entry keys": await named(tables.entry_keys),
        "message keys": await named(tables.communication_keys),
        "provider's keys": await named(tables.provider_message_keys),
        "interactions": [
            (row["external_username"], row["last_interaction_at"], row["active_at"])
            for row in await workspace.rows(tables.contacts)
        ],
        "waiting": await workspace.rows(tables.pending_events),
        "counters": {
            name: {
                tuple(known.get(part, part) for part in key): value for key, value in one.items()
            }
            for name, one in (await counted(workspace)).items()
        },
    }


Counts = dict[str, dict[tuple[Any, ...], tuple[int, ...]]]


async def counted(workspace: Workspace) -> Counts:
    """The counters, in both sizes of buckets, without those that are back at zero."""
    return {
        "messages": await _counters(
            workspace,
            tables.communication_counters,
            ("journey_id", "bucket_seconds", "at", "resource_id", "channel"),
            MILESTONES,
        ),
        "entries": await _counters(
            workspace,
            tables.entry_counters,
            ("journey_id", "bucket_seconds", "at", "in_control_group"),
            ENTRY_COUNTS,
        ),
        "steps": await _counters(
            workspace, tables.step_counters, ("journey_id", "step_id"), STEP_COUNTS
        ),
    }


async def _counters(
    workspace: Workspace, table: Any, key: tuple[str, ...], names: tuple[str, ...]
) -> dict[tuple[Any, ...], tuple[int, ...]]:
    found = {
        tuple(row[name] for name in key): tuple(row[name] for name in names)
        for row in await workspace.rows(table)
        if row.get("bucket_seconds") in (None, 60, 3_600)
    }
    return {place: counts for place, counts in found.items() if any(counts)}


async def recounted(workspace: Workspace) -> Counts:
    """The same, counted from the rows."""
    messages: Any = defaultdict(lambda: [0] * len(MILESTONES))
    entries: Any = defaultdict(lambda: [0] * len(ENTRY_COUNTS))
    steps: Any = defaultdict(lambda: [0] * len(STEP_COUNTS))

    def add(to: list[int], ones: Sequence[int]) -> None:
        for index, one in enumerate(ones):
            to[index] += int(one)

    for row in await workspace.rows(tables.communications):
        message = Message(**{n: row[n] for n in Message.__dataclass_fields__})
        for seconds, width in BUCKETS:
            at = row["created_at"] - row["created_at"] % width
            place = row["journey_id"], seconds, at, row["resource_id"], row["channel"]
            add(messages[place], message.milestones())
    for row in await workspace.rows(tables.entries):
        passage = Passage(**{n: row[n] for n in Passage.__dataclass_fields__})
        for seconds, width in BUCKETS:
            at = row["entered_at"] - row["entered_at"] % width
            add(entries[row["journey_id"], seconds, at, row["in_control_group"]], passage.tally())
        if row["state"] == "WAITING":
            add(steps[row["journey_id"], row["current_step_id"]], (0, 1, 0, 0))
    for row in await workspace.rows(tables.entry_steps):
        was = [row[name] is not None for name in ("entered_at", "completed_at", "failed_at")]
        add(steps[row["journey_id"], row["step_id"]], (was[0], 0, was[1], was[2]))
    return {
        name: {place: tuple(counts) for place, counts in found.items() if any(counts)}
        for name, found in (("messages", messages), ("entries", entries), ("steps", steps))
    }


E1, E2 = entered("e1", "ada", "welcome"), entered("e2", "bob", "winback")
M1 = announced("m1", "e1", step="hello", provider_message_id="p1")
M2 = announced("m2", "e2", at=after(-60))
STORY: tuple[Event, ...] = (
    E1,
    E2,
    M1,
    M2,
    reached("hello", StepKind.STEP_ENTERED, "e1"),
    reached("hello", StepKind.WAITING, "e1", at=after(1), waiting_for="an answer"),
    reached("hello", StepKind.STEP_FAILED, "e2", at=after(1), reason="no address"),
    delivered(DeliveryKind.SENT, "m1"),
    delivered(DeliveryKind.DELIVERED, "m1", at=after(1)),
    by_provider(delivered(DeliveryKind.BOUNCED, at=after(1), reason="full"), "p1"),
    delivered(DeliveryKind.CLICKED, "m2", at=after(2), url="https://a.example"),
    delivered(DeliveryKind.CLICKED, "m2", at=after(2), url="https://b.example"),
    delivered(DeliveryKind.OPENED, "m2", at=after(1), is_suspected_bot=True),
    *(
        delivered(DeliveryKind.CLICKED, "m1", at=after(link), url="https://a.example", link=link)
        for link in (1, 2, 3)
    ),
    delivered(DeliveryKind.CLICKED, "m1", at=after(60), url="https://b.example", link=2),
    converted("e1", at=after(2)),
    completed("e1", at=after(2)),
    exited("e1", at=after(2), reason="rule"),
    failed("e2", at=after(3)),
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ways=sendings())
@example(ways=(Sent((STORY,)), Sent((STORY[::-1],))))
@example(ways=(Sent((STORY,)), Sent(tuple((event,) for event in reversed(STORY)))))
@example(ways=(Sent((STORY,)), Sent((STORY[5:], STORY[2:7], STORY[::-1]))))
async def test_any_order_split_and_repetition_ends_in_the_same(
    database: Database, ways: tuple[Sent, Sent]
) -> None:
    first, second = ways

    one = await sent_to_a_new_workspace(database, first)
    other = await sent_to_a_new_workspace(database, second)

    held = await contents(one)
    assert await contents(other) == held
    assert held["waiting"] == []
    assert sum(held["log"].values()) == len(first.events) + len(CONTACTS)
    assert await counted(one) == await recounted(one)
    assert await counted(other) == await recounted(other)


@pytest.fixture
async def writers(database_url: str) -> AsyncIterator[list[Database]]:
    """Three processes' own connections to one database."""
    databases = [Database(database_url) for _ in range(3)]
    yield databases
    for one in databases:
        await one.dispose()


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ways=sendings())
@example(ways=(Sent((STORY,)), Sent(tuple((event,) for event in (*STORY[::-1], *STORY[:9])))))
@example(ways=(Sent((STORY,)), Sent((STORY, STORY[::-1], STORY[4:]))))
async def test_several_writers_at_once_end_in_what_one_ends_in(
    writers: list[Database], ways: tuple[Sent, Sent]
) -> None:
    first, second = ways

    one = await sent_to_a_new_workspace(writers[0], first)
    other = await sent_to_a_new_workspace(writers[0], second, writers)

    assert await contents(other) == await contents(one)
    assert await counted(other) == await recounted(other)


async def test_the_counters_of_a_known_story(database: Database) -> None:
    workspace = await sent_to_a_new_workspace(database, Sent((STORY,)))

    counters = (await contents(workspace))["counters"]

    assert counters["messages"]["welcome", 3_600, NOW, "Welcome mail", "EMAIL"] == tuple(
        int(name in ("created", "sent", "delivered", "bounced", "clicked", "raw_clicked"))
        for name in MILESTONES
    )
    assert counters["messages"]["winback", 60, after(-60), "Welcome mail", "EMAIL"] == tuple(
        int(name in ("created", "clicked", "raw_opened", "raw_clicked")) for name in MILESTONES
    )
    assert counters["entries"]["welcome", 60, NOW, False] == tuple(
        int(name in ("entered", "converted", "completed")) for name in ENTRY_COUNTS
    )
    assert counters["entries"]["winback", 60, NOW, False] == tuple(
        int(name in ("entered", "failed")) for name in ENTRY_COUNTS
    )
    assert counters["steps"] == {
        ("welcome", "hello"): (1, 0, 0, 0),
        ("winback", "hello"): (0, 0, 0, 1),
    }


async def test_the_waiting_leave_their_step_when_they_end(database: Database) -> None:
    workspace = await sent_to_a_new_workspace(
        database,
        Sent(((E1, reached("hello", StepKind.WAITING)), (converted("e1"),))),
    )
    before = (await counted(workspace))["steps"]

    await workspace.record(completed("e1", at=after(5)))

    assert list(before.values()) == [(0, 1, 0, 0)]
    assert (await counted(workspace))["steps"] == {}


async def test_a_stop_is_counted(database: Database) -> None:
    workspace = await sent_to_a_new_workspace(database, Sent((STORY[:6],)))
    entry = await workspace.entry("e1")

    await workspace.stop(entry["id"], now=after(10))

    counters = await counted(workspace)
    assert counters == await recounted(workspace)
    assert counters["entries"][entry["journey_id"], 60, NOW, False] == tuple(
        int(name in ("entered", "stopped")) for name in ENTRY_COUNTS
    )
