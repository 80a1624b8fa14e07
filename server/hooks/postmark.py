"""Postmark's webhooks, which carry a password: it signs nothing.

The webhook's settings take credentials of basic authentication; the user's name is of no account.

https://postmarkapp.com/developer/webhooks/webhooks-overview
https://postmarkapp.com/developer/api/bounce-api#bounce-types
"""

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Sequence
from hmac import compare_digest
from typing import Any

import msgspec

from resolvers.reports import Report
from server.hooks.provider import (
    UNDECODABLE,
    Body,
    Incoming,
    Item,
    Meaningless,
    NotReadable,
    Provider,
    Refused,
    header,
    instant,
)
from store.types import Instant
from store.words import DeliveryKind

_KINDS = {
    "Delivery": DeliveryKind.DELIVERED,
    "SpamComplaint": DeliveryKind.COMPLAINED,
    "Open": DeliveryKind.OPENED,
    "Click": DeliveryKind.CLICKED,
    "SMTPApiError": DeliveryKind.FAILED,
    "SmtpApiError": DeliveryKind.FAILED,
}
_BOUNCES = {
    "HardBounce": DeliveryKind.BOUNCED,
    "BadEmailAddress": DeliveryKind.BOUNCED,
    "Unknown": DeliveryKind.BOUNCED,
    "Blocked": DeliveryKind.BOUNCED,
    "SpamNotification": DeliveryKind.BOUNCED,
    "VirusNotification": DeliveryKind.BOUNCED,
    "DMARCPolicy": DeliveryKind.BOUNCED,
    "OpenRelayTest": DeliveryKind.BOUNCED,
    "Transient": DeliveryKind.DEFERRED,
    "SoftBounce": DeliveryKind.DEFERRED,
    "DnsError": DeliveryKind.DEFERRED,
    "ChallengeVerification": DeliveryKind.DEFERRED,
    "ManuallyDeactivated": DeliveryKind.SUPPRESSED,
    "Unconfirmed": DeliveryKind.SUPPRESSED,
    "SMTPApiError": DeliveryKind.FAILED,
    "TemplateRenderingFailed": DeliveryKind.FAILED,
    "SpamComplaint": DeliveryKind.COMPLAINED,
    "Unsubscribe": DeliveryKind.UNSUBSCRIBED,
}
# Answers of mailboxes that took the message, and what concerns mail to us.
_MEANINGLESS_BOUNCES = frozenset(["AutoResponder", "AddressChange", "Subscribe", "InboundError"])


class _Event(msgspec.Struct, rename="pascal"):
    record_type: str
    message_id: str | None = msgspec.field(name="MessageID", default=None)
    id: int | str | None = msgspec.field(name="ID", default=None)
    metadata: dict[str, Any] = {}
    delivered_at: str | None = None
    bounced_at: str | None = None
    received_at: str | None = None
    changed_at: str | None = None
    type: str | None = None
    description: str | None = None
    details: str | None = None
    original_link: str | None = None
    suppress_sending: bool = False
    suppression_reason: str | None = None


_EVENT = msgspec.json.Decoder(_Event)


class Postmark(Provider):
    # Postmark calls no more after this one; other failures it tries again.
    gone = 403

    async def verify(self, incoming: Incoming, secret: str, now: Instant) -> None:
        scheme, _, credentials = header(incoming, "Authorization").partition(" ")
        try:
            _, _, password = b64decode(credentials.strip(), validate=True).partition(b":")
        except (NotBase64, ValueError):
            raise Refused(401, "The header Authorization cannot be read.") from None
        if scheme.lower() != "basic" or not compare_digest(password, secret.encode()):
            raise Refused(401, "The password is not the connector's.")

    def read(self, body: Body) -> Sequence[Item]:
        try:
            event = _EVENT.decode(body.body)
        except UNDECODABLE as error:
            raise NotReadable(f"This is no event: {error}.") from None
        kind = _kind(event)
        if not isinstance(kind, DeliveryKind):
            return [kind]
        at = event.delivered_at or event.bounced_at or event.received_at or event.changed_at
        communication = event.metadata.get("communication")
        is_bounce = event.record_type == "Bounce"
        return [
            Report(
                kind=kind,
                occurred_at=body.received_at if at is None else instant(at),
                communication=None if communication is None else str(communication),
                provider_message_id=event.message_id,
                event_id=f"{event.record_type}:{event.id}" if event.id else None,
                url=event.original_link if kind is DeliveryKind.CLICKED else None,
                reason=_reason(event) if is_bounce else event.suppression_reason,
            )
        ]


def _kind(event: _Event) -> DeliveryKind | Meaningless:
    if event.record_type == "Bounce":
        if event.type in _MEANINGLESS_BOUNCES:
            return Meaningless(event.type or "")
        if event.type in _BOUNCES:
            return _BOUNCES[event.type]
        raise NotReadable(f"The bounce {str(event.type)[:40]!r} is not known.")
    if event.record_type == "SubscriptionChange":
        if not event.suppress_sending:
            return Meaningless("reactivation")
        # The bounce or complaint that led to it is reported by itself, of the message.
        is_theirs = event.suppression_reason not in ("HardBounce", "SpamComplaint")
        return DeliveryKind.UNSUBSCRIBED if is_theirs else Meaningless("SubscriptionChange")
    if event.record_type in _KINDS:
        return _KINDS[event.record_type]
    raise NotReadable(f"The record {event.record_type[:40]!r} is not known.")


def _reason(event: _Event) -> str | None:
    return ": ".join(filter(None, (event.type, event.details or event.description))) or None
