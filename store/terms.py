"""Terms: the parts of a filter as SQL, each knowing which index can find its rows."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, not_, select

from store.database import Connection
from store.filters import Period
from store.lookups import Lookup

Clause = Callable[[FromClause], ColumnElement[bool]]


def _as_they_are(hits: FromClause) -> Select[Any]:
    return select(*hits.c)


@dataclass(frozen=True, slots=True)
class Found:
    """All rows that pass a term, along an index.

    `hits` has a row for each, of which `places` makes the columns asked for. `is_quick`: a thousand
    of them are counted at next to no cost. `weighed`: the same, after a look at how to find them,
    which may have shown that they are rare.
    """

    hits: Select[Any]
    places: Callable[[FromClause], Select[Any]] = _as_they_are
    is_quick: bool = False
    is_rare: bool = False
    weighed: "Callable[[Connection], Awaitable[Found]] | None" = None


Finding = Callable[[bool, Sequence[str]], Found | None]


@dataclass(frozen=True, slots=True)
class Term:
    """A part of a filter, all of which must hold.

    `column` with `is_equality`: the column has one value, `value` if that is known; with `values`:
    any of these; with `is_range`: it lies in a period. Such a term costs nothing where an index
    begins with the column. `is_cheap`: so few rows fail it that no search is bounded for it.
    `is_few`: no more than a thousand or so pass, and an index finds them.
    `lookup`: those that can pass may be few, and found in another table.
    `mark`: of messages, those that pass have that mark; `is_marked`: and those that have it pass.
    `labels`: a contact that passes has one of these labels; others may have it too, but, if the
    labels decide, only few, and if they are all, none.
    `found` (is it SQLite?, columns): those columns of all that pass; None without an index.
    """

    clause: Clause
    column: str | None = None
    is_equality: bool = False
    is_range: bool = False
    is_cheap: bool = False
    is_few: bool = False
    value: Any = None
    values: tuple[Any, ...] | None = None
    lookup: Lookup | None = None
    mark: str | None = None
    is_marked: bool = False
    labels: tuple[bytes, ...] | None = None
    labels_decide: bool = True
    labels_are_all: bool = False
    found: Finding | None = None


def one_of(column: str, values: Sequence[Any] | None) -> list[Term]:
    if values is None:
        return []
    if len(values) == 1:
        one = values[0]
        return [Term(lambda t: t.c[column] == one, column, is_equality=True, value=one)]
    return [Term(lambda t: t.c[column].in_(values), column, values=tuple(values))]


def within(column: str, period: Period | None) -> list[Term]:
    if period is None:
        return []
    found: list[Term] = []
    start, end = period.start, period.end
    if start is not None:
        found.append(Term(lambda t: t.c[column] >= start, column, is_range=True))
    if end is not None:
        found.append(Term(lambda t: t.c[column] < end, column, is_range=True))
    if start is None and end is None:
        found.append(Term(lambda t: t.c[column].is_not(None), column, is_range=True))
    return found


def claim(condition: bool | None, clause: Clause) -> list[Term]:
    """That the clause holds, or that it does not."""
    if condition is None:
        return []
    return [Term(clause if condition else lambda t: not_(clause(t)))]


def is_set(column: str, asked: bool | None) -> list[Term]:
    return claim(asked, lambda t: t.c[column].is_not(None))


def of_index(name: str, asked: bool | None, clause: Clause) -> list[Term]:
    """A condition whose rows have an index of their own, of that name in entities.py."""
    if asked:
        return [Term(clause, name, is_equality=True)]
    return claim(asked, clause)
