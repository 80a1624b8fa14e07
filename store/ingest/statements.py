"""Statements that every batch needs, built once.

For a single event, building them anew was a good part of what recording it cost.
"""

from collections.abc import Callable, Container
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Column, Table, bindparam, select, update

from store import tables
from store.dialects import insert
from store.merge import State, names_of


@cache
def claiming(dialect: str) -> Any:
    """To claim keys of events; gives those that nobody had claimed."""
    keys = tables.event_keys
    return insert(dialect, keys).on_conflict_do_nothing().returning(keys.c.digest)


def name_column(table: Table) -> Column[Any]:
    return next(one for one in table.primary_key if one.name != "workspace_id")


@cache
def keyed(dialect: str, table: Table, id_column: Column[Any]) -> tuple[Any, Any]:
    """Of a table of keys: the ids behind known names, and making a name's row, or locking it."""
    name = name_column(table)
    is_known = table.c.is_known.is_(True) if "is_known" in table.c else id_column.is_not(None)
    known = select(name, id_column).where(
        table.c.workspace_id == bindparam("workspace"),
        name.in_(bindparam("names", expanding=True)),
        is_known,
    )
    making = insert(dialect, table)
    naming = making.on_conflict_do_update(
        index_elements=["workspace_id", name.name], set_={name.name: making.excluded[name.name]}
    )
    return known, naming


@cache
def locking(table: Table, names: tuple[str, ...]) -> Any:
    """These columns of the rows with these ids, in the order in which everybody locks them."""
    return (
        select(*(table.c[name] for name in names))
        .where(
            table.c.workspace_id == bindparam("workspace"),
            table.c.id.in_(bindparam("ids", expanding=True)),
        )
        .order_by(table.c.id)
        .with_for_update(key_share=True)
    )


@cache
def adding(dialect: str, table: Table, key: tuple[str, ...], names: tuple[str, ...]) -> Any:
    """To add to counters, of which some have no row yet."""
    statement = insert(dialect, table)
    return statement.on_conflict_do_update(
        index_elements=["workspace_id", *key],
        set_={name: table.c[name] + statement.excluded[name] for name in names},
    )


class ForEach(NamedTuple):
    """A statement that is done for each of many states."""

    statement: Any
    names: tuple[str, ...]
    """Of its parameters; the first is the workspace."""

    values: Callable[[State], tuple[Any, ...]]
    """A state's, for the others."""


def making(table: Table, kind: type[State]) -> ForEach:
    """To write the row of a state that is new."""
    names = names_of(kind)
    parameters = ("workspace_id", *names)
    statement = table.insert().values({name: bindparam(name) for name in parameters})
    return ForEach(statement, parameters, attrgetter(*names))


def changing(table: Table, kind: type[State], fixed: Container[str]) -> ForEach:
    """To write all of a state but what is never changed."""
    names = tuple(name for name in names_of(kind) if name not in fixed)
    statement = (
        update(table)
        .where(
            table.c.workspace_id == bindparam("b_workspace_id"),
            table.c.id == bindparam("b_id"),
        )
        .values({name: bindparam(name) for name in names})
    )
    return ForEach(statement, ("b_workspace_id", "b_id", *names), attrgetter("id", *names))
