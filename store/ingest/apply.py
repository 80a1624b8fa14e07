"""Applying events: what each kind changes, and why it may be refused."""

from dataclasses import replace
from typing import Any

from store.ingest import engagement
from store.ingest import events as e
from store.ingest.batch import PROVIDER_MESSAGE, Batch, plain_bonus
from store.ingest.encoding import encode
from store.ingest.erased import without_words
from store.ingest.events import ContactRef, Event
from store.ingest.known import KnownStep
from store.ingest.outcomes import ACCEPTED, IGNORED, PENDING, Outcome
from store.ingest.refuse import refuse, unknown_contact, unknown_journey
from store.ingest.via import Via
from store.merge import Message, Passage
from store.types import Id, new_id
from store.words import (
    ACTIVITY_OF_DELIVERY,
    ActivityKind,
    DeliveryKind,
    ErrorCode,
    EventOutcome,
    StepKind,
)

MOVES = frozenset(StepKind) - {StepKind.BONUS_ISSUED, StepKind.BONUS_RECEIVED}
_TURNS: dict[type[e.EntryEvent], ActivityKind] = {
    e.Converted: ActivityKind.CONVERTED,
    e.Exited: ActivityKind.EXITED,
    e.Completed: ActivityKind.COMPLETED,
    e.Failed: ActivityKind.ENTRY_FAILED,
}
_REFUSALS = {DeliveryKind.UNSUBSCRIBED, DeliveryKind.COMPLAINED}
"""After these the contact wants no more of that channel."""
_INTERACTIONS = {DeliveryKind.IMPRESSION, DeliveryKind.OPENED, DeliveryKind.CLICKED}


def apply(batch: Batch, event: Event, source: str, via: Via | None = None) -> Outcome:
    """Fold one event into the batch; a refusal changes nothing."""
    event = without_words(batch.known, event)
    match event:
        case e.JourneyEntered():
            return _entered(batch, event, source)
        case e.StepReached():
            return _step_reached(batch, event, source)
        case e.CommunicationCreated():
            return _created(batch, event, source)
        case e.Delivery():
            return _delivered(batch, event, source, via)
        case e.Converted() | e.Exited() | e.Completed() | e.Failed():
            return _turned(batch, event, source)
        case _:
            return engagement.apply(batch, event, source)


def wait(
    batch: Batch, awaits: str, name: str, event: Event, source: str, via: Via | None = None
) -> Outcome:
    batch.wait(awaits, name, event, source, via)
    return PENDING


def _entered(batch: Batch, event: e.JourneyEntered, source: str) -> Outcome:
    journey = batch.known.journeys.get(event.journey)
    if journey is None:
        return unknown_journey(event.journey)
    contact = batch.known.contacts.get(event.contact)
    if contact is None:
        return unknown_contact(event.contact)
    known = batch.known.entries.get(event.entry)
    if known is not None:
        return refuse(
            ErrorCode.CONFLICT,
            f'The entry "{event.entry}" exists already: give each passage an id of its own.',
            "entry",
        )
    entry = Passage(
        id=new_id(),
        external_id=event.entry,
        journey_id=journey.id,
        contact_id=contact.id,
        in_control_group=event.in_control_group,
        entered_at=event.occurred_at,
    )
    batch.known.add_entry(entry)
    batch.new_entries[entry.id] = entry
    batch.interacted(contact.id, event.occurred_at)
    batch.fact(source, event.occurred_at, activity=ActivityKind.ENTERED, entry=entry)
    return ACCEPTED


def _step_reached(batch: Batch, event: e.StepReached, source: str) -> Outcome:
    entry = batch.known.entries.get(event.entry)
    if entry is None:
        return wait(batch, "entry", event.entry, event, source)
    step, refusal = _step(batch, entry, event.step)
    if refusal is not None:
        return refusal
    if step is None and event.kind in MOVES:
        return refuse(
            ErrorCode.INVALID, f"{event.kind} says nothing without a step: name one.", "step"
        )
    is_ignored = entry.is_ignoring(event.occurred_at)
    bonus = event.bonus
    detail: dict[str, Any] = {
        "waitingFor": event.waiting_for,
        "waitingUntil": event.waiting_until,
        "bonus": None if bonus is None else plain_bonus(bonus.name, bonus.amount, bonus.currency),
        "detail": event.detail,
    }
    detail = {name: value for name, value in detail.items() if value is not None}
    batch.fact(
        source,
        event.occurred_at,
        activity=ActivityKind(event.kind),
        entry=entry,
        step_id=None if step is None else step.id,
        reason=event.reason,
        is_ignored=is_ignored,
        detail=detail or None,
    )
    if is_ignored:
        return IGNORED
    batch.touch_entry(entry)
    if step is not None:
        batch.visit(entry, step.id).fold(event.kind, event.occurred_at)
    entry.step(
        event.kind,
        event.occurred_at,
        None if step is None else (step.id, step.position),
        waiting_for=event.waiting_for,
        waiting_until=event.waiting_until,
        reason=event.reason,
    )
    return ACCEPTED


def _step(batch: Batch, entry: Passage, key: str | None) -> tuple[KnownStep | None, Outcome | None]:
    if key is None:
        return None, None
    journey = batch.known.journeys_by_id[entry.journey_id]
    step = journey.steps.get(key)
    if step is None:
        return None, refuse(
            ErrorCode.UNKNOWN_STEP,
            f'The journey "{journey.external_id}" has no step "{key}": '
            "register it with upsertJourney, or name one that it has.",
            "step",
        )
    return step, None


def _created(batch: Batch, event: e.CommunicationCreated, source: str) -> Outcome:
    entry: Passage | None
    if event.entry is not None:
        entry = batch.known.entries.get(event.entry)
        if entry is None:
            return _announced(batch, event, source)
    else:
        entry, refusal = _only_open_entry(batch, event.journey, event.contact)
        if refusal is not None:
            return refusal
        assert entry is not None
    if event.communication in batch.known.messages:
        return refuse(
            ErrorCode.CONFLICT,
            f'The communication "{event.communication}" exists already: '
            "give each message an id of its own.",
            "communication",
        )
    step, refusal = _step(batch, entry, event.step)
    if refusal is not None:
        return refusal
    if entry.in_control_group:
        return refuse(
            ErrorCode.CONFLICT,
            f'The entry "{entry.external_id}" is in the control group, to which nothing is sent: '
            "report a stepReached of kind HELD_OUT instead.",
            "entry",
        )
    resource_id = batch.known.resources[event.channel.value, event.resource]
    if entry.is_ignoring(event.occurred_at):
        batch.fact(
            source,
            event.occurred_at,
            activity=ActivityKind.MESSAGE_CREATED,
            entry=entry,
            step_id=None if step is None else step.id,
            resource_id=resource_id,
            channel=event.channel,
            is_ignored=True,
            detail={"event": encode(event)},
        )
        return IGNORED
    message = Message(
        id=event.id or new_id(),
        external_id=event.communication,
        entry_id=entry.id,
        journey_id=entry.journey_id,
        contact_id=entry.contact_id,
        step_id=None if step is None else step.id,
        resource_id=resource_id,
        channel=event.channel,
        created_at=event.occurred_at,
    )
    batch.known.messages[message.external_id] = message
    batch.new_messages[message.id] = message
    provider_name = event.provider_message_id
    if provider_name is not None and provider_name not in batch.known.messages_by_provider:
        # Of two messages under one of the provider's ids, the first keeps it.
        batch.known.messages_by_provider[provider_name] = message
        batch.provider_messages[provider_name] = message.id
    if event.id is None:
        _link(batch, message.id, event)
    batch.fact(
        source,
        event.occurred_at,
        activity=ActivityKind.MESSAGE_CREATED,
        delivery=DeliveryKind.QUEUED,
        message=message,
    )
    return Outcome(EventOutcome.ACCEPTED, communication_id=message.id, links=event.links)


def _announced(batch: Batch, event: e.CommunicationCreated, source: str) -> Outcome:
    """A message whose entry is not known yet: its links are out before its row is."""
    assert event.entry is not None
    message_id = event.id or new_id()
    if event.id is None:
        batch.announced[event.communication] = message_id
        _link(batch, message_id, event)
    wait(batch, "entry", event.entry, replace(event, id=message_id), source)
    return Outcome(EventOutcome.PENDING, communication_id=message_id, links=event.links)


def _link(batch: Batch, message_id: Id, event: e.CommunicationCreated) -> None:
    for position, target in enumerate((None, *event.links)):
        batch.links.append(
            {
                "communication_id": message_id,
                "position": position,
                "external_id": event.communication,
                "target_url": target,
            }
        )


def _only_open_entry(
    batch: Batch, journey_name: str | None, ref: ContactRef | None
) -> tuple[Passage | None, Outcome | None]:
    """The entry that is meant where only journey and contact are given."""
    if journey_name is None or ref is None:
        return None, refuse(
            ErrorCode.INVALID, "Name the entry, or the journey and the contact.", "entry"
        )
    journey = batch.known.journeys.get(journey_name)
    if journey is None:
        return None, unknown_journey(journey_name)
    contact = batch.known.contacts.get(ref)
    if contact is None:
        return None, unknown_contact(ref)
    found = batch.open_entries(journey, contact)
    if not found:
        return None, refuse(
            ErrorCode.NOT_FOUND,
            f'The contact "{ref}" has no open entry in the journey "{journey_name}": '
            "report journeyEntered first, or name the entry.",
            "entry",
        )
    if len(found) > 1:
        names = ", ".join(f'"{one.external_id}"' for one in found[:5])
        return None, refuse(
            ErrorCode.AMBIGUOUS_ENTRY,
            f'The contact "{ref}" has {len(found)} open entries in the journey '
            f'"{journey_name}" ({names}): name the one that is meant.',
            "entry",
        )
    return found[0], None


def _delivered(batch: Batch, event: e.Delivery, source: str, via: Via | None) -> Outcome:
    message = batch.known.message_of(event)
    if message is None:
        awaits = PROVIDER_MESSAGE if isinstance(event, e.ProviderDelivery) else "communication"
        return wait(batch, awaits, event.communication, event, source, via)
    if via is not None and via.channel != message.channel:
        return refuse(
            ErrorCode.INVALID,
            f'The message "{message.external_id}" is of the channel {message.channel}, and the '
            f'connector "{source}" reports on {via.channel}: if that is wrong, change it with '
            "setConnectorChannel, and replay this.",
            "communication",
        )
    batch.touch_message(message)
    message.fold(
        event.kind,
        event.occurred_at,
        event.url,
        event.reason,
        is_suspected_bot=event.is_suspected_bot,
    )
    if event.kind in _INTERACTIONS and not event.is_suspected_bot:
        batch.interacted(message.contact_id, event.occurred_at)
    batch.fact(
        source,
        event.occurred_at,
        activity=ACTIVITY_OF_DELIVERY.get(event.kind),
        delivery=event.kind,
        message=message,
        url=event.url,
        reason=event.reason,
        is_suspected_bot=event.is_suspected_bot,
        bot_signals=event.bot_signals,
        detail=None if event.link is None else {"link": event.link},
    )
    if event.link is not None and event.kind is DeliveryKind.CLICKED:
        batch.clicked.add(message.id)
    if event.kind in _REFUSALS and not event.is_suspected_bot:
        batch.consents.append(
            {
                "contact_id": message.contact_id,
                "channel": message.channel,
                "is_subscribed": False,
                "since": event.occurred_at,
                "source": source,
            }
        )
    return ACCEPTED


def _turned(batch: Batch, event: e.EntryEvent, source: str) -> Outcome:
    entry = batch.known.entries.get(event.entry)
    if entry is None:
        return wait(batch, "entry", event.entry, event, source)
    is_ignored = entry.is_ignoring(event.occurred_at)
    batch.fact(
        source,
        event.occurred_at,
        activity=_TURNS[type(event)],
        entry=entry,
        reason=event.reason,
        is_ignored=is_ignored,
    )
    if is_ignored:
        return IGNORED
    batch.touch_entry(entry)
    match event:
        case e.Converted():
            entry.convert(event.occurred_at)
        case e.Exited():
            entry.exit(event.occurred_at, event.reason)
        case e.Completed():
            entry.complete(event.occurred_at)
            batch.responded(entry, source)
        case e.Failed():
            entry.fail(event.occurred_at, event.reason)
    return ACCEPTED
