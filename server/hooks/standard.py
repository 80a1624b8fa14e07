"""Anybody's events of push, pop-up, in-house and other senders, signed as Standard Webhooks has it.

One event a body: {"type": "message.clicked", "timestamp": "2026-11-22T09:00:00Z", "data":
{"communication": "m-1", "url": "https://…"}}; `type` ends with a kind of DeliveryEventKind in lower
case, `data` may hold providerMessageId, url, reason and isSuspectedBot.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from collections.abc import Sequence

import msgspec
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from resolvers.reports import Report
from server.hooks.provider import (
    UNDECODABLE,
    Body,
    Incoming,
    Item,
    NotReadable,
    Provider,
    Refused,
    instant,
)
from store.types import Instant
from store.words import DeliveryKind

_KINDS = {f"message.{kind.lower()}": kind for kind in DeliveryKind}


class _Message(msgspec.Struct, rename="camel"):
    communication: str | None = None
    provider_message_id: str | None = None
    url: str | None = None
    reason: str | None = None
    is_suspected_bot: bool = False


class _Event(msgspec.Struct):
    type: str
    timestamp: str
    data: _Message


_EVENT = msgspec.json.Decoder(_Event)


class Standard(Provider):
    async def verify(self, incoming: Incoming, secret: str, now: Instant) -> None:
        try:
            # Compares in constant time, and knows the time itself: five minutes either way.
            Webhook(secret).verify(incoming.body, dict(incoming.headers), json_parse=False)
        except WebhookVerificationError as error:
            raise Refused(401, f"{error}.") from None
        except ValueError:
            raise Refused(401, "The header webhook-signature cannot be read.") from None

    def delivery_id(self, incoming: Incoming) -> str | None:
        return incoming.headers["webhook-id"]

    def read(self, body: Body) -> Sequence[Item]:
        try:
            event = _EVENT.decode(body.body)
        except UNDECODABLE as error:
            raise NotReadable(f"This is no event: {error}.") from None
        if event.type not in _KINDS:
            raise NotReadable(f"The type {event.type[:40]!r} is not known.")
        kind, message = _KINDS[event.type], event.data
        return [
            Report(
                kind=kind,
                occurred_at=instant(event.timestamp),
                communication=message.communication,
                provider_message_id=message.provider_message_id,
                event_id=body.delivery_id,
                url=message.url,
                reason=message.reason,
                bot_signals=("REPORTED",) if message.is_suspected_bot else (),
            )
        ]
