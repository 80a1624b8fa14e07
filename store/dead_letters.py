"""Dead letters: what providers sent and we could not record, to be looked at and replayed."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, select, update

from store.database import Connection
from store.dialects import insert
from store.tables import dead_letters
from store.types import Id, Instant, new_id

SHOWN_AT_MOST = 10_000


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """`query` and `delivery_id` are what the body is read with.

    `communication_id` is set when the body is an event of ours that is not of that message's
    channel. `digest` says which letters are the same; None: those of one body and query.
    """

    body: bytes
    query: str
    delivery_id: str | None
    reason: str
    communication_id: Id | None = None
    digest: bytes | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A dead letter with its place."""

    id: Id
    connector_id: Id
    received_at: Instant
    letter: DeadLetter


async def keep(
    connection: Connection,
    workspace_id: int,
    connector_id: Id,
    letters: Sequence[DeadLetter],
    now: Instant,
) -> int:
    """Keep those that are new; returns how many that were."""
    return await keep_all(
        connection, workspace_id, [Kept(new_id(), connector_id, now, one) for one in letters]
    )


async def keep_all(connection: Connection, workspace_id: int, letters: Sequence[Kept]) -> int:
    """The same of several connectors."""
    if not letters:
        return 0
    statement = insert(connection, dead_letters).on_conflict_do_nothing()
    rows: list[dict[str, Any]] = [
        {
            "workspace_id": workspace_id,
            "id": one.id,
            "connector_id": one.connector_id,
            "received_at": one.received_at,
            "reason": one.letter.reason,
            "body": one.letter.body,
            "shown": _shown(one.letter.body),
            "query": one.letter.query,
            "delivery_id": one.letter.delivery_id,
            "communication_id": one.letter.communication_id,
            "digest": one.letter.digest or _digest(one.letter),
        }
        for one in letters
    ]
    # In one order, so that two who keep the same do not wait for each other.
    rows.sort(key=lambda row: row["digest"])
    kept = await connection.execute(statement.returning(dead_letters.c.id), rows)
    return len(kept.all())


async def count(connection: Connection, workspace_id: int, chosen: "Chosen") -> int:
    found = await connection.execute(
        select(func.count()).select_from(dead_letters).where(_are(workspace_id, chosen))
    )
    return int(found.scalar_one())


@dataclass(frozen=True, slots=True)
class Chosen:
    """By ids, by the connector, or all; `until` is the newest one that is meant."""

    until: Id
    ids: tuple[Id, ...] | None = None
    connector_id: Id | None = None


async def chunk(
    connection: Connection, workspace_id: int, chosen: Chosen, *, behind: Id | None, limit: int
) -> list[Kept]:
    """The next ones in the order in which they came; locked."""
    table = dead_letters
    where = _are(workspace_id, chosen)
    if behind is not None:
        where = and_(where, table.c.id > behind)
    found = await connection.execute(
        select(
            table.c.id,
            table.c.connector_id,
            table.c.received_at,
            table.c.body,
            table.c.query,
            table.c.delivery_id,
            table.c.reason,
            table.c.communication_id,
        )
        .where(where)
        .order_by(table.c.id)
        .limit(limit)
        .with_for_update()
    )
    return [
        Kept(
            bytes(row[0]),
            bytes(row[1]),
            row[2],
            DeadLetter(bytes(row[3]), row[4], row[5], row[6], row[7]),
        )
        for row in found
    ]


async def remove(connection: Connection, workspace_id: int, ids: Collection[Id]) -> None:
    if ids:
        await connection.execute(
            delete(dead_letters).where(
                dead_letters.c.workspace_id == workspace_id, dead_letters.c.id.in_(ids)
            )
        )


async def explain(
    connection: Connection, workspace_id: int, reasons: Sequence[tuple[Id, str]]
) -> None:
    """Say anew why they cannot be read."""
    if reasons:
        await connection.execute(
            update(dead_letters)
            .where(
                dead_letters.c.workspace_id == workspace_id,
                dead_letters.c.id == bindparam("b_id"),
            )
            .values(reason=bindparam("b_reason")),
            [{"b_id": one, "b_reason": reason} for one, reason in reasons],
        )


def _are(workspace_id: int, chosen: Chosen) -> ColumnElement[bool]:
    table = dead_letters
    parts = [table.c.workspace_id == workspace_id, table.c.id <= chosen.until]
    if chosen.ids is not None:
        parts.append(table.c.id.in_(chosen.ids))
    if chosen.connector_id is not None:
        parts.append(table.c.connector_id == chosen.connector_id)
    return and_(*parts)


def _shown(body: bytes) -> str:
    # PostgreSQL's texts hold no null character.
    return (
        body[: 4 * SHOWN_AT_MOST].decode(errors="replace").replace("\0", "\ufffd")[:SHOWN_AT_MOST]
    )


def _digest(one: DeadLetter) -> bytes:
    said = hashlib.blake2b(digest_size=16)
    for part in (one.query.encode(), (one.delivery_id or "").encode(), one.body):
        said.update(len(part).to_bytes(8) + part)
    return said.digest()
