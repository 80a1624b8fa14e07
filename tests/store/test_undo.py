"""Undo: a stop that is undone leaves no trace but in the log."""

from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import Connection, Database, stops, tables, undo
from store.drafts import ChoiceDraft, QuestionDraft, SurveyDraft
from store.ingest import events
from store.ingest.events import ContactRef, Event
from store.types import Id
from store.words import DeliveryKind, StepKind
from tests.support.factories import (
    Workspace,
    a_contact,
    a_journey,
    a_key,
    a_workspace,
    after,
    an_entry,
    announced,
    completed,
    converted,
    delivered,
    exited,
    failed,
    reached,
)

STOPPED_AT = 50
COUNTERS = (tables.entry_counters, tables.step_counters, tables.communication_counters)


def answered(at: float, text: str) -> Event:
    return events.SurveyAnswered(
        a_key(), after(at), ContactRef("ada"), "welcome", "why", "e1", ("fun",), text
    )


moments = st.integers(1, 100)
texts = st.sampled_from(["", "a", "b"])
happenings: st.SearchStrategy[Any] = st.one_of(
    st.tuples(st.just("step"), moments, st.sampled_from(list(StepKind)), texts),
    st.tuples(st.sampled_from(["convert", "exit", "complete", "fail"]), moments, texts),
    st.tuples(st.just("message"), moments, st.sampled_from(["m1", "m2"])),
    st.tuples(
        st.just("delivery"),
        moments,
        st.sampled_from([DeliveryKind.DELIVERED, DeliveryKind.CLICKED, DeliveryKind.BOUNCED]),
        st.sampled_from(["m1", "m2"]),
    ),
    st.tuples(st.just("answer"), moments, texts),
)


def event(happening: Sequence[Any]) -> Event:
    match happening:
        case ("step", at, kind, text):
            step = "remind" if text == "a" else "hello"
            return reached(step, kind, at=after(at), reason=text, waiting_for=text)
        case ("convert", at, _):
            return converted(at=after(at))
        case ("exit", at, text):
            return exited(at=after(at), reason=text)
        case ("complete", at, _):
            return completed(at=after(at))
        case ("fail", at, text):
            return failed(at=after(at), reason=text)
        case ("message", at, name):
            return announced(name, at=after(at), step="hello", links=("https://example.org/",))
        case ("delivery", at, kind, name):
            return delivered(kind, name, at=after(at), url="https://example.org/")
        case ("answer", at, text):
            return answered(at, text)
    raise AssertionError(happening)


async def a_house(database: Database) -> Workspace:
    workspace = await a_workspace(database)
    question = QuestionDraft("why", "Why?", (ChoiceDraft("fun", "For fun"),))
    await a_journey(workspace, surveys=(SurveyDraft("exit", "Exit", (question,)),))
    await a_contact(workspace)
    await an_entry(workspace)
    return workspace


async def undone(workspace: Workspace, stop_id: Id) -> undo.Undoing:
    async def work(connection: Connection) -> undo.Undoing:
        return await undo.undo_all(
            connection, workspace.id, stop_id, actor="ops", now=after(STOPPED_AT)
        )

    return await workspace.database.transact(work)


async def stopped(workspace: Workspace) -> Id:
    entry = await workspace.entry()

    async def work(connection: Connection) -> stops.Stopping:
        return await stops.stop(
            connection,
            workspace.id,
            [entry["id"]],
            actor="ops",
            note=None,
            now=after(STOPPED_AT),
            is_dry_run=False,
        )

    stopping = await workspace.database.transact(work)
    assert stopping.stop_id is not None
    return stopping.stop_id


async def truth(workspace: Workspace) -> dict[str, Any]:
    """What the workspace holds, by names instead of ids."""
    names: dict[bytes, str] = {}
    for table, column in (
        (tables.journeys, "external_id"),
        (tables.journey_steps, "key"),
        (tables.entries, "external_id"),
        (tables.communications, "external_id"),
        (tables.contacts, "external_username"),
        (tables.resources, "name"),
        (tables.survey_questions, "key"),
    ):
        for row in await workspace.rows(table):
            names[row["id"]] = row[column]

    def named(row: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(
            (name, names.get(value) if isinstance(value, bytes) else value)
            for name, value in row.items()
            if name not in ("workspace_id", "choices")
        )

    kept = (
        tables.entries,
        tables.entry_steps,
        tables.communications,
        tables.survey_answers,
        tables.links,
        *COUNTERS,
    )
    found: dict[str, Any] = {
        table.name: sorted(map(named, await workspace.rows(table)), key=repr) for table in kept
    }
    for table in COUNTERS:
        # A counter that went back to nothing is as good as none.
        found[table.name] = [
            row for row in found[table.name] if any(isinstance(v, int) and v for n, v in row[3:])
        ]
    (contact,) = await workspace.rows(tables.contacts)
    return found | {
        "interaction": contact["last_interaction_at"],
        "waiting": len(await workspace.rows(tables.pending_events)),
    }


@given(
    before=st.lists(happenings, min_size=1, max_size=4),
    during=st.lists(happenings, min_size=1, max_size=8),
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_stop_that_is_undone_leaves_everything_as_if_it_had_not_been(
    database: Database, before: list[Any], during: list[Any]
) -> None:
    here, there = await a_house(database), await a_house(database)
    announced: set[str] = set()
    parts = [[event(one) for one in part if is_new(one, announced)] for part in (before, during)]

    await record(here, parts[0])
    stop_id = await stopped_if_open(here)
    await record(here, parts[1])
    if stop_id is not None:
        await undone(here, stop_id)
    for part in parts:
        await record(there, part)

    assert await truth(here) == await truth(there)
    assert not [row for row in await here.rows(tables.log) if row["is_ignored"]]


def is_new(happening: Sequence[Any], announced: set[str]) -> bool:
    """A message is announced once: which of two was the first is not for an undo to say."""
    if happening[0] != "message":
        return True
    is_first = happening[2] not in announced
    announced.add(happening[2])
    return is_first


async def record(workspace: Workspace, happened: list[Event]) -> None:
    if happened:
        await workspace.record(*happened)


async def stopped_if_open(workspace: Workspace) -> Id | None:
    entry = await workspace.entry()
    return await stopped(workspace) if entry["state"] in ("ACTIVE", "WAITING") else None


async def test_a_message_that_was_ignored_is_made_with_what_waited_for_it(
    database: Database,
) -> None:
    workspace = await a_house(database)
    stop_id = await stopped(workspace)
    await workspace.record(
        announced("m9", at=after(60), links=("https://example.org/",)),
        delivered(DeliveryKind.CLICKED, "m9", at=after(70), url="https://example.org/"),
    )

    undoing = await undone(workspace, stop_id)

    message = await workspace.message("m9")
    log = await workspace.rows(tables.log)
    created = [row for row in log if row["activity"] == "MESSAGE_CREATED"]
    queued = [row for row in log if row["delivery"] == "QUEUED"]
    assert (undoing.restored, message["status"]) == (1, "CLICKED")
    assert [(row["communication_id"], row["is_ignored"]) for row in created] == [
        (message["id"], False)
    ]
    assert [(row["communication_id"], row["activity"]) for row in queued] == [(message["id"], None)]
    assert queued[0]["seq"] > created[0]["seq"]


async def test_an_undo_in_parts_goes_on_where_the_last_part_ended(
    database: Database,
) -> None:
    workspace = await a_house(database)
    for name in ("e2", "e3", "e4"):
        await an_entry(workspace, name)
    entries = await workspace.rows(tables.entries)
    stop_id = await stop_all(workspace, [row["id"] for row in entries])
    await workspace.record(converted("e2", at=after(60)), converted("e3", at=after(60)))

    restored, last = [], None
    while True:
        part = await a_part_undone(workspace, stop_id, last)
        restored.append(part.restored)
        last = part.last
        if last is None:
            break

    states = {row["external_id"]: row["state"] for row in await workspace.rows(tables.entries)}
    assert restored == [2, 2]
    assert set(states.values()) == {"ACTIVE"}


async def stop_all(workspace: Workspace, ids: list[Id]) -> Id:
    async def work(connection: Connection) -> stops.Stopping:
        return await stops.stop(
            connection, workspace.id, ids, actor="ops", note=None, now=after(50), is_dry_run=False
        )

    stop_id = (await workspace.database.transact(work)).stop_id
    assert stop_id is not None
    return stop_id


async def a_part_undone(workspace: Workspace, stop_id: Id, last: Id | None) -> undo.Undoing:
    async def work(connection: Connection) -> undo.Undoing:
        return await undo.undo_chunk(
            connection,
            workspace.id,
            stop_id,
            after=last,
            actor="ops",
            now=after(80),
            rows_at_most=5,
        )

    return await workspace.database.transact(work)
