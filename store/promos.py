"""Promos: registering what contacts can redeem."""

from dataclasses import dataclass

from sqlalchemy import select

from store import tables
from store.database import Connection
from store.dialects import insert
from store.refusals import Refusal
from store.types import Id, new_id
from store.words import ErrorCode


@dataclass(frozen=True, slots=True)
class PromoDraft:
    """`journey` is the partner's own id of the journey that the promo belongs to."""

    external_id: str
    name: str
    journey: str | None = None


async def upsert(connection: Connection, workspace_id: int, draft: PromoDraft) -> Id | Refusal:
    """Make or change the promo of this external id; refused when its journey is not known."""
    journeys, promos = tables.journeys, tables.promos
    journey_id: Id | None = None
    if draft.journey is not None:
        found = await connection.execute(
            select(journeys.c.id).where(
                journeys.c.workspace_id == workspace_id, journeys.c.external_id == draft.journey
            )
        )
        journey_id = found.scalar_one_or_none()
        if journey_id is None:
            return Refusal(
                ErrorCode.UNKNOWN_JOURNEY,
                f'There is no journey "{draft.journey}": register it with upsertJourney.',
                ("journey",),
            )
    statement = insert(connection, promos)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["workspace_id", "external_id"],
            set_={name: statement.excluded[name] for name in ("name", "journey_id")},
        ),
        {
            "workspace_id": workspace_id,
            "id": new_id(),
            "external_id": draft.external_id,
            "name": draft.name,
            "journey_id": journey_id,
        },
    )
    made = await connection.execute(
        select(promos.c.id).where(
            promos.c.workspace_id == workspace_id, promos.c.external_id == draft.external_id
        )
    )
    return bytes(made.scalar_one())
