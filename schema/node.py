"""Node: whatever has an id by which it can be asked for again."""

from typing import Any

import strawberry

from schema.fields import plain
from store import rows

_ROWS: dict[type, str] = {
    rows.Journey: "Journey",
    rows.Entry: "Entry",
    rows.Activity: "Activity",
    rows.Communication: "Communication",
    rows.DeliveryEvent: "DeliveryEvent",
    rows.Contact: "Contact",
    rows.Job: "Job",
}


@strawberry.interface(description="Anything that node and nodes find again by its id.")
class Node:
    id: strawberry.ID = plain("Opaque, and the same for good. It begins with the kind of thing.")

    @classmethod
    def resolve_type(cls, value: Any, *_: Any) -> str:
        return _ROWS[type(value)]

    @classmethod
    def is_type_of(cls, value: Any, *_: Any) -> bool:
        """Rows are typed by what read them; graphql-core need not look at each."""
        return type(value) in _ROWS
