"""The facts that partners, providers and links report: one frozen value a kind.

`key` makes the event idempotent within its source. Names (journey, entry, step …) are the partner's
own ids. Instants are microseconds since 1970 UTC.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from store.types import Id, Instant
from store.words import Channel, DeliveryKind, RedemptionKind, StepKind


@dataclass(frozen=True, slots=True)
class ContactRef:
    """Exactly one is set."""

    external_username: str | None = None
    email: str | None = None
    link_code: str | None = None

    def __str__(self) -> str:
        return self.external_username or self.email or self.link_code or ""


@dataclass(frozen=True, slots=True)
class JourneyEntered:
    key: str
    occurred_at: Instant
    journey: str
    contact: ContactRef
    entry: str
    in_control_group: bool = False


@dataclass(frozen=True, slots=True)
class Bonus:
    name: str
    amount: Decimal | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class StepReached:
    key: str
    occurred_at: Instant
    entry: str
    kind: StepKind
    step: str | None = None
    waiting_for: str | None = None
    waiting_until: Instant | None = None
    bonus: Bonus | None = None
    reason: str | None = None
    detail: Any = None


@dataclass(frozen=True, slots=True)
class CommunicationCreated:
    """entry, or journey and contact. `id` is set when the event waited and its links are out."""

    key: str
    occurred_at: Instant
    communication: str
    channel: Channel
    resource: str
    entry: str | None = None
    journey: str | None = None
    contact: ContactRef | None = None
    step: str | None = None
    links: tuple[str, ...] = ()
    provider_message_id: str | None = None
    id: Id | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    key: str
    occurred_at: Instant
    communication: str
    kind: DeliveryKind
    url: str | None = None
    reason: str | None = None
    is_suspected_bot: bool = False
    bot_signals: tuple[str, ...] = ()
    link: int | None = None
    """Which of the message's tracked links was followed, counted from 1, where it was one."""


@dataclass(frozen=True, slots=True)
class ProviderDelivery(Delivery):
    """The same of a message that is known by its provider's id: `communication` holds that id."""


@dataclass(frozen=True, slots=True)
class Converted:
    key: str
    occurred_at: Instant
    entry: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Exited:
    key: str
    occurred_at: Instant
    entry: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Completed:
    key: str
    occurred_at: Instant
    entry: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    key: str
    occurred_at: Instant
    entry: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ContactEvent:
    key: str
    occurred_at: Instant
    contact: ContactRef
    name: str
    properties: Any = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Figures by name; decimals and instants as strings, as they are stored and shown."""

    key: str
    occurred_at: Instant
    contact: ContactRef
    gamification: dict[str, Any] | None = None
    financials: dict[str, Any] | None = None
    facts: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class SurveyAnswered:
    key: str
    occurred_at: Instant
    contact: ContactRef
    journey: str
    question: str
    entry: str | None = None
    choices: tuple[str, ...] = ()
    text: str | None = None


@dataclass(frozen=True, slots=True)
class RewardChosen:
    key: str
    occurred_at: Instant
    contact: ContactRef
    journey: str
    reward: str


@dataclass(frozen=True, slots=True)
class PromoRedeemed:
    key: str
    occurred_at: Instant
    contact: ContactRef
    promo: str
    kind: RedemptionKind


EntryEvent = Converted | Exited | Completed | Failed

Event = (
    JourneyEntered
    | StepReached
    | CommunicationCreated
    | Delivery
    | ProviderDelivery
    | Converted
    | Exited
    | Completed
    | Failed
    | ContactEvent
    | Facts
    | SurveyAnswered
    | RewardChosen
    | PromoRedeemed
)
