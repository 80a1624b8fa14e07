"""Inputs: drafts and events as the variables of the public API's mutations."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

from store.drafts import ContactDraft, JourneyDraft, StepDraft
from store.ingest.events import (
    Bonus,
    CommunicationCreated,
    Completed,
    ContactRef,
    Converted,
    Delivery,
    Event,
    Exited,
    Failed,
    JourneyEntered,
    StepReached,
)

_KINDS: dict[type, str] = {
    JourneyEntered: "journeyEntered",
    StepReached: "stepReached",
    CommunicationCreated: "communication",
    Delivery: "delivery",
    Converted: "converted",
    Exited: "exited",
    Completed: "completed",
    Failed: "failed",
}
_NESTED = (Bonus, ContactRef, StepDraft)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def event_input(event: Event) -> dict[str, Any]:
    """An EventInput: one kind, its fields; what is absent is left out."""
    return {_KINDS[type(event)]: _fields(event)}


def journey_input(draft: JourneyDraft) -> dict[str, Any]:
    """An UpsertJourneyInput."""
    return _fields(draft)


def contact_input(draft: ContactDraft) -> dict[str, Any]:
    """A ContactInput."""
    return _fields(draft)


def _fields(value: Any) -> dict[str, Any]:
    named = {field.name: getattr(value, field.name) for field in fields(value)}
    return {
        _camel_case(name): _plain(name, item)
        for name, item in named.items()
        if item is not None and item not in ((), False)
    }


def _plain(name: str, item: Any) -> Any:
    if isinstance(item, _NESTED):
        return _fields(item)
    if isinstance(item, tuple):
        return [_plain(name, each) for each in item]
    if isinstance(item, Enum):
        return item.value
    if isinstance(item, Decimal):
        return str(item)
    if isinstance(item, int) and name.endswith(("_at", "_until")):
        return (_EPOCH + timedelta(microseconds=item)).isoformat()
    return item


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
