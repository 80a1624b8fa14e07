"""Contact extras: what an export says of contacts beyond their own rows, for a page at once."""

from collections.abc import Sequence

from sqlalchemy import select

from store.database import Connection
from store.tables import contacts, referral_links, rewards
from store.types import Id


async def preferred_rewards(
    connection: Connection, workspace_id: int, contact_ids: Sequence[Id]
) -> dict[Id, str]:
    """The names of the rewards that contacts chose; who chose none is left out."""
    found = await connection.execute(
        select(contacts.c.id, rewards.c.name)
        .join(
            rewards,
            (rewards.c.workspace_id == contacts.c.workspace_id)
            & (rewards.c.id == contacts.c.preferred_reward_id),
        )
        .where(contacts.c.workspace_id == workspace_id, contacts.c.id.in_(contact_ids))
    )
    return {row[0]: row[1] for row in found}


async def link_codes(
    connection: Connection,
    workspace_id: int,
    contact_ids: Sequence[Id],
    kind: str,
    journey_id: Id | None,
) -> dict[Id, str]:
    """The code of each contact's newest link that is REFERRAL or FLOW, if it has one: of all
    journeys, or of one."""
    links = referral_links
    statement = (
        select(links.c.contact_id, links.c.code)
        .where(
            links.c.workspace_id == workspace_id,
            links.c.contact_id.in_(contact_ids),
            links.c.kind == kind,
        )
        .order_by(links.c.created_at, links.c.id)
    )
    if journey_id is not None:
        statement = statement.where(links.c.journey_id == journey_id)
    found = await connection.execute(statement)
    return {row[0]: row[1] for row in found}
