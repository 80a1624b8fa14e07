"""Communications: reading them."""

from resolvers.context import Context
from resolvers.reading import Reader
from store import rows
from store.entities import COMMUNICATION
from store.filters import CommunicationFilter
from store.types import Id
from store.want import Want

_communications: Reader[rows.Communication, CommunicationFilter] = Reader(COMMUNICATION)

page = _communications.page
pages = _communications.pages
count = _communications.count
get_many = _communications.get_many


async def get(
    context: Context, want: Want, *, id: Id | None = None, external_id: str | None = None
) -> rows.Communication | None:
    if id is not None:
        return await _communications.get_where(context, want, id=id)
    return await _communications.get_where(context, want, external_id=external_id)
