"""Journeys: reading them and their steps."""

from collections.abc import Sequence

from resolvers.context import Context
from resolvers.reading import Reader
from store import rows
from store.entities import JOURNEY, JOURNEY_STEP
from store.filters import JourneyFilter
from store.lists import Order, PageRequest
from store.types import Id
from store.want import Want

STEPS_AT_MOST = 1_000
"""Of one journey, archived ones included."""

_journeys: Reader[rows.Journey, JourneyFilter] = Reader(JOURNEY)
_steps: Reader[rows.JourneyStep, JourneyFilter] = Reader(JOURNEY_STEP)
_IN_ORDER = Order("position", is_descending=False)

page = _journeys.page
pages = _journeys.pages
count = _journeys.count
changed = _journeys.changed
get_many = _journeys.get_many


async def get(
    context: Context, want: Want, *, id: Id | None = None, external_id: str | None = None
) -> rows.Journey | None:
    if id is not None:
        return await _journeys.get_where(context, want, id=id)
    return await _journeys.get_where(context, want, external_id=external_id)


async def steps(
    context: Context, journey_ids: Sequence[Id], want: Want
) -> dict[Id, list[rows.JourneyStep]]:
    """The steps of each journey in order, archived ones behind the others."""
    request = PageRequest(STEPS_AT_MOST)
    wanted = Want(want.columns | {"is_archived"}, want.relations)
    pages = await _steps.pages(context, "journey_id", journey_ids, None, _IN_ORDER, request, wanted)
    return {
        journey_id: sorted(page.rows, key=lambda step: step.is_archived)
        for journey_id, page in pages.items()
    }
