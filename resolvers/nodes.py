"""Nodes: rows of several kinds, by their ids."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from resolvers import activities, communications, contacts, delivery_events, entries, jobs, journeys
from resolvers.context import Context
from resolvers.log_reading import LogId
from store.types import Id
from store.want import Want

_BY_ID: dict[str, Callable[..., Awaitable[Mapping[Any, Any]]]] = {
    "Journey": journeys.get_many,
    "Entry": entries.get_many,
    "Communication": communications.get_many,
    "Contact": contacts.get_many,
    "Job": jobs.get_many,
}
_OF_THE_LOG: dict[str, Callable[..., Awaitable[Mapping[Any, Any]]]] = {
    "Activity": activities.get_at,
    "DeliveryEvent": delivery_events.get_at,
}


async def get_many(
    context: Context, asked: Sequence[tuple[str, Id | LogId]], wants: Mapping[str, Want]
) -> list[Any]:
    """The rows in the order asked, None for one that the workspace does not have.

    One statement for each kind; `wants` holds what is wanted of a kind's rows.
    """
    found: dict[tuple[str, Id | LogId], Any] = {}
    for name, want in wants.items():
        here = [one for kind, one in asked if kind == name]
        by_id: Mapping[Any, Any]
        if name in _BY_ID:
            ids = [one for one in here if isinstance(one, bytes)]
            by_id = await _BY_ID[name](context, ids, want)
        else:
            places = [one for one in here if isinstance(one, LogId)]
            by_id = await _OF_THE_LOG[name](context, places, want)
        found.update({(name, one): row for one, row in by_id.items()})
    return [found.get(one) for one in asked]
