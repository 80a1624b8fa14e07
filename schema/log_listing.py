"""Log listing: the event log as a list, with the cursors of the subscription."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from strawberry.types.field import StrawberryField

from resolvers import delivery_events
from resolvers.log_reading import CursorLost
from schema.connections import Listed
from schema.errors import bad_input, shown
from schema.info import Info
from schema.inputs.conditions import Budget
from schema.inputs.filters import DeliveryEventFilter
from schema.listing import ROWS
from schema.paging import argument, limit
from schema.scalars import LogCursor
from schema.selection import below
from store import filters
from store.lists import Page, Position
from subscriptions.signing import Tampered


def log_listing(description: str) -> Any:
    """The delivery events of the workspace, from a place in the log on."""
    field = LogListField(description=description)
    field.arguments = [
        argument("first", int | None, "How many events: 1 to 100; 50 when left out."),
        argument(
            "after",
            LogCursor | None,
            "Only events behind this place in the log; left out, from the oldest one kept.",
        ),
        argument("filter", DeliveryEventFilter | None, "Only events for which this holds."),
    ]
    return field


class LogListField(StrawberryField):
    @property
    def is_basic_field(self) -> bool:
        return False

    def get_result(self, source: Any, info: Any, args: Any, kwargs: Any) -> Awaitable[Listed]:
        return _listed(info, kwargs)


async def _listed(info: Info, arguments: dict[str, Any]) -> Listed:
    context, chosen = info.context, below(info)
    asked, after = arguments.get("filter"), arguments.get("after")
    found = asked.frozen(Budget(context.now())) if asked else filters.DeliveryEventFilter()
    page: Page[Any] = Page()
    seal: Callable[[Position], str] = str
    if any(name in chosen for name in ("nodes", "edges", "pageInfo")):
        rows_asked = limit("first", arguments.get("first"))
        try:
            page, seal = await delivery_events.behind(
                context, after, found, rows_asked, below(info, ROWS).want
            )
        except (CursorLost, Tampered) as lost:
            raise bad_input(f"after: {shown(after)} is no place in this log. {lost}") from None
    return Listed(page, False, seal, partial(delivery_events.count, context, found))
