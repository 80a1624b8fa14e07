"""Operations: two journeys with all that the operator's screens show of them, at any size.

Rows of few kinds, shifted in time: the store's merge folds some hundred messages and passages, and
each row is one of those at its own moment.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from random import Random

from sqlalchemy import Table, select

from benchmarks import dataset, histories
from benchmarks.bulk import Bulk, Record
from benchmarks.stores import settle
from store import Database, tables
from store.merge import Message, Passage
from store.tables.communications import MARKS
from store.types import DAY, HOUR, MINUTE, SECOND, Id, Instant, new_id
from store.words import ActivityKind, DeliveryKind, StepKind, StopReason

JOURNEYS = 2
RARE = 60
"""So many entries of a journey, however large, received a bonus and stand at the last step."""

_LENGTH = 30 * DAY
_KINDS = 500
_MESSAGE_TIMES = tuple(one.name for one in fields(Message) if one.name.endswith("_at"))
_PASSAGE_TIMES = tuple(one.name for one in fields(Passage) if one.name.endswith("_at"))

_FACTS: tuple[Table, Sequence[str]] = (
    tables.log,
    (
        *("workspace_id", "seq", "recorded_at", "nonce", "activity", "delivery", "journey_id"),
        *("entry_id", "contact_id", "communication_id", "step_id", "resource_id", "channel"),
        *("occurred_at", "source", "is_suspected_bot", "is_ignored"),
    ),
)
_MARKED: tuple[Table, Sequence[str]] = (
    tables.communication_marks,
    ("workspace_id", "journey_id", "mark", "created_at", "id"),
)
_VISITS: tuple[Table, Sequence[str]] = (
    tables.entry_steps,
    ("workspace_id", "entry_id", "step_id", "journey_id", "entered_at", "last_entered_at"),
)


@dataclass(frozen=True, slots=True)
class Operation:
    """A journey of the dataset, and what in it can be asked for."""

    url: str
    token: str
    journey: Id
    steps: tuple[Id, ...]
    contact: Id
    rare_name: str


@dataclass(frozen=True, slots=True)
class _Person:
    entry: Id
    journey: int
    contact: Id
    entered_at: Instant


async def make(url: str, *, messages: int) -> Operation:
    """Fill the empty database; a fifth as many entries, and half as many contacts as those."""
    now = time.time_ns() // 1_000
    database = Database(url)
    try:
        workspace_id, token, journeys, resources = await dataset.begin(database, now, JOURNEYS)
        steps = [await _steps(database, workspace_id, one) for one in journeys]
    finally:
        await database.dispose()
    history = histories.History(workspace_id, journeys, resources, now)
    made = _Making(workspace_id, journeys, steps, resources, now, Random(7))
    bulk = await Bulk(url, is_lasting=False).open()
    try:
        contacts = [*history.contacts(max(100, messages // 10))]
        await bulk.write(*histories.CONTACTS, contacts)
        ids = [row[1] for row in contacts]
        async with bulk.without_indexes(tables.entries, tables.entry_steps):
            await bulk.write(*histories.ENTRIES, made.entries(messages // 5, ids))
            await bulk.write(*_VISITS, made.visits())
        async with bulk.without_indexes(tables.communications):
            await bulk.write(*histories.MESSAGES, made.messages(messages))
        await bulk.write(*_MARKED, sorted(made.marks))
        async with bulk.without_indexes(tables.log):
            await bulk.write(*_FACTS, made.facts())
    finally:
        await bulk.close()
    await settle(url)
    return Operation(url, token, journeys[0], steps[0], made.people[0].contact, "user-0@")


async def _steps(database: Database, workspace_id: int, journey_id: Id) -> tuple[Id, ...]:
    steps = tables.journey_steps
    async with database.read() as connection:
        found = await connection.execute(
            select(steps.c.id)
            .where(steps.c.workspace_id == workspace_id, steps.c.journey_id == journey_id)
            .order_by(steps.c.position)
        )
        return tuple(row[0] for row in found)


class _Making:
    """What later tables need of the earlier ones, in as little memory as it fits."""

    def __init__(
        self,
        workspace_id: int,
        journeys: Sequence[Id],
        steps: Sequence[Sequence[Id]],
        resources: Sequence[tuple[str, Id]],
        now: Instant,
        random: Random,
    ) -> None:
        self.workspace_id, self.journeys, self.steps = workspace_id, journeys, steps
        self.resources, self.begins, self.random = resources, now - _LENGTH, random
        self.people: list[_Person] = []
        self.marks: list[Record] = []
        self._every = 1
        self._facts: list[tuple[int, int, Id, Id | None, str, Instant]] = []

    def entries(self, count: int, contacts: Sequence[Id]) -> Iterator[Record]:
        kinds = [self._a_passage() for _ in range(_KINDS)]
        values = attrgetter(*(one.name for one in fields(Passage)))
        self._every = max(1, count // JOURNEYS // RARE)
        for number in range(count):
            passage, shift = self.random.choice(kinds), self.begins + _LENGTH * number // count
            journey = number % JOURNEYS
            steps = self.steps[journey]
            at = passage.current_step_id
            person = _Person(new_id(), journey, contacts[number % len(contacts)], shift)
            self.people.append(person)
            moved = {name: _shifted(getattr(passage, name), shift) for name in _PASSAGE_TIMES}
            place = len(steps) - 1 if number // JOURNEYS % self._every == 0 else at[0] if at else 0
            own = Passage(
                **{
                    **passage.columns(),
                    **moved,
                    "id": person.entry,
                    "external_id": histories.entry_name(number),
                    "journey_id": self.journeys[journey],
                    "contact_id": person.contact,
                    "entered_at": shift,
                    "current_step_id": steps[place],
                    "step_position": place,
                }
            )
            yield (self.workspace_id, *values(own))

    def _a_passage(self) -> Passage:
        """Around the moment 0; its step is the number of one."""
        chance, random = self.random.random(), self.random
        made = Passage(b"", "", b"", b"", random.random() < 0.05, 0)
        made.step(StepKind.STEP_ENTERED, MINUTE, (bytes([random.randrange(4)]), 0))
        # Often enough for a page of each from the smallest journey.
        if random.random() < 0.3:
            made.convert(2 * HOUR)
        if chance < 0.5:
            made.complete(3 * HOUR)
        elif chance < 0.56:
            made.stop(HOUR, stop_id=b"", cause=StopReason.OPERATOR, actor="ops", note=None)
            made.stop_id = None
        elif chance < 0.58:
            made.exit(HOUR, "left")
        elif chance < 0.6:
            made.fail(HOUR, "no address")
        elif chance < 0.7:
            step = (made.current_step_id or b"\0", 0)
            made.step(StepKind.WAITING, 2 * MINUTE, step, waiting_for="a purchase")
        elif chance < 0.8:
            step = (made.current_step_id or b"\0", 0)
            made.step(StepKind.STEP_FAILED, 2 * MINUTE, step, reason="no template")
        return made

    def visits(self) -> Iterator[Record]:
        for person in self.people:
            at = person.entered_at + MINUTE
            step = self.steps[person.journey][0]
            yield (
                *(self.workspace_id, person.entry, step, self.journeys[person.journey]),
                *(at, at),
            )

    def messages(self, count: int) -> Iterator[Record]:
        kinds = [self._a_message() for _ in range(_KINDS)]
        values = attrgetter(*(one.name for one in fields(Message)))
        for number in range(count):
            place = self.random.randrange(len(self.people))
            person, message = self.people[place], self.random.choice(kinds)
            channel, resource_id = self.random.choice(self.resources)
            at = self.begins + _LENGTH * number // count
            message_id, journey_id = new_id(), self.journeys[person.journey]
            for mark, is_marked in zip(MARKS, message.marks(), strict=True):
                if is_marked:
                    self.marks.append((self.workspace_id, journey_id, mark, at, message_id))
            self._facts.append((place, number, message_id, resource_id, channel, at))
            head = (
                *(message_id, f"message-{number}", person.entry, journey_id, person.contact),
                *(self.steps[person.journey][number % 4], resource_id, str(channel), at),
            )
            rest = values(message)[len(head) :]
            names = [one.name for one in fields(Message)][len(head) :]
            yield (
                self.workspace_id,
                *head,
                *(
                    _shifted(value, at) if name in _MESSAGE_TIMES else value
                    for name, value in zip(names, rest, strict=True)
                ),
            )

    def _a_message(self) -> Message:
        """Around the moment 0."""
        made = Message(b"", "", b"", b"", b"", None, b"", "", 0)
        chance = self.random.random()
        made.fold(DeliveryKind.SENT, SECOND, None, None)
        if chance < 0.03:
            made.fold(DeliveryKind.BOUNCED, 3 * SECOND, None, "550 No such mailbox")
            return made
        if chance < 0.06:
            made.fold(DeliveryKind.FAILED, 3 * SECOND, None, "the gateway is away")
            return made
        if chance < 0.1:
            return made
        made.fold(DeliveryKind.DELIVERED, 3 * SECOND, None, None)
        if chance > 0.6:
            made.fold(DeliveryKind.OPENED, HOUR, None, None)
        if chance > 0.92:
            made.fold(DeliveryKind.CLICKED, HOUR + 9 * SECOND, histories.OFFER, None)
        if chance > 0.99:
            made.fold(DeliveryKind.COMPLAINED, 2 * HOUR, None, None)
        return made

    def facts(self) -> Iterator[Record]:
        """One of each entry and of each message, in the order of time, and a bonus for a few."""
        seq = 0
        source, nonce = "partner", bytes(4)
        each = len(self._facts) // max(1, len(self.people))
        for place, person in enumerate(self.people):
            kinds = [ActivityKind.ENTERED]
            if place // JOURNEYS % self._every == 0:
                kinds.append(ActivityKind.BONUS_RECEIVED)
            for kind in kinds:
                seq += 1
                at = person.entered_at
                yield (
                    *(self.workspace_id, seq, at, nonce, kind.value, None),
                    *(self.journeys[person.journey], person.entry, person.contact, None),
                    *(self.steps[person.journey][0], None, None, at, source, False, False),
                )
            for of, number, message_id, resource_id, channel, at in self._facts[
                place * each : (place + 1) * each
            ]:
                seq += 1
                who = self.people[of]
                kind = (
                    ActivityKind.MESSAGE_CLICKED if number % 11 == 0 else ActivityKind.MESSAGE_SENT
                )
                yield (
                    *(self.workspace_id, seq, at, nonce, kind.value, None),
                    *(self.journeys[who.journey], who.entry, who.contact, message_id),
                    *(self.steps[who.journey][number % 4], resource_id, str(channel), at),
                    *(source, False, False),
                )


def _shifted(moment: Instant | None, by: Instant) -> Instant | None:
    return None if moment is None else moment + by
