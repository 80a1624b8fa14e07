"""Tracked links: where the link of a message leads."""

from dataclasses import dataclass

from sqlalchemy import select

from store.database import Connection
from store.tables import links
from store.types import Id

PIXEL = 0
"""The position of a message's open pixel; its links count from 1."""


@dataclass(frozen=True, slots=True)
class Link:
    """`communication` is the partner's id of the message; the pixel has no target."""

    communication: str
    target_url: str | None


async def find(
    connection: Connection, workspace_id: int, communication_id: Id, position: int
) -> Link | None:
    row = (
        await connection.execute(
            select(links.c.external_id, links.c.target_url).where(
                links.c.workspace_id == workspace_id,
                links.c.communication_id == communication_id,
                links.c.position == position,
            )
        )
    ).first()
    return None if row is None else Link(row[0], row[1])
