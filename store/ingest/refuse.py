"""Refusals of events, in words that name the value and the remedy."""

from store.ingest.events import ContactRef
from store.ingest.outcomes import Outcome
from store.refusals import Refusal
from store.words import ErrorCode, EventOutcome


def refuse(code: ErrorCode, message: str, *field: str) -> Outcome:
    return Outcome(EventOutcome.REJECTED, Refusal(code, message, field or None))


def unknown_journey(name: str) -> Outcome:
    return refuse(
        ErrorCode.UNKNOWN_JOURNEY,
        f'There is no journey "{name}": register it with upsertJourney.',
        "journey",
    )


def unknown_contact(ref: ContactRef) -> Outcome:
    if ref.link_code is not None:
        return refuse(
            ErrorCode.UNKNOWN_CONTACT,
            f'No contact goes through the journey by the link "{ref}": send the ts_code of a FLOW '
            "link. Who comes by a REFERRAL link is new: register them with upsertContacts and "
            "referredByCode.",
            "contact",
        )
    return refuse(
        ErrorCode.UNKNOWN_CONTACT,
        f'There is no contact "{ref}": register it with upsertContacts.',
        "contact",
    )
