"""Contact book: a workspace of contacts with all that filters ask for, made by the million."""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from random import Random

from benchmarks.bulk import Bulk, Record
from benchmarks.dataset import begin
from benchmarks.stores import settle
from store import Database, contact_counts, journeys, labels, promos, tables
from store.drafts import ChoiceDraft, JourneyDraft, QuestionDraft, RewardDraft, SurveyDraft
from store.filters import ContactFilter
from store.folding import fold, search_text
from store.promos import PromoDraft
from store.types import DAY, Id, Instant, new_id
from store.words import ContactSource, ContactStatus, RedemptionKind

LENGTH = 365 * DAY
_FIRST_NAMES = ("Ada", "Blaise", "Chiara", "Dimitri", "Élodie", "Farid", "Grace", "Hiroko")
_LAST_NAMES = ("Lovelace", "Pascal", "Rossi", "Petrov", "Moreau", "Haddad", "Hopper", "Tanaka")
_STATUSES = {"LEAD": 0.45, "CUSTOMER": 0.4, "NONE": 0.149, "LOST": 0.001}
_SOURCES = {"REGISTERED": 0.55, "IMPORTED": 0.4, "REFERRED": 0.049, "CREATED": 0.001}
_IMPORTED_AS = {"LEAD": 0.9, "CUSTOMER": 0.09, "NONE": 0.0099, "LOST": 0.0001}
IN_JOURNEY = (0.3, 0.05, 0.005, 0.0005, 0.00005)
"""Of all contacts how many are in the first journey, the second …"""
CHOSEN = (0.05, 0.005, 0.0005)
"""Of all contacts how many chose the first answer, redeemed the first promo, prefer the first
reward …"""

_COLUMNS = (
    *("workspace_id", "id", "external_username", "email", "email_key", "first_name", "last_name"),
    *("search", "last_name_key", "status", "source", "imported_as", "imported_at", "created_at"),
    *("converted_at", "last_interaction_at", "active_at", "preferred_reward_id", "reward_balance"),
)


@dataclass(frozen=True, slots=True)
class ContactBook:
    """What the filters name: journeys, rewards, promos, and the choices of one question."""

    url: str
    workspace_id: int
    token: str
    now: Instant
    journeys: tuple[Id, ...]
    question: Id
    choices: tuple[Id, ...]
    rewards: tuple[Id, ...]
    promos: tuple[Id, ...]


async def make(url: str, *, contacts: int) -> ContactBook:
    """Fill the empty database. What is few comes through the store, the rest in bulk."""
    now = time.time_ns() // 1_000
    database = Database(url)
    try:
        book = await _begin(database, url, now)
    finally:
        await database.dispose()
    bulk = await Bulk(url, is_lasting=False).open()
    try:
        ids = [new_id() for _ in range(contacts)]
        writer = _Rows(book, ids)
        async with bulk.without_indexes(tables.contacts):
            await bulk.write(tables.contacts, _COLUMNS, writer.contacts())
        names = ("workspace_id", "label", "created_at", "contact_id")
        await bulk.write(tables.contact_labels, names, writer.labels())
        await bulk.write(
            tables.survey_answers,
            ("workspace_id", "contact_id", "question_id", "journey_id", "choices", "answered_at"),
            writer.answers(),
        )
        await bulk.write(
            tables.promo_redemptions,
            ("workspace_id", "contact_id", "promo_id", "kind", "at"),
            writer.redemptions(),
        )
        await bulk.write(
            tables.reward_transactions,
            ("workspace_id", "contact_id", "id", "reward_id", "kind", "amount", "at"),
            writer.transactions(),
        )
    finally:
        await bulk.close()
    await _count(url, book.workspace_id)
    await settle(url)
    return book


async def _count(url: str, workspace_id: int) -> None:
    """Put right the counters, which a bulk load passes by."""
    database = Database(url)
    try:
        async with database.snapshot() as connection:
            found, _ = await contact_counts.matching(connection, workspace_id, ContactFilter())
        async with database.write() as connection:
            table = tables.contact_counters
            await connection.execute(
                table.update().where(table.c.workspace_id == workspace_id).values(asdict(found))
            )
    finally:
        await database.dispose()


async def _begin(database: Database, url: str, now: Instant) -> ContactBook:
    workspace_id, token, made, _ = await begin(database, now, len(IN_JOURNEY))
    survey = SurveyDraft(
        "taste",
        "Taste",
        (
            QuestionDraft(
                "drink",
                "What do you drink?",
                tuple(ChoiceDraft(str(number), f"Choice {number}") for number in range(3)),
            ),
        ),
    )
    rewards = tuple(RewardDraft(str(one), f"Reward {one}", Decimal(5)) for one in range(3))
    async with database.write() as connection:
        await journeys.upsert(
            connection,
            workspace_id,
            JourneyDraft("journey-0", "Journey 0", steps=(), surveys=(survey,), rewards=rewards),
            now,
        )
        for number in range(3):
            done = await promos.upsert(
                connection, workspace_id, PromoDraft(str(number), f"Promo {number}")
            )
            assert isinstance(done, bytes)

        async def ids(table: str, order: str) -> tuple[Id, ...]:
            found = tables.metadata.tables[table]
            rows = await connection.execute(found.select().order_by(found.c[order]))
            return tuple(bytes(row.id) for row in rows)

        return ContactBook(
            url,
            workspace_id,
            token,
            now,
            made,
            (await ids("survey_questions", "position"))[0],
            await ids("survey_choices", "position"),
            await ids("rewards", "position"),
            await ids("promos", "external_id"),
        )


class _Rows:
    """The rows of all tables; the contact of an id is the same in each."""

    def __init__(self, book: ContactBook, ids: list[Id]) -> None:
        self.book, self.ids = book, ids
        self.begins = book.now - LENGTH

    def _created_at(self, number: int) -> Instant:
        return self.begins + LENGTH * number // len(self.ids)

    def _some(self, seed: str, share: float) -> Iterator[int]:
        """The numbers of that share of the contacts, the same at each call."""
        random = Random(seed)
        return (number for number in range(len(self.ids)) if random.random() < share)

    def _chosen(self, what: str) -> Iterator[tuple[int, int]]:
        """Numbers of contacts with 0, 1 or 2, whichever of the three they chose; some chose two."""
        for which, share in enumerate(CHOSEN):
            for number in self._some(f"{what} {which}", share):
                yield number, which

    def contacts(self) -> Iterator[Record]:
        random, book = Random(7), self.book
        prefers = dict(self._chosen("reward"))
        for number, own in enumerate(self.ids):
            first, last = _FIRST_NAMES[number % 8], _LAST_NAMES[number // 8 % 8]
            username, email = f"user-{number}", f"user-{number}@example.org"
            created_at = self._created_at(number)
            source = _one_of(random, _SOURCES)
            is_imported = source == ContactSource.IMPORTED
            status = _one_of(random, _STATUSES)
            is_converted = status == ContactStatus.CUSTOMER and random.random() < 0.3
            seen = random.randint(created_at, book.now) if random.random() < 0.5 else None
            which = prefers.get(number)
            yield (
                *(book.workspace_id, own, username, email, email, first, last),
                search_text(f"{first} {last}", last, username, email),
                *(fold(last), status, source),
                _one_of(random, _IMPORTED_AS) if is_imported else None,
                created_at if is_imported else None,
                created_at,
                random.randint(created_at, book.now) if is_converted else None,
                *(seen, seen or created_at),
                None if which is None else book.rewards[which],
                random.randint(1, 50) * 1_000_000 if random.random() < 0.01 else 0,
            )

    def labels(self) -> Iterator[Record]:
        book = self.book
        for journey, share in zip(book.journeys, IN_JOURNEY, strict=True):
            for number in self._some(journey.hex(), share):
                yield self._label(journey, number)
        for number in dict.fromkeys(number for number, _ in self._chosen("answer")):
            yield self._label(book.question, number)
        for number, which in self._answered().items():
            yield self._label(book.choices[which], number)
        kinds: dict[bytes, set[int]] = {}
        for number, which in self._chosen("promo"):
            for label in labels.of_redemption(book.promos[which], _kind(which)):
                kinds.setdefault(label, set()).add(number)
        for label, numbers in kinds.items():
            for number in sorted(numbers):
                yield self._label(label, number)
        for number in self._some("sent", 0.002):
            yield self._label(labels.REWARD_SENT, number)

    def _label(self, label: bytes, number: int) -> Record:
        return self.book.workspace_id, label, self._created_at(number), self.ids[number]

    def _answered(self) -> dict[int, int]:
        return dict(self._chosen("answer"))

    def answers(self) -> Iterator[Record]:
        book = self.book
        for number, which in self._answered().items():
            yield (
                *(book.workspace_id, self.ids[number], book.question, book.journeys[0]),
                *(f'["{book.choices[which].hex()}"]', book.now),
            )

    def redemptions(self) -> Iterator[Record]:
        book = self.book
        for number, which in self._chosen("promo"):
            yield (
                *(book.workspace_id, self.ids[number], book.promos[which]),
                *(_kind(which).value, book.now),
            )

    def transactions(self) -> Iterator[Record]:
        book = self.book
        for number in self._some("sent", 0.002):
            yield (
                *(book.workspace_id, self.ids[number], new_id(), book.rewards[0]),
                *("SENT", -5_000_000, book.now),
            )


def _kind(which: int) -> RedemptionKind:
    return list(RedemptionKind)[which]


def _one_of(random: Random, shares: dict[str, float]) -> str:
    (found,) = random.choices([*shares], [*shares.values()])
    return found
