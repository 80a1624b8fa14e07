"""Events as partners report them."""

from decimal import Decimal
from typing import Any

import strawberry

from schema.enums import Channel, DeliveryKind, RedemptionKind, StepKind
from schema.inputs.limits import ID_LENGTH, JSON_SIZE, NAME_LENGTH, REASON_LENGTH
from schema.scalars import JSON, URL, DateTime

LINKS_AT_MOST = 50
VALUES_AT_MOST = 100

_KEY = (
    f"Makes the event idempotent: at most {ID_LENGTH} characters, unique among all events that you "
    "send. The same event with the same key again is a DUPLICATE; another event with it is refused."
)
_OCCURRED = "When it happened: at most 7 days ago and 5 minutes ahead. With backfill, any age."
_ENTRY = (
    "Your own id of the entry, as in journeyEntered. One that is not known yet makes the event "
    "PENDING."
)
_JOURNEY = "Your own id of the journey, as in upsertJourney."
_REASON = f"Why, for people; at most {REASON_LENGTH:,} characters."
_JSON = f"at most {JSON_SIZE // 1024} KB as JSON."


def _required(description: str) -> Any:
    return strawberry.field(description=description)


def _optional(description: str) -> Any:
    return strawberry.field(default=strawberry.UNSET, description=description)


@strawberry.input(one_of=True, description="Which contact is meant. An unknown one is refused.")
class ContactRef:
    external_username: str | None = _optional("Your own id of the contact.")
    email: str | None = _optional("The contact's e-mail address, ignoring case.")
    link_code: str | None = _optional(
        "The ts_code that one of our links carried to the landing page."
    )


@strawberry.input(description="A contact entered a journey.")
class JourneyEnteredInput:
    key: str = _required(_KEY)
    journey: str = _required(_JOURNEY)
    contact: ContactRef = _required("Who entered.")
    entry: str = _required(
        f"Your own id of this passage, new for each; at most {ID_LENGTH} characters."
    )
    in_control_group: bool = strawberry.field(
        default=False, description="The contact is only watched for comparison."
    )
    occurred_at: DateTime = _required(_OCCURRED)


@strawberry.input(description="A bonus.")
class BonusInput:
    name: str = _required(f"Its name, at most {NAME_LENGTH} characters.")
    amount: Decimal | None = _optional("How much, if it has an amount.")
    currency: str | None = _optional("In which currency, such as EUR.")


@strawberry.input(description="Something happened at a step, or a bonus was given.")
class StepReachedInput:
    key: str = _required(_KEY)
    entry: str = _required(_ENTRY)
    step: str | None = _optional(
        "The step's key, as in upsertJourney. May be left out for a bonus only."
    )
    kind: StepKind = _required("What happened.")
    waiting_for: str | None = _optional(
        f"Of WAITING: the event that is waited for; at most {NAME_LENGTH} characters."
    )
    waiting_until: DateTime | None = _optional("Of WAITING: the moment that is waited for.")
    bonus: BonusInput | None = _optional("Of BONUS_ISSUED and BONUS_RECEIVED: which bonus.")
    reason: str | None = _optional(_REASON)
    detail: JSON | None = _optional(f"More about it; {_JSON}")
    occurred_at: DateTime = _required(_OCCURRED)


@strawberry.input(
    description="A message to a contact was made. Name its entry; or its journey and contact, then "
    "the contact's only open entry of the journey is meant."
)
class CommunicationInput:
    key: str = _required(_KEY)
    communication: str = _required(
        f"Your own id of the message, new for each; at most {ID_LENGTH} characters."
    )
    entry: str | None = _optional(_ENTRY)
    journey: str | None = _optional(f"{_JOURNEY} Needed where entry is left out.")
    contact: ContactRef | None = _optional(
        "Whom the message is to. Needed where entry is left out."
    )
    step: str | None = _optional("The key of the step that sent it, if a step did.")
    channel: Channel = _required("The way on which it goes.")
    resource: str = _required(
        "The name of what it is made from, such as a mail template; at most "
        f"{NAME_LENGTH} characters. A new name makes a new resource."
    )
    links: list[URL] | None = _optional(
        f"The links in it, at most {LINKS_AT_MOST}. The result holds a tracked link for each: put "
        "those into the message."
    )
    provider_message_id: str | None = _optional(
        "The id under which the provider will report on it, unique in the workspace."
    )
    occurred_at: DateTime = _required(_OCCURRED)


@strawberry.input(description="Something happened to a message.")
class DeliveryInput:
    key: str = _required(_KEY)
    communication: str = _required(
        "Your own id of the message. One that is not known yet makes the event PENDING."
    )
    kind: DeliveryKind = _required(
        "What happened. A soft bounce is DEFERRED with its reason, a hard one BOUNCED."
    )
    url: URL | None = _optional("Of CLICKED: the link that was followed.")
    reason: str | None = _optional(_REASON)
    occurred_at: DateTime = _required(_OCCURRED)


@strawberry.input(description="Something happened to an entry as a whole.")
class EntryEventInput:
    key: str = _required(_KEY)
    entry: str = _required(_ENTRY)
    reason: str | None = _optional(_REASON)
    occurred_at: DateTime = _required(_OCCURRED)


@strawberry.input(description="A contact did something outside of journeys.")
class ContactEventInput:
    key: str = _required(_KEY)
    contact: ContactRef = _required("Who did it.")
    name: str = _required(f"What it is called, at most {ID_LENGTH} characters, such as signed_in.")
    properties: JSON | None = _optional(f"More about it; {_JSON}")
    occurred_at: DateTime = _required(_OCCURRED)


@strawberry.input(
    description="A contact's standing in a game. What is left out or null stays as it is."
)
class GamificationInput:
    level: int | None = _optional("The level that it is at.")
    points: Decimal | None = _optional("The points that it has.")
    badges: list[str] | None = _optional(
        f"All its badges, at most {VALUES_AT_MOST} of {ID_LENGTH} characters."
    )
    missions_completed: int | None = _optional("How many missions it has completed.")
    achievements: list[str] | None = _optional(
        f"All its achievements, at most {VALUES_AT_MOST} of {ID_LENGTH} characters."
    )


@strawberry.input(
    description="A contact's finances, as totals since the beginning. What is left out or null "
    "stays as it is."
)
class FinancialsInput:
    currency: str | None = _optional("The currency of the amounts, such as EUR.")
    total_deposits: Decimal | None = _optional("All that was paid in.")
    deposit_count: int | None = _optional("How often something was paid in.")
    total_withdrawals: Decimal | None = _optional("All that was paid out.")
    total_bets: Decimal | None = _optional("All that was staked.")
    total_wins: Decimal | None = _optional("All that was won.")
    net_revenue: Decimal | None = _optional("What remains to the business; may be negative.")
    last_deposit_at: DateTime | None = _optional("When something was paid in last.")


@strawberry.input(
    description="What is known of a contact. Each figure counts from occurredAt on: an older one "
    "that comes later changes nothing."
)
class FactsInput:
    key: str = _required(_KEY)
    contact: ContactRef = _required("Of whom.")
    gamification: GamificationInput | None = _optional("Its standing in a game.")
    financials: FinancialsInput | None = _optional("Its finances.")
    facts: JSON | None = _optional(
        f"Anything else: a JSON object of at most {VALUES_AT_MOST} names with a value each, null "
        f"for what holds no longer; {_JSON}"
    )
    occurred_at: DateTime = _required(f"When all of this was true. {_OCCURRED}")


@strawberry.input(description="A contact answered a question of a survey.")
class SurveyAnsweredInput:
    key: str = _required(_KEY)
    contact: ContactRef = _required("Who answered.")
    journey: str = _required(_JOURNEY)
    entry: str | None = _optional(
        "Your own id of the entry. Left out, the contact's only open entry of the journey is "
        "meant, if there is one."
    )
    question: str = _required("The question's key, as in upsertJourney.")
    choices: list[str] | None = _optional(
        f"The keys of the choices taken, at most {VALUES_AT_MOST}."
    )
    text: str | None = _optional(f"The answer in words, at most {REASON_LENGTH:,} characters.")
    occurred_at: DateTime = _required(_OCCURRED)


@strawberry.input(description="A contact chose the reward that it wants.")
class RewardChosenInput:
    key: str = _required(_KEY)
    contact: ContactRef = _required("Who chose.")
    journey: str = _required(_JOURNEY)
    reward: str = _required("The reward's key, as in upsertJourney.")
    occurred_at: DateTime = _required(_OCCURRED)


@strawberry.input(description="A contact redeemed a promo.")
class PromoRedeemedInput:
    key: str = _required(_KEY)
    contact: ContactRef = _required("Who redeemed it.")
    promo: str = _required("Your own id of the promo.")
    kind: RedemptionKind = _required("By what.")
    occurred_at: DateTime = _required(_OCCURRED)


@strawberry.input(
    one_of=True,
    description="One event. A message or an entry that is not known yet makes it PENDING: it is "
    "kept for 30 days and applied when that comes. An unknown journey or contact makes it "
    "REJECTED.",
)
class EventInput:
    journey_entered: JourneyEnteredInput | None = _optional("A contact entered a journey.")
    step_reached: StepReachedInput | None = _optional(
        "Something happened at a step, or a bonus was given."
    )
    communication: CommunicationInput | None = _optional("A message to a contact was made.")
    delivery: DeliveryInput | None = _optional("Something happened to a message.")
    converted: EntryEventInput | None = _optional("The contact did what the journey is for.")
    exited: EntryEventInput | None = _optional("The entry left the journey by an exit rule.")
    completed: EntryEventInput | None = _optional("The entry reached the end of the journey.")
    failed: EntryEventInput | None = _optional("The entry ended by a failure.")
    contact_event: ContactEventInput | None = _optional(
        "A contact did something outside of journeys."
    )
    facts: FactsInput | None = _optional("What is known of a contact.")
    survey_answered: SurveyAnsweredInput | None = _optional(
        "A contact answered a question of a survey."
    )
    reward_chosen: RewardChosenInput | None = _optional("A contact chose the reward that it wants.")
    promo_redeemed: PromoRedeemedInput | None = _optional("A contact redeemed a promo.")
