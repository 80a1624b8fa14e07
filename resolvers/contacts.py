"""Contacts: reading them."""

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
get_many = _contacts.get_many


async def get(
    context: Context,
    want: Want,
    *,
    id: Id | None = None,
    external_username: str | None = None,
    email: str | None = None,
) -> rows.Contact | None:
    """A deleted contact is found by its id alone: its journeys point to it."""
    if id is not None:
        return (await _contacts.get_many(context, [id], want)).get(id)
    if external_username is not None:
        return await _contacts.get_where(context, want, external_username=external_username)
    return await _contacts.get_where(context, want, email_key=fold_email(email or ""))
