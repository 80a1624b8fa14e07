"""upsertJourney: a partner registers a journey."""

from dataclasses import dataclass
from typing import Annotated

import strawberry

from resolvers import journey_changes, journeys
from schema.errors import UserError
from schema.fields import plain
from schema.info import Info
from schema.inputs.journeys import UpsertJourneyInput
from schema.inputs.limits import Refused
from schema.selection import below
from schema.types.journey import Journey
from store import rows
from store.refusals import Refusal
from store.types import Id


@strawberry.type(description="The journey as it is now.")
class UpsertJourneyPayload:
    journey: Journey | None = plain("The journey; null when it was refused.")
    user_errors: list[UserError] = plain("Why it was refused; empty when it was not.")


@dataclass(frozen=True, slots=True)
class Upserted:
    journey: rows.Journey | None = None
    user_errors: tuple[Refusal, ...] = ()


async def upsert_journey(
    info: Info,
    input: Annotated[UpsertJourneyInput, strawberry.argument(description="The journey.")],
) -> Upserted:
    try:
        done: Id | list[Refusal] = await journey_changes.upsert(info.context, input.draft())
    except Refused as refused:
        return Upserted(user_errors=(refused.refusal,))
    if isinstance(done, list):
        return Upserted(user_errors=tuple(done))
    found = await journeys.changed(info.context, [done], below(info, "journey").want)
    return Upserted(found[done])
