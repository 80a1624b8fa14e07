"""Totals: how many rows a list holds exactly, for work that goes through all of them."""

from typing import Any

from sqlalchemy import func, select

from store.conditions import Filter, terms
from store.database import Connection
from store.entities import Entity
from store.reading import alias
from store.types import Id


async def count(
    connection: Connection,
    entity: Entity[Any],
    workspace_id: int,
    asked: Filter | None,
    *,
    until: Id | None = None,
) -> int:
    """However long it takes; without the rows whose ids were made after `until`."""
    base = alias(entity)
    counted = (
        select(func.count())
        .select_from(base)
        .where(
            base.c.workspace_id == workspace_id,
            *(term.clause(base) for term in terms(entity, asked, workspace_id)),
        )
    )
    if until is not None:
        counted = counted.where(base.c[entity.id_column] <= until)
    return int((await connection.execute(counted)).scalar_one())
