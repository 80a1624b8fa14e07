"""Survey: what journeys ask, and what contacts answered."""

import asyncio
from collections.abc import Sequence
from typing import Any

import strawberry

from resolvers import belongings
from resolvers.loaders import load
from schema import ids
from schema.belongings import belonging
from schema.fields import NEEDS, Needs, derived, plain
from schema.info import Info
from schema.scalars import DateTime
from schema.selection import below
from store import rows
from store.types import Id


@strawberry.type(description="An answer that a question offers.")
class SurveyChoice:
    id: strawberry.ID = derived(ids.of(ids.CHOICE), "Opaque.", needs=("id",))
    key: str = plain("The partner's own name of it, unique in its question.")
    text: str = plain("The words for people.")


@strawberry.type(description="A question of a survey.")
class SurveyQuestion:
    id: strawberry.ID = derived(ids.of(ids.QUESTION), "Opaque.", needs=("id",))
    key: str = plain("The partner's own name of it, unique in its journey.")
    text: str = plain("The words for people.")
    choices: list[SurveyChoice] = belonging(
        belongings.choices,
        "The answers that it offers, in order; those that a later upsert left out are not among "
        "them. Empty for a question that is answered in words.",
    )


@strawberry.type(description="What a journey asks of its contacts.")
class Survey:
    id: strawberry.ID = derived(ids.of(ids.SURVEY), "Opaque.", needs=("id",))
    key: str = plain("The partner's own name of it, unique in its journey.")
    name: str = plain("The name for people.")
    questions: list[SurveyQuestion] = belonging(
        belongings.questions,
        "Its questions in order; those that a later upsert left out are not among them.",
    )


async def _choices(
    parent: strawberry.Parent[rows.SurveyAnswer], info: Info
) -> list[rows.SurveyChoice]:
    want = below(info).want

    async def read(choice_ids: Sequence[Id]) -> dict[Id, rows.SurveyChoice | None]:
        return await belongings.choices_by_id(info.context, choice_ids, want)

    chosen = [
        load(info.context, ("answer.choices", want), bytes.fromhex(one), read)
        for one in parent.choices
    ]
    return [one for one in await asyncio.gather(*chosen) if one is not None]


def _chosen(description: str) -> Any:
    return strawberry.field(
        resolver=_choices, description=description, metadata={NEEDS: Needs(("choices",))}
    )


@strawberry.type(description="What a contact answered last to a question.")
class SurveyAnswer:
    question: SurveyQuestion = plain("The question.")
    choices: list[SurveyChoice] = _chosen("What was chosen, in the order of the report.")
    text: str | None = plain("The words that were given, if any.")
    answered_at: DateTime = plain("When it was answered.")
