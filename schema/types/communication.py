"""Communication: one message to one contact."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

import strawberry

from resolvers import communications, delivery_events
from schema import ids
from schema.connections import Connection
from schema.enums import Channel, DeliveryKind, DeliveryStatus
from schema.fields import NEEDS, Needs, derived, plain
from schema.listing import Listing, listing
from schema.node import Node
from schema.scalars import URL, DateTime
from schema.types.contact import Contact
from schema.types.entry import Entry
from schema.types.journey import Journey, JourneyStep
from schema.types.resource import Resource
from store import filters, rows
from store.lists import Order
from store.types import Instant

if TYPE_CHECKING:
    from schema.types.delivery_event import DeliveryEventConnection

_EVENTS = Listing(
    "communication.events",
    delivery_events,
    filters.DeliveryEventFilter(include_suspected_bots=True),
    Order("seq", is_descending=False),
    "communication_id",
)


class _Action(NamedTuple):
    kind: DeliveryKind
    url: str | None
    occurred_at: Instant


def last_action(communication: rows.Communication) -> _Action | None:
    at, kind = communication.last_action_at, communication.last_action_kind
    if at is None or kind is None:
        return None
    return _Action(kind, communication.last_action_url, at)


def failed_at(communication: rows.Communication) -> Instant | None:
    """The earlier of a failure and a bounce."""
    moments = (communication.failed_at, communication.bounced_at)
    return min((moment for moment in moments if moment is not None), default=None)


def click_count(
    parent: strawberry.Parent[rows.Communication],
    include_suspected_bots: Annotated[
        bool, strawberry.argument(description="Count what seem to be robots as well.")
    ] = False,
) -> int:
    return parent.raw_click_count if include_suspected_bots else parent.click_count


@strawberry.type(description="What a contact did with a message.")
class LastAction:
    kind: DeliveryKind = plain("CLICKED, COMPLAINED or UNSUBSCRIBED.")
    url: URL | None = plain("The link that was followed; null for the other kinds.")
    occurred_at: DateTime = plain("When.")


@strawberry.type(
    description="One message to one contact. Its dates and its status are merged from its delivery "
    "events, in whatever order those came; what seems to be a robot does not count."
)
class Communication(Node):
    id: strawberry.ID = derived(
        ids.of(ids.COMMUNICATION), "Opaque; begins with com_.", needs=("id",)
    )
    external_id: str = plain("The partner's own id of the message.")
    journey: Journey = plain("The journey that it is part of.")
    entry: Entry = plain("The passage that caused it.")
    contact: Contact = plain("Whom it is to.")
    step: JourneyStep | None = plain("The step that sent it, if one was named.")
    channel: Channel = plain("The way on which it goes.")
    resource: Resource = plain("What it was made from.")
    status: DeliveryStatus = plain("How far it got.")
    created_at: DateTime = plain("When it was created.")
    sent_at: DateTime | None = plain("When the provider first took it on; null if that is unknown.")
    delivered_at: DateTime | None = plain("When it first arrived; null if that is unknown.")
    first_impression_at: DateTime | None = plain(
        "When it was first on the contact's screen; null if that is unknown."
    )
    first_open_at: DateTime | None = plain("When the contact first opened it; null if never.")
    first_click_at: DateTime | None = plain(
        "When the contact first followed a link in it; null if never."
    )
    failed_at: DateTime | None = derived(
        failed_at,
        "When it first failed or bounced for good; null if it did not.",
        needs=("failed_at", "bounced_at"),
    )
    failure_reason: str | None = plain(
        "What the provider said of its latest failure or bounce; null if it did not fail."
    )
    last_action: LastAction | None = derived(
        last_action,
        "The latest click, complaint or unsubscription by the contact; opens and impressions never "
        "hide it. Null before the first one.",
        needs=("last_action_at", "last_action_kind", "last_action_url"),
    )
    last_clicked_url: URL | None = plain("The link that was followed last; null if none was.")
    click_count: int = strawberry.field(
        resolver=click_count,
        description="How often links in it were followed.",
        metadata={NEEDS: Needs(("click_count", "raw_click_count"))},
    )
    events: Annotated["DeliveryEventConnection", strawberry.lazy("schema.types.delivery_event")] = (
        listing(
            _EVENTS,
            "What happened to it, the oldest first, in the order in which it became known; "
            "suspected robots included.",
            is_forward_only=True,
        )
    )


@strawberry.type(description="A page of communications.")
class CommunicationConnection(Connection[Communication]):
    pass


ALL = Listing("communications", communications, filters.CommunicationFilter(), Order("created_at"))
