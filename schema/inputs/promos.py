"""Promos as partners hand them in."""

import strawberry

from schema.inputs.limits import ID_LENGTH, NAME_LENGTH, name
from store.promos import PromoDraft


@strawberry.input(description="A promo as a partner knows it, matched by externalId.")
class UpsertPromoInput:
    external_id: str = strawberry.field(
        description=f"Your own id of it, at most {ID_LENGTH} characters."
    )
    name: str = strawberry.field(
        description=f"The name for people, at most {NAME_LENGTH} characters."
    )
    journey: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The externalId of the journey that it belongs to. Left out or null: of none.",
    )

    def draft(self) -> PromoDraft:
        """Raises Refused for what cannot be kept."""
        return PromoDraft(
            name(self.external_id, ("externalId",)),
            name(self.name, ("name",), NAME_LENGTH),
            name(self.journey, ("journey",)) if self.journey else None,
        )
