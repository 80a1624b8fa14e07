"""Diagnoses: each code by its scenario, through the public schema on both databases."""

from typing import Any

import pytest

from store.drafts import JourneyDraft, StepDraft
from store.ingest.events import Event
from store.journeys import upsert
from store.types import HOUR, MINUTE
from store.words import Channel, DeliveryKind, Scope, StepKind
from tests.schema.conftest import Api
from tests.support.factories import (
    NOW,
    after,
    an_entry,
    announced,
    completed,
    delivered,
    exited,
    failed,
    reached,
)
from tests.support.statements import counted

DIAGNOSIS = """query ($entry: String) { entry(externalId: $entry) { diagnosis {
    code since step { key } waitingFor lastError nextEvaluationAt explanation } } }"""

STEPS = (
    StepDraft("hello", "Hello"),
    StepDraft("remind", "Remind", patience_seconds=3_600),
    StepDraft("thank", "Thank"),
)


@pytest.fixture
async def api(api: Api) -> Api:
    """The journey's step “Remind” has a patience of an hour."""
    draft = JourneyDraft("welcome", "Welcome", steps=STEPS)
    await api.workspace.database.transact(
        lambda connection: upsert(connection, api.workspace.id, draft, NOW)
    )
    return api


async def diagnosis(api: Api, *happened: Event, now: int = NOW) -> dict[str, Any]:
    """Of ada's entry e1, after these events."""
    if happened:
        await api.workspace.record(*happened)
    asking = Api(api.workspace, now=now)
    data = await asking.ask(DIAGNOSIS, entry="e1")
    found: dict[str, Any] = data["entry"]["diagnosis"]
    return found


async def test_a_stopped_entry_says_who_stopped_it(api: Api) -> None:
    await api.workspace.record(reached("hello", StepKind.STEP_FAILED, reason="no template"))
    entry = await api.workspace.entry()
    await api.workspace.stop(entry["id"], now=after(5))

    found = await diagnosis(api)

    assert found == {
        "code": "STOPPED",
        "since": "2026-11-22T00:00:05Z",
        "step": {"key": "hello"},
        "waitingFor": None,
        "lastError": "no template",
        "nextEvaluationAt": None,
        "explanation": "The campaign was stopped for the contact by ops.",
    }


@pytest.mark.parametrize(
    ("end", "explanation", "error"),
    [
        (completed(at=after(9)), "The entry completed the journey.", None),
        (
            exited(at=after(9), reason="Bought elsewhere."),
            "The entry left the journey by an exit rule: Bought elsewhere.",
            None,
        ),
        (
            failed(at=after(9), reason="no rule"),
            "The entry ended by a failure: no rule.",
            "no rule",
        ),
    ],
)
async def test_an_entry_that_ended_by_itself_is_finished(
    api: Api, end: Event, explanation: str, error: str | None
) -> None:
    found = await diagnosis(api, reached("hello", StepKind.WAITING, waiting_for="deposit"), end)

    assert found["code"] == "FINISHED"
    assert found["since"] == "2026-11-22T00:00:09Z"
    assert found["waitingFor"] is None
    assert found["lastError"] == error
    assert found["explanation"] == explanation


async def test_a_held_out_step_waits_for_no_message(api: Api) -> None:
    await an_entry(api.workspace, "e2", in_control_group=True)
    await api.workspace.record(
        reached("hello", entry="e2"), reached("hello", StepKind.HELD_OUT, "e2", at=after(1))
    )

    data = await api.ask(DIAGNOSIS, entry="e2")

    assert data["entry"]["diagnosis"] == {
        "code": "HELD_OUT",
        "since": "2026-11-22T00:00:01Z",
        "step": {"key": "hello"},
        "waitingFor": None,
        "lastError": None,
        "nextEvaluationAt": None,
        "explanation": "The message at the step “Hello” is held back: the contact is in the "
        "control group.",
    }


async def test_a_failed_step_gives_its_reason(api: Api) -> None:
    found = await diagnosis(
        api, reached("hello"), reached("hello", StepKind.STEP_FAILED, at=after(3), reason="No SMTP")
    )

    assert found["code"] == "STEP_FAILED"
    assert found["since"] == "2026-11-22T00:00:03Z"
    assert found["lastError"] == "No SMTP"
    assert found["explanation"] == "The step “Hello” failed: No SMTP."


@pytest.mark.parametrize(
    ("kind", "verb"),
    [(DeliveryKind.BOUNCED, "bounced"), (DeliveryKind.FAILED, "could not be delivered")],
)
async def test_the_latest_message_of_the_step_that_failed_decides(
    api: Api, kind: DeliveryKind, verb: str
) -> None:
    found = await diagnosis(
        api,
        reached("hello"),
        announced("m2", step="hello", at=after(1)),
        delivered(DeliveryKind.OPENED, "m2", at=after(2)),
        announced("m3", step="hello", at=after(3), channel=Channel.SMS, resource="Hi"),
        delivered(kind, "m3", at=after(4), reason="No such number"),
        # Of another step, though the latest of all.
        announced("m4", step="remind", at=after(9)),
    )

    assert found["code"] == "DELIVERY_FAILED"
    assert found["since"] == "2026-11-22T00:00:04Z"
    assert found["lastError"] == "No such number"
    assert found["explanation"] == (
        f"The message “Hi” by text message at the step “Hello” {verb}: No such number."
    )


async def test_a_message_that_was_sent_anew_takes_the_failure_away(api: Api) -> None:
    found = await diagnosis(
        api,
        reached("hello"),
        announced("m2", step="hello", at=after(1)),
        delivered(DeliveryKind.FAILED, "m2", at=after(2)),
        announced("m3", step="hello", at=after(3)),
        delivered(DeliveryKind.DELIVERED, "m3", at=after(4)),
    )

    assert found["code"] == "PROGRESSING"


async def test_a_suppressed_message_is_told_apart_from_a_failed_one(api: Api) -> None:
    found = await diagnosis(
        api,
        reached("hello"),
        announced("m2", step="hello", at=after(1)),
        delivered(DeliveryKind.SUPPRESSED, "m2", at=after(2), reason="unsubscribed in May"),
    )

    assert found["code"] == "SUPPRESSED"
    assert found["since"] == "2026-11-22T00:00:02Z"
    assert found["lastError"] == "unsubscribed in May"
    assert found["explanation"] == (
        "The message “Welcome mail” by e-mail at the step “Hello” was not sent, it is "
        "suppressed: unsubscribed in May."
    )


async def test_progress_ends_when_the_patience_of_the_step_is_over(api: Api) -> None:
    await api.workspace.record(reached("remind", at=NOW))

    on_time = await diagnosis(api, now=NOW + HOUR)
    late = await diagnosis(api, now=NOW + HOUR + 1)

    assert on_time["code"] == "PROGRESSING"
    assert late == {
        "code": "NO_PROGRESS",
        "since": "2026-11-22T00:00:00Z",
        "step": {"key": "remind"},
        "waitingFor": None,
        "lastError": None,
        "nextEvaluationAt": None,
        "explanation": "The entry has made no progress at the step “Remind” for 1 hour, longer "
        "than its patience of 1 hour.",
    }


async def test_patience_does_not_begin_before_the_entry(api: Api) -> None:
    """Clocks differ: a step may be told to be reached before its journey was entered."""
    await api.workspace.record(reached("remind", at=NOW - 2 * HOUR))

    on_time = await diagnosis(api, now=NOW + HOUR)
    late = await diagnosis(api, now=NOW + HOUR + 1)

    assert on_time["code"] == "PROGRESSING"
    assert (late["code"], late["since"]) == ("NO_PROGRESS", "2026-11-22T00:00:00Z")


async def test_saying_again_that_it_waits_is_no_progress(api: Api) -> None:
    found = await diagnosis(
        api,
        reached("remind", at=NOW),
        reached("remind", StepKind.WAITING, at=NOW + 50 * MINUTE, waiting_for="deposit"),
        now=NOW + 125 * MINUTE,
    )

    assert found["code"] == "NO_PROGRESS"
    assert found["since"] == "2026-11-22T00:00:00Z"
    assert found["waitingFor"] == "deposit"
    assert found["explanation"] == (
        "The entry has made no progress at the step “Remind” for 2 hours, longer than its "
        "patience of 1 hour; it waits for “deposit”."
    )


async def test_patience_begins_anew_when_the_step_is_entered_again(api: Api) -> None:
    found = await diagnosis(
        api,
        reached("remind", at=NOW),
        reached("hello", at=NOW + 10 * MINUTE),
        reached("remind", at=NOW + 50 * MINUTE),
        now=NOW + 100 * MINUTE,
    )

    assert found["code"] == "PROGRESSING"


async def test_patience_begins_anew_when_the_step_is_done(api: Api) -> None:
    await api.workspace.record(
        reached("remind", at=NOW), reached("remind", StepKind.STEP_COMPLETED, at=NOW + 50 * MINUTE)
    )

    soon = await diagnosis(api, now=NOW + 100 * MINUTE)
    late = await diagnosis(api, now=NOW + 180 * MINUTE)

    assert soon["code"] == "PROGRESSING"
    assert soon["explanation"] == "The entry completed the step “Remind” and goes on."
    assert late["code"] == "NO_PROGRESS"
    assert late["explanation"] == (
        "Nothing has followed the completion of the step “Remind” for 2 hours, longer than its "
        "patience of 1 hour."
    )


async def test_a_step_without_patience_has_it_for_ever(api: Api) -> None:
    found = await diagnosis(api, reached("hello"), now=NOW + 10_000 * HOUR)

    assert found["code"] == "PROGRESSING"


async def test_an_entry_waits_for_an_event_until_its_time(api: Api) -> None:
    waiting = reached("hello", StepKind.WAITING, waiting_for="deposit", waiting_until=after(60))
    await api.workspace.record(waiting)

    ahead = await diagnosis(api)
    past = await diagnosis(api, now=after(61))

    assert ahead == {
        "code": "WAITING_FOR_EVENT",
        "since": "2026-11-22T00:00:00Z",
        "step": {"key": "hello"},
        "waitingFor": "deposit",
        "lastError": None,
        "nextEvaluationAt": "2026-11-22T00:01:00Z",
        "explanation": "The entry waits at the step “Hello” for “deposit”, until "
        "2026-11-22T00:01:00Z.",
    }
    assert (past["code"], past["nextEvaluationAt"]) == ("WAITING_FOR_EVENT", None)
    assert past["explanation"] == (
        "The entry waited at the step “Hello” for “deposit” until 2026-11-22T00:01:00Z; nothing "
        "has been reported since."
    )


async def test_an_event_that_is_not_named_is_not_guessed(api: Api) -> None:
    found = await diagnosis(api, reached("hello", StepKind.WAITING))

    assert (found["code"], found["waitingFor"]) == ("WAITING_FOR_EVENT", None)
    assert found["explanation"] == (
        "The entry waits at the step “Hello” for an event that was not named."
    )


async def test_an_entry_waits_for_a_time(api: Api) -> None:
    await api.workspace.record(reached("hello", StepKind.WAITING, waiting_until=after(60)))

    ahead = await diagnosis(api)
    past = await diagnosis(api, now=after(60))

    assert ahead["code"] == "WAITING_FOR_TIME"
    assert ahead["waitingFor"] is None
    assert ahead["nextEvaluationAt"] == "2026-11-22T00:01:00Z"
    assert ahead["explanation"] == "The entry waits at the step “Hello” until 2026-11-22T00:01:00Z."
    assert (past["code"], past["nextEvaluationAt"]) == ("WAITING_FOR_TIME", None)
    assert past["explanation"].endswith("nothing has been reported since.")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (None, "was handed over; the provider has not reported what became of it"),
        (DeliveryKind.SENT, "was sent; the provider has not reported what became of it"),
        (DeliveryKind.DEFERRED, "is deferred: the provider tries again"),
    ],
)
async def test_a_message_without_an_outcome_waits_for_the_provider(
    api: Api, kind: DeliveryKind | None, said: str
) -> None:
    events: list[Event] = [reached("hello"), announced("m2", step="hello", at=after(1))]
    if kind is not None:
        events.append(delivered(kind, "m2", at=after(2)))

    found = await diagnosis(api, *events)

    assert found["code"] == "WAITING_FOR_PROVIDER"
    assert found["since"] == "2026-11-22T00:00:01Z"
    assert found["explanation"] == (
        f"The message “Welcome mail” by e-mail at the step “Hello” {said}."
    )


async def test_before_the_first_step_its_messages_without_a_step_count(api: Api) -> None:
    found = await diagnosis(api, delivered(DeliveryKind.BOUNCED, at=after(2), reason="unknown"))

    assert (found["code"], found["step"]) == ("DELIVERY_FAILED", None)
    assert found["explanation"] == "The message “Welcome mail” by e-mail bounced: unknown."


async def test_an_entry_that_just_came_progresses(api: Api) -> None:
    await an_entry(api.workspace, "e2", at=after(7))

    data = await api.ask(DIAGNOSIS, entry="e2")

    assert data["entry"]["diagnosis"] == {
        "code": "PROGRESSING",
        "since": "2026-11-22T00:00:07Z",
        "step": None,
        "waitingFor": None,
        "lastError": None,
        "nextEvaluationAt": None,
        "explanation": "The entry is on its way to its first step.",
    }


async def test_a_fact_after_a_stop_changes_no_diagnosis(api: Api) -> None:
    entry = await api.workspace.entry()
    await api.workspace.stop(entry["id"], now=after(5))

    found = await diagnosis(api, reached("hello", StepKind.STEP_FAILED, at=after(6), reason="late"))

    assert (found["code"], found["lastError"], found["step"]) == ("STOPPED", None, None)


async def test_a_page_of_diagnoses_is_one_statement(api: Api) -> None:
    for number in range(2, 8):
        await an_entry(api.workspace, f"e{number}", at=after(number))
    document = """{ journey(externalId: "welcome") { entries { nodes {
        externalId diagnosis { code explanation step { name } } } } } }"""

    with counted(api.workspace.database) as statements:
        data = await api.ask(document)

    assert len(data["journey"]["entries"]["nodes"]) == 7
    assert len(statements) == 3, statements


async def test_diagnoses_need_the_scope_read(api: Api) -> None:
    partner = Api(api.workspace, (Scope.INTEGRATE,))

    data, errors = await partner.run(DIAGNOSIS, entry="e1")

    assert data == {"entry": None}
    assert len(errors) == 1


async def test_an_empty_list_of_codes_is_refused(api: Api) -> None:
    message = await api.refused("{ entries(filter: {diagnosis: []}) { nodes { id } } }")

    assert message.startswith("diagnosis: an empty list of alternatives")
