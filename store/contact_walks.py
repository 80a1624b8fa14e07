"""Contact walks: going through chosen contacts, a part at a time."""

from dataclasses import dataclass

from sqlalchemy import literal, select, tuple_

from store import lists, totals
from store.conditions import terms
from store.database import Connection
from store.entities import CONTACT
from store.filters import ContactFilter
from store.lists import Order, PageRequest
from store.reading import alias
from store.types import Id, Instant
from store.want import want

Place = tuple[Instant, Id]
"""Where a contact stands in the walk: when it was created, and its id."""

_EVERYBODY = ContactFilter()


@dataclass(frozen=True, slots=True)
class Chosen:
    """Contacts by their ids, or, if `ids` is None, those for which the filter holds.

    `said` is the choice as it was asked for, rolling periods and all: a repetition says the same.
    `with_deleted`: of ids, deleted contacts as well, as long as they are not erased.
    """

    ids: tuple[Id, ...] | None = None
    filter: ContactFilter = _EVERYBODY
    said: str = ""
    is_all: bool = False
    with_deleted: bool = False

    def asked(self) -> ContactFilter:
        """The choice as a filter."""
        return self.filter if self.ids is None else ContactFilter(id=self.ids)


async def chunk(
    connection: Connection,
    workspace_id: int,
    chosen: Chosen,
    *,
    behind: Place | None,
    until: Id | None,
    limit: int,
) -> tuple[list[Id], Place | None]:
    """The next chosen contacts that are not deleted, and where to go on; None: they were the last.

    At most `limit`, perhaps none, in the order of creation, which no change of them disturbs; those
    made after `until` are not meant.
    """
    if chosen.ids == ():
        return [], None
    if chosen.with_deleted and chosen.ids is not None:
        places = await _with_deleted(connection, workspace_id, chosen.ids, behind, limit + 1)
        found = [own for _, own in places[:limit] if until is None or own <= until]
        return found, places[limit - 1] if len(places) > limit else None
    page = await lists.page(
        connection,
        CONTACT,
        workspace_id,
        chosen.asked(),
        Order("created_at", is_descending=False),
        PageRequest(limit, behind),
        want(["id"]),
    )
    found = [row.id for row in page.rows if until is None or row.id <= until]
    if not page.has_next:
        return found, None
    last = page.stopped_at if page.is_partial else page.positions[-1]
    assert last is not None
    created_at, own = last
    assert isinstance(created_at, int)
    assert isinstance(own, bytes)
    return found, (created_at, own)


async def first(connection: Connection, workspace_id: int, chosen: Chosen, limit: int) -> list[Id]:
    """The chosen contacts that are not deleted, those created first, however long it takes."""
    if chosen.ids == ():
        return []
    if chosen.with_deleted and chosen.ids is not None:
        places = await _with_deleted(connection, workspace_id, chosen.ids, None, limit)
        return [own for _, own in places]
    contacts = alias(CONTACT)
    found = await connection.execute(
        select(contacts.c.id)
        .where(
            contacts.c.workspace_id == workspace_id,
            *(term.clause(contacts) for term in terms(CONTACT, chosen.asked(), workspace_id)),
        )
        .order_by(contacts.c.created_at, contacts.c.id)
        .limit(limit)
    )
    return [row[0] for row in found]


async def count(connection: Connection, workspace_id: int, chosen: Chosen) -> int:
    """How many they are, exactly."""
    if chosen.with_deleted and chosen.ids is not None:
        return len(await first(connection, workspace_id, chosen, len(chosen.ids)))
    return (
        0
        if chosen.ids == ()
        else await totals.count(connection, CONTACT, workspace_id, chosen.asked())
    )


async def _with_deleted(
    connection: Connection,
    workspace_id: int,
    ids: tuple[Id, ...],
    behind: Place | None,
    limit: int,
) -> list[Place]:
    """Where contacts stand that are not erased, be they deleted."""
    contacts = alias(CONTACT)
    statement = (
        select(contacts.c.created_at, contacts.c.id)
        .where(
            contacts.c.workspace_id == workspace_id,
            contacts.c.id.in_(ids),
            contacts.c.erased_at.is_(None),
        )
        .order_by(contacts.c.created_at, contacts.c.id)
        .limit(limit)
    )
    if behind is not None:
        there = (literal(behind[0]), literal(behind[1], contacts.c.id.type))
        statement = statement.where(tuple_(contacts.c.created_at, contacts.c.id) > tuple_(*there))
    return [(row[0], row[1]) for row in await connection.execute(statement)]
