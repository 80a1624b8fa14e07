"""Lists: keyset pages, capped counts, and batches of pages for many parents at once.

A page whose filter an index answers reads what it returns, and one whose filter few rows fulfil
those few (lookups.py; of contacts, leads.py). Any other examines at most EXAMINED_AT_MOST index
entries, and says so when it stopped there (`is_partial`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    FromClause,
    column,
    func,
    select,
    values,
)

from store import leads, tables
from store.conditions import Filter, terms
from store.database import Connection
from store.entities import CONTACT, Entity
from store.lookups import few
from store.plans import EXAMINED_AT_MOST, Order, Page, PageRequest, Plan, Position
from store.reading import alias, selected
from store.terms import Term
from store.types import Id, IdColumn
from store.want import Want

__all__ = [
    "COUNT_CAP",
    "EXAMINED_AT_MOST",
    "Count",
    "Order",
    "Page",
    "PageRequest",
    "Position",
    "count",
    "get",
    "get_many",
    "page",
    "pages",
]

R = TypeVar("R")

_KEYS = {"entry": tables.entry_keys, "communication": tables.communication_keys}

COUNT_CAP = 10_000


@dataclass(frozen=True, slots=True)
class Count:
    value: int
    is_exact: bool


async def page(
    connection: Connection,
    entity: Entity[R],
    workspace_id: int,
    asked: Filter | None,
    order: Order,
    request: PageRequest,
    wanted: Want,
    *,
    of: tuple[str, Id] | None = None,
) -> Page[R]:
    """One page of a list, in one statement; in two when rare rows are looked up first, or when a
    bounded search came up short. `of`: a column with its one value, beside the filter."""
    parts = terms(entity, asked, workspace_id)
    if of is not None:
        parts.append(_equal(*of))
    parts, is_searched = await _looked_up(connection, parts)
    plan = Plan(entity, workspace_id, parts, order, request)
    if plan.is_bounded and entity is CONTACT:
        led = await leads.page(connection, plan, wanted)
        if led is not None:
            return led
    if is_searched and plan.may_stop_early:
        return await plan.looked_up_at_once(connection, wanted)
    return await plan.looked_up(connection, wanted)


async def pages(
    connection: Connection,
    entity: Entity[R],
    workspace_id: int,
    parent_column: str,
    parent_ids: Sequence[Id],
    asked: Filter | None,
    order: Order,
    request: PageRequest,
    wanted: Want,
) -> dict[Id, Page[R]]:
    """The same page of each parent's own list, in one statement for all of them."""
    ids = list(dict.fromkeys(parent_ids))
    if not ids:
        return {}
    if len(ids) == 1:
        own = (parent_column, ids[0])
        return {
            ids[0]: await page(
                connection, entity, workspace_id, asked, order, request, wanted, of=own
            )
        }
    # As a CTE, since SQLite names the columns of VALUES nowhere else.
    parents = values(column("id", IdColumn()), name="parents").data([(one,) for one in ids]).cte()
    parts, _ = await _looked_up(connection, terms(entity, asked, workspace_id))
    plan = Plan(
        entity,
        workspace_id,
        parts,
        order,
        request,
        parent=(parent_column, parents),
        examined_at_most=max(1_000, EXAMINED_AT_MOST // len(ids)),
    )
    is_sqlite = _is_sqlite(connection)
    statement, build = plan.rows_of_parents(parents, wanted, is_sqlite=is_sqlite)
    found: dict[Id, list[Any]] = {one: [] for one in ids}
    for row in (await connection.execute(statement)).all():
        found[row[0]].append(row[1:])
    stops: dict[Id, Position] = {}
    if plan.may_stop_early and any(len(rows) <= request.limit for rows in found.values()):
        last = plan.last_examined_of_parents(parents, is_sqlite=is_sqlite)
        for row in (await connection.execute(last)).all():
            stops[row[0]] = tuple(row[1:])
    return {
        one: plan.page(
            plan.ordered(rows), build, stops.get(one) if len(rows) <= request.limit else None
        )
        for one, rows in found.items()
    }


async def count(
    connection: Connection, entity: Entity[Any], workspace_id: int, asked: Filter | None
) -> Count:
    """How many rows the list has, exactly up to COUNT_CAP; past it, or where the bounded search
    stopped, "at least"."""
    parts, _ = await _looked_up(connection, terms(entity, asked, workspace_id))
    plan = _counting_plan(entity, workspace_id, parts)
    if plan.is_bounded and entity is CONTACT:
        led = await leads.count(connection, plan, COUNT_CAP)
        if led is not None:
            return Count(min(led, COUNT_CAP), is_exact=led <= COUNT_CAP)
    matching = plan.matching().subquery()
    found = int((await connection.execute(select(func.count()).select_from(matching))).scalar_one())
    if found > COUNT_CAP:
        return Count(COUNT_CAP, is_exact=False)
    if plan.may_stop_early and (await connection.execute(plan.last_examined())).first() is not None:
        return Count(found, is_exact=False)
    return Count(found, is_exact=True)


async def get(
    connection: Connection, entity: Entity[R], workspace_id: int, wanted: Want, **equals: Any
) -> R | None:
    """The row of which these columns have these values; None when there is none."""
    base = alias(entity)
    keys = _KEYS.get(entity.name)
    external_id = equals.pop("external_id", None) if keys is not None else None
    if keys is not None and external_id is not None:
        # Partitions could not keep it unique, so it is in a table of its own, and indexed there.
        equals["id"] = (
            select(keys.c[f"{entity.name}_id"])
            .where(keys.c.workspace_id == workspace_id, keys.c.external_id == external_id)
            .scalar_subquery()
        )
    reading = selected(entity, wanted, base)
    statement = (
        select(*reading.columns, *_existence(reading.columns, base, entity))
        .select_from(reading.source)
        .where(
            base.c.workspace_id == workspace_id,
            *(base.c[name] == value for name, value in equals.items()),
            *(term.clause(base) for term in terms(entity, None, workspace_id)),
        )
        .limit(1)
    )
    row = (await connection.execute(statement)).first()
    return None if row is None else reading.build(row)


async def get_many(
    connection: Connection, entity: Entity[R], workspace_id: int, ids: Iterable[Id], wanted: Want
) -> dict[Id, R]:
    """Rows by id; those that the workspace does not have are left out."""
    base = alias(entity)
    reading = selected(entity, wanted, base)
    own = base.c[entity.id_column]
    statement = (
        select(*reading.columns, own)
        .select_from(reading.source)
        .where(base.c.workspace_id == workspace_id, own.in_(list(ids)))
    )
    result = (await connection.execute(statement)).all()
    return {row[len(reading.columns)]: reading.build(row) for row in result}


async def _looked_up(connection: Connection, parts: list[Term]) -> tuple[list[Term], bool]:
    """The parts with the first one that can be looked up answered, if few rows fulfil it; and
    whether a statement was spent on that."""
    known = {part.column: part.value for part in parts if part.is_equality and part.column}
    for index, part in enumerate(parts):
        if part.lookup is None:
            continue
        looked_up = part.lookup.statement(_is_sqlite(connection), known)
        if looked_up is None:
            continue
        ids = await few(connection, looked_up)
        if ids is None:
            return parts, True
        return [*parts[:index], _chosen(part.lookup.column, ids), *parts[index + 1 :]], True
    return parts, False


def _chosen(column: str, ids: Sequence[Id]) -> Term:
    return Term(lambda t: t.c[column].in_(ids), column, is_few=True)


def _equal(column: str, value: Id) -> Term:
    return Term(lambda t: t.c[column] == value, column, is_equality=True, value=value)


def _counting_plan(entity: Entity[Any], workspace_id: int, parts: Sequence[Term]) -> "Plan":
    """Along an index that answers the filter, be it that of a period asked for."""
    periods = {part.column for part in parts if part.is_range}
    usual = next(iter(entity.indexes))
    plans = [
        Plan(entity, workspace_id, parts, Order(name), PageRequest(limit=COUNT_CAP))
        for name in entity.indexes
        if name == usual or name in periods
    ]
    return next((plan for plan in plans if not plan.is_bounded), plans[0])


def _existence(
    columns: Sequence[Any], base: FromClause, entity: Entity[Any]
) -> list[ColumnElement[Any]]:
    return [] if columns else [base.c[entity.id_column]]


def _is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"
