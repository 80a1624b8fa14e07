"""Belongings: the few rows that belong to another row, for many of those in one statement."""

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, FromClause, select

from store.database import Connection
from store.entities import Entity
from store.reading import Selected, alias, selected
from store.types import Id
from store.want import Want

R = TypeVar("R")


async def of_owners(
    connection: Connection,
    entity: Entity[R],
    workspace_id: int,
    owner: str,
    owner_ids: Sequence[Id],
    wanted: Want,
    order: Sequence[str],
    **equals: object,
) -> dict[Id, list[R]]:
    """The rows of each owner, which `owner` names the column of, in this order ("-at": backwards).

    `equals`: only rows whose columns have these values.
    """
    found: dict[Id, list[R]] = {one: [] for one in owner_ids}
    if not found:
        return found
    base = alias(entity)
    reading = selected(entity, wanted, base)
    statement = (
        select(*reading.columns, base.c[owner])
        .select_from(reading.source)
        .where(
            base.c.workspace_id == workspace_id,
            base.c[owner].in_(list(found)),
            *_equal(base, equals),
        )
        .order_by(base.c[owner], *_ordered(base, order))
    )
    for row in (await connection.execute(statement)).all():
        found[row[-1]].append(reading.build(row))
    return found


async def of_workspace(
    connection: Connection,
    entity: Entity[R],
    workspace_id: int,
    wanted: Want,
    order: Sequence[str],
    limit: int,
    **equals: object,
) -> list[R]:
    """The first rows of the workspace in this order."""
    base = alias(entity)
    reading: Selected[R] = selected(entity, wanted, base)
    statement = (
        # A selection may need no column at all.
        select(*reading.columns, base.c.workspace_id)
        .select_from(reading.source)
        .where(base.c.workspace_id == workspace_id, *_equal(base, equals))
        .order_by(*_ordered(base, order))
        .limit(limit)
    )
    return [reading.build(row) for row in (await connection.execute(statement)).all()]


def _equal(base: FromClause, equals: dict[str, Any]) -> list[ColumnElement[bool]]:
    return [base.c[name] == value for name, value in equals.items()]


def _ordered(base: FromClause, order: Sequence[str]) -> list[ColumnElement[Any]]:
    return [base.c[one[1:]].desc() if one[0] == "-" else base.c[one].asc() for one in order]
