"""Filters: what lists can be asked for."""

from decimal import Decimal
from typing import Optional

import strawberry

from schema import ids
from schema.enums import (
    ActivityKind,
    Channel,
    ContactSource,
    ContactStatus,
    DeliveryKind,
    DeliveryStatus,
    DiagnosisCode,
    EntryState,
    JourneyStatus,
    RedemptionKind,
)
from schema.errors import bad_input
from schema.inputs.conditions import (
    CONDITIONS_AT_MOST,
    LEVELS_AT_MOST,
    TEXT_LENGTH,
    VALUES_AT_MOST,
    Budget,
    all_of,
    claim,
    condition,
    frozen,
    ids_of,
    inner,
    one_of,
    searched,
    text,
    words,
)
from schema.inputs.periods import PeriodInput
from schema.scalars import readable
from store import filters

_ANY = f"Any of these; 1 to {VALUES_AT_MOST} values."
_RULES = (
    "Every field given must hold; the values of one list are alternatives; an empty filter is no "
    f"filter. and, or and not nest at most {LEVELS_AT_MOST} levels deep, with at most "
    f"{CONDITIONS_AT_MOST} conditions in all."
)
_AND = "All of these filters must hold as well."
_OR = "At least one of these filters must hold as well."
_NOT = "This filter must not hold."
_SEARCH = (
    f"ignoring case, at most {TEXT_LENGTH} characters. Under three characters, only beginnings are "
    "found."
)


def _eq(value: str, name: str, budget: Budget) -> str:
    budget.spend()
    return text(value, name)


def _in(value: list[str], name: str, budget: Budget) -> tuple[str, ...]:
    return tuple(text(each, name) for each in words(value, name, budget))


@strawberry.input(
    description="Conditions on a text, all of which must hold. "
    f"Values have at most {TEXT_LENGTH} characters."
)
class StringFilter:
    eq: str | None = condition(_eq, "Exactly this text.")
    in_: list[str] | None = condition(_in, "Exactly one of these texts; 1 to 100.", name="in")
    contains: str | None = condition(_eq, "Has this text in it, ignoring case.")
    starts_with: str | None = condition(_eq, "Begins with this text, ignoring case.")
    is_null: bool | None = condition(claim, "True: there is no text. False: there is one.")

    def frozen(self, budget: Budget) -> filters.Text:
        return frozen(self, filters.Text, budget)


@strawberry.input(description=f"Which journeys. {_RULES}")
class JourneyFilter:
    search: str | None = condition(searched, f"Text in the journey's name, {_SEARCH}")
    status: list[JourneyStatus] | None = condition(words, _ANY)
    and_: list["JourneyFilter"] | None = condition(all_of, _AND, name="and")
    or_: list["JourneyFilter"] | None = condition(all_of, _OR, name="or")
    not_: Optional["JourneyFilter"] = condition(one_of, _NOT, name="not")

    def frozen(self, budget: Budget) -> filters.JourneyFilter:
        return frozen(self, filters.JourneyFilter, budget)


@strawberry.input(
    description="Which activities of entries. Every field given must hold; the values of one list "
    "are alternatives."
)
class ActivityFilter:
    kind: list[ActivityKind] | None = condition(words, _ANY)
    step_id: list[strawberry.ID] | None = condition(
        ids_of(ids.STEP), f"At one of these steps, by id. {_ANY}"
    )
    channel: list[Channel] | None = condition(words, f"Of messages on these channels. {_ANY}")
    resource: StringFilter | None = condition(inner, "Of messages made from resources so named.")
    contact_id: list[strawberry.ID] | None = condition(
        ids_of(ids.CONTACT), f"Of these contacts, by id. {_ANY}"
    )
    contact_search: str | None = condition(
        searched,
        f"Text in the contact's usernames, e-mail address or name, {_SEARCH} Not in subscriptions.",
    )
    within: PeriodInput | None = condition(inner, "Occurred in this time. Not in subscriptions.")

    def frozen(self, budget: Budget) -> filters.ActivityFilter:
        return frozen(self, filters.ActivityFilter, budget)


def _question(value: str, name: str, budget: Budget) -> bytes:
    budget.spend()
    return ids.parse(value, ids.QUESTION)


def _diagnosed(value: list[DiagnosisCode], name: str, budget: Budget) -> filters.Diagnosed:
    return filters.Diagnosed(words(value, name, budget), budget.now)


@strawberry.input(description=f"Which entries. {_RULES}")
class EntryFilter:
    id: list[strawberry.ID] | None = condition(ids_of(ids.ENTRY), _ANY)
    search: str | None = condition(
        searched, f"Text in the contact's usernames, e-mail address or name, {_SEARCH}"
    )
    journey_id: list[strawberry.ID] | None = condition(
        ids_of(ids.JOURNEY), f"In these journeys, by id. {_ANY}"
    )
    contact_id: list[strawberry.ID] | None = condition(
        ids_of(ids.CONTACT), f"Of these contacts, by id. {_ANY}"
    )
    state: list[EntryState] | None = condition(words, _ANY)
    in_control_group: bool | None = condition(claim, "In the control group, or not.")
    is_active: bool | None = condition(claim, "True: ACTIVE or WAITING. False: ended.")
    is_converted: bool | None = condition(claim, "Has converted, or not.")
    entered_within: PeriodInput | None = condition(inner, "Entered in this time.")
    converted_within: PeriodInput | None = condition(inner, "Converted in this time.")
    stopped_within: PeriodInput | None = condition(inner, "Ended in this time, by whatever reason.")
    current_step_id: list[strawberry.ID] | None = condition(
        ids_of(ids.STEP), f"Stand at one of these steps, by id. {_ANY}"
    )
    diagnosis: list[DiagnosisCode] | None = condition(
        _diagnosed, f"Their diagnosis now has one of these codes. {_ANY}"
    )
    activity: ActivityFilter | None = condition(
        inner,
        "Have at least one such activity, done by a person and not without effect, as far back as "
        "the log is kept. Below not: have none.",
    )
    and_: list["EntryFilter"] | None = condition(all_of, _AND, name="and")
    or_: list["EntryFilter"] | None = condition(all_of, _OR, name="or")
    not_: Optional["EntryFilter"] = condition(one_of, _NOT, name="not")

    def frozen(self, budget: Budget) -> filters.EntryFilter:
        return frozen(self, filters.EntryFilter, budget)


@strawberry.input(description=f"Which communications. {_RULES}")
class CommunicationFilter:
    journey_id: list[strawberry.ID] | None = condition(
        ids_of(ids.JOURNEY), f"Of these journeys, by id. {_ANY}"
    )
    entry_id: list[strawberry.ID] | None = condition(
        ids_of(ids.ENTRY), f"Of these entries, by id. {_ANY}"
    )
    contact_id: list[strawberry.ID] | None = condition(
        ids_of(ids.CONTACT), f"To these contacts, by id. {_ANY}"
    )
    channel: list[Channel] | None = condition(words, _ANY)
    status: list[DeliveryStatus] | None = condition(words, f"Stand at this status now. {_ANY}")
    has_reached: list[DeliveryStatus] | None = condition(
        words,
        "Reached one of these milestones, whatever came after: what statistics count. QUEUED is "
        f"reached by every message. {_ANY}",
    )
    resource: StringFilter | None = condition(inner, "Made from resources so named.")
    contact_search: str | None = condition(
        searched,
        f"Text in the contact's usernames, e-mail address or name, {_SEARCH}",
    )
    created_within: PeriodInput | None = condition(inner, "Created in this time.")
    is_clicked: bool | None = condition(claim, "The contact followed a link, or did not.")
    and_: list["CommunicationFilter"] | None = condition(all_of, _AND, name="and")
    or_: list["CommunicationFilter"] | None = condition(all_of, _OR, name="or")
    not_: Optional["CommunicationFilter"] = condition(one_of, _NOT, name="not")

    def frozen(self, budget: Budget) -> filters.CommunicationFilter:
        return frozen(self, filters.CommunicationFilter, budget)


def _with_bots(value: bool, name: str, budget: Budget) -> bool:
    return value


@strawberry.input(
    description="Which delivery events. Every field given must hold; the values of one list are "
    "alternatives."
)
class DeliveryEventFilter:
    journey_id: list[strawberry.ID] | None = condition(
        ids_of(ids.JOURNEY), f"Of these journeys, by id. {_ANY}"
    )
    contact_id: list[strawberry.ID] | None = condition(
        ids_of(ids.CONTACT), f"Of messages to these contacts, by id. {_ANY}"
    )
    communication_id: list[strawberry.ID] | None = condition(
        ids_of(ids.COMMUNICATION),
        f"Of these communications, by id. {_ANY}",
    )
    channel: list[Channel] | None = condition(words, _ANY)
    kind: list[DeliveryKind] | None = condition(words, _ANY)
    resource: StringFilter | None = condition(inner, "Of messages made from resources so named.")
    include_suspected_bots: bool = strawberry.field(
        default=False,
        description="Also what mail scanners and other robots seem to have done.",
        metadata=condition(_with_bots, "").metadata,
    )

    def frozen(self, budget: Budget) -> filters.DeliveryEventFilter:
        return frozen(self, filters.DeliveryEventFilter, budget)


@strawberry.input(
    description="An answer to a survey question. Without choiceId and text: any answer to it."
)
class SurveyAnswerFilter:
    question_id: strawberry.ID = strawberry.field(
        description="The question, by id.", metadata=condition(_question, "").metadata
    )
    choice_id: list[strawberry.ID] | None = condition(
        ids_of(ids.CHOICE), f"One of these was chosen, by id. {_ANY}"
    )
    text: StringFilter | None = condition(inner, "The words that were given.")

    def frozen(self, budget: Budget) -> filters.SurveyAnswerFilter:
        return frozen(self, filters.SurveyAnswerFilter, budget)


def _decimal(value: Decimal, name: str, budget: Budget) -> Decimal:
    budget.spend()
    amount: Decimal = readable(value)
    return amount


@strawberry.input(description="What became of rewards. Every field given must hold.")
class RewardStateFilter:
    has_positive_balance: bool | None = condition(
        claim, "Has earned more than it was sent, or has not."
    )
    has_been_sent: bool | None = condition(claim, "Was sent a reward at any time, or never.")
    balance_at_least: Decimal | None = condition(
        _decimal, "The balance is this or more, in the workspace's currency."
    )

    def frozen(self, budget: Budget) -> filters.RewardStateFilter | None:
        asked = frozen(self, filters.RewardStateFilter, budget)
        return None if asked == filters.RewardStateFilter() else asked


@strawberry.input(description="A promo that was redeemed. Both fields are said of one redemption.")
class PromoFilter:
    promo_id: list[strawberry.ID] | None = condition(
        ids_of(ids.PROMO), f"One of these promos, by id. {_ANY}"
    )
    redeemed_by: list[RedemptionKind] | None = condition(words, f"In one of these ways. {_ANY}")

    def frozen(self, budget: Budget) -> filters.PromoFilter | None:
        asked = frozen(self, filters.PromoFilter, budget)
        return None if asked == filters.PromoFilter() else asked


def _answers(
    value: list[SurveyAnswerFilter], name: str, budget: Budget
) -> tuple[filters.SurveyAnswerFilter, ...]:
    if not value:
        raise bad_input(f"{name}: an empty list asks nothing; leave the field out instead.")
    return tuple(each.frozen(budget) for each in value[: CONDITIONS_AT_MOST + 1])


@strawberry.input(description=f"Which contacts. {_RULES}")
class ContactFilter:
    id: list[strawberry.ID] | None = condition(ids_of(ids.CONTACT), _ANY)
    search: str | None = condition(
        searched, f"Text in the contact's usernames, e-mail address or name, {_SEARCH}"
    )
    status: list[ContactStatus] | None = condition(words, _ANY)
    source: list[ContactSource] | None = condition(words, _ANY)
    is_converted: bool | None = condition(claim, "Went from lead to customer, or did not.")
    converted_within: PeriodInput | None = condition(
        inner, "First went from lead to customer in this time."
    )
    interacted_or_imported_within: PeriodInput | None = condition(
        inner, "Its last interaction, or the latest import that named it, lies in this time."
    )
    journey_id: list[strawberry.ID] | None = condition(
        ids_of(ids.JOURNEY),
        f"Has an entry in one of these journeys, or came through a link of theirs, by id. {_ANY}",
    )
    survey_answer: list[SurveyAnswerFilter] | None = condition(
        _answers,
        f"Gave all of these answers; at most {CONDITIONS_AT_MOST} conditions in all.",
    )
    preferred_reward_id: list[strawberry.ID] | None = condition(
        ids_of(ids.REWARD), f"Prefers one of these rewards, by id. {_ANY}"
    )
    reward: RewardStateFilter | None = condition(inner, "What became of its rewards.")
    is_imported: bool | None = condition(claim, "Was named by an import, or by none.")
    imported_as: list[ContactStatus] | None = condition(
        words, f"The latest import that named it gave it one of these. {_ANY}"
    )
    promo: PromoFilter | None = condition(inner, "Has redeemed such a promo.")
    and_: list["ContactFilter"] | None = condition(all_of, _AND, name="and")
    or_: list["ContactFilter"] | None = condition(all_of, _OR, name="or")
    not_: Optional["ContactFilter"] = condition(one_of, _NOT, name="not")

    def frozen(self, budget: Budget) -> filters.ContactFilter:
        return frozen(self, filters.ContactFilter, budget)
