"""Journeys: what an upsert keeps, changes, adds and archives."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from store import Database, tables
from store.drafts import (
    ChoiceDraft,
    JourneyDraft,
    QuestionDraft,
    RewardDraft,
    StepDraft,
    SurveyDraft,
)
from store.journeys import upsert
from store.types import Id, Instant
from store.words import Channel, EventOutcome, JourneyStatus, StepKind
from tests.support.factories import (
    NOW,
    Workspace,
    a_contact,
    a_database,
    a_workspace,
    after,
    an_entry,
    reached,
)

DRAFT = JourneyDraft(
    "welcome",
    "Welcome",
    landing_url="https://shop.example",
    starts_at=NOW,
    ends_at=after(60),
    steps=(
        StepDraft("hello", "Hello", Channel.EMAIL, "Welcome mail", 3_600),
        StepDraft("remind", "Remind", Channel.SMS, "Reminder"),
        StepDraft("thank", "Thank"),
    ),
    surveys=(
        SurveyDraft(
            "s",
            "Survey",
            (
                QuestionDraft("why", "Why?", (ChoiceDraft("a", "A"), ChoiceDraft("b", "B"))),
                QuestionDraft("who", "Who?"),
            ),
        ),
    ),
    rewards=(RewardDraft("cup", "A cup", Decimal("4.90")), RewardDraft("pen", "A pen", Decimal(1))),
)


@pytest.fixture
async def workspace(database: Database) -> Workspace:
    return await a_workspace(database)


async def upserted(workspace: Workspace, draft: JourneyDraft, now: Instant = NOW) -> Id:
    return await workspace.database.transact(
        lambda connection: upsert(connection, workspace.id, draft, now)
    )


async def steps(workspace: Workspace) -> dict[str, dict[str, Any]]:
    return {row["key"]: row for row in await workspace.rows(tables.journey_steps)}


async def test_a_journey_is_kept_as_it_is_given(workspace: Workspace) -> None:
    journey_id = await upserted(workspace, DRAFT)

    (row,) = await workspace.rows(tables.journeys)
    assert row["id"] == journey_id
    assert (row["external_id"], row["name"], row["status"]) == ("welcome", "Welcome", "ACTIVE")
    assert (row["starts_at"], row["ends_at"], row["landing_url"]) == (
        NOW,
        after(60),
        "https://shop.example",
    )
    resources = {row["id"]: row["name"] for row in await workspace.rows(tables.resources)}
    assert [
        (one["key"], one["position"], one["channel"], resources.get(one["resource_id"]))
        for one in sorted((await steps(workspace)).values(), key=lambda step: step["position"])
    ] == [
        ("hello", 0, "EMAIL", "Welcome mail"),
        ("remind", 1, "SMS", "Reminder"),
        ("thank", 2, None, None),
    ]
    rewards = await workspace.rows(tables.rewards)
    assert {row["key"]: row["value"] for row in rewards} == {
        "cup": Decimal("4.90"),
        "pen": Decimal(1),
    }


async def test_the_same_upsert_twice_changes_nothing(workspace: Workspace) -> None:
    parts = (
        tables.journey_steps,
        tables.surveys,
        tables.survey_questions,
        tables.survey_choices,
        tables.rewards,
        tables.resources,
    )
    first = await upserted(workspace, DRAFT)
    before = [await workspace.rows(table) for table in parts]

    second = await upserted(workspace, DRAFT, after(5))

    assert second == first
    assert [await workspace.rows(table) for table in parts] == before
    (row,) = await workspace.rows(tables.journeys)
    assert (row["created_at"], row["updated_at"]) == (NOW, after(5))


async def test_a_step_that_is_left_out_is_archived_and_one_that_comes_back_revives(
    workspace: Workspace,
) -> None:
    await upserted(workspace, DRAFT)
    before = await steps(workspace)

    await upserted(workspace, replace(DRAFT, steps=DRAFT.steps[::2]))
    without = await steps(workspace)
    await upserted(workspace, replace(DRAFT, steps=DRAFT.steps[::-1]))
    back = await steps(workspace)

    assert {key: row["is_archived"] for key, row in without.items()} == {
        "hello": False,
        "remind": True,
        "thank": False,
    }
    assert not any(row["is_archived"] for row in back.values())
    assert {key: row["position"] for key, row in back.items()} == {
        "hello": 2,
        "remind": 1,
        "thank": 0,
    }
    ids = {key: row["id"] for key, row in before.items()}
    assert ids == {key: row["id"] for key, row in back.items()}


async def test_a_journey_may_lose_all_its_steps(workspace: Workspace) -> None:
    await upserted(workspace, DRAFT)

    await upserted(workspace, replace(DRAFT, steps=()))

    assert all(row["is_archived"] for row in (await steps(workspace)).values())


async def test_a_late_fact_about_an_archived_step_still_counts(workspace: Workspace) -> None:
    await upserted(workspace, DRAFT)
    await a_contact(workspace)
    await an_entry(workspace)
    await upserted(workspace, replace(DRAFT, steps=DRAFT.steps[:1]))

    outcomes = await workspace.record(reached("thank", StepKind.STEP_COMPLETED))

    assert [one.kind for one in outcomes] == [EventOutcome.ACCEPTED]


async def test_a_change_of_a_step_changes_that_step(workspace: Workspace) -> None:
    await upserted(workspace, DRAFT)

    changed = StepDraft("hello", "Hi", Channel.PUSH, "Welcome push", None)
    await upserted(workspace, replace(DRAFT, steps=(changed, *DRAFT.steps[1:])))

    step = (await steps(workspace))["hello"]
    assert (step["name"], step["channel"], step["patience_seconds"]) == ("Hi", "PUSH", None)


async def test_surveys_and_rewards_that_are_left_out_stay(workspace: Workspace) -> None:
    await upserted(workspace, DRAFT)

    await upserted(workspace, replace(DRAFT, surveys=None, rewards=None))

    for table in (tables.surveys, tables.survey_questions, tables.survey_choices, tables.rewards):
        assert not any(row["is_archived"] for row in await workspace.rows(table))


async def test_empty_surveys_and_rewards_archive_what_there_was(workspace: Workspace) -> None:
    await upserted(workspace, DRAFT)

    await upserted(workspace, replace(DRAFT, surveys=(), rewards=()))

    for table in (tables.surveys, tables.survey_questions, tables.rewards):
        assert all(row["is_archived"] for row in await workspace.rows(table))


async def test_a_question_may_move_to_another_survey(workspace: Workspace) -> None:
    await upserted(workspace, DRAFT)
    before = {row["key"]: row["id"] for row in await workspace.rows(tables.survey_questions)}

    moved = SurveyDraft("t", "Other", (QuestionDraft("why", "Why, then?"),))
    await upserted(workspace, replace(DRAFT, surveys=(moved,)))

    questions = {row["key"]: row for row in await workspace.rows(tables.survey_questions)}
    surveys = {row["id"]: row["key"] for row in await workspace.rows(tables.surveys)}
    assert {key: row["id"] for key, row in questions.items()} == before
    assert surveys[questions["why"]["survey_id"]] == "t"
    assert (questions["why"]["is_archived"], questions["who"]["is_archived"]) == (False, True)
    choices = await workspace.rows(tables.survey_choices)
    assert all(row["is_archived"] for row in choices)


async def test_a_status_changes_with_the_upsert(workspace: Workspace) -> None:
    await upserted(workspace, DRAFT)

    await upserted(workspace, replace(DRAFT, status=JourneyStatus.ENDED, name="Farewell"))

    (row,) = await workspace.rows(tables.journeys)
    assert (row["status"], row["name"], row["search"]) == (
        "ENDED",
        "Farewell",
        "\nfarewell\nwelcome",
    )


async def test_upserts_of_one_journey_at_once_make_one(shared_url: str) -> None:
    async with a_database(shared_url) as one, a_database(shared_url) as other:
        here = await a_workspace(one)
        there = Workspace(other, here.id)

        ids = await asyncio.gather(
            *(
                upserted(desk, replace(DRAFT, steps=DRAFT.steps[n % 3 :]))
                for n in range(12)
                for desk in (here, there)
            )
        )

        assert len(set(ids)) == 1
        assert len(await here.rows(tables.journeys)) == 1
        assert len(await here.rows(tables.journey_steps)) == 3
