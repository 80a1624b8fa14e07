"""Rows as the rest of the program sees them: frozen, and holding only what was asked for.

Reading a column that the query did not ask for raises AttributeError: a wrong selection is loud.
Instants are microseconds since 1970 UTC, ids the 16 bytes of a UUIDv7.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

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
    ErrorCode,
    JobKind,
    JobState,
    JourneyStatus,
    LinkKind,
    RedemptionKind,
    RewardTransactionKind,
    StopReason,
)


@dataclass(frozen=True, slots=True)
class Journey:
    id: Id
    external_id: str | None
    name: str
    status: JourneyStatus
    landing_url: str | None
    starts_at: Instant | None
    ends_at: Instant | None
    created_at: Instant


@dataclass(frozen=True, slots=True)
class Resource:
    id: Id
    name: str
    channel: Channel


@dataclass(frozen=True, slots=True)
class JourneyStep:
    id: Id
    journey_id: Id
    key: str
    name: str
    position: int
    channel: Channel | None
    resource_id: Id | None
    patience_seconds: int | None
    is_archived: bool
    resource: Resource | None


@dataclass(frozen=True, slots=True)
class Contact:
    id: Id
    username: str | None
    external_username: str | None
    email: str | None
    first_name: str | None
    last_name: str | None
    phone: str | None
    status: ContactStatus
    source: ContactSource
    imported_as: ContactStatus | None
    imported_at: Instant | None
    created_at: Instant
    converted_at: Instant | None
    last_interaction_at: Instant | None
    active_at: Instant
    last_name_key: str
    reward_balance: Decimal
    deleted_at: Instant | None
    erased_at: Instant | None
    referred_by: "Contact | None"
    preferred_reward: "Reward | None"


@dataclass(frozen=True, slots=True)
class StatusChange:
    id: Id
    from_status: ContactStatus | None
    to_status: ContactStatus
    at: Instant
    by: str


@dataclass(frozen=True, slots=True)
class ChannelConsent:
    channel: Channel
    is_subscribed: bool
    since: Instant
    source: str


@dataclass(frozen=True, slots=True)
class Survey:
    id: Id
    key: str
    name: str


@dataclass(frozen=True, slots=True)
class SurveyQuestion:
    id: Id
    key: str
    text: str


@dataclass(frozen=True, slots=True)
class SurveyChoice:
    id: Id
    key: str
    text: str


@dataclass(frozen=True, slots=True)
class SurveyAnswer:
    """`choices` are the ids of the choices in hexadecimal."""

    choices: list[str]
    text: str | None
    answered_at: Instant
    question: SurveyQuestion


@dataclass(frozen=True, slots=True)
class Reward:
    id: Id
    key: str
    name: str
    value: Decimal
    journey: Journey


@dataclass(frozen=True, slots=True)
class RewardTransaction:
    id: Id
    kind: RewardTransactionKind
    amount: Decimal
    at: Instant
    reward: Reward
    journey: Journey | None


@dataclass(frozen=True, slots=True)
class Promo:
    id: Id
    external_id: str
    name: str
    journey: Journey | None


@dataclass(frozen=True, slots=True)
class PromoRedemption:
    kind: RedemptionKind
    at: Instant
    promo: Promo


@dataclass(frozen=True, slots=True)
class ReferralLink:
    id: Id
    kind: LinkKind
    code: str
    visits: int
    sign_ups: int
    created_at: Instant
    contact: Contact
    journey: Journey


@dataclass(frozen=True, slots=True)
class ContactEvent:
    """Something that a contact did outside of journeys."""

    id: Id
    name: str
    occurred_at: Instant
    properties: Any


@dataclass(frozen=True, slots=True)
class ContactFact:
    """`value` holds the fact's value, which may be null, under "value"."""

    name: str
    value: dict[str, Any]
    updated_at: Instant


@dataclass(frozen=True, slots=True)
class ContactProfile:
    """Figures by name: {"points": {"value": "12.5", "at": 1760000000000000}}."""

    contact_id: Id
    gamification: dict[str, dict[str, Any]]
    financials: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Entry:
    id: Id
    external_id: str
    journey_id: Id
    contact_id: Id
    in_control_group: bool
    entered_at: Instant
    converted_at: Instant | None
    stopped_at: Instant | None
    stop_reason: StopReason | None
    stop_actor: str | None
    stop_note: str | None
    exit_reason: str | None
    failure_reason: str | None
    state: EntryState
    step_at: Instant | None
    step_kind: str | None
    waiting_for: str | None
    waiting_until: Instant | None
    last_error: str | None
    journey: Journey
    contact: Contact
    current_step: JourneyStep | None


@dataclass(frozen=True, slots=True)
class StepMessage:
    """The latest message of an entry's current step, as far as a diagnosis needs it."""

    status: DeliveryStatus
    channel: Channel
    resource: str
    created_at: Instant
    outcome_at: Instant | None
    suppressed_at: Instant | None
    failure_reason: str | None


@dataclass(frozen=True, slots=True)
class EntryDiagnosis:
    """Why an entry is where it is at `now`; store/diagnosis.py defines it.

    `reached_at`: from when on the patience of its current step counts; None before the first step.
    """

    code: DiagnosisCode
    now: Instant
    entry: Entry
    reached_at: Instant | None
    message: StepMessage | None


@dataclass(frozen=True, slots=True)
class Communication:
    id: Id
    external_id: str
    entry_id: Id
    journey_id: Id
    contact_id: Id
    channel: Channel
    status: DeliveryStatus
    created_at: Instant
    sent_at: Instant | None
    deferred_at: Instant | None
    suppressed_at: Instant | None
    delivered_at: Instant | None
    failed_at: Instant | None
    bounced_at: Instant | None
    first_impression_at: Instant | None
    first_open_at: Instant | None
    first_click_at: Instant | None
    unsubscribed_at: Instant | None
    complained_at: Instant | None
    failure_reason: str | None
    last_action_at: Instant | None
    last_action_kind: DeliveryKind | None
    last_action_url: str | None
    last_clicked_url: str | None
    click_count: int
    raw_click_count: int
    journey: Journey
    entry: Entry
    contact: Contact
    step: JourneyStep | None
    resource: Resource


@dataclass(frozen=True, slots=True)
class DeliveryEvent:
    """A row of the log that happened to a message."""

    seq: int
    recorded_at: Instant
    nonce: bytes
    delivery: DeliveryKind
    occurred_at: Instant
    url: str | None
    reason: str | None
    source: str
    is_suspected_bot: bool
    bot_signals: list[str] | None
    communication: Communication
    journey: Journey
    contact: Contact


@dataclass(frozen=True, slots=True)
class Activity:
    """A row of the log that happened to an entry."""

    seq: int
    recorded_at: Instant
    nonce: bytes
    activity: ActivityKind
    occurred_at: Instant
    channel: Channel | None
    url: str | None
    reason: str | None
    source: str
    is_suspected_bot: bool
    is_ignored: bool
    detail: dict[str, Any] | None
    entry: Entry
    step: JourneyStep | None
    resource: Resource | None
    communication: Communication | None


@dataclass(frozen=True, slots=True)
class Job:
    id: Id
    kind: JobKind
    state: JobState
    done: int
    total: int | None
    counts: dict[str, int]
    failure_reason: str | None
    file_name: str | None
    created_by: str
    created_at: Instant
    started_at: Instant | None
    finished_at: Instant | None
    expires_at: Instant | None


@dataclass(frozen=True, slots=True)
class JobError:
    """What was wrong with one row of a job's input."""

    job_id: Id
    row: int
    column: str | None
    value: str | None
    message: str
    code: ErrorCode


@dataclass(frozen=True, slots=True)
class AuditRecord:
    id: Id
    at: Instant
    by: str
    action: str
    detail: dict[str, Any] | None
    affected: int


@dataclass(frozen=True, slots=True)
class AccessToken:
    id: Id
    name: str
    email: str | None
    scopes: list[str]
    created_at: Instant
    expires_at: Instant | None
    last_used_at: Instant | None
    revoked_at: Instant | None


@dataclass(frozen=True, slots=True)
class Connector:
    id: Id
    provider: str
    name: str
    channel: Channel | None
    created_at: Instant
    last_received_at: Instant | None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    id: Id
    connector: Connector
    connector_id: Id
    received_at: Instant
    reason: str
    shown: str


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    id: Id
    url: str
    kinds: list[str]
    created_at: Instant
    missed_at: Instant | None


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    id: Id
    endpoint_id: Id
    kind: ActivityKind
    created_at: Instant
    attempts: int
    last_status: int | None
    last_error: str | None
    delivered_at: Instant | None
    next_attempt_at: Instant | None
