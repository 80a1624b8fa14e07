"""Delivery event: something that happened to a message."""

import strawberry

from resolvers import log_cursors
from schema import ids
from schema.connections import Connection
from schema.enums import DeliveryKind
from schema.fields import derived, plain, with_context
from schema.node import Node
from schema.scalars import URL, DateTime, LogCursor
from schema.types.communication import Communication
from schema.types.contact import Contact
from schema.types.journey import Journey


@strawberry.type(description="Something that happened to a message, as it was reported.")
class DeliveryEvent(Node):
    id: strawberry.ID = derived(
        ids.of_logged(ids.DELIVERY_EVENT), "Opaque; begins with evt_.", needs=("seq", "nonce")
    )
    cursor: LogCursor = with_context(
        log_cursors.of_row,
        "The place behind it in the event log: subscribe with it as after to go on from here.",
        needs=("seq", "recorded_at", "nonce"),
    )
    kind: DeliveryKind = derived(
        lambda event: event.delivery, "What happened.", needs=("delivery",)
    )
    communication: Communication = plain("The message.")
    journey: Journey = plain("The journey of the message.")
    contact: Contact = plain("Whom the message is to.")
    occurred_at: DateTime = plain("When it happened, by whoever reported it.")
    received_at: DateTime = derived(
        lambda event: event.recorded_at, "When it was recorded here.", needs=("recorded_at",)
    )
    url: URL | None = plain("The link that was followed; null for other kinds.")
    reason: str | None = plain("What the provider said of a failure or deferral, if it did.")
    source: str = plain(
        'Who reported it: a connector\'s name, "link", "pixel", or the name of a partner\'s token.'
    )
    is_suspected_bot: bool = plain(
        "Whether it seems to be the doing of a robot, such as a mail scanner. Such events are "
        "kept, and count for nothing."
    )
    bot_signals: list[str] = derived(
        lambda event: event.bot_signals or [],
        "What makes it seem so; empty when nothing does.",
        needs=("bot_signals",),
    )


@strawberry.type(description="A page of delivery events.")
class DeliveryEventConnection(Connection[DeliveryEvent]):
    pass
