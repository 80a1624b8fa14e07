"""What lists can be asked for: frozen values, every field of which must hold.

A tuple's values are alternatives; None means "not asked". `and_`, `or_` and `not_` nest.
"""

from dataclasses import dataclass
from decimal import Decimal

from store.types import Id, Instant
from store.words import (
    ActivityKind,
    Channel,
    ContactSource,
    ContactStatus,
    DeliveryKind,
    DeliveryStatus,
    DiagnosisCode,
    EntryState,
    JobKind,
    JourneyStatus,
    RedemptionKind,
)


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` (included) to `end` (excluded); None is unbounded."""

    start: Instant | None = None
    end: Instant | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """A condition on a text; contains and starts_with ignore case."""

    eq: str | None = None
    in_: tuple[str, ...] | None = None
    contains: str | None = None
    starts_with: str | None = None
    is_null: bool | None = None


@dataclass(frozen=True, slots=True)
class JourneyFilter:
    search: str | None = None
    status: tuple[JourneyStatus, ...] | None = None
    and_: tuple["JourneyFilter", ...] = ()
    or_: tuple["JourneyFilter", ...] = ()
    not_: "JourneyFilter | None" = None


@dataclass(frozen=True, slots=True)
class ActivityFilter:
    kind: tuple[ActivityKind, ...] | None = None
    step_id: tuple[Id, ...] | None = None
    channel: tuple[Channel, ...] | None = None
    resource: Text | None = None
    contact_id: tuple[Id, ...] | None = None
    contact_search: str | None = None
    within: Period | None = None
    journey_id: tuple[Id, ...] | None = None
    entry_id: tuple[Id, ...] | None = None


@dataclass(frozen=True, slots=True)
class Diagnosed:
    """One of these codes holds at that moment: patience runs out by itself."""

    code: tuple[DiagnosisCode, ...]
    now: Instant


@dataclass(frozen=True, slots=True)
class EntryFilter:
    id: tuple[Id, ...] | None = None
    search: str | None = None
    journey_id: tuple[Id, ...] | None = None
    contact_id: tuple[Id, ...] | None = None
    state: tuple[EntryState, ...] | None = None
    in_control_group: bool | None = None
    is_active: bool | None = None
    is_converted: bool | None = None
    entered_within: Period | None = None
    converted_within: Period | None = None
    stopped_within: Period | None = None
    current_step_id: tuple[Id, ...] | None = None
    diagnosis: Diagnosed | None = None
    activity: ActivityFilter | None = None
    and_: tuple["EntryFilter", ...] = ()
    or_: tuple["EntryFilter", ...] = ()
    not_: "EntryFilter | None" = None


@dataclass(frozen=True, slots=True)
class CommunicationFilter:
    journey_id: tuple[Id, ...] | None = None
    entry_id: tuple[Id, ...] | None = None
    contact_id: tuple[Id, ...] | None = None
    channel: tuple[Channel, ...] | None = None
    status: tuple[DeliveryStatus, ...] | None = None
    has_reached: tuple[DeliveryStatus, ...] | None = None
    resource: Text | None = None
    contact_search: str | None = None
    created_within: Period | None = None
    is_clicked: bool | None = None
    and_: tuple["CommunicationFilter", ...] = ()
    or_: tuple["CommunicationFilter", ...] = ()
    not_: "CommunicationFilter | None" = None


@dataclass(frozen=True, slots=True)
class DeliveryEventFilter:
    journey_id: tuple[Id, ...] | None = None
    contact_id: tuple[Id, ...] | None = None
    communication_id: tuple[Id, ...] | None = None
    channel: tuple[Channel, ...] | None = None
    kind: tuple[DeliveryKind, ...] | None = None
    resource: Text | None = None
    include_suspected_bots: bool = False


@dataclass(frozen=True, slots=True)
class SurveyAnswerFilter:
    """Has answered the question; with one of these choices, with such a text."""

    question_id: Id
    choice_id: tuple[Id, ...] | None = None
    text: Text | None = None


@dataclass(frozen=True, slots=True)
class RewardStateFilter:
    has_positive_balance: bool | None = None
    has_been_sent: bool | None = None
    balance_at_least: Decimal | None = None


@dataclass(frozen=True, slots=True)
class PromoFilter:
    """Has redeemed one of these promos in one of these ways."""

    promo_id: tuple[Id, ...] | None = None
    redeemed_by: tuple[RedemptionKind, ...] | None = None


@dataclass(frozen=True, slots=True)
class ContactFilter:
    """`survey_answer`: all of these must hold, unlike the values of other tuples."""

    id: tuple[Id, ...] | None = None
    search: str | None = None
    status: tuple[ContactStatus, ...] | None = None
    source: tuple[ContactSource, ...] | None = None
    is_converted: bool | None = None
    converted_within: Period | None = None
    interacted_or_imported_within: Period | None = None
    journey_id: tuple[Id, ...] | None = None
    survey_answer: tuple[SurveyAnswerFilter, ...] | None = None
    preferred_reward_id: tuple[Id, ...] | None = None
    reward: RewardStateFilter | None = None
    is_imported: bool | None = None
    imported_as: tuple[ContactStatus, ...] | None = None
    promo: PromoFilter | None = None
    and_: tuple["ContactFilter", ...] = ()
    or_: tuple["ContactFilter", ...] = ()
    not_: "ContactFilter | None" = None


@dataclass(frozen=True, slots=True)
class WebhookEndpointFilter:
    id: tuple[Id, ...] | None = None


@dataclass(frozen=True, slots=True)
class WebhookDeliveryFilter:
    endpoint_id: tuple[Id, ...] | None = None


@dataclass(frozen=True, slots=True)
class ConnectorFilter:
    id: tuple[Id, ...] | None = None


@dataclass(frozen=True, slots=True)
class DeadLetterFilter:
    id: tuple[Id, ...] | None = None
    connector_id: tuple[Id, ...] | None = None


@dataclass(frozen=True, slots=True)
class AuditFilter:
    id: tuple[Id, ...] | None = None
    by: str | None = None
    action: tuple[str, ...] | None = None
    within: Period | None = None


@dataclass(frozen=True, slots=True)
class JobFilter:
    id: tuple[Id, ...] | None = None
    kind: tuple[JobKind, ...] | None = None


@dataclass(frozen=True, slots=True)
class JobErrorFilter:
    job_id: tuple[Id, ...] | None = None


@dataclass(frozen=True, slots=True)
class RewardTransactionFilter:
    contact_id: tuple[Id, ...] | None = None


@dataclass(frozen=True, slots=True)
class ContactEventFilter:
    contact_id: tuple[Id, ...] | None = None
    name: tuple[str, ...] | None = None
