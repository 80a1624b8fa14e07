"""A population: a workspace full of rows of every kind, many of them at the same moments.

The rows are written as they are, so that a filter can be asked for what no story would bring about,
and kept, so that a test can say in plain Python what has to be found.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from sqlalchemy import Table

from store import Database, labels, tables
from store.conditions import MILESTONE_COLUMNS
from store.folding import fold, search_text
from store.tables.communications import MARKS
from store.types import Id, new_id
from store.words import (
    OPEN_STATES,
    ActivityKind,
    Channel,
    ContactSource,
    ContactStatus,
    DeliveryKind,
    DeliveryStatus,
    EntryState,
    JourneyStatus,
    RedemptionKind,
)
from tests.support.factories import NOW, Workspace, a_workspace, after

Row = dict[str, Any]

MOMENTS = [after(seconds) for seconds in (0, 0, 1, 1, 2, 3)]
WORDS = ["Welcome mail", "welcome MAIL", "Straße 50%", "a_b", "Ω-Angebot", "Zwölf"]
FIRST = ["Ada", "İpek", "Οδυσσεύς", "Иван", None]
LAST = ["Lovelace", "Groß", "Σίσυφος", "ПЕТРОВ", "50%_", None]

QUESTIONS: dict[Id, list[Id]] = {new_id(): [new_id() for _ in range(2)] for _ in range(2)}
PROMOS: list[Id] = [new_id() for _ in range(2)]
REWARDS: list[Id] = [new_id() for _ in range(2)]

_MILESTONES = (
    "sent_at",
    "deferred_at",
    "suppressed_at",
    "delivered_at",
    "failed_at",
    "bounced_at",
    "first_impression_at",
    "first_open_at",
    "first_click_at",
    "unsubscribed_at",
    "complained_at",
)


@dataclass
class Population:
    """The rows by table; each list is sorted by id."""

    workspace: Workspace
    journeys: list[Row] = field(default_factory=list)
    steps: list[Row] = field(default_factory=list)
    contacts: list[Row] = field(default_factory=list)
    resources: list[Row] = field(default_factory=list)
    entries: list[Row] = field(default_factory=list)
    communications: list[Row] = field(default_factory=list)
    log: list[Row] = field(default_factory=list)
    answers: list[Row] = field(default_factory=list)
    redemptions: list[Row] = field(default_factory=list)
    transactions: list[Row] = field(default_factory=list)
    labelled: list[tuple[bytes, Id]] = field(default_factory=list)


async def a_population(database: Database, seed: int = 1, size: int = 40) -> Population:
    random = Random(seed)
    made = Population(await a_workspace(database))
    made.journeys = [_a_journey(random) for _ in range(5)]
    made.steps = [
        _a_step(journey["id"], position) for journey in made.journeys for position in range(2)
    ]
    made.contacts = [_a_contact(random, number) for number in range(size // 2)]
    made.resources = [
        _a_resource(channel, name) for channel in (Channel.EMAIL, Channel.SMS) for name in WORDS
    ]
    made.entries = [_an_entry(random, made, number) for number in range(size)]
    made.communications = [_a_communication(random, made, number) for number in range(size)]
    _engage(Random(seed), made)
    made.log = [_a_fact(random, made, seq) for seq in range(1, size + 1)]
    for table, rows in (
        (tables.journeys, made.journeys),
        (tables.journey_steps, made.steps),
        (tables.contacts, made.contacts),
        (tables.resources, made.resources),
        (tables.entries, made.entries),
        (tables.communications, made.communications),
        (tables.communication_marks, marks(made.communications)),
        (tables.log, made.log),
        (tables.survey_answers, made.answers),
        (tables.promo_redemptions, made.redemptions),
        (tables.reward_transactions, made.transactions),
    ):
        await insert(made.workspace, table, rows)
    async with database.write() as connection:
        await labels.add(connection, made.workspace.id, made.labelled)
    return made


async def insert(workspace: Workspace, table: Table, rows: Sequence[Row]) -> None:
    if not rows:
        return
    async with workspace.database.write() as connection:
        await connection.execute(
            table.insert(), [{"workspace_id": workspace.id, **row} for row in rows]
        )


def marks(communications: Sequence[Row]) -> list[Row]:
    """What messages with these columns are listed under."""
    fixed = ("journey_id", "created_at", "id")
    return [
        {"mark": mark, **{name: row[name] for name in fixed}}
        for row in communications
        for mark in MARKS
        if row[MILESTONE_COLUMNS[DeliveryStatus(mark)]] is not None
    ]


def maybe(random: Random, value: Any) -> Any:
    return value if random.random() < 0.5 else None


def _a_journey(random: Random) -> Row:
    name = random.choice(WORDS)
    return {
        "id": new_id(),
        "external_id": f"j{random.random()}",
        "name": name,
        "search": search_text(name),
        "status": random.choice(list(JourneyStatus)),
        "created_at": random.choice(MOMENTS),
        "updated_at": NOW,
    }


def _a_step(journey_id: Id, position: int) -> Row:
    return {
        "id": new_id(),
        "journey_id": journey_id,
        "key": f"s{position}",
        "name": f"Step {position}",
        "position": position,
        "is_archived": False,
    }


def _a_contact(random: Random, number: int) -> Row:
    first, last = random.choice(FIRST), random.choice(LAST)
    email = f"{number}@{random.choice(['example.org', 'Beispiel.DE'])}"
    created_at = random.choice(MOMENTS)
    name = " ".join(one for one in (first, last) if one)
    return {
        "id": new_id(),
        "external_username": f"U{number}",
        "email": email,
        "email_key": email.lower(),
        "first_name": first,
        "last_name": last,
        "search": search_text(name, last, None, f"U{number}", email),
        "last_name_key": fold(last or ""),
        "status": random.choice(list(ContactStatus)),
        "source": random.choice(list(ContactSource)),
        "imported_as": maybe(random, random.choice(list(ContactStatus))),
        "imported_at": maybe(random, NOW),
        "created_at": created_at,
        "converted_at": maybe(random, random.choice(MOMENTS)),
        "active_at": max(created_at, random.choice(MOMENTS)),
        "deleted_at": NOW if number % 7 == 6 else None,
    }


def _engage(random: Random, made: Population) -> None:
    """Answers, redemptions and rewards of the contacts, with the labels by which they are found."""
    for row in made.contacts:
        contact = row["id"]
        row["last_interaction_at"] = maybe(random, random.choice(MOMENTS))
        row["preferred_reward_id"] = maybe(random, random.choice(REWARDS))
        row["reward_balance"] = Decimal(random.choice(["-1", "0", "0.000001", "5", "12.5"]))
        for question, choices in QUESTIONS.items():
            if random.random() < 0.5:
                chosen = random.sample(choices, random.randint(0, len(choices)))
                words = maybe(random, random.choice(WORDS))
                made.answers.append(
                    {
                        "contact_id": contact,
                        "question_id": question,
                        "journey_id": random.choice(made.journeys)["id"],
                        "choices": [one.hex() for one in chosen],
                        "text": words,
                        "search": None if words is None else search_text(words),
                        "answered_at": NOW,
                    }
                )
                # Somebody answered otherwise at first, and the label of it stays.
                made.labelled += [(one, contact) for one in (question, *choices)]
        for promo in PROMOS:
            if random.random() < 0.4:
                kind = random.choice(list(RedemptionKind))
                made.redemptions.append(
                    {"contact_id": contact, "promo_id": promo, "kind": kind, "at": NOW}
                )
                made.labelled += [(one, contact) for one in labels.of_redemption(promo, kind)]
        for movement in ("EARNED", "SENT"):
            if random.random() < 0.4:
                made.transactions.append(
                    {
                        "contact_id": contact,
                        "id": new_id(),
                        "reward_id": random.choice(REWARDS),
                        "kind": movement,
                        "amount": Decimal(5),
                        "at": NOW,
                    }
                )
                made.labelled.append((labels.REWARD_SENT, contact))
    made.labelled += [(entry["journey_id"], entry["contact_id"]) for entry in made.entries]


def _a_resource(channel: Channel, name: str) -> Row:
    return {"id": new_id(), "name": name, "channel": channel, "search": search_text(name)}


def _an_entry(random: Random, made: Population, number: int) -> Row:
    journey = random.choice(made.journeys)
    steps = [step["id"] for step in made.steps if step["journey_id"] == journey["id"]]
    state = random.choice(list(EntryState))
    return {
        "id": new_id(),
        "external_id": f"e{number}",
        "journey_id": journey["id"],
        "contact_id": random.choice(made.contacts)["id"],
        "in_control_group": random.random() < 0.3,
        "entered_at": random.choice(MOMENTS),
        "converted_at": maybe(random, random.choice(MOMENTS)),
        "current_step_id": maybe(random, random.choice(steps)),
        "state": state,
        "stopped_at": None if state in OPEN_STATES else random.choice(MOMENTS),
    }


def _a_communication(random: Random, made: Population, number: int) -> Row:
    entry = random.choice(made.entries)
    resource = random.choice(made.resources)
    status = random.choice(list(DeliveryKind))
    milestones = {name: maybe(random, random.choice(MOMENTS)) for name in _MILESTONES}
    if status is not DeliveryKind.QUEUED:
        milestones[MILESTONE_COLUMNS[DeliveryStatus(status)]] = random.choice(MOMENTS)
    return {
        "id": new_id(),
        "external_id": f"m{number}",
        "entry_id": entry["id"],
        "journey_id": entry["journey_id"],
        "contact_id": entry["contact_id"],
        "resource_id": resource["id"],
        "channel": resource["channel"],
        "created_at": random.choice(MOMENTS),
        "status": status,
        **milestones,
        "click_count": 0,
        "raw_click_count": 0,
        "open_count": 0,
        "raw_open_count": 0,
    }


def _a_fact(random: Random, made: Population, seq: int) -> Row:
    entry = random.choice(made.entries)
    is_of_message = random.random() < 0.6
    message = random.choice(made.communications) if is_of_message else None
    steps = [step["id"] for step in made.steps if step["journey_id"] == entry["journey_id"]]
    return {
        "seq": seq,
        "recorded_at": NOW,
        "nonce": bytes(4),
        "activity": random.choice([*ActivityKind, None]) if is_of_message else "ENTERED",
        "delivery": random.choice([*DeliveryKind, None]) if is_of_message else None,
        "journey_id": (message or entry)["journey_id"],
        "entry_id": message["entry_id"] if message else entry["id"],
        "contact_id": (message or entry)["contact_id"],
        "communication_id": message["id"] if message else None,
        "step_id": maybe(random, random.choice(steps)),
        "resource_id": message["resource_id"] if message else None,
        "channel": message["channel"] if message else None,
        "occurred_at": random.choice(MOMENTS),
        "source": "partner",
        "is_suspected_bot": random.random() < 0.2,
        "is_ignored": random.random() < 0.2,
    }
