"""contacts(filter): everything that contacts can be chosen by, and what cannot be asked."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from schema import ids
from schema.scalars import write_instant
from store import tables
from store.drafts import ChoiceDraft, QuestionDraft, RewardDraft, SurveyDraft
from store.ingest.events import ContactRef, PromoRedeemed, RewardChosen, SurveyAnswered
from store.types import HOUR, new_id
from store.words import RedemptionKind
from tests.schema.conftest import Api
from tests.support.factories import (
    NOW,
    Workspace,
    a_contact,
    a_database,
    a_journey,
    a_key,
    a_workspace,
    after,
    entered,
)

LIST = """query ($filter: ContactFilter) { contacts(filter: $filter) {
    nodes { externalUsername } totalCount { value precision } } }"""
SURVEY = SurveyDraft(
    "taste",
    "Taste",
    (
        QuestionDraft("drink", "Tea or coffee?", (ChoiceDraft("t", "Tea"), ChoiceDraft("c", "C"))),
        QuestionDraft("why", "Why?"),
    ),
)


def answered(contact: str, question: str, *choices: str, text: str | None = None) -> SurveyAnswered:
    return SurveyAnswered(
        a_key(), NOW, ContactRef(contact), "welcome", question, None, choices, text
    )


def redeemed(contact: str, promo: str, kind: RedemptionKind) -> PromoRedeemed:
    return PromoRedeemed(a_key(), NOW, ContactRef(contact), promo, kind)


async def id_of(workspace: Workspace, table: Any, prefix: str, **equals: str) -> str:
    (row,) = await workspace.rows(table, **equals)
    return f"{prefix}_{row['id'].hex()}"


async def chosen(api: Api, **asked: Any) -> list[str]:
    """The names of the contacts that the filter chooses, which the totalCount counts as well."""
    data = await api.ask(LIST, filter=asked)
    found = sorted(one["externalUsername"] for one in data["contacts"]["nodes"])
    assert data["contacts"]["totalCount"] == {"value": len(found), "precision": "EXACT"}
    return found


@pytest.fixture
async def four(database_url: str) -> AsyncIterator[Api]:
    """Ada, bob, cy and dee in a journey with a survey, two rewards and two promos."""
    async with a_database(database_url) as database:
        workspace = await a_workspace(database)
        rewards = (RewardDraft("cup", "Cup", Decimal(5)), RewardDraft("hat", "Hat", Decimal(9)))
        await a_journey(workspace, surveys=(SURVEY,), rewards=rewards)
        await a_journey(workspace, "autumn")
        for number, name in enumerate(("ada", "bob", "cy", "dee")):
            await a_contact(workspace, name, now=after(number))
        for name in ("p1", "p2"):
            await workspace.insert(
                tables.promos, id=new_id(), external_id=name, name=name, journey_id=None
            )
        yield Api(workspace)


async def test_by_the_journeys_that_they_entered(four: Api) -> None:
    await four.workspace.record(
        entered("e1", "ada"), entered("e2", "ada", "autumn"), entered("e3", "bob", "autumn")
    )
    welcome, autumn = [
        await id_of(four.workspace, tables.journeys, ids.JOURNEY, external_id=name)
        for name in ("welcome", "autumn")
    ]

    assert await chosen(four, journeyId=[welcome]) == ["ada"]
    assert await chosen(four, journeyId=[autumn, welcome]) == ["ada", "bob"]
    assert await chosen(four, **{"not": {"journeyId": [autumn]}}) == ["cy", "dee"]


async def test_by_their_answers_all_of_which_they_gave(four: Api) -> None:
    await four.workspace.record(
        answered("ada", "drink", "t"),
        answered("ada", "why", text="It is HOT in Größenwahn"),
        answered("bob", "drink", "t", "c"),
        answered("cy", "drink"),
    )
    drink, why = [
        await id_of(four.workspace, tables.survey_questions, ids.QUESTION, key=key)
        for key in ("drink", "why")
    ]
    tea, coffee = [
        await id_of(four.workspace, tables.survey_choices, ids.CHOICE, key=key) for key in "tc"
    ]
    tea_answer = {"questionId": drink, "choiceId": [tea]}

    assert await chosen(four, surveyAnswer=[{"questionId": drink}]) == ["ada", "bob", "cy"]
    assert await chosen(four, surveyAnswer=[tea_answer]) == ["ada", "bob"]
    assert await chosen(four, surveyAnswer=[tea_answer, {"questionId": why}]) == ["ada"]
    assert await chosen(four, surveyAnswer=[{"questionId": drink, "choiceId": [tea, coffee]}]) == [
        "ada",
        "bob",
    ]
    assert await chosen(
        four, surveyAnswer=[{"questionId": why, "text": {"contains": "GRÖSSEN"}}]
    ) == ["ada"]
    assert await chosen(four, surveyAnswer=[{"questionId": why, "text": {"eq": "hot"}}]) == []
    assert await chosen(four, surveyAnswer=[{"questionId": why, "choiceId": [tea]}]) == []


async def test_by_what_they_answer_now_and_no_more_by_what_they_answered_once(four: Api) -> None:
    await four.workspace.record(answered("ada", "drink", "t"))
    later = SurveyAnswered(
        a_key(), after(1), ContactRef("ada"), "welcome", "drink", None, ("c",), None
    )
    await four.workspace.record(later)
    drink = await id_of(four.workspace, tables.survey_questions, ids.QUESTION, key="drink")
    tea, coffee = [
        await id_of(four.workspace, tables.survey_choices, ids.CHOICE, key=key) for key in "tc"
    ]

    assert await chosen(four, surveyAnswer=[{"questionId": drink, "choiceId": [tea]}]) == []
    assert await chosen(four, surveyAnswer=[{"questionId": drink, "choiceId": [coffee]}]) == ["ada"]


async def test_by_the_reward_that_they_chose(four: Api) -> None:
    await four.workspace.record(
        RewardChosen(a_key(), NOW, ContactRef("ada"), "welcome", "cup"),
        RewardChosen(a_key(), NOW, ContactRef("bob"), "welcome", "hat"),
    )
    cup, hat = [
        await id_of(four.workspace, tables.rewards, ids.REWARD, key=key) for key in ("cup", "hat")
    ]

    assert await chosen(four, preferredRewardId=[cup]) == ["ada"]
    assert await chosen(four, preferredRewardId=[hat, cup]) == ["ada", "bob"]


async def test_by_the_promos_that_they_redeemed_and_how(four: Api) -> None:
    await four.workspace.record(
        redeemed("ada", "p1", RedemptionKind.CLICKED_LINK),
        redeemed("ada", "p2", RedemptionKind.WATCHED_VIDEO),
        redeemed("bob", "p2", RedemptionKind.SIGNED_UP),
    )
    p1, p2 = [
        await id_of(four.workspace, tables.promos, ids.PROMO, external_id=name)
        for name in ("p1", "p2")
    ]

    assert await chosen(four, promo={"promoId": [p1]}) == ["ada"]
    assert await chosen(four, promo={"promoId": [p1, p2]}) == ["ada", "bob"]
    assert await chosen(four, promo={"redeemedBy": ["SIGNED_UP"]}) == ["bob"]
    assert await chosen(four, promo={"redeemedBy": ["SIGNED_UP", "WATCHED_VIDEO"]}) == [
        "ada",
        "bob",
    ]
    # Both are said of one redemption.
    assert await chosen(four, promo={"promoId": [p2], "redeemedBy": ["CLICKED_LINK"]}) == []
    assert await chosen(four, promo={"promoId": [p1], "redeemedBy": ["CLICKED_LINK"]}) == ["ada"]


async def test_by_what_became_of_their_rewards(four: Api) -> None:
    rows = {
        row["external_username"]: row["id"] for row in await four.workspace.rows(tables.contacts)
    }
    table = tables.contacts
    async with four.workspace.database.write() as connection:
        for name, balance in (("ada", "0.000001"), ("bob", "12.5"), ("cy", "-3")):
            await connection.execute(
                table.update()
                .where(table.c.workspace_id == four.workspace.id, table.c.id == rows[name])
                .values(reward_balance=Decimal(balance))
            )

    assert await chosen(four, reward={"hasPositiveBalance": True}) == ["ada", "bob"]
    assert await chosen(four, reward={"hasPositiveBalance": False}) == ["cy", "dee"]
    assert await chosen(four, reward={"balanceAtLeast": "12.5"}) == ["bob"]
    assert await chosen(four, reward={"balanceAtLeast": "12.500001"}) == []
    assert await chosen(four, reward={"balanceAtLeast": "-3"}) == ["ada", "bob", "cy", "dee"]
    assert await chosen(four, reward={"hasBeenSent": True}) == []
    assert await chosen(four, reward={}) == ["ada", "bob", "cy", "dee"]


async def test_by_when_they_last_did_something(four: Api) -> None:
    await four.workspace.record(entered("e1", "ada"))
    within = {"between": {"from": write_instant(NOW), "to": write_instant(NOW + HOUR)}}

    assert await chosen(four, interactedOrImportedWithin=within) == ["ada"]
    assert await chosen(four, **{"not": {"interactedOrImportedWithin": within}}) == [
        "bob",
        "cy",
        "dee",
    ]


async def test_what_cannot_be_asked_is_refused_with_what_to_do(four: Api) -> None:
    refusals = [
        ({"journeyId": []}, "journeyId: an empty list of alternatives matches nothing"),
        ({"surveyAnswer": []}, "surveyAnswer: an empty list asks nothing"),
        ({"surveyAnswer": [{"questionId": "rwd_1"}]}, "is not the id of a survey question"),
        ({"preferredRewardId": ["ctc_" + "0" * 32]}, "is not the id of a reward"),
        ({"promo": {"promoId": ["x"]}}, "'x' is not the id of a promo"),
        ({"reward": {"balanceAtLeast": "much"}}, "'much' is not a Decimal"),
        (
            {"surveyAnswer": [{"questionId": "qst_" + "0" * 32}] * 21},
            "The filter has more than 20 conditions",
        ),
    ]

    for asked, message in refusals:
        assert message in await four.refused(LIST, filter=asked)


async def test_ids_of_another_workspace_choose_nobody(four: Api) -> None:
    await four.workspace.record(entered("e1", "ada"), answered("ada", "drink", "t"))
    journey = await id_of(four.workspace, tables.journeys, ids.JOURNEY, external_id="welcome")
    drink = await id_of(four.workspace, tables.survey_questions, ids.QUESTION, key="drink")
    stranger = Api(await a_workspace(four.workspace.database))
    await a_contact(stranger.workspace)

    assert await chosen(stranger, journeyId=[journey]) == []
    assert await chosen(stranger, surveyAnswer=[{"questionId": drink}]) == []
