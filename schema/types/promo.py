"""Promo: what contacts can redeem, and who redeemed it how."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from schema import ids
from schema.enums import RedemptionKind
from schema.fields import derived, plain
from schema.scalars import DateTime

if TYPE_CHECKING:
    from schema.types.journey import Journey


@strawberry.type(description="An offer that contacts redeem.")
class Promo:
    id: strawberry.ID = derived(ids.of(ids.PROMO), "Opaque; begins with prm_.", needs=("id",))
    external_id: str = plain("The partner's own id.")
    name: str = plain("The name for people.")
    journey: Annotated["Journey", strawberry.lazy("schema.types.journey")] | None = plain(
        "The journey that it belongs to; null when it belongs to none."
    )


@strawberry.type(description="That a contact redeemed a promo in some way.")
class PromoRedemption:
    promo: Promo = plain("The promo.")
    kind: RedemptionKind = plain("In which way.")
    at: DateTime = plain("When it first did so.")
