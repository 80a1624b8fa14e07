"""Journeys as partners hand them in."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol, TypeVar

import strawberry

from resolvers.journey_changes import STEPS_AT_MOST
from schema.enums import Channel, JourneyStatus
from schema.inputs.limits import ID_LENGTH, NAME_LENGTH, Path, name, readable
from schema.scalars import URL, DateTime
from schema.scalars import readable as instant
from store.drafts import (
    ChoiceDraft,
    JourneyDraft,
    QuestionDraft,
    RewardDraft,
    StepDraft,
    SurveyDraft,
)
from store.types import Instant

_KEY = f"Your own name of it, at most {ID_LENGTH} characters, unique"
_NAME = f"The name for people, at most {NAME_LENGTH} characters."
_TEXT = f"The words for people, at most {NAME_LENGTH} characters."


@strawberry.input(description="A step of a journey.")
class JourneyStepInput:
    key: str = strawberry.field(description=f"{_KEY} in the journey.")
    name: str = strawberry.field(description=_NAME)
    channel: Channel | None = strawberry.field(
        default=strawberry.UNSET, description="The channel on which the step sends, if it sends."
    )
    resource: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"The name of the content that it sends, at most {NAME_LENGTH} characters. It "
        "needs a channel. A new name makes a new resource.",
    )
    patience_seconds: int | None = strawberry.field(
        default=strawberry.UNSET,
        description="How many seconds an entry may stand here before it counts as stuck, 0 "
        "or more. Left out or null: for ever.",
    )

    def draft(self, path: Path) -> StepDraft:
        return StepDraft(
            key=name(self.key, (*path, "key")),
            name=name(self.name, (*path, "name"), NAME_LENGTH),
            channel=self.channel or None,
            resource=name(self.resource, (*path, "resource"), NAME_LENGTH)
            if self.resource
            else None,
            patience_seconds=None
            if self.patience_seconds is strawberry.UNSET
            else self.patience_seconds,
        )


@strawberry.input(description="An answer that a question offers.")
class SurveyChoiceInput:
    key: str = strawberry.field(description=f"{_KEY} in the question.")
    text: str = strawberry.field(description=_TEXT)

    def draft(self, path: Path) -> ChoiceDraft:
        return ChoiceDraft(
            name(self.key, (*path, "key")), name(self.text, (*path, "text"), NAME_LENGTH)
        )


@strawberry.input(description="A question of a survey.")
class SurveyQuestionInput:
    key: str = strawberry.field(description=f"{_KEY} in the journey.")
    text: str = strawberry.field(description=_TEXT)
    choices: list[SurveyChoiceInput] | None = strawberry.field(
        default=strawberry.UNSET,
        description="The answers to choose from. Left out or empty: answered in words.",
    )

    def draft(self, path: Path) -> QuestionDraft:
        return QuestionDraft(
            name(self.key, (*path, "key")),
            name(self.text, (*path, "text"), NAME_LENGTH),
            _drafts(self.choices or (), (*path, "choices")),
        )


@strawberry.input(description="A survey of a journey.")
class SurveyInput:
    key: str = strawberry.field(description=f"{_KEY} in the journey.")
    name: str = strawberry.field(description=_NAME)
    questions: list[SurveyQuestionInput] = strawberry.field(description="Its questions in order.")

    def draft(self, path: Path) -> SurveyDraft:
        return SurveyDraft(
            name(self.key, (*path, "key")),
            name(self.name, (*path, "name"), NAME_LENGTH),
            _drafts(self.questions, (*path, "questions")),
        )


@strawberry.input(description="A reward that a journey gives.")
class RewardInput:
    key: str = strawberry.field(description=f"{_KEY} in the journey.")
    name: str = strawberry.field(description=_NAME)
    value: Decimal = strawberry.field(
        description="What it is worth, in the workspace's currency; not negative."
    )

    def draft(self, path: Path) -> RewardDraft:
        return RewardDraft(
            name(self.key, (*path, "key")),
            name(self.name, (*path, "name"), NAME_LENGTH),
            readable(self.value, (*path, "value")),
        )


@strawberry.input(
    description="A journey as it shall be. What is given replaces what there was; of surveys and "
    "rewards only when they are given."
)
class UpsertJourneyInput:
    external_id: str = strawberry.field(
        description=f"Your own id of the journey, at most {ID_LENGTH} characters. A new one makes "
        "a new journey."
    )
    name: str = strawberry.field(description=_NAME)
    status: JourneyStatus = strawberry.field(
        default=JourneyStatus.ACTIVE, description="Whether it runs."
    )
    landing_url: URL | None = strawberry.field(
        default=strawberry.UNSET, description="The page on which its links land."
    )
    starts_at: DateTime | None = strawberry.field(
        default=strawberry.UNSET, description="When it starts; left out or null, that is open."
    )
    ends_at: DateTime | None = strawberry.field(
        default=strawberry.UNSET,
        description="When it ends, not before it starts; left out or null, that is open.",
    )
    steps: list[JourneyStepInput] = strawberry.field(
        description=f"Its steps in order, at most {STEPS_AT_MOST}. A step is known by its key; one "
        "that was there and is not given is archived."
    )
    surveys: list[SurveyInput] | None = strawberry.field(
        default=strawberry.UNSET,
        description="Its surveys, at most 50. Left out or null: as they are.",
    )
    rewards: list[RewardInput] | None = strawberry.field(
        default=strawberry.UNSET,
        description="The rewards that it gives, at most 50. Left out or null: as they are.",
    )

    def draft(self) -> JourneyDraft:
        """Raises Refused for a value that cannot be taken."""
        return JourneyDraft(
            external_id=name(self.external_id, ("externalId",)),
            name=name(self.name, ("name",), NAME_LENGTH),
            status=self.status,
            landing_url=readable(self.landing_url, ("landingUrl",)) or None,
            starts_at=_instant(self.starts_at),
            ends_at=_instant(self.ends_at),
            steps=_drafts(self.steps, ("steps",)),
            surveys=_optional_drafts(self.surveys, ("surveys",)),
            rewards=_optional_drafts(self.rewards, ("rewards",)),
        )


def _instant(moment: DateTime | None) -> Instant | None:
    found: Instant | None = None if moment is strawberry.UNSET else instant(moment)
    return found


D = TypeVar("D", covariant=True)


class _Item(Protocol[D]):
    def draft(self, path: Path) -> D: ...


def _drafts(items: Sequence[_Item[D]], path: Path) -> tuple[D, ...]:
    return tuple(item.draft((*path, index)) for index, item in enumerate(items))


def _optional_drafts(items: Sequence[_Item[D]] | None, path: Path) -> tuple[D, ...] | None:
    return None if items is None or items is strawberry.UNSET else _drafts(items, path)
