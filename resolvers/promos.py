"""Promos: registering and reading them."""

from resolvers import auditing
from resolvers.context import Context
from resolvers.reading import Reader
from store import Connection, promos, rows
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

    async def work(connection: Connection) -> Id | Refusal:
        done = await promos.upsert(connection, context.workspace_id, draft)
        if not isinstance(done, Refusal):
            await auditing.note(connection, context, "upsertPromo", promo=done)
        return done

    return await context.database.transact(work)
