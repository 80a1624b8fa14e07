"""Connectors: by which addresses and secrets providers report what became of messages."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, update

from store.database import Connection
from store.dialects import insert
from store.ingest.encoding import digest
from store.tables import connectors, event_keys
from store.types import Id, Instant
from store.words import Channel, Provider


@dataclass(frozen=True, slots=True)
class Connector:
    """`hidden_secret` is encrypted. `name` is the source of the events that come by it, `channel`
    that of the messages on which it may report, None for all.
    """

    id: Id
    provider: Provider
    name: str
    channel: Channel | None
    hidden_secret: bytes
    is_removed: bool
    last_received_at: Instant | None


async def create(
    connection: Connection,
    workspace_id: int,
    connector_id: Id,
    *,
    provider: Provider,
    name: str,
    channel: Channel | None,
    hidden_secret: bytes,
    now: Instant,
) -> bool:
    """False when another connector has the name."""
    made = await connection.execute(
        insert(connection, connectors).on_conflict_do_nothing().returning(connectors.c.id),
        {
            "workspace_id": workspace_id,
            "id": connector_id,
            "provider": provider,
            "name": name,
            "channel": channel,
            "hidden_secret": hidden_secret,
            "created_at": now,
        },
    )
    return made.first() is not None


async def count(connection: Connection, workspace_id: int) -> int:
    counted = select(func.count()).where(
        connectors.c.workspace_id == workspace_id, connectors.c.removed_at.is_(None)
    )
    return int((await connection.execute(counted)).scalar_one())


async def set_channel(
    connection: Connection, workspace_id: int, connector_id: Id, channel: Channel | None
) -> None:
    await connection.execute(
        update(connectors)
        .where(connectors.c.workspace_id == workspace_id, connectors.c.id == connector_id)
        .values(channel=channel)
    )


async def remove(connection: Connection, workspace_id: int, connector_id: Id, now: Instant) -> bool:
    """End a connector, and forget its secret; False when there is none."""
    removed = await connection.execute(
        update(connectors)
        .where(
            connectors.c.workspace_id == workspace_id,
            connectors.c.id == connector_id,
            connectors.c.removed_at.is_(None),
        )
        .values(removed_at=now, hidden_secret=b"")
    )
    return removed.rowcount == 1


async def find_many(
    connection: Connection, workspace_id: int, ids: Sequence[Id]
) -> dict[Id, Connector]:
    """By id, removed ones too; what the workspace does not have is left out."""
    found = await connection.execute(
        select(
            connectors.c.id,
            connectors.c.provider,
            connectors.c.name,
            connectors.c.channel,
            connectors.c.hidden_secret,
            connectors.c.removed_at,
            connectors.c.last_received_at,
        ).where(connectors.c.workspace_id == workspace_id, connectors.c.id.in_(ids))
    )
    return {
        bytes(row[0]): Connector(
            id=bytes(row[0]),
            provider=Provider(row[1]),
            name=row[2],
            channel=None if row[3] is None else Channel(row[3]),
            hidden_secret=bytes(row[4]),
            is_removed=row[5] is not None,
            last_received_at=row[6],
        )
        for row in found
    }


async def touch(connection: Connection, workspace_id: int, connector_id: Id, now: Instant) -> None:
    """Remember that something was received."""
    await connection.execute(
        update(connectors)
        .where(connectors.c.workspace_id == workspace_id, connectors.c.id == connector_id)
        .values(last_received_at=now)
    )


async def claim_token(
    connection: Connection,
    workspace_id: int,
    connector_id: Id,
    token: str,
    body: bytes,
    now: Instant,
) -> bool:
    """Claim a token, which is good for one body; False when it came with another one."""
    key = digest(f"token:{connector_id.hex()}", token)
    said = hashlib.blake2b(body, digest_size=8).digest()
    await connection.execute(
        insert(connection, event_keys).on_conflict_do_nothing(),
        {"workspace_id": workspace_id, "digest": key, "content": said, "recorded_at": now},
    )
    found = await connection.execute(
        select(event_keys.c.content).where(
            event_keys.c.workspace_id == workspace_id, event_keys.c.digest == key
        )
    )
    return bytes(found.scalar_one()) == said
