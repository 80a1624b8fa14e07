"""Changes of journeys: refused whole with every reason, or done whole."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from resolvers import journey_changes
from resolvers.context import Forbidden
from store import Database, tables
from store.drafts import (
    ChoiceDraft,
    JourneyDraft,
    QuestionDraft,
    RewardDraft,
    StepDraft,
    SurveyDraft,
)
from store.words import Channel, ErrorCode, Scope
from tests.support.factories import NOW, Workspace, a_context, a_database, a_workspace

DRAFT = JourneyDraft("welcome", "Welcome", steps=(StepDraft("hello", "Hello"),))
WHY = QuestionDraft("why", "Why?")


@pytest.fixture
async def workspace(database: Database) -> Workspace:
    return await a_workspace(database)


async def test_a_journey_is_registered(workspace: Workspace) -> None:
    made = await journey_changes.upsert(a_context(workspace, Scope.INTEGRATE), DRAFT)

    (row,) = await workspace.rows(tables.journeys)
    assert (row["id"], row["created_at"]) == (made, NOW)


@pytest.mark.parametrize(
    ("draft", "code", "field"),
    [
        (replace(DRAFT, external_id=" "), ErrorCode.INVALID, ("externalId",)),
        (replace(DRAFT, name=""), ErrorCode.INVALID, ("name",)),
        (replace(DRAFT, starts_at=NOW, ends_at=NOW), ErrorCode.INVALID, ("endsAt",)),
        (replace(DRAFT, steps=DRAFT.steps * 2), ErrorCode.INVALID, ("steps",)),
        (replace(DRAFT, steps=(StepDraft("", "Hello"),)), ErrorCode.INVALID, ("steps",)),
        (
            replace(DRAFT, steps=(StepDraft("a", "A", resource="Mail"),)),
            ErrorCode.INVALID,
            ("steps", "0", "channel"),
        ),
        (
            replace(DRAFT, steps=(StepDraft("a", "A", Channel.EMAIL, patience_seconds=-1),)),
            ErrorCode.INVALID,
            ("steps", "0", "patienceSeconds"),
        ),
        (
            replace(DRAFT, steps=tuple(StepDraft(f"s{n}", "S") for n in range(201))),
            ErrorCode.TOO_MANY,
            ("steps",),
        ),
        (
            replace(DRAFT, surveys=(SurveyDraft("s", "S", (WHY,)), SurveyDraft("t", "T", (WHY,)))),
            ErrorCode.INVALID,
            ("surveys",),
        ),
        (
            replace(
                DRAFT,
                surveys=(
                    SurveyDraft("s", "S", (replace(WHY, choices=(ChoiceDraft("a", "A"),) * 2),)),
                ),
            ),
            ErrorCode.INVALID,
            ("surveys",),
        ),
        (
            replace(DRAFT, rewards=(RewardDraft("cup", "Cup", Decimal("-0.01")),)),
            ErrorCode.INVALID,
            ("rewards", "0", "value"),
        ),
    ],
    ids=[
        "blank id",
        "no name",
        "ends as it starts",
        "a key twice",
        "a blank key",
        "resource without channel",
        "negative patience",
        "201 steps",
        "a question in two surveys",
        "a choice twice",
        "negative reward",
    ],
)
async def test_what_cannot_be_registered_is_refused_whole(
    workspace: Workspace, draft: JourneyDraft, code: ErrorCode, field: tuple[str, ...]
) -> None:
    result = await journey_changes.upsert(a_context(workspace, Scope.INTEGRATE), draft)

    assert isinstance(result, list)
    assert [(one.code, one.field) for one in result] == [(code, field)]
    assert await workspace.rows(tables.journeys) == []


async def test_every_reason_is_given_at_once(workspace: Workspace) -> None:
    wrong = replace(DRAFT, name="", steps=DRAFT.steps * 2)

    result = await journey_changes.upsert(a_context(workspace, Scope.INTEGRATE), wrong)

    assert isinstance(result, list)
    assert [one.field for one in result] == [("name",), ("steps",)]


@pytest.mark.parametrize("scope", [Scope.READ, Scope.OPERATE])
async def test_registering_needs_the_scope_integrate(workspace: Workspace, scope: Scope) -> None:
    with pytest.raises(Forbidden, match="integrate"):
        await journey_changes.upsert(a_context(workspace, scope), DRAFT)

    assert await workspace.rows(tables.journeys) == []


async def test_the_same_external_id_in_another_workspace_is_another_journey(
    workspace: Workspace, database: Database
) -> None:
    other = await a_workspace(database)
    first = await journey_changes.upsert(a_context(other, Scope.INTEGRATE), DRAFT)

    second = await journey_changes.upsert(
        a_context(workspace, Scope.INTEGRATE), replace(DRAFT, name="Mine")
    )

    (theirs,) = await other.rows(tables.journeys)
    assert first != second
    assert theirs["name"] == "Welcome"


async def test_partners_that_share_resources_do_not_fail_each_other(shared_url: str) -> None:
    async with a_database(shared_url) as one, a_database(shared_url) as other:
        here = await a_workspace(one)
        there = Workspace(other, here.id)
        resources = [f"mail {n}" for n in range(10)]

        def a_draft(number: int) -> JourneyDraft:
            names = resources if number % 2 else resources[::-1]
            steps = tuple(StepDraft(name, name, Channel.EMAIL, name) for name in names)
            return JourneyDraft(f"journey {number % 4}", "Journey", steps=steps)

        results = await asyncio.gather(
            *(
                journey_changes.upsert(a_context(desk, Scope.INTEGRATE), a_draft(n))
                for n in range(8)
                for desk in (here, there)
            )
        )

        assert len(await here.rows(tables.resources)) == 10
    assert len({one for one in results if isinstance(one, bytes)}) == 4
