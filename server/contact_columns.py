"""Contact columns: what a file of contacts says of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schema import ids
from schema.scalars import write_decimal, write_instant
from server.csv_lines import Cell
from server.exported_lists import Column, Listed, Prepare
from store import Connection, contact_extras, rows
from store.entities import CONTACT
from store.filters import ContactFilter
from store.lists import Order
from store.types import Id
from store.want import want
from store.words import ContactColumn

CONTACTS = "contacts"

_LINKS = {ContactColumn.REFERRAL_LINK: "r", ContactColumn.FLOW_LINK: "f"}
_KINDS = {ContactColumn.REFERRAL_LINK: "REFERRAL", ContactColumn.FLOW_LINK: "FLOW"}


@dataclass(frozen=True, slots=True)
class _Line:
    """A contact, and what its page knows beyond its own row, by column and contact."""

    contact: rows.Contact
    extras: Mapping[ContactColumn, Mapping[Id, str]]


def contact_list(
    columns: Sequence[ContactColumn],
    public_url: str,
    *,
    journey_id: Id | None = None,
    prepare: Prepare | None = None,
) -> Listed:
    """Contacts in the order of their creation, with these columns; links of the one journey."""
    needed = {one.lower() for one in columns if one not in _EXTRAS}

    async def complete(
        connection: Connection, workspace_id: int, found: Sequence[Any]
    ) -> Sequence[_Line]:
        own = [contact.id for contact in found]
        extras = {
            column: await _look_up(connection, workspace_id, own, column, public_url, journey_id)
            for column in columns
            if column in _EXTRAS and own
        }
        return [_Line(contact, extras) for contact in found]

    return Listed(
        CONTACT,
        Order("created_at", is_descending=False),
        want(["id", *needed]),
        [_column(one) for one in columns],
        ContactFilter,
        complete,
        prepare,
    )


_EXTRAS = frozenset([ContactColumn.PREFERRED_REWARD, *_LINKS])


async def _look_up(
    connection: Connection,
    workspace_id: int,
    contact_ids: Sequence[Id],
    column: ContactColumn,
    public_url: str,
    journey_id: Id | None,
) -> dict[Id, str]:
    if column is ContactColumn.PREFERRED_REWARD:
        return await contact_extras.preferred_rewards(connection, workspace_id, contact_ids)
    codes = await contact_extras.link_codes(
        connection, workspace_id, contact_ids, _KINDS[column], journey_id
    )
    path = f"{public_url}/{_LINKS[column]}/"
    return {own: path + code for own, code in codes.items()}


def _column(column: ContactColumn) -> Column:
    first, *others = column.lower().split("_")
    return first + "".join(word.title() for word in others), _cell(column)


def _cell(column: ContactColumn) -> Callable[[_Line], Cell]:
    name = column.lower()
    if column in _EXTRAS:
        return lambda line: line.extras[column].get(line.contact.id)
    if column is ContactColumn.ID:
        write = ids.of(ids.CONTACT)
        return lambda line: write(line.contact)
    if column is ContactColumn.REWARD_BALANCE:
        return lambda line: write_decimal(line.contact.reward_balance)
    if name.endswith("_at"):
        return lambda line: _moment(getattr(line.contact, name))
    return lambda line: getattr(line.contact, name)


def _moment(value: int | None) -> str | None:
    return None if value is None else write_instant(value)
