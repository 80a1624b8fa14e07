"""Promos: registering and reading them."""

from resolvers.context import Context
from resolvers.reading import Reader
from store import promos, rows
from store.entities import PROMO
from store.filters import JourneyFilter
from store.promos import PromoDraft
from store.refusals import Refusal
from store.types import Id
from store.words import Scope

_promos: Reader[rows.Promo, JourneyFilter] = Reader(PROMO)

changed = _promos.changed


async def upsert(context: Context, draft: PromoDraft) -> Id | Refusal:
    """Make or change the promo of this external id."""
    context.require(Scope.INTEGRATE)
    return await context.database.transact(
        lambda connection: promos.upsert(connection, context.workspace_id, draft)
    )
