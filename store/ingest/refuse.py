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
    return refuse(
        ErrorCode.UNKNOWN_CONTACT,
        f'There is no contact "{ref}": register it with upsertContacts.',
        "contact",
    )
