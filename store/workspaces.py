"""Workspaces: making one, finding one by name."""

import secrets
from collections.abc import Sequence

from sqlalchemy import select, update

from store.database import Connection
from store.tables import contact_counters, heads, workspaces
from store.types import Instant


async def find(connection: Connection, name: str) -> int | None:
    return (
        await connection.execute(select(workspaces.c.workspace_id).where(workspaces.c.name == name))
    ).scalar_one_or_none()


async def create(connection: Connection, name: str, now: Instant) -> int:
    """A workspace with an empty log, whose epoch no other log has."""
    result = await connection.execute(
        workspaces.insert().returning(workspaces.c.workspace_id), {"name": name, "created_at": now}
    )
    workspace_id = int(result.scalar_one())
    await connection.execute(
        heads.insert(),
        {
            "workspace_id": workspace_id,
            "epoch": secrets.token_bytes(8),
            "seq": 0,
            "recorded_at": now,
            "nonce": bytes(4),
            "oldest_seq": 1,
        },
    )
    await connection.execute(
        contact_counters.insert(),
        {
            "workspace_id": workspace_id,
            "leads": 0,
            "customers": 0,
            "lost": 0,
            "none": 0,
            "converted": 0,
        },
    )
    return workspace_id


async def allowed_recipients(connection: Connection, workspace_id: int) -> list[str]:
    """Whom files may be sent to; locks the workspace's row in a transaction that writes."""
    found = await connection.execute(
        select(workspaces.c.allowed_recipients)
        .where(workspaces.c.workspace_id == workspace_id)
        .with_for_update()
    )
    return list(found.scalar_one())


async def allow_recipients(
    connection: Connection, workspace_id: int, emails: Sequence[str]
) -> None:
    """These, and no others."""
    await connection.execute(
        update(workspaces)
        .where(workspaces.c.workspace_id == workspace_id)
        .values(allowed_recipients=list(emails))
    )


async def set_currency(connection: Connection, workspace_id: int, currency: str) -> None:
    """In which rewards are from now on; amounts stay the numbers that they are."""
    await connection.execute(
        update(workspaces)
        .where(workspaces.c.workspace_id == workspace_id)
        .values(currency=currency)
    )


async def log_heads(connection: Connection) -> list[tuple[int, int]]:
    """Of every workspace its id and the newest seq of its log."""
    rows = await connection.execute(
        select(heads.c.workspace_id, heads.c.seq).order_by(heads.c.workspace_id)
    )
    return [(row[0], row[1]) for row in rows]
