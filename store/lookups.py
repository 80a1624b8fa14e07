"""Lookups: a rare condition on another table is answered first, so that its list is a few ids.

A list walks along its own index and asks each row whether the condition holds: fine for what many
rows fulfil, endless for what few do. So whoever fulfils it is looked up in the other table's index
before; when they are few, the list is theirs, and else the walk soon finds enough of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Select,
    String,
    column,
    false,
    func,
    literal,
    select,
    table,
    union_all,
)

from store import tables
from store.database import Connection
from store.folding import SEPARATOR, fold, found_by
from store.types import Id, IdColumn

AT_MOST = 1_000
EXAMINED_AT_MOST = 2_000
"""Of the other table's rows, where not all that its index gives fulfil the condition."""

_KINDS_AT_MOST = 5

Known = Mapping[str, Any]
"""Columns of the list whose one value is known, such as its journey."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """Rows whose `column` is none of the ids that the statement finds do not fulfil the condition.

    `statement` (is SQLite, what is known) is None where no index would answer it. Its rows are ids,
    nulls among them being none; when there are too many, they are more than AT_MOST, or one of them
    says so in a second column.
    """

    column: str
    statement: Callable[[bool, Known], Any]


async def few(connection: Connection, statement: Any) -> tuple[Id, ...] | None:
    """The ids that a lookup finds; None when they are too many."""
    found = (await connection.execute(statement)).all()
    if len(found) > AT_MOST or any(any(row[1:]) for row in found):
        return None
    return tuple({row[0] for row in found if row[0] is not None})


def contacts_found(asked: str, workspace_id: int, *, is_sqlite: bool) -> Select[Any] | None:
    """The ids of contacts whose search column holds the text; None where no index knows them."""
    if is_sqlite:
        numbers, rows = numbers_found(asked, workspace_id), NUMBERED
        if numbers is None:
            return None
        found = numbers.subquery()
        return select(rows.c.contact_id).select_from(
            found.join(rows, rows.c.number == found.c.rowid)
        )
    if _indexed(asked) is None:
        return None
    contacts = tables.contacts
    return select(contacts.c.id).where(
        contacts.c.workspace_id == workspace_id, found_by(contacts.c.search, asked)
    )


def numbers_found(asked: str, workspace_id: int) -> Select[Any] | None:
    """Such contacts on SQLite, by the numbers under which it has their trigrams."""
    searched = _indexed(asked)
    if searched is None:
        return None
    phrase = '"' + searched.replace('"', '""') + '"'
    return select(_TRIGRAMS.c.rowid).where(
        column(_TRIGRAMS.name, String).op("MATCH")(phrase),
        _TRIGRAMS.c.rowid.between(workspace_id << 40, (workspace_id + 1 << 40) - 1),
    )


def _indexed(asked: str) -> str | None:
    """What is looked for among trigrams; None if it is too short to be found there."""
    words = " ".join(fold(asked).split())
    searched = words if len(words) > 2 else SEPARATOR + words
    return searched if len(searched) > 2 and any(one.isalnum() for one in words) else None


def of_contacts_found(asked: str, workspace_id: int) -> Callable[[bool, Known], Any]:
    def statement(is_sqlite: bool, _: Known) -> Select[Any] | None:
        found = contacts_found(asked, workspace_id, is_sqlite=is_sqlite)
        return None if found is None else found.limit(AT_MOST + 1)

    return statement


def entries_of_contacts_found(asked: str, workspace_id: int) -> Callable[[bool, Known], Any]:
    """The entries of contacts found, for lists that know their entry."""

    def statement(is_sqlite: bool, _: Known) -> Select[Any] | None:
        found = contacts_found(asked, workspace_id, is_sqlite=is_sqlite)
        return None if found is None else _entries_of(found.limit(AT_MOST + 1), workspace_id)

    return statement


def entries_of_contacts(ids: Sequence[Id], workspace_id: int) -> Callable[[bool, Known], Any]:
    contacts = tables.contacts
    chosen = select(contacts.c.id).where(
        contacts.c.workspace_id == workspace_id, contacts.c.id.in_(ids)
    )
    return lambda _is_sqlite, _known: _entries_of(chosen, workspace_id)


def _entries_of(contacts: Select[Any], workspace_id: int) -> Select[Any]:
    """Null for a contact without any: too many contacts are too many rows."""
    entries, chosen = tables.entries, contacts.subquery()
    own = chosen.c[0]
    return (
        select(entries.c.id)
        .select_from(
            chosen.outerjoin(
                entries, (entries.c.workspace_id == workspace_id) & (entries.c.contact_id == own)
            )
        )
        .limit(AT_MOST + 1)
    )


def entries_with_activity(
    kinds: Sequence[str], rest: Callable[[Any], Sequence[Any]], workspace_id: int
) -> Callable[[bool, Known], Any]:
    """The entries of one journey with activities of these kinds, for which the rest holds."""

    def statement(_is_sqlite: bool, known: Known) -> Any:
        journey_id = known.get("journey_id")
        if journey_id is None or len(kinds) > _KINDS_AT_MOST:
            return None
        log, row = tables.log.alias(), tables.log.alias("examined_row")
        # As many of each kind, one index stretch each; their rows are read when they are few.
        stretches = [
            select(log.c.seq)
            .where(
                log.c.workspace_id == workspace_id,
                log.c.journey_id == journey_id,
                log.c.activity == kind,
                log.c.activity.is_not(None),
            )
            .limit(EXAMINED_AT_MOST + 1)
            .subquery()
            for kind in kinds
        ]
        examined = union_all(*(select(one) for one in stretches)).cte("examined")
        count = select(func.count()).select_from(examined).scalar_subquery()
        own = (row.c.workspace_id == workspace_id) & (row.c.seq == examined.c.seq)
        found = (
            select(row.c.entry_id, literal(0))
            # As plans.py joins its marks: so that both planners begin with what is examined.
            .select_from(examined.outerjoin(row, own))
            .where(
                count <= EXAMINED_AT_MOST,
                *(func.coalesce(one, false()) for one in rest(row)),
            )
            .distinct()
            .limit(AT_MOST + 1)
        )
        too_many = select(literal(None, IdColumn()), literal(1)).where(count > EXAMINED_AT_MOST)
        return union_all(select(found.subquery()), too_many)

    return statement


_TRIGRAMS = table("contacts_search", column("rowid", BigInteger))
NUMBERED = table(
    "contacts_search_rows", column("number", BigInteger), column("contact_id", IdColumn())
)
