"""Recording: the outcome of each event, and what is left behind."""

import pytest

from store import Database, tables
from store.drafts import QuestionDraft, SurveyDraft
from store.ingest.events import (
    ContactEvent,
    ContactRef,
    Event,
    Facts,
    PromoRedeemed,
    RewardChosen,
    SurveyAnswered,
)
from store.ingest.outcomes import Arrival, Outcome
from store.ingest.record import record
from store.types import DAY, new_id
from store.words import (
    Channel,
    DeliveryKind,
    EntryState,
    ErrorCode,
    EventOutcome,
    RedemptionKind,
    StepKind,
    StopOutcome,
)
from tests.support.factories import (
    NOW,
    Workspace,
    a_contact,
    a_house,
    a_journey,
    a_key,
    a_message,
    a_workspace,
    after,
    an_entry,
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

A_SURVEY = SurveyDraft("s", "Survey", (QuestionDraft("why", "Why?"),))
LINKS = ("https://shop.example/a", "https://shop.example/b")


@pytest.fixture
async def workspace(database: Database) -> Workspace:
    """The contact ada, the journey welcome."""
    made = await a_workspace(database)
    await a_journey(made)
    await a_contact(made, email="Ada@Example.org")
    return made


@pytest.fixture
async def house(database: Database) -> Workspace:
    """The same with the entry e1 and its message m1."""
    return await a_house(database)


def kinds(outcomes: list[Outcome]) -> list[EventOutcome]:
    return [outcome.kind for outcome in outcomes]


def codes(outcomes: list[Outcome]) -> list[ErrorCode | None]:
    return [outcome.refusal.code if outcome.refusal else None for outcome in outcomes]


async def activities(workspace: Workspace) -> list[str]:
    return [row["activity"] for row in await workspace.facts()]


async def test_an_event_sent_twice_is_recorded_once(house: Workspace) -> None:
    click = delivered(DeliveryKind.CLICKED)
    await house.record(click)
    before = await house.facts()

    outcomes = await house.record(click)

    assert kinds(outcomes) == [EventOutcome.DUPLICATE]
    assert await house.facts() == before
    assert (await house.message())["click_count"] == 1


async def test_an_event_twice_in_one_batch_is_recorded_once(house: Workspace) -> None:
    click = delivered(DeliveryKind.CLICKED)

    outcomes = await house.record(click, click)

    assert kinds(outcomes) == [EventOutcome.ACCEPTED, EventOutcome.DUPLICATE]
    assert (await house.message())["click_count"] == 1


@pytest.mark.parametrize("is_one_batch", [True, False])
async def test_a_key_with_another_event_is_refused(house: Workspace, is_one_batch: bool) -> None:
    click = delivered(DeliveryKind.CLICKED, key="k")
    other = delivered(DeliveryKind.OPENED, key="k")

    if is_one_batch:
        outcomes = await house.record(click, other)
    else:
        outcomes = [*await house.record(click), *await house.record(other)]

    assert kinds(outcomes) == [EventOutcome.ACCEPTED, EventOutcome.REJECTED]
    assert codes(outcomes) == [None, ErrorCode.KEY_REUSED]
    assert outcomes[1].refusal is not None
    assert outcomes[1].refusal.field == ("key",)
    assert (await house.message())["open_count"] == 0


async def test_a_key_is_unique_in_its_scope_alone(house: Workspace) -> None:
    arrivals = [
        Arrival(delivered(DeliveryKind.CLICKED, key="k"), "link", scope="link"),
        Arrival(delivered(DeliveryKind.OPENED, key="k"), "Shop"),
    ]

    async with house.database.write() as connection:
        recorded = await record(connection, house.id, arrivals, NOW)

    assert kinds(recorded.outcomes) == [EventOutcome.ACCEPTED, EventOutcome.ACCEPTED]


@pytest.mark.parametrize("is_one_batch", [True, False])
async def test_a_message_sent_twice_gets_the_same_links(
    house: Workspace, is_one_batch: bool
) -> None:
    message = announced("m2", links=LINKS)

    if is_one_batch:
        first, second = await house.record(message, message)
    else:
        (first,), (second,) = await house.record(message), await house.record(message)

    assert (first.kind, second.kind) == (EventOutcome.ACCEPTED, EventOutcome.DUPLICATE)
    assert first.links == second.links == LINKS
    assert first.communication_id == second.communication_id is not None


@pytest.mark.parametrize("is_one_batch", [True, False])
async def test_a_waiting_message_sent_twice_gets_the_same_links(
    workspace: Workspace, is_one_batch: bool
) -> None:
    message = announced(links=LINKS)

    if is_one_batch:
        first, second = await workspace.record(message, message)
    else:
        (first,), (second,) = await workspace.record(message), await workspace.record(message)
    await workspace.record(entered())

    assert (first.kind, second.kind) == (EventOutcome.PENDING, EventOutcome.DUPLICATE)
    assert first.links == second.links == LINKS
    assert first.communication_id == second.communication_id
    assert (await workspace.message())["id"] == first.communication_id


async def test_a_message_without_links_sent_twice_is_the_same_message(house: Workspace) -> None:
    message = announced("m2")
    (first,) = await house.record(message)

    (second,) = await house.record(message)

    assert second.communication_id == first.communication_id


async def test_a_rejected_event_leaves_its_key_free(workspace: Workspace) -> None:
    event = entered(journey="spring")
    refused = await workspace.record(event)
    await a_journey(workspace, "spring")

    outcomes = await workspace.record(event)

    assert codes(refused) == [ErrorCode.UNKNOWN_JOURNEY]
    assert kinds(outcomes) == [EventOutcome.ACCEPTED]


async def test_a_rejected_event_twice_in_one_batch_is_rejected_twice(workspace: Workspace) -> None:
    event = entered(journey="spring")

    outcomes = await workspace.record(event, event)

    assert codes(outcomes) == [ErrorCode.UNKNOWN_JOURNEY] * 2
    assert await workspace.rows(tables.event_keys) == []


async def test_a_rejected_event_may_be_mended_under_its_key_in_the_same_batch(
    workspace: Workspace,
) -> None:
    wrong, right = entered(journey="spring", key="k"), entered(key="k")

    outcomes = await workspace.record(wrong, right)
    again = await workspace.record(right)

    assert kinds(outcomes) == [EventOutcome.REJECTED, EventOutcome.ACCEPTED]
    assert kinds(again) == [EventOutcome.DUPLICATE]


@pytest.mark.parametrize(
    "early",
    [
        reached("hello", StepKind.STEP_COMPLETED),
        announced("m2"),
        converted(),
        exited(),
        completed(),
        failed(),
    ],
    ids=lambda event: type(event).__name__,
)
async def test_what_comes_before_its_entry_waits_and_is_applied(
    workspace: Workspace, early: Event
) -> None:
    waiting = await workspace.record(early)

    outcomes = await workspace.record(entered())

    assert (kinds(waiting), kinds(outcomes)) == ([EventOutcome.PENDING], [EventOutcome.ACCEPTED])
    assert await workspace.rows(tables.pending_events) == []
    assert len(await workspace.facts()) == 2


async def test_what_comes_before_its_entry_later_in_the_batch_is_applied(
    workspace: Workspace,
) -> None:
    outcomes = await workspace.record(
        delivered(DeliveryKind.CLICKED), announced(), converted(), entered()
    )

    assert kinds(outcomes) == [
        EventOutcome.PENDING,
        EventOutcome.PENDING,
        EventOutcome.PENDING,
        EventOutcome.ACCEPTED,
    ]
    assert await workspace.rows(tables.pending_events) == []
    assert (await workspace.message())["status"] == DeliveryKind.CLICKED
    assert (await workspace.entry())["converted_at"] == NOW


async def test_an_event_waits_for_a_message_that_waits_for_its_entry(workspace: Workspace) -> None:
    await workspace.record(delivered(DeliveryKind.CLICKED))
    await workspace.record(announced())

    await workspace.record(entered())

    assert await workspace.rows(tables.pending_events) == []
    assert (await workspace.message())["status"] == DeliveryKind.CLICKED
    assert await activities(workspace) == ["ENTERED", "MESSAGE_CREATED", "MESSAGE_CLICKED"]


async def test_an_event_waits_for_30_days(workspace: Workspace) -> None:
    await workspace.record(delivered(), now=NOW)

    (waiting,) = await workspace.rows(tables.pending_events)

    assert (waiting["awaits"], waiting["external_id"]) == ("communication", "m1")
    assert (waiting["received_at"], waiting["expires_at"]) == (NOW, NOW + 30 * DAY)


async def test_a_waiting_event_keeps_what_it_said(workspace: Workspace) -> None:
    step = reached(
        "hello",
        StepKind.WAITING,
        waiting_for="an answer",
        waiting_until=after(60),
        detail={"n": [1, None, "é"]},
    )
    bounce = delivered(DeliveryKind.BOUNCED, reason="mailbox full")
    robot = delivered(
        DeliveryKind.CLICKED, url=LINKS[0], is_suspected_bot=True, bot_signals=("HEAD",)
    )

    await workspace.record(step, bounce, robot, source="Shop")
    await workspace.record(announced())
    await workspace.record(entered(), source="CRM")

    entry, message = await workspace.entry(), await workspace.message()
    assert (entry["waiting_for"], entry["waiting_until"]) == ("an answer", after(60))
    assert message["failure_reason"] == "mailbox full"
    assert (message["click_count"], message["raw_click_count"]) == (0, 1)
    facts = {row["activity"]: row for row in await workspace.facts()}
    assert facts["WAITING"]["detail"]["detail"] == {"n": [1, None, "é"]}
    assert facts["WAITING"]["source"] == "Shop"
    assert facts["MESSAGE_CLICKED"]["bot_signals"] == ["HEAD"]
    assert facts["MESSAGE_CLICKED"]["url"] == LINKS[0]


async def test_a_waiting_event_that_cannot_be_applied_is_kept_with_the_reason(
    workspace: Workspace,
) -> None:
    await workspace.record(reached("no such step"), converted())

    await workspace.record(entered())

    (kept,) = await workspace.rows(tables.pending_events)
    assert kept["refusal"]["code"] == ErrorCode.UNKNOWN_STEP
    assert (await workspace.entry())["converted_at"] == NOW


async def test_of_two_waiting_messages_with_one_id_the_first_is_made(workspace: Workspace) -> None:
    first, second = await workspace.record(
        announced("m1", links=LINKS[:1]), announced("m1", channel=Channel.SMS, resource="Text")
    )

    await workspace.record(entered())

    assert (first.kind, second.kind) == (EventOutcome.PENDING, EventOutcome.PENDING)
    message = await workspace.message()
    assert (message["id"], message["channel"]) == (first.communication_id, "EMAIL")
    (kept,) = await workspace.rows(tables.pending_events)
    assert kept["refusal"]["code"] == ErrorCode.CONFLICT


async def test_a_message_that_overtakes_a_waiting_one_of_its_id_has_links_of_its_own(
    workspace: Workspace,
) -> None:
    waiting, _, made = await workspace.record(
        announced(links=LINKS), entered(), announced(links=LINKS[:1])
    )

    message = await workspace.message()
    links = await workspace.rows(tables.links, communication_id=message["id"])
    assert kinds([waiting, made]) == [EventOutcome.PENDING, EventOutcome.ACCEPTED]
    assert made.communication_id == message["id"]
    assert [one["target_url"] for one in links] == [None, LINKS[0]]


async def test_a_click_on_a_link_of_a_waiting_message_waits_with_it(workspace: Workspace) -> None:
    await workspace.record(announced(links=LINKS))

    outcomes = await workspace.record(delivered(DeliveryKind.CLICKED, url=LINKS[0]))
    await workspace.record(entered())

    assert kinds(outcomes) == [EventOutcome.PENDING]
    assert (await workspace.message())["last_clicked_url"] == LINKS[0]


ADA, BOB = ContactRef("ada"), ContactRef("bob")


@pytest.mark.parametrize(
    ("event", "code", "field"),
    [
        (entered("e2", journey="spring"), ErrorCode.UNKNOWN_JOURNEY, "journey"),
        (entered("e2", contact="bob"), ErrorCode.UNKNOWN_CONTACT, "contact"),
        (entered("e1"), ErrorCode.CONFLICT, "entry"),
        (reached("nowhere"), ErrorCode.UNKNOWN_STEP, "step"),
        (reached(None), ErrorCode.INVALID, "step"),
        (announced("m1"), ErrorCode.CONFLICT, "communication"),
        (announced("m2", step="nowhere"), ErrorCode.UNKNOWN_STEP, "step"),
        (announced("m2", None, journey="welcome"), ErrorCode.INVALID, "entry"),
        (announced("m2", None, journey="x", contact=ADA), ErrorCode.UNKNOWN_JOURNEY, "journey"),
        (
            announced("m2", None, journey="welcome", contact=BOB),
            ErrorCode.UNKNOWN_CONTACT,
            "contact",
        ),
        (ContactEvent("k", NOW, BOB, "visit"), ErrorCode.UNKNOWN_CONTACT, "contact"),
        (Facts("k", NOW, BOB), ErrorCode.UNKNOWN_CONTACT, "contact"),
        (SurveyAnswered("k", NOW, BOB, "welcome", "q"), ErrorCode.UNKNOWN_CONTACT, "contact"),
        (SurveyAnswered("k", NOW, ADA, "x", "q"), ErrorCode.UNKNOWN_JOURNEY, "journey"),
        (SurveyAnswered("k", NOW, ADA, "welcome", "q"), ErrorCode.NOT_FOUND, "question"),
        (RewardChosen("k", NOW, ADA, "x", "r"), ErrorCode.UNKNOWN_JOURNEY, "journey"),
        (RewardChosen("k", NOW, BOB, "welcome", "r"), ErrorCode.UNKNOWN_CONTACT, "contact"),
        (RewardChosen("k", NOW, ADA, "welcome", "r"), ErrorCode.NOT_FOUND, "reward"),
        (
            PromoRedeemed("k", NOW, BOB, "p", RedemptionKind.SIGNED_UP),
            ErrorCode.UNKNOWN_CONTACT,
            "contact",
        ),
        (
            PromoRedeemed("k", NOW, ADA, "p", RedemptionKind.SIGNED_UP),
            ErrorCode.NOT_FOUND,
            "promo",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
async def test_one_bad_event_is_refused_and_leaves_the_rest_unharmed(
    house: Workspace, event: Event, code: ErrorCode, field: str
) -> None:
    outcomes = await house.record(
        delivered(DeliveryKind.OPENED), event, delivered(DeliveryKind.CLICKED)
    )

    assert kinds(outcomes) == [EventOutcome.ACCEPTED, EventOutcome.REJECTED, EventOutcome.ACCEPTED]
    assert codes(outcomes) == [None, code, None]
    assert outcomes[1].refusal is not None
    assert outcomes[1].refusal.field == (field,)
    assert (await house.message())["status"] == DeliveryKind.CLICKED
    assert await activities(house) == [
        "ENTERED",
        "MESSAGE_CREATED",
        "MESSAGE_OPENED",
        "MESSAGE_CLICKED",
    ]


async def test_a_contact_is_found_by_e_mail_whatever_the_case(workspace: Workspace) -> None:
    event = announced("m1", None, journey="welcome", contact=ContactRef(email=" ADA@example.ORG"))
    await an_entry(workspace)

    outcomes = await workspace.record(event)

    assert kinds(outcomes) == [EventOutcome.ACCEPTED]


async def test_a_contact_is_found_by_the_code_of_a_link(workspace: Workspace) -> None:
    (journey,) = await workspace.rows(tables.journeys)
    (contact,) = await workspace.rows(tables.contacts)
    await workspace.insert(
        tables.referral_links,
        code="ts123",
        id=new_id(),
        contact_id=contact["id"],
        journey_id=journey["id"],
        kind="FLOW",
        visits=0,
        sign_ups=0,
        created_at=NOW,
    )

    outcomes = await workspace.record(
        ContactEvent(a_key(), NOW, ContactRef(link_code="ts123"), "visit")
    )

    assert kinds(outcomes) == [EventOutcome.ACCEPTED]
    (visit,) = await workspace.rows(tables.contact_events)
    assert visit["contact_id"] == contact["id"]


async def test_where_no_entry_is_named_the_only_open_one_is_meant(workspace: Workspace) -> None:
    await an_entry(workspace, "e1")
    await an_entry(workspace, "e2")
    await workspace.record(completed("e1"))

    outcomes = await workspace.record(announced("m1", None, journey="welcome", contact=ADA))

    assert kinds(outcomes) == [EventOutcome.ACCEPTED]
    assert (await workspace.message())["entry_id"] == (await workspace.entry("e2"))["id"]


async def test_an_entry_of_the_same_batch_can_be_meant(workspace: Workspace) -> None:
    outcomes = await workspace.record(
        entered(), announced("m1", None, journey="welcome", contact=ADA)
    )

    assert kinds(outcomes) == [EventOutcome.ACCEPTED, EventOutcome.ACCEPTED]


async def test_several_open_entries_are_ambiguous(workspace: Workspace) -> None:
    await an_entry(workspace, "e1")
    await an_entry(workspace, "e2")

    outcomes = await workspace.record(announced("m1", None, journey="welcome", contact=ADA))

    assert codes(outcomes) == [ErrorCode.AMBIGUOUS_ENTRY]
    assert outcomes[0].refusal is not None
    assert '"e1"' in outcomes[0].refusal.message


async def test_an_open_entry_of_another_journey_is_not_meant(workspace: Workspace) -> None:
    await a_journey(workspace, "spring")
    await an_entry(workspace, "e1", journey="spring")

    outcomes = await workspace.record(announced("m1", None, journey="welcome", contact=ADA))

    assert codes(outcomes) == [ErrorCode.NOT_FOUND]


async def test_nothing_is_sent_to_the_control_group(workspace: Workspace) -> None:
    await an_entry(workspace, in_control_group=True)

    outcomes = await workspace.record(announced(), reached("hello", StepKind.HELD_OUT))

    assert kinds(outcomes) == [EventOutcome.REJECTED, EventOutcome.ACCEPTED]
    assert codes(outcomes) == [ErrorCode.CONFLICT, None]
    assert await workspace.rows(tables.communications) == []


async def stopped_house(database: Database) -> Workspace:
    """A house whose entry was stopped 100 seconds after NOW."""
    house = await a_house(database)
    entry = await house.entry()
    assert await house.stop(entry["id"], now=after(100)) == [StopOutcome.STOPPED]
    return house


@pytest.mark.parametrize(
    "late",
    [
        reached("remind", at=after(101)),
        announced("m2", at=after(101)),
        converted(at=after(101)),
        exited(at=after(101)),
        completed(at=after(101)),
        failed(at=after(101)),
    ],
    ids=lambda event: type(event).__name__,
)
async def test_a_fact_after_a_stop_is_kept_without_effect(database: Database, late: Event) -> None:
    house = await stopped_house(database)
    tracked = (
        tables.entries,
        tables.entry_steps,
        tables.communications,
        tables.entry_counters,
        tables.step_counters,
        tables.communication_counters,
    )
    before = [await house.rows(table) for table in tracked]

    outcomes = await house.record(late, now=after(200))

    assert kinds(outcomes) == [EventOutcome.IGNORED_STOPPED]
    assert [await house.rows(table) for table in tracked] == before
    assert [row["is_ignored"] for row in await house.facts()][-1:] == [True]


async def test_facts_before_a_stop_still_count(database: Database) -> None:
    house = await stopped_house(database)

    outcomes = await house.record(
        converted(at=after(100)), reached("remind", at=after(50)), now=after(200)
    )

    assert kinds(outcomes) == [EventOutcome.ACCEPTED, EventOutcome.ACCEPTED]
    entry = await house.entry()
    assert entry["converted_at"] == after(100)
    assert entry["step_at"] == after(50)
    assert entry["state"] == EntryState.STOPPED


async def test_a_completion_before_the_stop_is_how_the_entry_ended(database: Database) -> None:
    house = await stopped_house(database)

    await house.record(completed(at=after(50)), now=after(200))

    entry = await house.entry()
    assert (entry["state"], entry["stopped_at"]) == (EntryState.COMPLETED, after(50))


async def test_deliveries_still_count_after_a_stop(database: Database) -> None:
    house = await stopped_house(database)

    outcomes = await house.record(delivered(DeliveryKind.CLICKED, at=after(150)), now=after(200))

    assert kinds(outcomes) == [EventOutcome.ACCEPTED]
    assert (await house.message())["status"] == DeliveryKind.CLICKED


async def test_an_answer_after_a_stop_is_kept_without_effect(database: Database) -> None:
    house = await stopped_house(database)
    await a_journey(house, surveys=(A_SURVEY,))

    outcomes = await house.record(
        SurveyAnswered(a_key(), after(101), ADA, "welcome", "why", entry="e1", text="late"),
        now=after(200),
    )

    assert kinds(outcomes) == [EventOutcome.IGNORED_STOPPED]
    assert await house.rows(tables.survey_answers) == []


async def test_a_new_message_is_queued_and_created_in_one_row_of_the_log(
    workspace: Workspace,
) -> None:
    await an_entry(workspace)

    message_id = await a_message(workspace, step="hello", at=after(5))

    row = (await workspace.facts())[-1]
    assert (row["activity"], row["delivery"]) == ("MESSAGE_CREATED", "QUEUED")
    assert row["communication_id"] == message_id
    assert row["channel"] == "EMAIL"
    assert (row["occurred_at"], row["recorded_at"], row["source"]) == (after(5), NOW, "partner")


@pytest.mark.parametrize("kind", list(DeliveryKind))
async def test_each_event_of_a_message_is_one_row_of_the_log(
    house: Workspace, kind: DeliveryKind
) -> None:
    outcomes = await house.record(delivered(kind))

    assert kinds(outcomes) == [EventOutcome.ACCEPTED]
    assert [row["delivery"] for row in await house.facts()] == [None, "QUEUED", kind]
    assert (await house.message())["status"] == kind


async def test_what_people_do_is_their_last_interaction_and_what_is_sent_is_not(
    workspace: Workspace,
) -> None:
    await an_entry(workspace)
    await a_message(workspace, at=after(1))
    await workspace.record(delivered(DeliveryKind.OPENED, at=after(3)))

    await workspace.record(
        delivered(DeliveryKind.DELIVERED, at=after(9)),
        delivered(DeliveryKind.CLICKED, at=after(9), is_suspected_bot=True),
        delivered(DeliveryKind.CLICKED, at=after(2)),
    )

    (contact,) = await workspace.rows(tables.contacts)
    assert contact["last_interaction_at"] == contact["active_at"] == after(3)


async def test_the_id_of_a_provider_leads_to_its_message(workspace: Workspace) -> None:
    await an_entry(workspace)

    message_id = await a_message(workspace, provider_message_id="sg-1")

    (key,) = await workspace.rows(tables.provider_message_keys)
    assert (key["provider_message_id"], key["communication_id"]) == ("sg-1", message_id)


async def test_what_a_provider_reports_waits_for_its_message(workspace: Workspace) -> None:
    await an_entry(workspace)
    early = by_provider(delivered(at=after(2)), "sg-1")

    waiting = await workspace.record(early)
    again = await workspace.record(early)
    await a_message(workspace, provider_message_id="sg-1")
    late = await workspace.record(by_provider(delivered(DeliveryKind.OPENED, at=after(3)), "sg-1"))

    assert kinds(waiting + again + late) == [
        EventOutcome.PENDING,
        EventOutcome.DUPLICATE,
        EventOutcome.ACCEPTED,
    ]
    assert (await workspace.message())["delivered_at"] == after(2)
    assert (await workspace.message())["status"] == "OPENED"
    assert await workspace.rows(tables.pending_events) == []


async def test_of_two_messages_under_one_id_of_the_provider_the_first_keeps_it(
    workspace: Workspace,
) -> None:
    await an_entry(workspace)
    await workspace.record(announced("m1", provider_message_id="sg-1"))

    await workspace.record(announced("m2", provider_message_id="sg-1"))
    await workspace.record(by_provider(delivered(), "sg-1"))

    assert (await workspace.message("m1"))["status"] == "DELIVERED"
    assert (await workspace.message("m2"))["status"] == "QUEUED"


async def test_what_the_provider_and_the_partner_call_a_message_is_one_message(
    workspace: Workspace,
) -> None:
    await an_entry(workspace)
    await a_message(workspace, provider_message_id="sg-1")

    await workspace.record(
        delivered(DeliveryKind.CLICKED, at=after(1)),
        by_provider(delivered(DeliveryKind.CLICKED, at=after(2)), "sg-1"),
        delivered(DeliveryKind.CLICKED, at=after(3)),
    )

    assert (await workspace.message())["click_count"] == 3


async def test_links_are_kept_in_the_order_given_behind_the_open_pixel(
    workspace: Workspace,
) -> None:
    await an_entry(workspace)

    await a_message(workspace, links=LINKS)

    links = await workspace.rows(tables.links)
    assert [(one["position"], one["target_url"]) for one in links] == [
        (0, None),
        (1, LINKS[0]),
        (2, LINKS[1]),
    ]


async def test_resources_are_known_by_channel_and_name(house: Workspace) -> None:
    await house.record(
        announced("m2", resource="Welcome mail"),
        announced("m3", resource="Welcome mail", channel=Channel.SMS),
        announced("m4", resource="welcome mail"),
    )

    names = {(row["channel"], row["name"]) for row in await house.rows(tables.resources)}
    assert names == {
        ("EMAIL", "Welcome mail"),
        ("SMS", "Welcome mail"),
        ("EMAIL", "welcome mail"),
    }


async def test_nothing_written_leaves_no_cursor(house: Workspace) -> None:
    event = converted()
    await house.record(event)

    recorded = await house.recorded([event])

    assert (recorded.seq, recorded.journey_ids) == (None, frozenset())


async def test_what_is_recorded_says_where_the_log_stands(house: Workspace) -> None:
    recorded = await house.recorded([converted(), delivered()])

    (head,) = await house.rows(tables.heads)
    (journey,) = await house.rows(tables.journeys)
    assert (recorded.seq, recorded.nonce) == (5, head["nonce"])
    assert (recorded.epoch, recorded.recorded_at) == (head["epoch"], head["recorded_at"])
    assert recorded.journey_ids == {journey["id"]}
