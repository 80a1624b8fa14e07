"""Contact statuses: what contacts are to the business, how that changes, and how many are what."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select, update

from store import earnings, tables
from store.database import Connection
from store.ingest.batch import Batch
from store.log import Head, append
from store.types import Id, Instant, new_id
from store.words import ContactStatus

COUNTED = {
    ContactStatus.LEAD: "leads",
    ContactStatus.CUSTOMER: "customers",
    ContactStatus.LOST: "lost",
    ContactStatus.NONE: "none",
}
"""The counter of each status."""


@dataclass(frozen=True, slots=True)
class Move:
    """A contact's way from one status to another; `was` is None for a new contact.

    `converts`: the first time from lead to customer. A customer who was lost and won again was
    converted once.
    """

    contact_id: Id
    was: ContactStatus | None
    to: ContactStatus
    converts: bool = False


@dataclass(frozen=True, slots=True)
class Appended:
    """The log's head behind what was written, None for nothing; and whose journeys it concerns."""

    behind: Head | None = None
    journey_ids: frozenset[Id] = frozenset()


@dataclass(frozen=True, slots=True)
class Changed:
    """How many of the contacts there are, which of them got another status, and the log."""

    matched: int
    ids: tuple[Id, ...]
    appended: Appended


def move(
    contact_id: Id, was: ContactStatus, to: ContactStatus, converted_at: Instant | None
) -> Move:
    """The move of a contact that converted then, if it did."""
    is_conversion = was is ContactStatus.LEAD and to is ContactStatus.CUSTOMER
    return Move(contact_id, was, to, is_conversion and converted_at is None)


async def change(
    connection: Connection,
    workspace_id: int,
    ids: Collection[Id],
    to: ContactStatus,
    *,
    by: str,
    now: Instant,
    is_dry_run: bool = False,
) -> Changed:
    """Give these contacts a status, those that have it already stay as they are."""
    contacts = tables.contacts
    found = await connection.execute(
        select(contacts.c.id, contacts.c.status, contacts.c.converted_at)
        .where(
            contacts.c.workspace_id == workspace_id,
            contacts.c.id.in_(ids),
            contacts.c.deleted_at.is_(None),
        )
        .order_by(contacts.c.id)
        .with_for_update(key_share=True)
    )
    rows = found.all()
    moves = [move(row[0], ContactStatus(row[1]), to, row[2]) for row in rows if row[1] != to]
    changed = tuple(one.contact_id for one in moves)
    if not moves or is_dry_run:
        return Changed(len(rows), changed, Appended())
    own = contacts.c.workspace_id == workspace_id
    await connection.execute(
        update(contacts).where(own, contacts.c.id.in_(changed)).values(status=to)
    )
    converted = [one.contact_id for one in moves if one.converts]
    if converted:
        await connection.execute(
            update(contacts).where(own, contacts.c.id.in_(converted)).values(converted_at=now)
        )
    batch = Batch(now)
    for one in changed:
        batch.fact(by, now, change="CONTACT_CHANGED", contact_id=one)
    return Changed(
        len(rows), changed, await write(connection, workspace_id, moves, batch, by=by, now=now)
    )


async def write(
    connection: Connection,
    workspace_id: int,
    moves: Sequence[Move],
    batch: Batch,
    *,
    by: str,
    now: Instant,
) -> Appended:
    """Write what follows from moves of contacts whose rows are locked and written already.

    All statuses that contacts get come through here: their history, the rewards that new customers
    have earned, the facts that the caller put into the batch, and the counters, in this order.
    """
    if moves:
        await connection.execute(
            tables.contact_status_changes.insert(),
            [
                {
                    "workspace_id": workspace_id,
                    "contact_id": one.contact_id,
                    "id": new_id(),
                    "from_status": one.was,
                    "to_status": one.to,
                    "at": now,
                    "by": by,
                }
                for one in moves
            ],
        )
    customers = {
        one.contact_id: by for one in moves if one.was and one.to is ContactStatus.CUSTOMER
    }
    await earnings.earn(connection, workspace_id, customers, batch)
    behind = None
    if batch.facts:
        batch.sign_facts()
        behind = await append(connection, workspace_id, batch.facts, now)
    await count(
        connection,
        workspace_id,
        gone=(one.was for one in moves if one.was is not None),
        come=(one.to for one in moves),
        converted=sum(one.converts for one in moves),
    )
    journeys = frozenset(one["journey_id"] for one in batch.facts if one["journey_id"] is not None)
    return Appended(behind, journeys)


async def count(
    connection: Connection,
    workspace_id: int,
    *,
    gone: Iterable[ContactStatus] = (),
    come: Iterable[ContactStatus] = (),
    converted: int = 0,
) -> None:
    """Count contacts out of the statuses `gone` and into those that `come`; behind the log."""
    by = dict.fromkeys(COUNTED.values(), 0)
    for status in gone:
        by[COUNTED[status]] -= 1
    for status in come:
        by[COUNTED[status]] += 1
    by["converted"] = converted
    table = tables.contact_counters
    if any(by.values()):
        await connection.execute(
            update(table)
            .where(table.c.workspace_id == workspace_id)
            .values({name: table.c[name] + amount for name, amount in by.items() if amount})
        )
