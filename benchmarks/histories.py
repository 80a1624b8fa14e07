"""Histories: the rows of 30 days, made by the hundred thousand for a bulk load.

Messages are folded by the store's own merge, so their columns are what events would have left.
Left out is what no measured read touches: the log, the links and the counters of those days.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import fields
from operator import attrgetter

from sqlalchemy import Table

from benchmarks.bulk import Record
from store import tables
from store.folding import fold, search_text
from store.merge import Message, Passage
from store.types import DAY, HOUR, SECOND, Id, Instant, new_id
from store.words import Channel, ContactSource, ContactStatus, DeliveryKind

_PASSAGE = tuple(one.name for one in fields(Passage))
_MESSAGE = tuple(one.name for one in fields(Message))
_CONTACT = (
    *("id", "external_username", "email", "email_key", "first_name", "last_name"),
    *("search", "last_name_key", "status", "source", "created_at", "active_at", "reward_balance"),
)

CONTACTS: tuple[Table, Sequence[str]] = (tables.contacts, ("workspace_id", *_CONTACT))
ENTRIES: tuple[Table, Sequence[str]] = (tables.entries, ("workspace_id", *_PASSAGE))
ENTRY_KEYS: tuple[Table, Sequence[str]] = (
    tables.entry_keys,
    ("workspace_id", "external_id", "entry_id"),
)
MESSAGES: tuple[Table, Sequence[str]] = (tables.communications, ("workspace_id", *_MESSAGE))
NAMED_MESSAGES: tuple[Table, Sequence[str]] = (
    tables.communications,
    ("workspace_id", "external_id", "id"),
)
MESSAGE_KEYS: tuple[Table, Sequence[str]] = (
    tables.communication_keys,
    ("workspace_id", "external_id", "communication_id", "is_known"),
)

_LENGTH = 30 * DAY
_FIRST_NAMES = ("Ada", "Blaise", "Chiara", "Dimitri", "Élodie", "Farid", "Grace", "Hiroko")
_LAST_NAMES = ("Lovelace", "Pascal", "Rossi", "Petrov", "Moreau", "Haddad", "Hopper", "Tanaka")
OFFER = "https://shop.example/offers/spring?ref=mail"


def entry_name(number: int) -> str:
    return f"entry-{number}"


class History:
    """Random, and the same every time."""

    def __init__(
        self,
        workspace_id: int,
        journeys: Sequence[Id],
        resources: Sequence[tuple[Channel, Id]],
        now: Instant,
    ) -> None:
        self._workspace_id = workspace_id
        self._journeys, self._resources = journeys, resources
        self._begins = now - _LENGTH
        self._random = random.Random(7)

    def contacts(self, count: int) -> Iterator[Record]:
        for number in range(count):
            first = _FIRST_NAMES[number % len(_FIRST_NAMES)]
            last = _LAST_NAMES[number // len(_FIRST_NAMES) % len(_LAST_NAMES)]
            username, email = f"user-{number}", f"user-{number}@example.org"
            search = search_text(f"{first} {last}", last, username, email)
            yield (
                *(self._workspace_id, new_id(), username, email, email, first, last),
                *(search, fold(last), ContactStatus.CUSTOMER.value, ContactSource.REGISTERED.value),
                *(self._begins, self._begins, 0),
            )

    def entries(self, count: int, contacts: Sequence[Id]) -> Iterator[Record]:
        values = attrgetter(*_PASSAGE)
        for number in range(count):
            entry = Passage(
                id=new_id(),
                external_id=entry_name(number),
                journey_id=self._journeys[number % len(self._journeys)],
                contact_id=contacts[number % len(contacts)],
                in_control_group=False,
                entered_at=self._begins + number,
            )
            yield (self._workspace_id, *values(entry))

    def entry_keys(self, entries: Sequence[Record]) -> Iterator[Record]:
        for entry in entries:
            yield entry[0], entry[2], entry[1]

    def messages(self, count: int, entries: Sequence[Record]) -> Iterator[Record]:
        """In the order of their creation, evenly over the days and at random over the entries."""
        values = attrgetter(*_MESSAGE)
        for number in range(count):
            _, entry_id, _, journey_id, contact_id, *_ = self._random.choice(entries)
            channel, resource_id = self._random.choice(self._resources)
            message = Message(
                id=new_id(),
                external_id=f"message-{number}",
                entry_id=entry_id,
                journey_id=journey_id,
                contact_id=contact_id,
                step_id=None,
                resource_id=resource_id,
                channel=channel.value,
                created_at=self._begins + _LENGTH * number // count,
            )
            self._live(message)
            yield (self._workspace_id, *values(message))

    def _live(self, message: Message) -> None:
        at, chance = message.created_at, self._random.random()
        message.fold(DeliveryKind.SENT, at + SECOND, None, None)
        if chance < 0.03:
            message.fold(DeliveryKind.BOUNCED, at + 3 * SECOND, None, "550 No such mailbox")
            return
        message.fold(DeliveryKind.DELIVERED, at + 3 * SECOND, None, None)
        if chance > 0.6:
            message.fold(DeliveryKind.OPENED, at + HOUR, None, None)
        if chance > 0.9:
            message.fold(DeliveryKind.CLICKED, at + HOUR + 9 * SECOND, OFFER, None)
