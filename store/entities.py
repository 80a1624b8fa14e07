"""Entities: which table a row of rows.py is read from, and what it points to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sqlalchemy import Table

from store import rows, tables

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Relation:
    """A to-one relation: the column of this table that holds the other's id."""

    column: str
    entity: str


@dataclass(frozen=True, eq=False)
class Entity(Generic[R]):
    """`keys` lead every row's place in the workspace; `indexes` say which columns an index of each
    order begins with, the longest first. `id_within` is the column within one value of which alone
    the id is unique."""

    name: str
    table: Table
    row: type[R]
    relations: Mapping[str, Relation] = field(default_factory=dict)
    id_column: str = "id"
    indexes: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    id_within: str | None = None


RESOURCE = Entity("resource", tables.resources, rows.Resource)

JOURNEY = Entity(
    "journey",
    tables.journeys,
    rows.Journey,
    indexes={"created_at": ((),), "search": ((),)},
)

JOURNEY_STEP = Entity(
    "journey_step",
    tables.journey_steps,
    rows.JourneyStep,
    {"resource": Relation("resource_id", "resource")},
    indexes={"position": (("journey_id",),)},
)

CONTACT = Entity(
    "contact",
    tables.contacts,
    rows.Contact,
    {
        "referred_by": Relation("referred_by_id", "contact"),
        "preferred_reward": Relation("preferred_reward_id", "reward"),
    },
    indexes={
        "created_at": (
            ("preferred_reward_id",),
            ("imported_as",),
            ("source",),
            ("status",),
            ("has_balance",),
            (),
        ),
        "active_at": (("has_balance",), ()),
        "last_name_key": ((),),
    },
)

ENTRY = Entity(
    "entry",
    tables.entries,
    rows.Entry,
    {
        "journey": Relation("journey_id", "journey"),
        "contact": Relation("contact_id", "contact"),
        "current_step": Relation("current_step_id", "journey_step"),
    },
    indexes={
        "entered_at": (
            ("journey_id", "state"),
            ("journey_id", "current_step_id"),
            ("journey_id", "is_converted"),
            ("journey_id", "in_control_group"),
            ("journey_id", "is_open"),
            ("contact_id",),
            ("journey_id",),
            (),
        ),
        "converted_at": (("journey_id",), ()),
        "stopped_at": (("journey_id",), ()),
    },
)

COMMUNICATION = Entity(
    "communication",
    tables.communications,
    rows.Communication,
    {
        "journey": Relation("journey_id", "journey"),
        "entry": Relation("entry_id", "entry"),
        "contact": Relation("contact_id", "contact"),
        "step": Relation("step_id", "journey_step"),
        "resource": Relation("resource_id", "resource"),
    },
    indexes={
        "created_at": (
            ("entry_id",),
            ("contact_id",),
            ("journey_id", "channel"),
            ("journey_id",),
            (),
        )
    },
)

DELIVERY_EVENT = Entity(
    "delivery_event",
    tables.log,
    rows.DeliveryEvent,
    {
        "communication": Relation("communication_id", "communication"),
        "journey": Relation("journey_id", "journey"),
        "contact": Relation("contact_id", "contact"),
    },
    id_column="seq",
    indexes={"seq": (("communication_id",), ("journey_id",), ())},
)

ACTIVITY = Entity(
    "activity",
    tables.log,
    rows.Activity,
    {
        "entry": Relation("entry_id", "entry"),
        "step": Relation("step_id", "journey_step"),
        "resource": Relation("resource_id", "resource"),
        "communication": Relation("communication_id", "communication"),
    },
    id_column="seq",
    indexes={"seq": (("entry_id",), ("journey_id", "activity"), ("journey_id",), ())},
)

JOB = Entity("job", tables.jobs, rows.Job, indexes={"created_at": ((),)})

JOB_ERROR = Entity(
    "job_error",
    tables.job_errors,
    rows.JobError,
    id_column="row",
    indexes={"row": (("job_id",),)},
    id_within="job_id",
)

WEBHOOK_ENDPOINT = Entity(
    "webhook_endpoint",
    tables.webhook_endpoints,
    rows.WebhookEndpoint,
    indexes={"id": ((),)},
)

WEBHOOK_DELIVERY = Entity(
    "webhook_delivery",
    tables.webhook_deliveries,
    rows.WebhookDelivery,
    indexes={"id": (("endpoint_id",),)},
    id_within="endpoint_id",
)

CONNECTOR = Entity("connector", tables.connectors, rows.Connector, indexes={"id": ((),)})

DEAD_LETTER = Entity(
    "dead_letter",
    tables.dead_letters,
    rows.DeadLetter,
    {"connector": Relation("connector_id", "connector")},
    indexes={"id": (("connector_id",), ())},
)

AUDIT_RECORD = Entity("audit_record", tables.audit_log, rows.AuditRecord, indexes={"at": ((),)})

CONTACT_EVENT = Entity(
    "contact_event",
    tables.contact_events,
    rows.ContactEvent,
    indexes={"occurred_at": (("contact_id",),)},
    id_within="contact_id",
)

CONTACT_FACT = Entity(
    "contact_fact",
    tables.contact_facts,
    rows.ContactFact,
    id_column="name",
    indexes={"name": (("contact_id",),)},
    id_within="contact_id",
)

STATUS_CHANGE = Entity("status_change", tables.contact_status_changes, rows.StatusChange)

CONSENT = Entity("consent", tables.contact_consents, rows.ChannelConsent, id_column="channel")

SURVEY = Entity("survey", tables.surveys, rows.Survey)

SURVEY_QUESTION = Entity("survey_question", tables.survey_questions, rows.SurveyQuestion)

SURVEY_CHOICE = Entity("survey_choice", tables.survey_choices, rows.SurveyChoice)

SURVEY_ANSWER = Entity(
    "survey_answer",
    tables.survey_answers,
    rows.SurveyAnswer,
    {"question": Relation("question_id", "survey_question")},
    id_column="question_id",
)

REWARD = Entity(
    "reward", tables.rewards, rows.Reward, {"journey": Relation("journey_id", "journey")}
)

REWARD_TRANSACTION = Entity(
    "reward_transaction",
    tables.reward_transactions,
    rows.RewardTransaction,
    {
        "reward": Relation("reward_id", "reward"),
        "journey": Relation("journey_id", "journey"),
    },
    indexes={"id": (("contact_id",),)},
    id_within="contact_id",
)

PROMO = Entity("promo", tables.promos, rows.Promo, {"journey": Relation("journey_id", "journey")})

PROMO_REDEMPTION = Entity(
    "promo_redemption",
    tables.promo_redemptions,
    rows.PromoRedemption,
    {"promo": Relation("promo_id", "promo")},
    id_column="promo_id",
)

REFERRAL_LINK = Entity(
    "referral_link",
    tables.referral_links,
    rows.ReferralLink,
    {
        "contact": Relation("contact_id", "contact"),
        "journey": Relation("journey_id", "journey"),
    },
)

CONTACT_PROFILE = Entity(
    "contact_profile", tables.contact_profiles, rows.ContactProfile, id_column="contact_id"
)

_BY_NAME: dict[str, Entity[Any]] = {
    entity.name: entity
    for entity in (
        RESOURCE,
        JOURNEY,
        JOURNEY_STEP,
        CONTACT,
        ENTRY,
        COMMUNICATION,
        DELIVERY_EVENT,
        ACTIVITY,
        JOB,
        JOB_ERROR,
        WEBHOOK_ENDPOINT,
        WEBHOOK_DELIVERY,
        CONNECTOR,
        DEAD_LETTER,
        AUDIT_RECORD,
        CONTACT_EVENT,
        CONTACT_FACT,
        CONTACT_PROFILE,
        STATUS_CHANGE,
        CONSENT,
        SURVEY,
        SURVEY_QUESTION,
        SURVEY_CHOICE,
        SURVEY_ANSWER,
        REWARD,
        REWARD_TRANSACTION,
        PROMO,
        PROMO_REDEMPTION,
        REFERRAL_LINK,
    )
}


def entity_named(name: str) -> Entity[Any]:
    return _BY_NAME[name]
