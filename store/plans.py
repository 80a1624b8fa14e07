"""Plans: along what a list is read, which conditions are left to each row, and how far it goes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Join,
    Select,
    false,
    func,
    literal,
    literal_column,
    select,
    true,
    tuple_,
)

from store import tables
from store.database import Connection
from store.entities import Entity
from store.reading import alias, selected
from store.terms import Term
from store.want import Want

R = TypeVar("R")

Position = tuple[int | str | bytes, ...]
"""Where a row stands in its list: the value it is ordered by, then its id (of the log: seq)."""

_MARKS = tables.communication_marks.alias("mark")
_NO_LIMIT = 1 << 62

EXAMINED_AT_MOST = 20_000


@dataclass(frozen=True, slots=True)
class Order:
    """By an immutable column which is never null under the filter, then by id likewise."""

    field: str
    is_descending: bool = True


@dataclass(frozen=True, slots=True)
class PageRequest:
    """`limit` rows behind `position` (None: from the start); backwards: the ones before it."""

    limit: int = 50
    position: Position | None = None
    is_backwards: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Rows in the list's order, each with its position.

    is_partial: the search stopped early at `stopped_at`; ask again from there.
    """

    rows: list[R] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)
    has_next: bool = False
    has_previous: bool = False
    is_partial: bool = False
    stopped_at: Position | None = None


class Plan:
    """How a list is read: what it walks along, which conditions are left, from where, how far.

    Where the filter leaves few rows, along those; else where it asks for a mark of messages, along
    the marked ones; else along the index whose first columns the filter fixes.
    """

    def __init__(
        self,
        entity: Entity[Any],
        workspace_id: int,
        parts: Sequence[Term],
        order: Order,
        request: PageRequest,
        *,
        parent: tuple[str, FromClause] | None = None,
        examined_at_most: int = EXAMINED_AT_MOST,
    ) -> None:
        self.entity, self.workspace_id, self.request = entity, workspace_id, request
        self.order, self.parent, self.examined_at_most = order, parent, examined_at_most
        self.is_descending = order.is_descending is not request.is_backwards
        self.keys = (
            (order.field,) if order.field == entity.id_column else (order.field, entity.id_column)
        )
        self.few = next((part for part in parts if part.is_few), None)
        # A list of chosen ids is as long as the choice: nothing needs bounding.
        is_chosen = self.few is not None or any(part.column == entity.id_column for part in parts)
        leading = self._leading_columns(parts)
        self.leading = [part for part in parts if self._is_led(part, leading)]
        self.rest = [part for part in parts if not self._is_led(part, leading)]
        self.may_stop_early = not is_chosen and not all(part.is_cheap for part in self.rest)
        self.mark: str | None = None
        if self.may_stop_early and parent is None:
            self._lead_by_mark(parts)
        self.is_bounded = self.may_stop_early or self.mark is not None

    def _lead_by_mark(self, parts: Sequence[Term]) -> None:
        marked = next((part for part in parts if part.mark is not None), None)
        if marked is None or any(part.column in ("entry_id", "contact_id") for part in parts):
            return
        self.mark = marked.mark
        self.leading = [part for part in parts if self._is_led(part, ("journey_id",))]
        self.rest = [
            part
            for part in parts
            if not (part.is_marked and part.mark == self.mark)
            and not self._is_led(part, ("journey_id",))
        ]
        self.may_stop_early = not all(part.is_cheap for part in self.rest)

    async def looked_at(
        self, connection: Connection, wanted: Want, examined: int
    ) -> Page[Any] | None:
        """The page, if the first rows that come along fill it."""
        usual, self.examined_at_most = self.examined_at_most, min(examined, self.examined_at_most)
        statement, build = self.rows(wanted, is_sqlite=connection.dialect.name == "sqlite")
        self.examined_at_most = usual
        found = (await connection.execute(statement)).all()
        return self.page(found, build, None) if len(found) > self.request.limit else None

    async def looked_up(self, connection: Connection, wanted: Want) -> Page[Any]:
        """The page; a second statement when a bounded search came up short."""
        statement, build = self.rows(wanted, is_sqlite=connection.dialect.name == "sqlite")
        found = (await connection.execute(statement)).all()
        stopped_at = None
        if self.may_stop_early and len(found) <= self.request.limit:
            last = (await connection.execute(self.last_examined())).first()
            stopped_at = None if last is None else tuple(last)
        return self.page(found, build, stopped_at)

    async def looked_up_at_once(self, connection: Connection, wanted: Want) -> Page[Any]:
        """The same in one statement, at the cost of walking as far as the bound."""
        statement, build = self.rows(wanted, is_sqlite=connection.dialect.name == "sqlite")
        one, rows = select(literal(1)).subquery(), statement.subquery()
        last = self.last_examined().subquery()
        found = (
            await connection.execute(
                select(*rows.c, *last.c).select_from(
                    one.outerjoin(rows, true()).outerjoin(last, true())
                )
            )
        ).all()
        width = len(self.keys)
        matching = self.ordered([row[:-width] for row in found if row[-width - 1] is not None])
        stopped_at = None if found[0][-1] is None else tuple(found[0][-width:])
        return self.page(
            matching, build, stopped_at if len(matching) <= self.request.limit else None
        )

    def _leading_columns(self, parts: Sequence[Term]) -> tuple[str, ...]:
        single = {part.column for part in parts if part.is_equality}
        if self.parent is not None:
            single.add(self.parent[0])
        for columns in self.entity.indexes[self.order.field]:
            if single.issuperset(columns):
                return columns
        return ()

    def _is_led(self, part: Term, leading: tuple[str, ...]) -> bool:
        if part.is_range:
            return part.column == self.order.field
        return part.is_equality and part.column in leading

    def _examined(self, walked: FromClause) -> Select[Any]:
        return select(walked).where(*self.stretch(walked)).order_by(*self._ordering(walked))

    def _limit(self, rows: int) -> int | ColumnElement[int]:
        """Stated where only so many texts of statements come of it.

        Of a parameter PostgreSQL believes that it may be large: it then takes a plan for any values
        for a bad one, and plans each page anew, which takes longer than to read it.
        """
        return rows if self.parent is not None else stated(rows)

    def _walked(self) -> FromClause:
        """What is walked along: the list's own rows, or the marks of some of them."""
        return alias(self.entity) if self.mark is None else _MARKS

    def stretch(self, walked: FromClause) -> list[ColumnElement[bool]]:
        """The stretch of the index that the page walks along, from where it starts."""
        clauses = [*self._owned(walked), *(part.clause(walked) for part in self.leading)]
        if self.mark is not None:
            clauses.append(walked.c.mark == self.mark)
        return [*clauses, *self.behind([walked.c[name] for name in self.keys])]

    def behind(self, columns: Sequence[ColumnElement[Any]]) -> list[ColumnElement[bool]]:
        """That a place, in these columns, is one from where the page starts."""
        position = self.request.position
        if position is None:
            return []
        here = tuple_(*columns)
        there = tuple_(
            *(literal(value, one.type) for value, one in zip(position, columns, strict=True))
        )
        return [here < there if self.is_descending else here > there]

    def _owned(self, walked: FromClause) -> list[ColumnElement[bool]]:
        """That it is the workspace's, and the parent's if the list is one's."""
        clauses: list[ColumnElement[bool]] = [walked.c.workspace_id == self.workspace_id]
        if self.parent is not None:
            clauses.append(walked.c[self.parent[0]] == self.parent[1].c.id)
        return clauses

    def _ordering(self, walked: FromClause) -> list[ColumnElement[Any]]:
        return self.directed([walked.c[name] for name in self.keys])

    def directed(self, columns: Sequence[ColumnElement[Any]]) -> list[ColumnElement[Any]]:
        """The columns as the page is walked along them."""
        return [one.desc() if self.is_descending else one.asc() for one in columns]

    def is_before(self, here: Sequence[Any], there: Sequence[Any]) -> bool:
        """Whether the page comes to one place earlier than to the other."""
        return tuple(here) > tuple(there) if self.is_descending else tuple(here) < tuple(there)

    def _base(self) -> tuple[FromClause, FromClause, list[ColumnElement[bool]]]:
        """The rows to choose from, what is walked along to them, and what still has to hold."""
        table = alias(self.entity)
        if self.few is not None:
            # Behind a limit, so that no planner walks along the order to meet them by chance.
            few = select(table).where(*self._owned(table), self.few.clause(table)).limit(_NO_LIMIT)
            window = self._correlated(few)
            rest = [part.clause(window) for part in self.rest if part is not self.few]
            return window, window, [*self.stretch(window), *rest]
        if not self.is_bounded:
            rest = [part.clause(table) for part in self.rest]
            return table, table, [*self.stretch(table), *rest]
        examined = self._examined(self._walked())
        window = self._correlated(examined.limit(self._limit(self.examined_at_most)))
        if self.mark is None:
            return window, window, [part.clause(window) for part in self.rest]
        # As a value, so that the planners keep the outer join around it (see _joined).
        return table, window, [func.coalesce(part.clause(table), false()) for part in self.rest]

    def _correlated(self, chosen: Select[Any]) -> FromClause:
        if self.parent is not None:
            chosen = chosen.correlate(self.parent[1])
        return chosen.subquery()

    def _joined(self, source: FromClause, base: FromClause, walked: FromClause) -> FromClause:
        """What stands around the base, around the base joined to what is walked along.

        Each mark has its message, so an outer join finds the same; and it makes both planners begin
        with the marks, of which SQLite else writes down all before it looks at the first.
        """
        if walked is base:
            return source
        own = (base.c.workspace_id == walked.c.workspace_id) & (base.c.id == walked.c.id)
        return rebased(source, base, walked.outerjoin(base, own))

    def matching(self) -> Select[Any]:
        """The matching rows' ids, one more than the page holds."""
        base, walked, clauses = self._base()
        if not clauses:
            base = walked
        return (
            select(walked.c[self.entity.id_column])
            .select_from(self._joined(base, base, walked))
            .where(true(), *clauses)
            .limit(self._limit(self.request.limit + 1))
        )

    def rows(self, wanted: Want, *, is_sqlite: bool) -> tuple[Select[Any], Any]:
        base, walked, clauses = self._base()
        reading = selected(self.entity, wanted, base)
        statement = (
            select(*reading.columns, *(walked.c[name] for name in self.keys))
            .select_from(self._joined(reading.source, base, walked))
            .where(true(), *clauses)
            .limit(self._limit(self.request.limit + 1))
        )
        # SQLite walks the window in its own order, but would sort all of it if it were asked again.
        if not (self.is_bounded and is_sqlite):
            statement = statement.order_by(*self._ordering(walked))
        return statement, reading.build

    def rows_of_parents(
        self, parents: FromClause, wanted: Want, *, is_sqlite: bool
    ) -> tuple[Select[Any], Any]:
        base, _, clauses = self._base()
        chosen = (
            select(base).where(true(), *clauses).limit(self.request.limit + 1).correlate(parents)
        )
        if not (self.is_bounded and is_sqlite):
            chosen = chosen.order_by(*self._ordering(base))
        page_of_parent: FromClause
        if is_sqlite:
            # No LATERAL: the ids of each parent's page, and the rows by their primary key.
            page_of_parent = alias(self.entity, ("page",))
            ids = chosen.with_only_columns(base.c[self.entity.id_column])
            condition: ColumnElement[bool] = (
                page_of_parent.c.workspace_id == self.workspace_id
            ) & (page_of_parent.c[self.entity.id_column].in_(ids))
            if self.entity.id_within is not None:
                condition &= page_of_parent.c[self.entity.id_within] == parents.c.id
        else:
            page_of_parent = chosen.lateral()
            condition = true()
        reading = selected(self.entity, wanted, page_of_parent)
        source = parents.join(page_of_parent, condition)
        statement = select(
            parents.c.id, *reading.columns, *(page_of_parent.c[name] for name in self.keys)
        ).select_from(rebased(reading.source, page_of_parent, source))
        return statement, reading.build

    def last_examined(self) -> Select[Any]:
        """The position of the last entry that the bound let us examine, if we got that far."""
        walked = self._walked()
        return (
            self._examined(walked)
            .with_only_columns(*(walked.c[name] for name in self.keys))
            .limit(1)
            .offset(self.examined_at_most - 1)
        )

    def last_examined_of_parents(self, parents: FromClause, *, is_sqlite: bool) -> Select[Any]:
        last = self.last_examined().correlate(parents)
        if not is_sqlite:
            stop = last.lateral()
            return select(parents.c.id, *(stop.c[name] for name in self.keys)).select_from(
                parents.join(stop, true())
            )
        table = alias(self.entity, ("page",))
        own = self.entity.id_column
        ids = last.with_only_columns(last.selected_columns[own])
        return select(parents.c.id, *(table.c[name] for name in self.keys)).select_from(
            parents.join(table, (table.c.workspace_id == self.workspace_id) & table.c[own].in_(ids))
        )

    def ordered(self, found: list[Any]) -> list[Any]:
        width = len(self.keys)
        return sorted(found, key=lambda row: tuple(row[-width:]), reverse=self.is_descending)

    def page(self, found: Sequence[Any], build: Any, stopped_at: Position | None) -> Page[Any]:
        """The rows in the list's order, whichever way they were read."""
        limit, width = self.request.limit, len(self.keys)
        has_more = len(found) > limit or stopped_at is not None
        kept = found[:limit]
        if self.request.is_backwards:
            kept = kept[::-1]
        came_from = self.request.position is not None
        return Page(
            rows=[build(row) for row in kept],
            positions=[tuple(row[-width:]) for row in kept],
            has_next=came_from if self.request.is_backwards else has_more,
            has_previous=has_more if self.request.is_backwards else came_from,
            is_partial=stopped_at is not None,
            stopped_at=stopped_at,
        )


def stated(number: int) -> ColumnElement[int]:
    """A number in the text of a statement, where a parameter would mislead a planner."""
    return literal_column(str(number), Integer)


def rebased(source: FromClause, base: FromClause, onto: FromClause) -> FromClause:
    """The joins of `source` around `base`, put around `onto` instead."""
    if not isinstance(source, Join) or source is base:
        return onto
    return rebased(source.left, base, onto).join(source.right, source.onclause, isouter=True)
