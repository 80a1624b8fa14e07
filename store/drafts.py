"""Drafts: journeys and contacts as a partner or an operator hands them in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from store.types import Id, Instant
from store.words import Channel, ContactStatus, JourneyStatus


@dataclass(frozen=True, slots=True)
class StepDraft:
    key: str
    name: str
    channel: Channel | None = None
    resource: str | None = None
    patience_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class ChoiceDraft:
    key: str
    text: str


@dataclass(frozen=True, slots=True)
class QuestionDraft:
    key: str
    text: str
    choices: tuple[ChoiceDraft, ...] = ()


@dataclass(frozen=True, slots=True)
class SurveyDraft:
    key: str
    name: str
    questions: tuple[QuestionDraft, ...] = ()


@dataclass(frozen=True, slots=True)
class RewardDraft:
    key: str
    name: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class JourneyDraft:
    external_id: str
    name: str
    status: JourneyStatus = JourneyStatus.ACTIVE
    landing_url: str | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    steps: tuple[StepDraft, ...] = ()
    surveys: tuple[SurveyDraft, ...] | None = None
    rewards: tuple[RewardDraft, ...] | None = None


@dataclass(frozen=True, slots=True)
class ContactDraft:
    """None leaves a value of an existing contact as it is."""

    external_username: str | None = None
    username: str | None = None
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    status: ContactStatus | None = None
    referred_by_code: str | None = None


@dataclass(frozen=True, slots=True)
class ContactEdit:
    """What changes of a contact: the texts by their columns and the reward, None to clear them."""

    texts: Mapping[str, str | None] = field(default_factory=dict)
    sets_reward: bool = False
    preferred_reward_id: Id | None = None
    consents: Mapping[Channel, bool] = field(default_factory=dict)

    def draft(self) -> ContactDraft:
        """The texts that are given, without those that are cleared."""
        given: dict[str, Any] = {k: v for k, v in self.texts.items() if v is not None}
        return ContactDraft(**given)
