"""SendGrid's event webhook, signed with ECDSA.

Events: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
Signature: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
"""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Sequence

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.hashes import SHA256

from resolvers.connector_secrets import sendgrid_key
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
    of_seconds,
    within,
)
from store.types import Instant
from store.words import DeliveryKind

WINDOW_S = 600
"""No window is documented, and each POST is signed anew. What comes twice is recorded once."""

_KINDS = {
    "processed": DeliveryKind.SENT,
    "deferred": DeliveryKind.DEFERRED,
    "delivered": DeliveryKind.DELIVERED,
    "open": DeliveryKind.OPENED,
    "click": DeliveryKind.CLICKED,
    "spamreport": DeliveryKind.COMPLAINED,
    "unsubscribe": DeliveryKind.UNSUBSCRIBED,
    "group_unsubscribe": DeliveryKind.UNSUBSCRIBED,
}
_MEANINGLESS = frozenset(["group_resubscribe", "account_status_change"])
# Reasons of "dropped" that concern the message, where all others concern its recipient.
_FAILURES = re.compile(r"invalid smtpapi header|spam content|over package quota", re.IGNORECASE)
# SendGrid appends to the id that its API answered with: ".filter…" or ".recvd…".
_APPENDED = re.compile(r"\.(filter|recvd).*", re.DOTALL)


class _Event(msgspec.Struct):
    event: str
    timestamp: float
    sg_event_id: str | None = None
    sg_message_id: str | None = None
    communication: str | int | None = None
    url: str | None = None
    reason: str | None = None
    response: str | None = None
    status: str | None = None
    type: str | None = None
    sg_machine_open: bool = False


_EVENTS = msgspec.json.Decoder(list[_Event])
_EVENT = msgspec.json.Decoder(_Event)
_PARTS = msgspec.json.Decoder(list[msgspec.Raw])


class SendGrid(Provider):
    async def verify(self, incoming: Incoming, secret: str, now: Instant) -> None:
        signature = header(incoming, "X-Twilio-Email-Event-Webhook-Signature")
        timestamp = header(incoming, "X-Twilio-Email-Event-Webhook-Timestamp")
        signed = timestamp.encode() + incoming.body
        try:
            sendgrid_key(secret).verify(
                b64decode(signature, validate=True), signed, ECDSA(SHA256())
            )
        except (InvalidSignature, NotBase64, ValueError):
            raise Refused(401, "The signature does not match.") from None
        within(timestamp, now, WINDOW_S)

    def read(self, body: Body) -> Sequence[Item]:
        try:
            events: Sequence[_Event | NotReadable] = _EVENTS.decode(body.body)
        except UNDECODABLE:
            events = [_event(part) for part in _parts(body)]
        return [one if isinstance(one, NotReadable) else _item(one) for one in events]

    def part(self, body: Body, index: int) -> bytes:
        return b"[" + bytes(_parts(body)[index]) + b"]"


def _parts(body: Body) -> list[msgspec.Raw]:
    try:
        return _PARTS.decode(body.body)
    except UNDECODABLE as error:
        raise NotReadable(f"This is no JSON array of events: {error}.") from None


def _event(part: msgspec.Raw) -> _Event | NotReadable:
    try:
        return _EVENT.decode(part)
    except UNDECODABLE as error:
        return NotReadable(str(error))


def _item(event: _Event) -> Item:
    kind = _KINDS.get(event.event) or _failure(event)
    if kind is None:
        if event.event in _MEANINGLESS:
            return Meaningless(event.event)
        return NotReadable(f"The event {event.event[:40]!r} is not known.")
    try:
        at = of_seconds(event.timestamp)
    except NotReadable as problem:
        return problem
    message_id = event.sg_message_id
    return Report(
        kind=kind,
        occurred_at=at,
        communication=None if event.communication is None else str(event.communication),
        provider_message_id=_APPENDED.sub("", message_id) if message_id else None,
        event_id=event.sg_event_id,
        url=event.url if kind is DeliveryKind.CLICKED else None,
        reason=_reason(event),
        # Apple's mail app opens all mail by itself, whether anybody reads it or not.
        bot_signals=("MAIL_PROXY",) if event.sg_machine_open else (),
    )


def _failure(event: _Event) -> DeliveryKind | None:
    if event.event == "bounce":
        # "blocked" is temporary: the address is not suppressed.
        return DeliveryKind.DEFERRED if event.type == "blocked" else DeliveryKind.BOUNCED
    if event.event == "dropped":
        is_message = event.reason is not None and _FAILURES.search(event.reason)
        return DeliveryKind.FAILED if is_message else DeliveryKind.SUPPRESSED
    return None


def _reason(event: _Event) -> str | None:
    """Of what went wrong; what a server said of a delivery is no reason."""
    if event.event == "deferred":
        return event.response or event.reason
    if event.event in ("bounce", "dropped"):
        return " ".join(filter(None, (event.status, event.reason))) or None
    return None
