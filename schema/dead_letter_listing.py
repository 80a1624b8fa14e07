"""Dead letter listing: what could not be read, chosen by the connector."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

import strawberry

from schema import ids
from schema.connections import Listed
from schema.fields import NEEDS, Needs
from schema.inputs.conditions import Budget
from schema.listing import LISTING, ListField
from schema.paging import argument, forward_arguments
from schema.types.connector import ALL
from store import filters


@dataclass(frozen=True, slots=True)
class _OfConnector:
    """The argument connectorId, as a filter."""

    connector_id: str

    def frozen(self, _: Budget) -> filters.DeadLetterFilter:
        return filters.DeadLetterFilter(connector_id=(ids.parse(self.connector_id, ids.CONNECTOR),))


class DeadLetterListField(ListField):
    def get_result(self, source: Any, info: Any, args: Any, kwargs: Any) -> Awaitable[Listed]:
        one = kwargs.pop("connector_id", None)
        asked = kwargs if one is None else {**kwargs, "filter": _OfConnector(one)}
        return super().get_result(source, info, args, asked)


def dead_letter_listing(description: str) -> Any:
    field = DeadLetterListField(metadata={LISTING: ALL, NEEDS: Needs()}, description=description)
    field.arguments = [
        *forward_arguments(),
        argument("connector_id", strawberry.ID | None, "Only those that came by this connector."),
    ]
    return field
