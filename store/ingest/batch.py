"""A batch in the making: the rows that its events changed and the facts that they left."""

import os
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from store.ingest.events import Delivery, Event
from store.ingest.known import Known, KnownContact, KnownJourney, entry_name
from store.ingest.via import Via
from store.merge import Message, Passage, Visit
from store.refusals import Refusal
from store.types import Id, Instant
from store.words import ActivityKind, DeliveryKind

NONCES = 4
PROVIDER_MESSAGE = "provider id"
"""What an event awaits that names a message as its provider does."""


@dataclass(slots=True)
class Waiting:
    """An event that waits for an entry or a message with this name.

    `awaits`: "entry", "communication" or PROVIDER_MESSAGE.
    """

    awaits: str
    name: str
    event: Event
    source: str
    via: Via | None
    received_at: Instant
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Misdirected:
    """A provider's event of a message whose channel is not its connector's, kept as a dead letter.

    `has_waited`: its key was taken when it came.
    """

    event: Delivery
    communication_id: Id
    via: Via
    reason: str
    received_at: Instant
    has_waited: bool


@dataclass(frozen=True, slots=True)
class RewardChoice:
    """Which of a journey's rewards the contact wants from then on; None: none of them."""

    contact_id: Id
    journey_id: Id
    reward_id: Id | None
    at: Instant


@dataclass(frozen=True, slots=True)
class Place:
    """The entry to which a fact belongs, where more of it is not known."""

    id: Id
    journey_id: Id
    contact_id: Id


@dataclass(slots=True)
class Batch:
    """All that one transaction will write, by table."""

    now: Instant
    known: Known = field(default_factory=Known)
    facts: list[dict[str, Any]] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    misdirected: list[Misdirected] = field(default_factory=list)
    new_entries: dict[Id, Passage] = field(default_factory=dict)
    new_messages: dict[Id, Message] = field(default_factory=dict)
    new_visits: set[tuple[Id, Id]] = field(default_factory=set)
    changed_visits: set[tuple[Id, Id]] = field(default_factory=set)
    # What was counted of a row before this batch changed it; a new row was not counted.
    entries_before: dict[Id, tuple[tuple[int, ...], Id | None]] = field(default_factory=dict)
    messages_before: dict[Id, tuple[int, ...]] = field(default_factory=dict)
    marks_before: dict[Id, tuple[bool, ...]] = field(default_factory=dict)
    visits_before: dict[tuple[Id, Id], tuple[int, ...]] = field(default_factory=dict)
    interactions: dict[Id, Instant] = field(default_factory=dict)
    links: list[dict[str, Any]] = field(default_factory=list)
    announced: dict[str, Id] = field(default_factory=dict)
    provider_messages: dict[str, Id] = field(default_factory=dict)
    contact_events: list[dict[str, Any]] = field(default_factory=list)
    contact_facts: list[dict[str, Any]] = field(default_factory=list)
    profiles: list[tuple[Id, str, dict[str, Any], Instant]] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    chosen_rewards: list[RewardChoice] = field(default_factory=list)
    # Contacts that did what may earn a reward, and who reported it.
    responses: dict[Id, str] = field(default_factory=dict)
    redemptions: list[dict[str, Any]] = field(default_factory=list)
    # Messages of which tracked links were followed.
    clicked: set[Id] = field(default_factory=set)
    consents: list[dict[str, Any]] = field(default_factory=list)

    def touch_entry(self, entry: Passage) -> None:
        """Say that `entry` is about to change."""
        if entry.id not in self.new_entries and entry.id not in self.entries_before:
            self.entries_before[entry.id] = (entry.tally(), waiting_step(entry))

    def touch_message(self, message: Message) -> None:
        if message.id not in self.new_messages and message.id not in self.messages_before:
            self.messages_before[message.id] = message.milestones()
            self.marks_before[message.id] = message.marks()

    def visit(self, entry: Passage, step_id: Id) -> Visit:
        """The entry at that step, about to change."""
        key = (entry.id, step_id)
        visit = self.known.visits.get(key)
        if visit is None:
            visit = self.known.visits[key] = Visit(entry.id, step_id, entry.journey_id)
            self.new_visits.add(key)
        elif key not in self.new_visits and key not in self.visits_before:
            self.visits_before[key] = visit_tally(visit)
            self.changed_visits.add(key)
        return visit

    def responded(self, entry: Passage, source: str) -> None:
        """Say that `entry` completed its journey, or that a survey of it was answered."""
        if self.known.journeys_by_id[entry.journey_id].is_rewarded:
            self.responses[entry.contact_id] = source

    def open_entries(self, journey: KnownJourney, contact: KnownContact) -> list[Passage]:
        """The contact's entries of the journey that have not ended."""
        return [
            entry
            for entry in self.known.entries.values()
            if entry.contact_id == contact.id and entry.journey_id == journey.id and entry.is_open
        ]

    def wait(
        self, awaits: str, name: str, event: Event, source: str, via: Via | None = None
    ) -> None:
        """Let an event wait for the entry or the message of that name."""
        self.waiting.append(Waiting(awaits, name, event, source, via, self.now))

    def keep_refused(self, event: Event, source: str, refusal: Refusal) -> None:
        """Keep an event that could not be applied when what it awaited came, with the reason."""
        awaits = "communication" if isinstance(event, Delivery) else "entry"
        name = event.communication if isinstance(event, Delivery) else entry_name(event) or ""
        self.waiting.append(Waiting(awaits, name, event, source, None, self.now, refusal))

    def take_waiting(self, names: set[tuple[str, str]]) -> list[Waiting]:
        """Take out what waits for one of these: pairs of what is awaited and its name."""
        taken: list[Waiting] = []
        left: list[Waiting] = []
        for one in self.waiting:
            is_met = one.refusal is None and (one.awaits, one.name) in names
            (taken if is_met else left).append(one)
        self.waiting = left
        return taken

    def interacted(self, contact_id: Id, at: Instant) -> None:
        self.interactions[contact_id] = max(at, self.interactions.get(contact_id, at))

    def forget(self, erased: set[Id]) -> None:
        """Drop what is said in words of contacts whose data were erased meanwhile."""
        if not erased:
            return
        self.contact_events = _without(self.contact_events, erased)
        self.contact_facts = _without(self.contact_facts, erased)
        self.profiles = [one for one in self.profiles if one[0] not in erased]
        for row in self.answers:
            if row["contact_id"] in erased:
                row |= {"text": None, "search": None}
        for fact in self.facts:
            if fact["contact_id"] in erased:
                fact |= {"url": None, "reason": None, "detail": None}

    def fact(
        self,
        source: str,
        occurred_at: Instant,
        *,
        activity: ActivityKind | None = None,
        delivery: DeliveryKind | None = None,
        change: str | None = None,
        entry: Passage | Place | None = None,
        message: Message | None = None,
        contact_id: Id | None = None,
        journey_id: Id | None = None,
        step_id: Id | None = None,
        resource_id: Id | None = None,
        channel: str | None = None,
        url: str | None = None,
        reason: str | None = None,
        is_suspected_bot: bool = False,
        bot_signals: tuple[str, ...] = (),
        is_ignored: bool = False,
        detail: Any = None,
    ) -> None:
        """Put a row into the log; what the entry or the message knows is filled in from them."""
        entry_id = None
        if message is not None:
            entry_id, journey_id, contact_id = (
                message.entry_id,
                message.journey_id,
                message.contact_id,
            )
            step_id, resource_id, channel = message.step_id, message.resource_id, message.channel
        elif entry is not None:
            entry_id, journey_id, contact_id = entry.id, entry.journey_id, entry.contact_id
        self.facts.append(
            {
                "nonce": b"",
                "activity": activity,
                "delivery": delivery,
                "change": change,
                "journey_id": journey_id,
                "entry_id": entry_id,
                "contact_id": contact_id,
                "communication_id": None if message is None else message.id,
                "step_id": step_id,
                "resource_id": resource_id,
                "channel": channel,
                "occurred_at": occurred_at,
                "url": url,
                "reason": reason,
                "source": source,
                "is_suspected_bot": is_suspected_bot,
                "bot_signals": list(bot_signals) or None,
                "is_ignored": is_ignored,
                "detail": detail,
            }
        )

    def sign_facts(self) -> None:
        """Give each fact the random bytes by which a cursor recognises it."""
        noise = os.urandom(NONCES * len(self.facts))
        for index, fact in enumerate(self.facts):
            fact["nonce"] = noise[NONCES * index : NONCES * (index + 1)]


def _without(rows: list[dict[str, Any]], erased: set[Id]) -> list[dict[str, Any]]:
    return [row for row in rows if row["contact_id"] not in erased]


def waiting_step(entry: Passage) -> Id | None:
    """The step at which the entry is counted as waiting."""
    return entry.current_step_id if entry.state == "WAITING" else None


def visit_tally(visit: Visit) -> tuple[int, ...]:
    """Entered, completed and failed, one or zero each."""
    return (
        visit.entered_at is not None,
        visit.completed_at is not None,
        visit.failed_at is not None,
    )


def plain_bonus(name: str, amount: Decimal | None, currency: str | None) -> dict[str, Any]:
    return {
        "name": name,
        "amount": None if amount is None else format(amount, "f"),
        "currency": currency,
    }
