"""What is known about contacts: the latest moment wins, whatever came first."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from itertools import permutations

import pytest

from store import Database, tables
from store.drafts import ChoiceDraft, QuestionDraft, RewardDraft, SurveyDraft
from store.ingest.events import (
    ContactEvent,
    ContactRef,
    Event,
    Facts,
    PromoRedeemed,
    RewardChosen,
    SurveyAnswered,
)
from store.types import new_id
from store.words import EventOutcome, RedemptionKind
from tests.support.factories import (
    NOW,
    Workspace,
    a_contact,
    a_database,
    a_journey,
    a_key,
    a_workspace,
    after,
    an_entry,
    entered,
)

ADA = ContactRef("ada")
SURVEYS = (
    SurveyDraft(
        "s",
        "Survey",
        (QuestionDraft("why", "Why?", (ChoiceDraft("a", "A"), ChoiceDraft("b", "B"))),),
    ),
)
REWARDS = (RewardDraft("cup", "A cup", Decimal(5)), RewardDraft("pen", "A pen", Decimal(1)))


@pytest.fixture
async def workspace(database: Database) -> Workspace:
    """The contact ada; the journey welcome with a survey and two rewards; a promo."""
    return await furnished(database)


async def furnished(database: Database) -> Workspace:
    made = await a_workspace(database)
    await a_journey(made, surveys=SURVEYS, rewards=REWARDS)
    await a_contact(made)
    await made.insert(tables.promos, id=new_id(), external_id="p", name="P", journey_id=None)
    return made


def an_answer(seconds: float, *choices: str, text: str | None = None) -> SurveyAnswered:
    return SurveyAnswered(
        a_key(), after(seconds), ADA, "welcome", "why", choices=choices, text=text
    )


def some_facts(seconds: float, **values: object) -> Facts:
    return Facts(
        a_key(),
        after(seconds),
        ADA,
        gamification={f"g_{name}": value for name, value in values.items()},
        financials={f"f_{name}": str(value) for name, value in values.items()},
        facts=dict(values),
    )


def a_choice(seconds: float, reward: str) -> RewardChosen:
    return RewardChosen(a_key(), after(seconds), ADA, "welcome", reward)


def a_redemption(seconds: float) -> PromoRedeemed:
    return PromoRedeemed(a_key(), after(seconds), ADA, "p", RedemptionKind.SIGNED_UP)


async def test_what_happened_to_a_contact_is_kept(workspace: Workspace) -> None:
    await workspace.record(
        ContactEvent(a_key(), after(1), ADA, "visit", {"page": "/", "n": 2**53}),
        ContactEvent(a_key(), after(1), ADA, "visit"),
    )

    kept = await workspace.rows(tables.contact_events)
    assert [(row["name"], row["properties"]) for row in kept] == [
        ("visit", {"page": "/", "n": 2**53}),
        ("visit", None),
    ]
    assert [row["change"] for row in await workspace.facts()] == ["CONTACT_EVENT"] * 2


async def known(workspace: Workspace) -> dict[str, object]:
    """All that is kept of ada's answers, facts, choice and redemptions."""
    (contact,) = await workspace.rows(tables.contacts)
    rewards = {row["id"]: row["key"] for row in await workspace.rows(tables.rewards)}
    choices = {row["id"].hex(): row["key"] for row in await workspace.rows(tables.survey_choices)}
    return {
        "answers": [
            ([choices[one] for one in row["choices"]], row["text"], row["answered_at"])
            for row in await workspace.rows(tables.survey_answers)
        ],
        "facts": [
            (row["name"], row["value"]["value"], row["updated_at"])
            for row in await workspace.rows(tables.contact_facts)
        ],
        "profiles": [
            (row["gamification"], row["financials"])
            for row in await workspace.rows(tables.contact_profiles)
        ],
        "preferred": rewards.get(contact["preferred_reward_id"]),
        "redemptions": [row["at"] for row in await workspace.rows(tables.promo_redemptions)],
        "interaction": contact["last_interaction_at"],
    }


SETS: dict[str, tuple[Event, ...]] = {
    "answers": (an_answer(3, "a"), an_answer(2, "b"), an_answer(3, text="because")),
    "facts": (some_facts(3, a=1), some_facts(2, a=2, b=3), some_facts(3, a="x", c=[1])),
    "rewards": (a_choice(3, "cup"), a_choice(2, "pen"), a_choice(3, "pen")),
    "promos": (a_redemption(3), a_redemption(2), a_redemption(3)),
}


@pytest.mark.parametrize("happened", SETS.values(), ids=SETS)
@pytest.mark.parametrize("is_one_batch", [True, False])
async def test_any_order_ends_in_the_same(
    database: Database, happened: tuple[Event, ...], is_one_batch: bool
) -> None:
    ends = []

    for order in permutations(happened):
        workspace = await furnished(database)
        if is_one_batch:
            await workspace.record(*order)
        else:
            for event in order:
                await workspace.record(event)
        ends.append(await known(workspace))

    # Of the same moment the reward with the greater id, which is random.
    for end in ends:
        assert end.pop("preferred") in ("cup", "pen", None)
    assert all(end == ends[0] for end in ends)


async def test_the_latest_answer_is_kept(workspace: Workspace) -> None:
    await workspace.record(an_answer(3, "a", "b"))

    await workspace.record(an_answer(2, text="early"))

    assert (await known(workspace))["answers"] == [(["a", "b"], None, after(3))]
    assert (await known(workspace))["interaction"] == after(3)


async def test_the_reward_chosen_last_is_preferred(workspace: Workspace) -> None:
    await workspace.record(a_choice(3, "cup"))

    await workspace.record(a_choice(2, "pen"))

    assert (await known(workspace))["preferred"] == "cup"


@pytest.mark.parametrize("is_one_batch", [True, False])
async def test_of_two_rewards_chosen_at_one_moment_the_order_of_arrival_says_nothing(
    workspace: Workspace, is_one_batch: bool
) -> None:
    ids = {row["key"]: row["id"] for row in await workspace.rows(tables.rewards)}
    last = max(ids, key=lambda key: ids[key])
    other = min(ids, key=lambda key: ids[key])

    if is_one_batch:
        await workspace.record(a_choice(3, last), a_choice(3, other))
    else:
        await workspace.record(a_choice(3, last))
        await workspace.record(a_choice(3, other))

    assert (await known(workspace))["preferred"] == last


async def test_figures_are_merged_name_by_name(workspace: Workspace) -> None:
    await workspace.record(some_facts(2, level=1, points="9.5"))

    await workspace.record(some_facts(3, level=2))

    (profile,) = await workspace.rows(tables.contact_profiles)
    assert profile["gamification"] == {
        "g_level": {"value": 2, "at": after(3)},
        "g_points": {"value": "9.5", "at": after(2)},
    }


async def test_an_answer_belongs_to_the_only_open_entry(workspace: Workspace) -> None:
    entry_id = await an_entry(workspace)

    await workspace.record(an_answer(1, "a"))

    (answer,) = await workspace.rows(tables.survey_answers)
    row = (await workspace.facts())[-1]
    assert answer["entry_id"] == row["entry_id"] == entry_id
    assert (row["activity"], row["change"]) == ("SURVEY_ANSWERED", "SURVEY_ANSWERED")


async def test_an_answer_without_an_entry_is_the_contacts_alone(workspace: Workspace) -> None:
    outcomes = await workspace.record(an_answer(1, "a"))

    (row,) = await workspace.facts()
    assert [one.kind for one in outcomes] == [EventOutcome.ACCEPTED]
    assert (row["activity"], row["change"]) == (None, "SURVEY_ANSWERED")


async def test_an_answer_that_names_an_entry_waits_for_it(workspace: Workspace) -> None:
    answer = SurveyAnswered(
        a_key(), NOW, ADA, "welcome", "why", entry="e1", choices=("a",), text="so"
    )
    waiting = await workspace.record(answer)

    await workspace.record(entered())

    assert [one.kind for one in waiting] == [EventOutcome.PENDING]
    assert (await known(workspace))["answers"] == [(["a"], "so", NOW)]


@pytest.fixture
async def writers(shared_url: str) -> AsyncIterator[list[Database]]:
    """Two processes' databases, as it were."""
    async with a_database(shared_url) as one, a_database(shared_url) as other:
        yield [one, other]


async def test_writers_of_one_contact_at_once_lose_no_figure(writers: list[Database]) -> None:
    workspace = await furnished(writers[0])
    desks = [Workspace(database, workspace.id) for database in writers]

    await asyncio.gather(
        *(
            desks[n % 2].record(
                some_facts(n, **{f"own{n}": n}, shared=n), an_answer(n, text=str(n))
            )
            for n in range(16)
        )
    )

    (profile,) = await workspace.rows(tables.contact_profiles)
    assert set(profile["gamification"]) == {"g_shared", *(f"g_own{n}" for n in range(16))}
    assert profile["gamification"]["g_shared"]["value"] == 15
    facts = {
        row["name"]: row["value"]["value"] for row in await workspace.rows(tables.contact_facts)
    }
    assert facts == {"shared": 15, **{f"own{n}": n for n in range(16)}}
    assert (await known(workspace))["answers"] == [([], "15", after(15))]
