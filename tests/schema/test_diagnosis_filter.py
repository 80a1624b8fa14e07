"""Diagnoses as a filter: of any entries, each is found by its one code and by no other."""

from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store.drafts import JourneyDraft, StepDraft
from store.ingest.events import Event
from store.journeys import upsert
from store.tables import communications, journey_steps, log
from store.types import SECOND
from store.words import DeliveryKind, DiagnosisCode, StepKind
from tests.schema.conftest import Api
from tests.support.factories import (
    NOW,
    Workspace,
    a_contact,
    a_database,
    a_workspace,
    after,
    announced,
    completed,
    delivered,
    entered,
    exited,
    failed,
    reached,
)

STEPS = (
    StepDraft("hello", "Hello"),
    StepDraft("remind", "Remind", patience_seconds=3_600),
    StepDraft("thank", "Thank"),
)
MOMENTS = st.integers(-3_600, 7_200).map(after)
KEYS = st.sampled_from([step.key for step in STEPS])


@st.composite
def histories(draw: st.DrawFn, entry: str) -> list[Event]:
    """What may happen to one entry, in any order."""
    happened: list[Event] = [
        reached(
            draw(KEYS),
            draw(st.sampled_from([kind for kind in StepKind if not kind.startswith("BONUS")])),
            entry,
            at=draw(MOMENTS),
            waiting_for=draw(st.sampled_from([None, "deposit"])),
            waiting_until=draw(st.none() | MOMENTS),
        )
        for _ in range(draw(st.integers(0, 4)))
    ]
    for number in range(draw(st.integers(0, 3))):
        name = f"{entry}-{number}"
        happened.append(announced(name, entry, step=draw(st.none() | KEYS), at=draw(MOMENTS)))
        happened.extend(
            delivered(draw(st.sampled_from(DeliveryKind)), name, at=draw(MOMENTS))
            for _ in range(draw(st.integers(0, 2)))
        )
    end = draw(st.sampled_from([None, None, None, completed, exited, failed]))
    if end is not None:
        happened.append(end(entry, at=draw(MOMENTS)))
    return happened


async def code_by_the_book(workspace: Workspace, name: str, now: int) -> str:
    """What the definition says of the entry's rows, read without SQL's help."""
    entry = await workspace.entry(name)
    messages = [
        one
        for one in await workspace.rows(communications, entry_id=entry["id"])
        if one["step_id"] == entry["current_step_id"]
    ]
    latest = max(messages, key=lambda one: (one["created_at"], one["id"]), default=None)
    status = latest and latest["status"]
    kind, state = entry["step_kind"], entry["state"]
    if state == "STOPPED":
        return "STOPPED"
    if state in {"COMPLETED", "EXITED", "FAILED"}:
        return "FINISHED"
    if kind in {"HELD_OUT", "STEP_FAILED"}:
        return str(kind)
    if status in {"FAILED", "BOUNCED"}:
        return "DELIVERY_FAILED"
    if status == "SUPPRESSED":
        return "SUPPRESSED"
    if await is_overdue(workspace, entry, now):
        return "NO_PROGRESS"
    if kind == "WAITING":
        is_for_time = entry["waiting_for"] is None and entry["waiting_until"] is not None
        return "WAITING_FOR_TIME" if is_for_time else "WAITING_FOR_EVENT"
    return "WAITING_FOR_PROVIDER" if status in {"QUEUED", "SENT", "DEFERRED"} else "PROGRESSING"


async def is_overdue(workspace: Workspace, entry: dict[str, Any], now: int) -> bool:
    facts = [
        one
        for one in await workspace.rows(log, entry_id=entry["id"], is_ignored=False)
        if one["step_id"] == entry["current_step_id"] is not None
    ]
    times = {
        kind: [one["occurred_at"] for one in facts if one["activity"] == kind]
        for kind in ("STEP_ENTERED", "WAITING")
    }
    if entry["step_kind"] in {"STEP_COMPLETED", "STEP_SKIPPED"}:
        since = entry["step_at"]
    elif times["STEP_ENTERED"]:
        since = max(times["STEP_ENTERED"])
    elif times["WAITING"]:
        since = min(times["WAITING"])
    else:
        since = entry["step_at"]
    steps = await workspace.rows(journey_steps, id=entry["current_step_id"])
    patience = steps[0]["patience_seconds"] if steps else None
    if patience is None:
        return False
    # A step that was reached before the entry began, as clocks differ, is reached as it begins.
    is_late: bool = now - max(since, entry["entered_at"]) > patience * SECOND
    return is_late


@settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    lives=st.tuples(*(histories(f"e{number}") for number in range(6))),
    is_stopped=st.booleans(),
    now=st.integers(0, 14_400).map(after),
)
async def test_each_entry_has_one_code_and_the_filter_finds_it(
    database_url: str, lives: Sequence[list[Event]], is_stopped: bool, now: int
) -> None:
    names = {f"e{number}" for number in range(6)}
    async with a_database(database_url) as database:
        workspace = await a_workspace(database)
        draft = JourneyDraft("welcome", "Welcome", steps=STEPS)
        await database.transact(lambda connection: upsert(connection, workspace.id, draft, NOW))
        await a_contact(workspace)
        for number, life in enumerate(lives):
            await workspace.record(entered(f"e{number}"), *life)
        if is_stopped:
            await workspace.stop((await workspace.entry("e0"))["id"], now=now)
        expected = {name: await code_by_the_book(workspace, name, now) for name in sorted(names)}
        api = Api(workspace, now=now)
        asked = "".join(
            f"{code}: entries(filter: {{diagnosis: {code}}}) {{ ...ids }} "
            f"NOT_{code}: entries(filter: {{not: {{diagnosis: {code}}}}}) {{ ...ids }} "
            for code in DiagnosisCode
        )

        data = await api.ask(
            "fragment ids on EntryConnection { nodes { externalId } } "
            f"{{ all: entries {{ nodes {{ externalId diagnosis {{ code }} }} }} {asked} }}"
        )

    codes = {one["externalId"]: one["diagnosis"]["code"] for one in data["all"]["nodes"]}
    assert codes == expected
    for code in DiagnosisCode:
        found = {one["externalId"] for one in data[code]["nodes"]}
        others = {one["externalId"] for one in data[f"NOT_{code}"]["nodes"]}
        assert found == {name for name, one in codes.items() if one == code}
        assert others == names - found
