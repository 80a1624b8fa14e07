"""Contacts: reading them."""

from collections.abc import Iterable

from resolvers.context import Context
from resolvers.reading import Reader
from store import rows
from store.entities import CONTACT
from store.filters import ContactFilter
from store.folding import fold_email
from store.types import Id
from store.want import Want

_contacts: Reader[rows.Contact, ContactFilter] = Reader(CONTACT)

page = _contacts.page
pages = _contacts.pages
count = _contacts.count
changed = _contacts.changed


async def get(
    context: Context,
    want: Want,
    *,
    id: Id | None = None,
    external_username: str | None = None,
    email: str | None = None,
) -> rows.Contact | None:
    if id is not None:
        return await _contacts.get_where(context, want, id=id)
    if external_username is not None:
        return await _contacts.get_where(context, want, external_username=external_username)
    return await _contacts.get_where(context, want, email_key=fold_email(email or ""))


async def get_many(context: Context, ids: Iterable[Id], want: Want) -> dict[Id, rows.Contact]:
    """Contacts by id; deleted ones are left out, as in lists."""
    wanted = Want(want.columns | {"deleted_at"}, want.relations)
    found = await _contacts.get_many(context, ids, wanted)
    return {one: row for one, row in found.items() if row.deleted_at is None}
