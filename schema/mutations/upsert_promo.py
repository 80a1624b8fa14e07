"""upsertPromo: a partner registers a promo."""

from dataclasses import dataclass
from typing import Annotated

import strawberry

from resolvers import promos
from schema.errors import UserError
from schema.fields import plain
from schema.info import Info
from schema.inputs.limits import Refused
from schema.inputs.promos import UpsertPromoInput
from schema.selection import below
from schema.types.promo import Promo
from store import rows
from store.refusals import Refusal


@strawberry.type(description="The promo as it is now.")
class UpsertPromoPayload:
    promo: Promo | None = plain("The promo; null when it was refused.")
    user_errors: list[UserError] = plain("Why it was refused; empty when it was not.")


@dataclass(frozen=True, slots=True)
class Upserted:
    promo: rows.Promo | None = None
    user_errors: tuple[Refusal, ...] = ()


async def upsert_promo(
    info: Info,
    input: Annotated[UpsertPromoInput, strawberry.argument(description="The promo.")],
) -> Upserted:
    try:
        done = await promos.upsert(info.context, input.draft())
    except Refused as refused:
        return Upserted(user_errors=(refused.refusal,))
    if isinstance(done, Refusal):
        return Upserted(user_errors=(done,))
    found = await promos.changed(info.context, [done], below(info, "promo").want)
    return Upserted(found[done])
