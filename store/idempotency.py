"""Idempotency: the first result of a mutation, kept by the caller's key for a day."""

import hashlib
from typing import Any

from sqlalchemy import select

from store.database import Conflict, Connection
from store.dialects import insert
from store.refusals import Refusal
from store.tables import idempotency_keys
from store.types import DAY, Instant
from store.words import ErrorCode

KEPT_FOR = DAY


def digest(said: object) -> bytes:
    """What the caller asked for, as 16 bytes; `said` must have a repr that is all of it."""
    return hashlib.blake2b(repr(said).encode(), digest_size=16).digest()


async def recall(
    connection: Connection,
    workspace_id: int,
    mutation: str,
    key: str,
    said: bytes,
    now: Instant,
) -> Any | Refusal | None:
    """The first result; a refusal when the key came with another input; None when it is new."""
    table = idempotency_keys
    row = (
        await connection.execute(
            select(table.c.input_digest, table.c.result).where(
                table.c.workspace_id == workspace_id,
                table.c.mutation == mutation,
                table.c.key == key,
                table.c.at > now - KEPT_FOR,
            )
        )
    ).first()
    if row is None:
        return None
    if bytes(row[0]) != said:
        return Refusal(
            ErrorCode.KEY_REUSED,
            f'The idempotencyKey "{key}" came before with another input: '
            "give each request a key of its own.",
            ("idempotencyKey",),
        )
    return row[1]


async def remember(
    connection: Connection,
    workspace_id: int,
    mutation: str,
    key: str,
    said: bytes,
    result: Any,
    now: Instant,
) -> None:
    """Keep the result; of two requests at once the one that commits second meets a Conflict."""
    statement = insert(connection, idempotency_keys)
    kept = await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["workspace_id", "mutation", "key"],
            set_={name: statement.excluded[name] for name in ("input_digest", "result", "at")},
            where=idempotency_keys.c.at <= now - KEPT_FOR,
        ).returning(idempotency_keys.c.at),
        {
            "workspace_id": workspace_id,
            "mutation": mutation,
            "key": key,
            "input_digest": said,
            "result": result,
            "at": now,
        },
    )
    if kept.first() is None:
        raise Conflict
