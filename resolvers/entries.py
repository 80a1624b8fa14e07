"""Entries: reading them."""

from resolvers.context import Context
from resolvers.reading import Reader
from store import rows
from store.entities import ENTRY
from store.filters import EntryFilter
from store.types import Id
from store.want import Want

_entries: Reader[rows.Entry, EntryFilter] = Reader(ENTRY)

page = _entries.page
pages = _entries.pages
count = _entries.count
changed = _entries.changed
get_many = _entries.get_many


async def get(
    context: Context, want: Want, *, id: Id | None = None, external_id: str | None = None
) -> rows.Entry | None:
    if id is not None:
        return await _entries.get_where(context, want, id=id)
    return await _entries.get_where(context, want, external_id=external_id)
