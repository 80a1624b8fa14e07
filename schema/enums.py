"""Enums: the store's closed sets of words, described for clients."""

from enum import Enum, StrEnum
from typing import Any, cast

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from store.words import (
    ActivityKind,
    Channel,
    ContactColumn,
    ContactSource,
    ContactStatus,
    DeletionMode,
    DeliveryKind,
    DeliveryStatus,
    DiagnosisCode,
    EntryState,
    ErrorCode,
    EventOutcome,
    JobKind,
    JobState,
    JourneyStatus,
    LinkKind,
    RedemptionKind,
    RewardTransactionKind,
    Scope,
    StepKind,
    StopOutcome,
    StopReason,
    TimeBucket,
)
from subscriptions.streams import GapReason

__all__ = [
    "ActivityKind",
    "Channel",
    "ContactColumn",
    "ContactSource",
    "ContactStatus",
    "CountPrecision",
    "DeletionMode",
    "DeliveryKind",
    "DeliveryStatus",
    "DiagnosisCode",
    "EntryState",
    "ErrorCode",
    "EventOutcome",
    "GapReason",
    "JobKind",
    "JobState",
    "JourneyStatus",
    "LinkKind",
    "OrderDirection",
    "RedemptionKind",
    "RewardTransactionKind",
    "Scope",
    "StepKind",
    "StopOutcome",
    "StopReason",
    "TimeBucket",
    "describe",
]


class CountPrecision(StrEnum):
    EXACT = "EXACT"
    AT_LEAST = "AT_LEAST"


class OrderDirection(StrEnum):
    ASC = "ASC"
    DESC = "DESC"


def describe(enum: type[Enum], description: str, values: dict[str, str], name: str = "") -> None:
    """Makes a GraphQL enum of `enum`. Its values stay the plain words that rows hold."""
    strawberry.enum(enum, name=name or enum.__name__, description=description)
    definition = cast(Any, enum).__strawberry_definition__
    assert isinstance(definition, StrawberryEnumDefinition)
    for value in definition.values:
        value.description = values[value.name]


_DELIVERY = {
    "QUEUED": "Handed over; nothing further is known yet.",
    "SENT": "The provider took the message on.",
    "DEFERRED": "A soft bounce: not delivered for now, the provider tries again.",
    "SUPPRESSED": "Not sent, because the contact or the address is on a suppression list.",
    "DELIVERED": "It arrived at the mailbox, the handset or the browser.",
    "FAILED": "It could not be sent, for good.",
    "BOUNCED": "A hard bounce: the receiving side refused it for good.",
    "IMPRESSION": "It was on the contact's screen.",
    "OPENED": "The contact opened it.",
    "CLICKED": "The contact followed a link in it.",
    "UNSUBSCRIBED": "The contact unsubscribed through it.",
    "COMPLAINED": "The contact reported it as spam.",
}

describe(
    Channel,
    "The way on which a message reaches a contact.",
    {
        "EMAIL": "An e-mail.",
        "SMS": "A text message.",
        "IVR": "A call by a recorded voice.",
        "POPUP": "A pop-up on the site or in the app.",
        "PUSH": "A push notification.",
        "INBOX": "A message in the inbox on the site or in the app.",
        "WEB": "Content on a web page.",
        "WHATSAPP": "A WhatsApp message.",
        "VIBER": "A Viber message.",
        "TELEGRAM": "A Telegram message.",
        "WEBHOOK": "A call of a partner's system.",
    },
)
describe(
    DeliveryKind,
    "What happened to a message.",
    _DELIVERY,
    name="DeliveryEventKind",
)
describe(
    DeliveryStatus,
    "How far a message got, merged from its events in whatever order they came. Later in this list "
    "outranks earlier; among DELIVERED, FAILED and BOUNCED the one that occurred last decides.",
    _DELIVERY,
)
describe(
    ActivityKind,
    "What happened to an entry.",
    {
        "ENTERED": "The contact entered the journey.",
        "STEP_ENTERED": "The entry reached a step.",
        "STEP_COMPLETED": "A step was done.",
        "STEP_SKIPPED": "A step was passed over.",
        "STEP_FAILED": "A step could not be done.",
        "WAITING": "The entry waits at a step, for a time or for an event.",
        "HELD_OUT": "A message was held back, because the contact is in the control group.",
        "MESSAGE_CREATED": "A message to the contact was made.",
        "MESSAGE_SENT": "The provider took a message on.",
        "MESSAGE_DELIVERED": "A message arrived.",
        "MESSAGE_SEEN": "A message was on the contact's screen.",
        "MESSAGE_OPENED": "The contact opened a message.",
        "MESSAGE_CLICKED": "The contact followed a link in a message.",
        "MESSAGE_FAILED": "A message could not be sent, for good.",
        "MESSAGE_BOUNCED": "The receiving side refused a message for good.",
        "MESSAGE_SUPPRESSED": "A message was not sent, because of a suppression list.",
        "MESSAGE_COMPLAINED": "The contact reported a message as spam.",
        "MESSAGE_UNSUBSCRIBED": "The contact unsubscribed through a message.",
        "BONUS_ISSUED": "A bonus was given out.",
        "BONUS_RECEIVED": "The contact received a bonus.",
        "REWARD_EARNED": "The contact earned a reward.",
        "REWARD_SENT": "A reward was sent to the contact.",
        "SURVEY_ANSWERED": "The contact answered a question of a survey.",
        "PROMO_REDEEMED": "The contact redeemed a promo.",
        "CONVERTED": "The contact did what the journey is for.",
        "STOPPED": "The campaign was stopped for the contact.",
        "STOP_UNDONE": "That stop was taken back.",
        "EXITED": "The entry left the journey by an exit rule.",
        "COMPLETED": "The entry reached the end of the journey.",
        "ENTRY_FAILED": "The entry ended by a failure.",
    },
)
describe(
    StepKind,
    "What happened at a step. BONUS_ISSUED and BONUS_RECEIVED need no step.",
    {
        "STEP_ENTERED": "The entry reached the step.",
        "STEP_COMPLETED": "The step was done.",
        "STEP_SKIPPED": "The step was passed over.",
        "STEP_FAILED": "The step could not be done; reason says why.",
        "WAITING": "The entry waits at the step; waitingFor and waitingUntil say for what.",
        "HELD_OUT": "The step's message was held back: the contact is in the control group.",
        "BONUS_ISSUED": "A bonus was given out; bonus says which.",
        "BONUS_RECEIVED": "The contact received a bonus; bonus says which.",
    },
    name="StepEventKind",
)
describe(
    JourneyStatus,
    "Whether a journey runs.",
    {
        "DRAFT": "Being prepared; nobody is in it yet.",
        "ACTIVE": "It runs.",
        "PAUSED": "It stands still, and may go on.",
        "ENDED": "It is over.",
    },
)
describe(
    EntryState,
    "Where an entry stands. A conversion is a date of the entry, not a state.",
    {
        "ACTIVE": "Moving through the steps.",
        "WAITING": "At a step that waits for a time or an event.",
        "COMPLETED": "It reached the end of the journey.",
        "STOPPED": "The campaign was stopped for the contact.",
        "EXITED": "It left by an exit rule.",
        "FAILED": "It ended by a failure.",
    },
)
describe(
    DiagnosisCode,
    "Why an entry is where it is: of these codes the first that holds, in this order, so that each "
    "entry has exactly one. The latest step fact is the latest of its activities STEP_ENTERED, "
    "STEP_COMPLETED, STEP_SKIPPED, STEP_FAILED, WAITING and HELD_OUT that was not without effect. "
    "The step's message is the entry's latest one, by creation, that names its current step; "
    "before the first step, the latest one that names none.",
    {
        "STOPPED": "Its state is STOPPED: the campaign was stopped for the contact.",
        "FINISHED": "Its state is COMPLETED, EXITED or FAILED.",
        "HELD_OUT": "The latest step fact is HELD_OUT: the control group gets no message.",
        "STEP_FAILED": "The latest step fact is STEP_FAILED.",
        "DELIVERY_FAILED": "The status of the step's message is FAILED or BOUNCED.",
        "SUPPRESSED": "The status of the step's message is SUPPRESSED.",
        "NO_PROGRESS": "The current step has patienceSeconds, and more time than that has passed "
        "since it was last entered (or first waited at, where the entering is not known); since "
        "it was completed or skipped, if that is the latest step fact.",
        "WAITING_FOR_EVENT": "The latest step fact is WAITING, with something waited for, or "
        "without saying for what.",
        "WAITING_FOR_TIME": "The latest step fact is WAITING, with nothing but a time, which may "
        "be over by now.",
        "WAITING_FOR_PROVIDER": "The status of the step's message is QUEUED, SENT or DEFERRED: no "
        "outcome is known yet.",
        "PROGRESSING": "None of the others.",
    },
)
describe(
    StopReason,
    "Why an entry ended.",
    {
        "OPERATOR": "An operator stopped the campaign for the contact.",
        "PARTNER": "A partner's system stopped the campaign for the contact.",
        "EXIT_RULE": "An exit rule of the journey applied.",
        "COMPLETED": "The end of the journey was reached.",
        "FAILED": "A failure ended it.",
        "UNSUBSCRIBED": "The contact unsubscribed.",
        "JOURNEY_ENDED": "The journey itself ended.",
        "ERASED": "The contact's data were erased.",
    },
)
describe(
    DeletionMode,
    "How contacts are deleted.",
    {
        "DELETE": "They leave every list, and can be restored for 24 hours.",
        "ERASE": "Their personal data are erased everywhere, for good.",
    },
)
describe(
    ContactStatus,
    "What a contact is to the business.",
    {
        "LEAD": "Interested, not yet a customer.",
        "CUSTOMER": "A customer.",
        "LOST": "Was a lead or a customer, and is gone.",
        "NONE": "None of these.",
    },
)
describe(
    ContactSource,
    "How a contact came in.",
    {
        "REGISTERED": "A partner's system reported it.",
        "IMPORTED": "It was in an imported file.",
        "CREATED": "An operator created it.",
        "REFERRED": "It signed up through another contact's link.",
    },
)
describe(
    RedemptionKind,
    "How a promo was redeemed.",
    {
        "CLICKED_LINK": "By following the promo's link.",
        "WATCHED_VIDEO": "By watching the promo's video.",
        "REFERRED_FRIEND": "By referring a friend.",
        "SIGNED_UP": "By signing up.",
    },
)
describe(
    RewardTransactionKind,
    "Why a reward balance changed.",
    {
        "EARNED": "The contact earned a reward: the amount is positive.",
        "SENT": "A reward was sent to it: the amount is negative.",
        "ADJUSTED": "An earlier line was put right, by the amount of either sign.",
    },
)
describe(
    LinkKind,
    "What a link of a contact is for.",
    {
        "REFERRAL": "The contact shares it with friends; who signs up through it was referred.",
        "FLOW": "The contact goes through the journey by it.",
    },
)
describe(
    Scope,
    "What a token may do.",
    {
        "READ": "Queries and subscriptions.",
        "OPERATE": "What operators do: create contacts, stop campaigns.",
        "INTEGRATE": "What a partner's system does: record events, upsert journeys and contacts.",
        "ADMIN": "Everything.",
    },
)
describe(
    ErrorCode,
    "What kind of refusal it is.",
    {
        "INVALID": "The value is malformed, or contradicts another.",
        "TOO_LONG": "The value is longer than its limit.",
        "TOO_MANY": "There are more items than the limit.",
        "NOT_FOUND": "There is no such thing in this workspace.",
        "UNKNOWN_JOURNEY": "No journey of this workspace has this external id.",
        "UNKNOWN_CONTACT": "No contact of this workspace is meant by this reference.",
        "UNKNOWN_STEP": "The journey has no step with this key.",
        "AMBIGUOUS_ENTRY": "The contact has several open entries in the journey: name one.",
        "DUPLICATE_EMAIL": "Another contact has this e-mail address.",
        "DUPLICATE_USERNAME": "Another contact has this username.",
        "TOO_OLD": "It occurred longer ago than is taken.",
        "IN_FUTURE": "It lies further in the future than is taken.",
        "KEY_REUSED": "The same key was used before for another content.",
        "EMPTY_SELECTION": "Nothing was named.",
        "ALREADY_STOPPED": "The campaign was stopped before.",
        "FINISHED": "What was named has ended by itself.",
        "UNDO_EXPIRED": "The time in which it could be undone is over.",
        "UNDO_USED": "It was undone before.",
        "INSUFFICIENT_BALANCE": "The balance does not allow it.",
        "NO_LANDING_URL": "The journey has no landing URL.",
        "RECIPIENT_NOT_ALLOWED": "This address may not be written to.",
        "NO_MAIL_SERVER": "This server is not set up to send mail.",
        "FILE_HEADER": "The file's first line does not name known columns.",
        "FILE_ENCODING": "The file is not UTF-8.",
        "FILE_TOO_LARGE": "The file is larger than the limit.",
        "JOB_FINISHED": "The job is over.",
        "CONFLICT": "Something else changed it at the same time: read it again.",
    },
)
describe(
    EventOutcome,
    "What became of a reported event.",
    {
        "ACCEPTED": "Recorded.",
        "DUPLICATE": "Recorded before under the same key; nothing was done now.",
        "PENDING": "Its entry or communication is not known yet: "
        "kept for 30 days, and applied when that comes.",
        "IGNORED_STOPPED": "Recorded, but without effect while the stop of the campaign stands.",
        "REJECTED": "Refused; error says why. Nothing was recorded.",
    },
)
describe(
    StopOutcome,
    "What stopping did to one entry.",
    {
        "STOPPED": "Stopped now.",
        "ALREADY_STOPPED": "Had been stopped before; its first stop stands.",
        "FINISHED": "Had ended by itself; nothing was changed.",
        "NOT_FOUND": "There is no such entry in this workspace.",
        "WOULD_STOP": "It would be stopped: in a dry run, or when the job comes to it.",
    },
)
describe(
    CountPrecision,
    "How exact a count is.",
    {
        "EXACT": "The value is the count.",
        "AT_LEAST": "There are more: counting stops at 10,000.",
    },
)
describe(
    OrderDirection,
    "Which end of the order comes first.",
    {"ASC": "The smallest, earliest or first in the alphabet.", "DESC": "The other end."},
)
describe(
    GapReason,
    "Why a stream cannot go on exactly behind its cursor.",
    {
        "EXPIRED": "The log no longer reaches back to the cursor.",
        "UNKNOWN_EPOCH": "The cursor belongs to another log: it was begun anew or restored.",
    },
)
describe(
    TimeBucket,
    "The width of the points of a series, whose bounds are those of the clock in UTC.",
    {
        "MINUTE": "A minute. Only for periods of at most 24 hours, or of a day of the calendar.",
        "HOUR": "An hour.",
        "DAY": "A day, from midnight to midnight UTC.",
    },
)
describe(
    ContactColumn,
    "A column of a file of contacts. The first line names it as the contact's field is named: "
    "FIRST_NAME is firstName.",
    {
        "ID": "The id, as the API has it: ctc_….",
        "EXTERNAL_USERNAME": "The partner's own id of it.",
        "USERNAME": "The name under which it signs in.",
        "EMAIL": "The e-mail address.",
        "FIRST_NAME": "The first name.",
        "LAST_NAME": "The last name.",
        "PHONE": "The telephone number.",
        "STATUS": "What the contact is to the business.",
        "SOURCE": "How it came in.",
        "IMPORTED_AS": "The status that the latest import which named it gave it.",
        "IMPORTED_AT": "When the latest import named it.",
        "CREATED_AT": "When it was created here.",
        "CONVERTED_AT": "When it first went from lead to customer.",
        "LAST_INTERACTION_AT": "Its latest interaction.",
        "PREFERRED_REWARD": "The name of the reward that it chose.",
        "REWARD_BALANCE": "What it has earned in rewards and not been sent.",
        "REFERRAL_LINK": "The address of its newest link for friends; blank where it has none.",
        "FLOW_LINK": "The address of its newest link for itself; blank where it has none.",
    },
)
describe(
    JobKind,
    "What a job does.",
    {
        "CONTACT_IMPORT": "Takes contacts in from a file.",
        "CONTACT_EXPORT": "Writes contacts into a file.",
        "JOURNEY_EXPORT": "Writes a journey's users or its communications into a file.",
        "REFERRAL_LINKS": "Makes referral links and writes them into a file.",
        "SEND_REWARDS": "Sends rewards.",
        "BULK_STOP": "Stops the campaign for many entries.",
        "BULK_STATUS": "Changes the status of many contacts.",
        "BULK_DELETE": "Deletes many contacts.",
        "BULK_RESTORE": "Undoes a stop of many entries, or a deletion of many contacts.",
        "REPLAY": "Takes in again what a provider had sent and could not be understood then.",
    },
)
describe(
    JobState,
    "Whether a job is done.",
    {
        "QUEUED": "It waits for its turn, the first or, after a fault, another one.",
        "RUNNING": "It is being done.",
        "COMPLETED": "It is done.",
        "FAILED": "It could not be done; failureReason says why. What was done before stays done.",
        "CANCELED": "It was ended before it was done. What was done before stays done.",
    },
)
