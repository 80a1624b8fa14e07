"""Operations > Entries Details: activities of a journey and of an entry, on both databases."""

from typing import Any

import pytest

from store.drafts import JourneyDraft, QuestionDraft, StepDraft, SurveyDraft
from store.ingest.events import Bonus, ContactRef, SurveyAnswered
from store.journeys import upsert
from store.types import HOUR, new_id
from store.words import Channel, DeliveryKind, StepKind
from tests.schema.conftest import Api
from tests.support.factories import (
    NOW,
    a_contact,
    a_key,
    a_message,
    a_workspace,
    after,
    an_entry,
    announced,
    converted,
    delivered,
    exited,
    reached,
)
from tests.support.statements import counted

DETAILS = """query ($filter: ActivityFilter, $entry: ActivityFilter) {
    journey(externalId: "welcome") { activities(filter: $filter) {
        nodes { kind isIgnored summary entry { externalId } } totalCount { value } } }
    entry(externalId: "e1") { activities(filter: $entry) { nodes { kind } } } }"""


async def kinds(api: Api, **asked: Any) -> list[tuple[str, str]]:
    """Entry and kind of the journey's activities, the newest first."""
    data = await api.ask(DETAILS, filter=asked or None)
    listed = data["journey"]["activities"]
    assert listed["totalCount"]["value"] == len(listed["nodes"])
    return [(one["entry"]["externalId"], one["kind"]) for one in listed["nodes"]]


@pytest.fixture
async def lives(api: Api) -> Api:
    """Of ada (e1) everything that can happen; of bob (e2) a held-out step."""
    workspace = api.workspace
    draft = JourneyDraft(
        "welcome",
        "Welcome",
        steps=(StepDraft("hello", "Hello"), StepDraft("remind", "Remind")),
        surveys=(SurveyDraft("s", "Survey", (QuestionDraft("q", "Why?"),)),),
    )
    await workspace.database.transact(
        lambda connection: upsert(connection, workspace.id, draft, NOW)
    )
    await a_contact(workspace, "bob", email="bob@example.org")
    await an_entry(workspace, "e2", "bob", at=after(1), in_control_group=True)
    await workspace.record(reached("hello", StepKind.HELD_OUT, "e2", at=after(2)))
    await workspace.record(
        reached("hello", at=after(10)),
        announced("pop", step="hello", at=after(11), channel=Channel.POPUP, resource="Big offer"),
        delivered(DeliveryKind.SENT, "pop", at=after(12)),
        delivered(DeliveryKind.DEFERRED, "pop", at=after(12)),
        delivered(DeliveryKind.DELIVERED, "pop", at=after(13)),
        delivered(DeliveryKind.IMPRESSION, "pop", at=after(14)),
        delivered(DeliveryKind.CLICKED, "pop", at=after(15), url="https://example.org/a"),
        delivered(DeliveryKind.FAILED, "m1", at=after(16), reason="no route"),
        reached("hello", StepKind.STEP_COMPLETED, at=after(17)),
        reached("remind", StepKind.STEP_FAILED, at=after(18), reason="No template"),
        reached("remind", StepKind.WAITING, at=after(19), waiting_for="deposit"),
        reached("remind", StepKind.STEP_SKIPPED, at=after(20)),
        reached(None, StepKind.BONUS_ISSUED, at=after(21), bonus=Bonus("Spins")),
        reached(None, StepKind.BONUS_RECEIVED, at=after(22), bonus=Bonus("Spins")),
        SurveyAnswered(a_key(), after(23), ContactRef("ada"), "welcome", "q", "e1", text="Fun"),
        converted(at=after(24)),
        exited(at=after(25), reason="Left"),
    )
    return api


EVERYTHING = [
    "ENTERED",
    "MESSAGE_CREATED",
    "STEP_ENTERED",
    "MESSAGE_CREATED",
    "MESSAGE_SENT",
    "MESSAGE_DELIVERED",
    "MESSAGE_SEEN",
    "MESSAGE_CLICKED",
    "MESSAGE_FAILED",
    "STEP_COMPLETED",
    "STEP_FAILED",
    "WAITING",
    "STEP_SKIPPED",
    "BONUS_ISSUED",
    "BONUS_RECEIVED",
    "SURVEY_ANSWERED",
    "CONVERTED",
    "EXITED",
]


async def test_an_entry_tells_its_story_from_the_beginning(lives: Api) -> None:
    data = await lives.ask(DETAILS)

    assert [one["kind"] for one in data["entry"]["activities"]["nodes"]] == EVERYTHING


async def test_a_journey_tells_the_newest_of_all_its_entries_first(lives: Api) -> None:
    found = await kinds(lives)

    told = [("e1", kind) for kind in EVERYTHING]
    assert found == [
        *reversed(told[2:]),
        ("e2", "HELD_OUT"),
        ("e2", "ENTERED"),
        *reversed(told[:2]),
    ]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"kind": ["MESSAGE_CLICKED"]}, [("e1", "MESSAGE_CLICKED")]),
        ({"kind": ["BONUS_RECEIVED", "HELD_OUT"]}, [("e1", "BONUS_RECEIVED"), ("e2", "HELD_OUT")]),
        (
            {"channel": ["POPUP"], "kind": ["MESSAGE_CREATED"]},
            [("e1", "MESSAGE_CREATED")],
        ),
        ({"channel": ["SMS"]}, []),
        (
            {"resource": {"contains": "OFFER"}, "kind": ["MESSAGE_SENT", "MESSAGE_FAILED"]},
            [("e1", "MESSAGE_SENT")],
        ),
        ({"resource": {"eq": "big offer"}}, []),
        ({"resource": {"startsWith": "%"}}, []),
        ({"contactSearch": "bob@"}, [("e2", "HELD_OUT"), ("e2", "ENTERED")]),
        ({"contactSearch": "%"}, []),
        (
            {"contactSearch": "ada", "kind": ["ENTERED", "CONVERTED"]},
            [("e1", "CONVERTED"), ("e1", "ENTERED")],
        ),
        ({"within": {"between": {"to": "2026-11-22T00:00:00Z"}}}, []),
        (
            {"within": {"last": "HOURS_1"}, "kind": ["ENTERED"]},
            [("e2", "ENTERED"), ("e1", "ENTERED")],
        ),
    ],
)
async def test_activities_are_found_by_each_filter(
    lives: Api, asked: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    later = Api(lives.workspace, now=NOW + HOUR // 2)

    assert await kinds(later, **asked) == expected


async def test_activities_are_found_by_step_and_by_contact(lives: Api) -> None:
    data = await lives.ask(
        """{ journey(externalId: "welcome") { steps { id key } }
            contact(externalUsername: "bob") { id } }"""
    )
    steps = {one["key"]: one["id"] for one in data["journey"]["steps"]}

    at_step = await kinds(lives, stepId=[steps["remind"]])
    of_bob = await kinds(lives, contactId=[data["contact"]["id"]])
    of_both = await kinds(lives, contactId=[data["contact"]["id"]], stepId=[steps["remind"]])

    assert at_step == [("e1", "STEP_SKIPPED"), ("e1", "WAITING"), ("e1", "STEP_FAILED")]
    assert of_bob == [("e2", "HELD_OUT"), ("e2", "ENTERED")]
    assert of_both == []


async def test_an_entrys_activities_take_the_same_filters(lives: Api) -> None:
    data = await lives.ask(DETAILS, entry={"channel": ["POPUP"], "kind": ["MESSAGE_CLICKED"]})

    assert data["entry"]["activities"]["nodes"] == [{"kind": "MESSAGE_CLICKED"}]


async def test_when_it_happened_and_when_it_was_learned_are_told_apart(api: Api) -> None:
    await api.workspace.record(converted(at=after(5)), now=NOW + HOUR)
    await api.workspace.record(reached("hello", at=after(1)), now=NOW + 2 * HOUR)

    data = await api.ask(
        """{ entry(externalId: "e1") { activities(filter: {kind: [CONVERTED, STEP_ENTERED]}) {
            nodes { kind occurredAt recordedAt } } } }"""
    )

    assert data["entry"]["activities"]["nodes"] == [
        {
            "kind": "CONVERTED",
            "occurredAt": "2026-11-22T00:00:05Z",
            "recordedAt": "2026-11-22T01:00:00Z",
        },
        {
            "kind": "STEP_ENTERED",
            "occurredAt": "2026-11-22T00:00:01Z",
            "recordedAt": "2026-11-22T02:00:00Z",
        },
    ]


async def test_what_a_stop_made_void_is_marked(api: Api) -> None:
    await api.workspace.stop((await api.workspace.entry())["id"], now=after(5))
    await api.workspace.record(reached("hello", at=after(3)), reached("remind", at=after(6)))

    data = await api.ask(
        """{ entry(externalId: "e1") { activities(filter: {kind: [STEP_ENTERED, STOPPED]}) {
            nodes { kind isIgnored summary } }
            was: activities(filter: {kind: [ENTERED]}) { nodes { isIgnored } } } }"""
    )

    assert data["entry"]["activities"]["nodes"] == [
        {
            "kind": "STOPPED",
            "isIgnored": False,
            "summary": "The campaign was stopped for the contact by ops.",
        },
        {
            "kind": "STEP_ENTERED",
            "isIgnored": False,
            "summary": "The entry reached the step “Hello”.",
        },
        {
            "kind": "STEP_ENTERED",
            "isIgnored": True,
            "summary": "The entry reached the step “Remind”, but without effect: the campaign had "
            "been stopped.",
        },
    ]


async def test_a_robots_click_is_told_as_a_robots(api: Api) -> None:
    await api.workspace.record(
        delivered(DeliveryKind.CLICKED, at=after(1), is_suspected_bot=True, bot_signals=("fast",))
    )

    data = await api.ask(
        """{ entry(externalId: "e1") { activities(filter: {kind: [MESSAGE_CLICKED]}) {
            nodes { isSuspectedBot summary } } } }"""
    )

    assert data["entry"]["activities"]["nodes"] == [
        {
            "isSuspectedBot": True,
            "summary": "The contact followed a link in the message “Welcome mail” by e-mail, but "
            "it seems to be the doing of a robot.",
        }
    ]


async def test_unknown_and_foreign_ids_find_no_activities(lives: Api) -> None:
    stranger = await a_workspace(lives.workspace.database)
    theirs = await a_contact(stranger)

    for one in (theirs, new_id()):
        assert await kinds(lives, contactId=[f"ctc_{one.hex()}"]) == []
        assert await kinds(lives, stepId=[f"stp_{one.hex()}"]) == []
    refusal = await lives.refused(DETAILS, filter={"stepId": ["nonsense"]})
    assert refusal == "'nonsense' is not the id of a journey step: such ids begin with stp_."


async def test_a_period_that_ends_before_it_begins_is_refused_here_too(lives: Api) -> None:
    between = {"from": "2026-11-22T00:00:01Z", "to": "2026-11-22T00:00:00Z"}

    message = await lives.refused(DETAILS, filter={"within": {"between": between}})

    assert message.startswith("The period ends at 2026-11-22T00:00:00Z, before it begins")


async def test_control_group_entries_show_what_was_held_back_and_never_a_send(lives: Api) -> None:
    outcomes = await lives.workspace.record(announced("m-held", "e2", step="hello", at=after(3)))

    data = await lives.ask(
        """{ entry(externalId: "e2") { inControlGroup diagnosis { code }
            activities { nodes { kind summary step { key } } }
            communications { nodes { externalId } } }
            communications(filter: {contactSearch: "bob"}) { totalCount { value } } }"""
    )

    (refusal,) = [one.refusal for one in outcomes]
    assert refusal is not None
    assert refusal.code == "CONFLICT"
    assert data == {
        "entry": {
            "inControlGroup": True,
            "diagnosis": {"code": "HELD_OUT"},
            "activities": {
                "nodes": [
                    {
                        "kind": "ENTERED",
                        "summary": "The contact entered the journey.",
                        "step": None,
                    },
                    {
                        "kind": "HELD_OUT",
                        "summary": "A message was held back at the step “Hello”: the contact is "
                        "in the control group.",
                        "step": {"key": "hello"},
                    },
                ]
            },
            "communications": {"nodes": []},
        },
        "communications": {"totalCount": {"value": 0}},
    }


async def test_a_page_of_details_is_two_statements_and_the_journeys_own(lives: Api) -> None:
    await a_message(lives.workspace, "m9", at=after(30))

    with counted(lives.workspace.database) as statements:
        await lives.ask(
            """{ journey(externalId: "welcome") { activities { nodes { summary isIgnored
                entry { contact { email } } step { name } communication { status } }
                pageInfo { endCursor } } } }"""
        )

    assert len(statements) == 3, statements
