"""Reading rows: a Want becomes columns and joins, and a generated function which builds the rows.

The function is made once for a Want and kept: building a row is then a few slot assignments.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, FromClause

from store.entities import Entity, entity_named
from store.want import Want

R = TypeVar("R")
Build = Callable[[Sequence[Any]], Any]


@dataclass(frozen=True, slots=True)
class Selected(Generic[R]):
    """Columns to select from `source` (the base joined with what it points to), and the builder.

    The builder takes a result row whose first columns are these.
    """

    columns: list[ColumnElement[Any]]
    source: FromClause
    build: Callable[[Sequence[Any]], R]


def selected(entity: Entity[R], want: Want, base: FromClause) -> Selected[R]:
    """What to select so that `build` can make the wanted rows of `entity` out of `base`."""
    columns: list[ColumnElement[Any]] = []
    source = base

    def walk(owner: Entity[Any], wanted: Want, table: FromClause, path: tuple[str, ...]) -> None:
        nonlocal source
        columns.extend(table.c[name] for name in sorted(wanted.columns))
        for name, inner in sorted(wanted.relations, key=lambda relation: relation[0]):
            relation = owner.relations[name]
            other = entity_named(relation.entity)
            joined = alias(other, (*path, name))
            # LEFT JOIN everywhere: it keeps both planners from starting elsewhere than at the page.
            source = source.outerjoin(
                joined,
                (joined.c.workspace_id == table.c.workspace_id)
                & (joined.c.id == table.c[relation.column]),
            )
            columns.append(joined.c.id)
            walk(other, inner, joined, (*path, name))

    walk(entity, want, base, ())
    return Selected(columns, source, _builder(entity, want))


@lru_cache(maxsize=2_000)
def alias(entity: Entity[Any], path: tuple[str, ...] = ()) -> FromClause:
    """The entity's table as it stands at this place of a statement, the same object each time.

    Making an alias costs a proxy for each of its columns: a millisecond for a page with its joins.
    """
    return entity.table.alias("_".join(path) or entity.name)


@lru_cache(maxsize=2_000)
def _builder(entity: Entity[Any], want: Want) -> Build:
    """A function (result row) -> frozen row, as source text compiled once.

    Slots are set through their descriptors, which a frozen dataclass does not forbid.
    """
    names: dict[str, Any] = {}
    position = 0

    def construct(owner: Entity[Any], wanted: Want, variable: str, indent: str) -> list[str]:
        nonlocal position
        kind = f"K_{owner.name}"
        names[kind] = owner.row
        lines = [f"{indent}{variable} = new({kind})"]

        def assign(attribute: str, value: str) -> str:
            setter = f"s_{owner.name}_{attribute}"
            names[setter] = owner.row.__dict__[attribute].__set__
            return f"{indent}{setter}({variable}, {value})"

        for name in sorted(wanted.columns):
            lines.append(assign(name, f"t[{position}]"))
            position += 1
        for name, inner in sorted(wanted.relations, key=lambda relation: relation[0]):
            child = f"{variable}_{name}"
            other = entity_named(owner.relations[name].entity)
            lines.append(f"{indent}if t[{position}] is None:")
            lines.append(f"{indent}    {child} = None")
            lines.append(f"{indent}else:")
            position += 1
            lines.extend(construct(other, inner, child, indent + "    "))
            lines.append(assign(name, child))
        return lines

    body = construct(entity, want, "row", "    ")
    names["new"] = object.__new__
    source = "\n".join(["def build(t):", *body, "    return row"])
    # The text holds nothing but names of our own columns and positions.
    exec(compile(source, f"<rows of {entity.name}>", "exec"), names)  # noqa: S102
    build: Build = names["build"]
    return build
