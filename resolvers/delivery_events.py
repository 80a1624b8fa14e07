"""Delivery events: reading and following what happens to messages."""

from resolvers.log_reading import LogReader
from store import log, rows
from store.entities import DELIVERY_EVENT
from store.filters import DeliveryEventFilter

_delivery_events: LogReader[rows.DeliveryEvent, DeliveryEventFilter] = LogReader(
    DELIVERY_EVENT, "delivery", log.delivery_events
)

page = _delivery_events.page
pages = _delivery_events.pages
count = _delivery_events.count
get_at = _delivery_events.get_at
behind = _delivery_events.behind
follow = _delivery_events.follow
