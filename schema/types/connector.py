"""Connectors, and the dead letters that came by them."""

import strawberry

from resolvers import connectors, dead_letters
from schema import ids
from schema.connections import Connection
from schema.enums import Channel
from schema.fields import derived, plain, with_context
from schema.listing import Listing
from schema.scalars import URL, DateTime
from store import filters
from store.dead_letters import SHOWN_AT_MOST
from store.lists import Order


@strawberry.type(
    description="An address to which a provider reports what became of messages. An event finds "
    "its message by its externalId, which travels with the message as the provider's custom "
    "argument named communication, else by its providerMessageId."
)
class Connector:
    id: strawberry.ID = derived(ids.of(ids.CONNECTOR), "Opaque; begins with cnn_.", needs=("id",))
    provider: str = plain(
        "Who reports: sendgrid, mailgun, ses, postmark, twilio, whatsapp, or standard for senders "
        "that sign as https://www.standardwebhooks.com describes."
    )
    name: str = plain("Its name, which its events have as their source.")
    channel: Channel | None = plain(
        "Of which messages it reports: an event of a message of another channel is not applied, "
        "but kept as a dead letter. Null: of messages of any channel."
    )
    url: URL = with_context(
        connectors.url, "The address to give to the provider.", needs=("id", "provider")
    )
    created_at: DateTime = plain("When it was made.")
    last_received_at: DateTime | None = plain(
        "When the provider last reported something, to the minute; null before it did."
    )


@strawberry.type(
    description="What a provider sent, signed as it should be, and is not recorded, since it could "
    "not be read or is of a message whose channel is not its connector's: a body, or one event of "
    "it. It is kept until it is replayed, but no longer than 90 days or what "
    "TRACKSIDE_FINISHED_DAYS says."
)
class DeadLetter:
    id: strawberry.ID = derived(ids.of(ids.DEAD_LETTER), "Opaque; begins with ddl_.", needs=("id",))
    connector: Connector = plain("By which it came; it may have been removed since.")
    received_at: DateTime = plain("When it came.")
    reason: str = plain("Why it is not recorded.")
    body: str = derived(
        lambda row: row.shown,
        f"What was sent, as text; the first {SHOWN_AT_MOST:,} characters of it. Of an event that "
        "is not of its connector's channel: what was read of it, as JSON.",
        needs=("shown",),
    )


@strawberry.type(description="A page of dead letters.")
class DeadLetterConnection(Connection[DeadLetter]):
    pass


ALL = Listing("deadLetters", dead_letters, filters.DeadLetterFilter(), Order("id"))
