"""Webhook endpoints, and what was sent to them."""

import strawberry

from resolvers import webhooks
from schema import ids
from schema.connections import Connection
from schema.enums import ActivityKind
from schema.fields import derived, plain
from schema.listing import Listing, listing
from schema.scalars import URL, DateTime
from store import filters
from store.lists import Order


@strawberry.type(description="One activity, sent to one endpoint until it was taken.")
class WebhookDelivery:
    id: strawberry.ID = derived(
        ids.of(ids.WEBHOOK_DELIVERY),
        "Opaque; begins with msg_. Every attempt carries it as the header webhook-id.",
        needs=("id",),
    )
    kind: ActivityKind = plain("What happened.")
    created_at: DateTime = plain("When it was handed over to be sent.")
    attempts: int = plain("How often it was sent.")
    last_status: int | None = plain(
        "The HTTP status of the latest answer; null before the first one, and where the latest "
        "attempt got no answer."
    )
    last_error: str | None = plain("What was wrong with the latest attempt; null when nothing was.")
    delivered_at: DateTime | None = plain("When an answer 2xx said that it was taken.")
    next_attempt_at: DateTime | None = plain(
        "When it is sent next: after 5 seconds at first, then at growing intervals, for about a "
        "day. Null when it was taken, and when it was given up."
    )


@strawberry.type(description="A page of what was sent to an endpoint.")
class WebhookDeliveryConnection(Connection[WebhookDelivery]):
    pass


_DELIVERIES = Listing(
    "webhookEndpoint.deliveries",
    webhooks.deliveries,
    filters.WebhookDeliveryFilter(),
    Order("id"),
    "endpoint_id",
)


@strawberry.type(
    description="An address that is told of activities by POST, signed as "
    "https://www.standardwebhooks.com describes. It answers 2xx within 15 seconds; anything else "
    "counts as a failure, a redirect too. It may hear an activity twice, then with the same "
    "webhook-id, and may hear them in another order than they happened."
)
class WebhookEndpoint:
    id: strawberry.ID = derived(
        ids.of(ids.WEBHOOK_ENDPOINT), "Opaque; begins with whk_.", needs=("id",)
    )
    url: URL = plain("Where it is told.")
    kinds: list[ActivityKind] = plain("Of what it is told.")
    created_at: DateTime = plain(
        "When it was made: it is told of everything that was recorded since."
    )
    missed_at: DateTime | None = plain(
        "When activities that it was not told of yet were last deleted for their age, and are "
        "never told; null when none were. It happens where the server was off for longer than its "
        "log is kept."
    )
    deliveries: WebhookDeliveryConnection = listing(
        _DELIVERIES,
        "What was sent to it, the newest first. What was taken or given up is kept for 90 days, or "
        "what TRACKSIDE_FINISHED_DAYS says.",
        is_forward_only=True,
    )
