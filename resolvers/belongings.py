"""Belongings: the few rows that belong to contacts, journeys, surveys and questions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from resolvers.context import Context
from store import belongings, lists, rows
from store.entities import (
    CONSENT,
    PROMO,
    PROMO_REDEMPTION,
    REFERRAL_LINK,
    REWARD,
    STATUS_CHANGE,
    SURVEY,
    SURVEY_ANSWER,
    SURVEY_CHOICE,
    SURVEY_QUESTION,
    Entity,
)
from store.types import Id
from store.want import Want
from store.words import Scope

R = TypeVar("R")

AT_MOST = 1_000
"""Of a whole workspace."""


@dataclass(frozen=True)
class Belongings(Generic[R]):
    """The rows of `entity` whose column `owner` holds the owner's id; archived ones are left out.

    `order`: by these columns, "-at" backwards.
    """

    entity: Entity[R]
    owner: str
    order: tuple[str, ...]
    is_archivable: bool = False

    async def of(
        self, context: Context, owner_ids: Sequence[Id], want: Want, **equals: object
    ) -> dict[Id, list[R]]:
        """The rows of each owner, in one statement."""
        context.require(Scope.READ)
        if self.is_archivable:
            equals["is_archived"] = False
        async with context.database.read() as connection:
            return await belongings.of_owners(
                connection,
                self.entity,
                context.workspace_id,
                self.owner,
                owner_ids,
                want,
                self.order,
                **equals,
            )


status_changes = Belongings(STATUS_CHANGE, "contact_id", ("-at", "-id"))
consents = Belongings(CONSENT, "contact_id", ("channel",))
survey_answers = Belongings(SURVEY_ANSWER, "contact_id", ("-answered_at", "question_id"))
redemptions = Belongings(PROMO_REDEMPTION, "contact_id", ("-at", "promo_id", "kind"))
referral_links = Belongings(REFERRAL_LINK, "contact_id", ("-created_at", "-id"))
surveys = Belongings(SURVEY, "journey_id", ("position", "id"), is_archivable=True)
rewards = Belongings(REWARD, "journey_id", ("position", "id"), is_archivable=True)
questions = Belongings(SURVEY_QUESTION, "survey_id", ("position", "id"), is_archivable=True)
choices = Belongings(SURVEY_CHOICE, "question_id", ("position", "id"), is_archivable=True)


async def all_rewards(context: Context, want: Want) -> list[rows.Reward]:
    """The rewards of all journeys, by their names."""
    return await _all(context, REWARD, want, ("name", "id"), is_archived=False)


async def all_promos(context: Context, want: Want) -> list[rows.Promo]:
    """All promos, by their names."""
    return await _all(context, PROMO, want, ("name", "id"))


async def choices_by_id(
    context: Context, ids: Sequence[Id], want: Want
) -> dict[Id, rows.SurveyChoice | None]:
    """Choices that were answered, archived ones too."""
    context.require(Scope.READ)
    async with context.database.read() as connection:
        found = await lists.get_many(connection, SURVEY_CHOICE, context.workspace_id, ids, want)
    return {one: found.get(one) for one in ids}


async def _all(
    context: Context, entity: Entity[R], want: Want, order: tuple[str, ...], **equals: Any
) -> list[R]:
    context.require(Scope.READ)
    async with context.database.read() as connection:
        return await belongings.of_workspace(
            connection, entity, context.workspace_id, want, order, AT_MOST, **equals
        )
