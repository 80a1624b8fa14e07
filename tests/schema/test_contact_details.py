"""What is known of a contact: history, consents, rewards, answers, promos and links."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from schema import ids
from store import tables
from store.drafts import ChoiceDraft, QuestionDraft, RewardDraft, SurveyDraft
from store.ingest.events import ContactRef, PromoRedeemed, RewardChosen, SurveyAnswered
from store.types import new_id
from store.words import ContactStatus, RedemptionKind, Scope
from tests.schema.conftest import Api
from tests.support.factories import NOW, a_contact, a_database, a_journey, a_key, a_workspace, after
from tests.support.statements import counted

SURVEY = SurveyDraft(
    "taste",
    "Taste",
    (
        QuestionDraft(
            "drink", "Tea or coffee?", (ChoiceDraft("t", "Tea"), ChoiceDraft("c", "Coffee"))
        ),
        QuestionDraft("why", "Why?"),
    ),
)
REWARDS = (RewardDraft("cup", "Cup", Decimal(5)), RewardDraft("hat", "Hat", Decimal("9.5")))
UPSERT = """mutation ($input: UpsertPromoInput!) { upsertPromo(input: $input) {
    promo { id externalId name journey { externalId } } userErrors { code field message } } }"""


async def of_ada(api: Api, selection: str, **variables: Any) -> Any:
    given = "($journey: ID)" if variables else ""
    data = await api.ask(
        f'query {given} {{ contact(externalUsername: "ada") {{ {selection} }} }}', **variables
    )
    return data["contact"]


def answered(at: float, question: str, *choices: str, text: str | None = None) -> SurveyAnswered:
    return SurveyAnswered(
        a_key(), after(at), ContactRef("ada"), "welcome", question, None, choices, text
    )


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[Api]:
    """Ada, and the journey welcome with a survey and two rewards."""
    async with a_database(database_url) as database:
        workspace = await a_workspace(database)
        await a_journey(workspace, surveys=(SURVEY,), rewards=REWARDS)
        await a_contact(workspace)
        yield Api(workspace)


async def journey_id(api: Api, name: str = "welcome") -> str:
    (row,) = await api.workspace.rows(tables.journeys, external_id=name)
    return f"{ids.JOURNEY}_{row['id'].hex()}"


async def test_a_status_history_says_who_and_when_the_latest_first(house: Api) -> None:
    later = Api(house.workspace, now=after(60))
    await later.ask(
        """mutation { upsertContacts(input: {contacts: [
            {externalUsername: "ada", status: CUSTOMER}]}) { results { contact { id } } } }"""
    )

    found = await of_ada(house, "statusHistory { from to at by }")

    assert found["statusHistory"] == [
        {"from": "LEAD", "to": "CUSTOMER", "at": "2026-11-22T00:01:00Z", "by": "Shop"},
        {"from": None, "to": "LEAD", "at": "2026-11-22T00:00:00Z", "by": "ops"},
    ]


async def test_consents_are_shown_by_channel(house: Api) -> None:
    (row,) = await house.workspace.rows(tables.contacts)
    for channel, is_subscribed in (("SMS", True), ("EMAIL", False)):
        await house.workspace.insert(
            tables.contact_consents,
            contact_id=row["id"],
            channel=channel,
            is_subscribed=is_subscribed,
            since=NOW,
            source="unsubscribe page",
        )

    found = await of_ada(house, "consents { channel isSubscribed since source }")

    moment = {"since": "2026-11-22T00:00:00Z", "source": "unsubscribe page"}
    assert found["consents"] == [
        {"channel": "EMAIL", "isSubscribed": False, **moment},
        {"channel": "SMS", "isSubscribed": True, **moment},
    ]


async def test_what_a_journey_asks_and_gives_is_shown_in_order(house: Api) -> None:
    data = await house.ask(
        """{ journey(externalId: "welcome") {
            surveys { key name questions { key text choices { key text } } }
            rewards { key name value journey { externalId } } } }"""
    )

    assert data["journey"]["surveys"] == [
        {
            "key": "taste",
            "name": "Taste",
            "questions": [
                {
                    "key": "drink",
                    "text": "Tea or coffee?",
                    "choices": [{"key": "t", "text": "Tea"}, {"key": "c", "text": "Coffee"}],
                },
                {"key": "why", "text": "Why?", "choices": []},
            ],
        }
    ]
    journey = {"journey": {"externalId": "welcome"}}
    assert data["journey"]["rewards"] == [
        {"key": "cup", "name": "Cup", "value": "5", **journey},
        {"key": "hat", "name": "Hat", "value": "9.5", **journey},
    ]


async def test_what_an_upsert_left_out_is_no_more_asked_but_its_answers_stay(house: Api) -> None:
    await house.workspace.record(answered(0, "drink", "c", "t"))

    await a_journey(house.workspace, surveys=(), rewards=REWARDS[1:])

    data = await house.ask(
        '{ journey(externalId: "welcome") { surveys { key } rewards { key } } rewards { key } }'
    )
    found = await of_ada(house, "surveyAnswers { question { key } choices { key } }")
    assert data == {
        "journey": {"surveys": [], "rewards": [{"key": "hat"}]},
        "rewards": [{"key": "hat"}],
    }
    assert found["surveyAnswers"] == [
        {"question": {"key": "drink"}, "choices": [{"key": "c"}, {"key": "t"}]}
    ]


async def test_the_last_answer_to_each_question_is_shown(house: Api) -> None:
    await house.workspace.record(
        answered(0, "drink", "t"), answered(5, "drink", "c"), answered(9, "why", text="So.")
    )
    await a_journey(house.workspace, "autumn")
    selection = "{ question { key } choices { text } text answeredAt }"

    every = await of_ada(house, f"surveyAnswers {selection}")
    none = await of_ada(
        house,
        f"surveyAnswers(journeyId: $journey) {selection}",
        journey=await journey_id(house, "autumn"),
    )
    own = await of_ada(
        house,
        "surveyAnswers(journeyId: $journey) { text }",
        journey=await journey_id(house),
    )

    assert every["surveyAnswers"] == [
        {
            "question": {"key": "why"},
            "choices": [],
            "text": "So.",
            "answeredAt": "2026-11-22T00:00:09Z",
        },
        {
            "question": {"key": "drink"},
            "choices": [{"text": "Coffee"}],
            "text": None,
            "answeredAt": "2026-11-22T00:00:05Z",
        },
    ]
    assert none["surveyAnswers"] == []
    assert own["surveyAnswers"] == [{"text": "So."}, {"text": None}]


async def test_the_preferred_reward_and_the_ledger_are_shown(house: Api) -> None:
    await house.workspace.record(RewardChosen(a_key(), NOW, ContactRef("ada"), "welcome", "hat"))
    (row,) = await house.workspace.rows(tables.contacts)
    hat = row["preferred_reward_id"]
    for kind, amount in (("EARNED", "9.5"), ("SENT", "-9.5"), ("EARNED", "0.000001")):
        await house.workspace.insert(
            tables.reward_transactions,
            contact_id=row["id"],
            id=new_id(),
            reward_id=hat,
            kind=kind,
            amount=Decimal(amount),
            journey_id=None,
            at=NOW,
        )

    found = await of_ada(
        house,
        """preferredReward { key value }
        rewardTransactions(first: 2) { nodes { kind amount at reward { key } journey { id } }
            totalCount { value } pageInfo { hasNextPage endCursor } }""",
    )

    at = {"at": "2026-11-22T00:00:00Z", "reward": {"key": "hat"}, "journey": None}
    assert found["preferredReward"] == {"key": "hat", "value": "9.5"}
    ledger = found["rewardTransactions"]
    assert ledger["nodes"] == [
        {"kind": "EARNED", "amount": "0.000001", **at},
        {"kind": "SENT", "amount": "-9.5", **at},
    ]
    assert ledger["totalCount"]["value"] == 3
    assert ledger["pageInfo"]["hasNextPage"] is True


async def test_a_promo_is_registered_redeemed_and_shown(house: Api) -> None:
    made = await house.ask(
        UPSERT, input={"externalId": "spring", "name": "Spring", "journey": "welcome"}
    )
    await house.workspace.record(
        PromoRedeemed(a_key(), NOW, ContactRef("ada"), "spring", RedemptionKind.WATCHED_VIDEO),
        PromoRedeemed(a_key(), after(3), ContactRef("ada"), "spring", RedemptionKind.SIGNED_UP),
    )
    changed = await house.ask(UPSERT, input={"externalId": "spring", "name": "Spring sale"})

    data = await house.ask("{ promos { id externalId name journey { externalId } } }")
    found = await of_ada(house, "promoRedemptions { promo { externalId } kind at }")
    promo = made["upsertPromo"]["promo"]
    assert promo["journey"] == {"externalId": "welcome"}
    assert changed["upsertPromo"]["promo"] == {
        **promo,
        "name": "Spring sale",
        "journey": None,
    }
    assert data["promos"] == [changed["upsertPromo"]["promo"]]
    assert found["promoRedemptions"] == [
        {
            "promo": {"externalId": "spring"},
            "kind": "SIGNED_UP",
            "at": "2026-11-22T00:00:03Z",
        },
        {
            "promo": {"externalId": "spring"},
            "kind": "WATCHED_VIDEO",
            "at": "2026-11-22T00:00:00Z",
        },
    ]


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"journey": "nowhere"}, "UNKNOWN_JOURNEY", "journey"),
        ({"externalId": " "}, "INVALID", "externalId"),
        ({"name": ""}, "INVALID", "name"),
        ({"name": "x" * 501}, "TOO_LONG", "name"),
        ({"externalId": "a\0b"}, "INVALID", "externalId"),
    ],
)
async def test_a_promo_that_cannot_be_is_refused(
    house: Api, given: dict[str, str], code: str, field: str
) -> None:
    data = await house.ask(UPSERT, input={"externalId": "p", "name": "P", **given})

    (error,) = data["upsertPromo"]["userErrors"]
    assert (error["code"], error["field"]) == (code, [field])
    assert data["upsertPromo"]["promo"] is None
    assert await house.workspace.rows(tables.promos) == []


async def test_registering_a_promo_needs_the_scope_integrate(house: Api) -> None:
    operator = Api(house.workspace, (Scope.READ, Scope.OPERATE))

    _, (error,) = await operator.run(UPSERT, input={"externalId": "p", "name": "P"})

    assert "This needs the scope integrate" in error.message


async def test_links_lead_where_their_kind_says(house: Api) -> None:
    (row,) = await house.workspace.rows(tables.contacts)
    (journey,) = await house.workspace.rows(tables.journeys)
    for number, kind in enumerate(("REFERRAL", "FLOW")):
        await house.workspace.insert(
            tables.referral_links,
            code=f"code{number}",
            id=new_id(),
            contact_id=row["id"],
            journey_id=journey["id"],
            kind=kind,
            visits=3,
            sign_ups=1,
            created_at=after(number),
        )

    found = await of_ada(
        house,
        """referralLinks(journeyId: $journey) { kind code url visits signUps createdAt
            contact { externalUsername } journey { externalId } }""",
        journey=await journey_id(house),
    )

    rest = {
        "visits": 3,
        "signUps": 1,
        "contact": {"externalUsername": "ada"},
        "journey": {"externalId": "welcome"},
    }
    assert found["referralLinks"] == [
        {
            "kind": "FLOW",
            "code": "code1",
            "url": "https://track.example/f/code1",
            "createdAt": "2026-11-22T00:00:01Z",
            **rest,
        },
        {
            "kind": "REFERRAL",
            "code": "code0",
            "url": "https://track.example/r/code0",
            "createdAt": "2026-11-22T00:00:00Z",
            **rest,
        },
    ]


async def test_a_page_of_contacts_reads_each_list_in_one_statement(house: Api) -> None:
    for number in range(5):
        await a_contact(house.workspace, f"c{number}", status=ContactStatus.CUSTOMER)
    await house.workspace.record(answered(0, "drink", "t", "c"))

    with counted(house.workspace.database) as seen:
        await house.ask(
            """{ contacts { nodes { preferredReward { journey { name } }
                statusHistory { to } consents { channel } rewardTransactions { nodes { kind } }
                surveyAnswers { question { text choices { key } } choices { text } }
                promoRedemptions { kind } referralLinks { code } } } }"""
        )

    assert len(seen) == 9


async def test_another_workspace_sees_none_of_it(house: Api) -> None:
    stranger = Api(await a_workspace(house.workspace.database))
    await house.ask(UPSERT, input={"externalId": "spring", "name": "Spring"})

    data = await stranger.ask("{ rewards { key } promos { externalId } }")

    assert data == {"rewards": [], "promos": []}


@pytest.mark.parametrize("field", ["rewards { key }", "promos { name }"])
async def test_reading_needs_the_scope_read(house: Api, field: str) -> None:
    partner = Api(house.workspace, (Scope.INTEGRATE,))

    _, (error,) = await partner.run(f"{{ {field} }}")

    assert "This needs the scope read" in error.message
