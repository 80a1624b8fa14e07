"""Belongings: the fields that hold the few rows which belong to another row."""

from collections.abc import Awaitable
from typing import Any

import strawberry
from strawberry.types.field import StrawberryField

from resolvers.belongings import Belongings
from resolvers.context import Context
from resolvers.loaders import load
from schema import ids
from schema.fields import NEEDS, Needs
from schema.paging import argument
from schema.selection import below
from store.types import Id

HELD = "belongings"


class BelongingsField(StrawberryField):
    """All that belongs to a row, in one statement for all the rows of a level."""

    @property
    def is_basic_field(self) -> bool:
        return False

    def get_result(self, source: Any, info: Any, args: Any, kwargs: Any) -> Awaitable[list[Any]]:
        held: Belongings[Any] = self.metadata[HELD]
        context: Context = info.context
        want = below(info).want
        asked = kwargs.get("journey_id")
        journey_id = ids.parse(asked, ids.JOURNEY) if asked else None
        equals = {} if journey_id is None else {"journey_id": journey_id}

        async def read(owner_ids: list[Id]) -> dict[Id, list[Any]]:
            return await held.of(context, owner_ids, want, **equals)

        return load(context, (HELD, held, journey_id, want), source.id, read)


def belonging(held: Belongings[Any], description: str, *, of_journey: str = "") -> Any:
    """All rows of the owner; `of_journey` describes an argument that narrows them to a journey."""
    field = BelongingsField(metadata={HELD: held, NEEDS: Needs(("id",))}, description=description)
    if of_journey:
        field.arguments = [argument("journey_id", strawberry.ID | None, of_journey)]
    return field
