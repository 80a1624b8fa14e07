"""Leads: pages and counts along what a part of the filter names, where no index of the list does.

A page is read, in this order, along the labels or the values that the filter asks for, as one
stretch each; or, when the first rows that come along hold too few, out of the few rows that an
index finds for a part of the filter; or else along a bounded stretch of the list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    false,
    func,
    literal,
    select,
    union,
)

from store import tables
from store.database import Connection
from store.entities import CONTACT
from store.plans import EXAMINED_AT_MOST, Page, Plan, Position, rebased, stated
from store.reading import alias, selected
from store.terms import Clause, Found, Term
from store.want import Want

STRETCHES_AT_MOST = 8
FEW = EXAMINED_AT_MOST
"""So many places are sorted, out of an index that holds them."""
_FIRST_LOOK = 1_000


async def page(connection: Connection, plan: Plan, wanted: Want) -> Page[Any] | None:
    """The page, if anything leads to it better than a bounded stretch of the list does."""
    lead = _lead(plan)
    if lead is not None and not lead.is_bounded:
        return await _along(connection, plan, lead, wanted, EXAMINED_AT_MOST)
    narrowing: list[_Narrow] = []
    for one in await _narrowing(connection, plan):
        if not await _seems_few(connection, one.found):
            narrowing.append(one)
        elif (few := await _among(connection, plan, one, wanted, FEW)) is not None:
            return few
    if narrowing:
        first = (
            await plan.looked_at(connection, wanted, _FIRST_LOOK)
            if lead is None
            else await _along(connection, plan, lead, wanted, _FIRST_LOOK)
        )
        if first is not None and not first.is_partial:
            return first
        for one in narrowing:
            few = await _among(connection, plan, one, wanted, FEW)
            if few is not None:
                return few
    if lead is None:
        return None
    return await _along(connection, plan, lead, wanted, EXAMINED_AT_MOST)


async def count(connection: Connection, plan: Plan, at_most: int) -> int | None:
    """How many rows the plan finds, exactly or one more than `at_most`; None when nothing leads."""
    lead = _lead(plan)
    if lead is not None and not lead.is_bounded:
        stretches = [one.keys(plan, at_most + 1) for one in lead.stretches]
        return await _number(connection, _merged(stretches))
    for one in await _narrowing(connection, plan):
        places, number = one.places(at_most)
        source = one.joined(plan, places.subquery(), alias(CONTACT))
        chosen = select(literal(1)).select_from(source).where(*one.clauses(plan)).limit(at_most + 1)
        both = select(number, select(func.count()).select_from(chosen.subquery()).scalar_subquery())
        found, matching = (await connection.execute(both)).one()
        if found <= at_most:
            return int(matching)
    return None


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Rows that stand together in an index, in the order of the list: `own` begins it in `table`,
    whose `keys` are those of the list. `rest` has still to hold of the contacts."""

    table: FromClause
    keys_: tuple[str, ...]
    own: ColumnElement[bool]
    rest: tuple[Clause, ...]

    def keys(self, plan: Plan, limit: int, *, examined: int | None = None) -> Select[Any]:
        """The places of the first rows that match, among the `examined` first ones."""
        walked = self._walked(plan)
        contacts = alias(CONTACT)
        if examined is not None:
            window = walked.limit(examined).subquery()
            columns = [window.c[name] for name in self.keys_]
        else:
            columns = [self.table.c[name] for name in self.keys_]
        joined = select(*columns).select_from(columns[0].table)
        if columns[0].table is not contacts:
            joined = joined.join(
                contacts,
                (contacts.c.workspace_id == plan.workspace_id) & (contacts.c.id == columns[-1]),
            )
        if examined is None:
            joined = joined.where(*self._begun(plan))
        matching = joined.where(*(clause(contacts) for clause in self.rest)).limit(limit)
        return matching.order_by(*plan.directed(columns))

    def last(self, plan: Plan, examined: int) -> Select[Any]:
        return self._walked(plan).limit(1).offset(examined - 1)

    def _walked(self, plan: Plan) -> Select[Any]:
        columns = [self.table.c[name] for name in self.keys_]
        return select(*columns).where(*self._begun(plan)).order_by(*plan.directed(columns))

    def _begun(self, plan: Plan) -> list[ColumnElement[bool]]:
        clauses = [self.table.c.workspace_id == plan.workspace_id, self.own]
        return [*clauses, *plan.behind([self.table.c[name] for name in self.keys_])]


@dataclass(frozen=True, slots=True)
class _Lead:
    stretches: tuple[_Stretch, ...]
    is_bounded: bool


def _lead(plan: Plan) -> _Lead | None:
    """The labels, else the values of a column, along which the fewest stretches are read."""
    if plan.entity is not CONTACT:
        return None
    parts = [*plan.leading, *plan.rest]
    if plan.order.field == "created_at":
        labelled = [one for one in parts if one.labels and len(one.labels) <= STRETCHES_AT_MOST]
        if labelled:
            return _by_labels(min(labelled, key=_width), parts)
    led = {columns for columns in plan.entity.indexes[plan.order.field] if len(columns) == 1}
    for one in parts:
        if one.values and (one.column,) in led and len(one.values) <= STRETCHES_AT_MOST:
            return _by_values(one, parts)
    return None


def _width(term: Term) -> int:
    return len(term.labels or ())


def _by_labels(term: Term, parts: Sequence[Term]) -> _Lead:
    table = tables.contact_labels
    others = [one for one in parts if one is not term]
    rest = tuple(one.clause for one in (others if term.labels_are_all else parts))
    return _Lead(
        tuple(
            _Stretch(table, ("created_at", "contact_id"), table.c.label == label, rest)
            for label in term.labels or ()
        ),
        not (term.labels_decide and all(one.is_cheap for one in others)),
    )


def _by_values(term: Term, parts: Sequence[Term]) -> _Lead:
    contacts = alias(CONTACT)
    others = [one for one in parts if one is not term]
    rest = tuple(one.clause for one in others)
    assert term.column is not None
    return _Lead(
        tuple(
            _Stretch(contacts, ("created_at", "id"), contacts.c[term.column] == value, rest)
            for value in term.values or ()
        ),
        not all(one.is_cheap for one in others),
    )


@dataclass(frozen=True, slots=True)
class _Narrow:
    """A part of the filter, and all that pass it."""

    term: Term
    found: Found

    def places(self, at_most: int) -> tuple[Select[Any], ColumnElement[int]]:
        """Where they stand in the list, and how many they are; more than `at_most`: nowhere."""
        # Constants: by parameters SQLite's planner expects so many that it hashes all contacts.
        limit, one_more = stated(at_most), stated(at_most + 1)
        hits = self.found.hits.limit(one_more).cte("hits")
        number = select(func.count()).select_from(hits).scalar_subquery()
        few = select(*hits.c).where(number <= limit).limit(limit)
        return self.found.places(few.subquery()), number

    def clauses(self, plan: Plan) -> list[ColumnElement[bool]]:
        """What has still to hold of those contacts."""
        base = alias(CONTACT)
        parts = [one for one in (*plan.leading, *plan.rest) if one is not self.term]
        # As values, so that SQLite keeps the outer join, and with it the order of the places.
        return [func.coalesce(one.clause(base), false()) for one in parts]

    def joined(self, plan: Plan, places: FromClause, source: FromClause) -> FromClause:
        """The contacts at those places, with what `source` joins to contacts."""
        base = alias(CONTACT)
        own = (base.c.workspace_id == plan.workspace_id) & (base.c.id == list(places.c)[-1])
        return rebased(source, base, places.outerjoin(base, own))


async def _narrowing(connection: Connection, plan: Plan) -> list[_Narrow]:
    is_sqlite = connection.dialect.name == "sqlite"
    narrowing = []
    for one in (*plan.rest, *plan.leading):
        found = None if one.found is None else one.found(is_sqlite, plan.keys)
        if found is not None and found.weighed is not None:
            found = await found.weighed(connection)
        if found is not None:
            narrowing.append(_Narrow(one, found))
    return narrowing


async def _seems_few(connection: Connection, found: Found) -> bool:
    """Whether to read those that pass before any stretch of the list is looked at."""
    if not found.is_quick:
        return found.is_rare
    some = found.hits.limit(_FIRST_LOOK + 1)
    return await _number(connection, some) <= _FIRST_LOOK


async def _along(
    connection: Connection, plan: Plan, lead: _Lead, wanted: Want, examined: int
) -> Page[Any]:
    """The first rows of all the stretches together, up to where the first of them stopped."""
    limit, each = plan.request.limit + 1, max(1, examined // len(lead.stretches))
    within = each if lead.is_bounded else None
    keys = _merged([one.keys(plan, limit, examined=within) for one in lead.stretches]).subquery()
    base = alias(CONTACT)
    reading = selected(CONTACT, wanted, base)
    order, own = keys.c
    statement = (
        select(*reading.columns, order, own)
        .select_from(reading.source)
        .join(keys, (base.c.workspace_id == plan.workspace_id) & (base.c.id == own))
        .order_by(*plan.directed([order, own]))
        .limit(limit)
    )
    found = list((await connection.execute(statement)).all())
    stopped_at: Position | None = None
    if lead.is_bounded and (len(lead.stretches) > 1 or len(found) < limit):
        for one in lead.stretches:
            last = (await connection.execute(one.last(plan, each))).first()
            if last is not None and (stopped_at is None or plan.is_before(last, stopped_at)):
                stopped_at = tuple(last)
    if stopped_at is not None:
        # Beyond it a stretch that went further would show its rows without the others'.
        found = [row for row in found if not plan.is_before(stopped_at, row[-2:])]
        if len(found) == limit:
            stopped_at = None
    return plan.page(found, reading.build, stopped_at)


async def _among(
    connection: Connection, plan: Plan, narrow: _Narrow, wanted: Want, at_most: int
) -> Page[Any] | None:
    """The page of those few: their places are sorted, and contacts looked at until it is full.

    None if they are more than `at_most`, which is only asked when no row is found.
    """
    base = alias(CONTACT)
    reading = selected(CONTACT, wanted, base)
    places, number = narrow.places(at_most)
    columns = list(places.selected_columns)
    is_sqlite = connection.dialect.name == "sqlite"
    # Of the bare columns SQLite would walk all contacts in their order, to spare itself the sort.
    order = [func.coalesce(one, one) for one in columns] if is_sqlite else columns
    few = places.where(*plan.behind(columns)).order_by(*plan.directed(order))
    # The limit keeps SQLite from sorting them with the contacts, which are many times as wide.
    sorted_ = few.limit(at_most).subquery("few")
    statement = (
        select(*reading.columns, *sorted_.c)
        .select_from(narrow.joined(plan, sorted_, reading.source))
        .where(*narrow.clauses(plan))
        .limit(plan.request.limit + 1)
    )
    if not is_sqlite:
        statement = statement.order_by(*plan.directed(list(sorted_.c)))
    found = (await connection.execute(statement)).all()
    if not found:
        any_row = select(literal(1)).select_from(statement.subquery()).limit(1).scalar_subquery()
        passing, is_any = (await connection.execute(select(number, any_row))).one()
        if passing > at_most:
            return None
        if is_any:
            # They were more a moment ago.
            return await _among(connection, plan, narrow, wanted, at_most)
    return plan.page(found, reading.build, None)


def _merged(stretches: Sequence[Select[Any]]) -> Select[Any]:
    """One row for each place in any of the stretches."""
    if len(stretches) == 1:
        return stretches[0]
    # SQLite takes no LIMIT inside a UNION, but within a subquery of it.
    return select(*union(*(select(*one.subquery().c) for one in stretches)).subquery().c)


async def _number(connection: Connection, chosen: Select[Any]) -> int:
    counted = select(func.count()).select_from(chosen.subquery())
    return int((await connection.execute(counted)).scalar_one())
