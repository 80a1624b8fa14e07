"""Amazon SES, whose events come through an SNS topic. The connector's secret is the topic's ARN.

Anybody's topic has a good signature of Amazon's, so the topic has to be ours.

Events: https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
Signature: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
Handshake: https://docs.aws.amazon.com/sns/latest/dg/http-subscription-confirmation-json.html
"""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Awaitable, Callable, Sequence
from hmac import compare_digest
from typing import Any
from urllib.parse import urlsplit

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.x509 import load_pem_x509_certificate

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
from store.types import MINUTE, SECOND, Instant
from store.words import DeliveryKind

WINDOW_S = 7_200
"""SNS tries for an hour by its default policy, with the time of the first attempt."""

_KEYS_AT_MOST = 20
_HOST = re.compile(r"sns\.[a-z0-9-]{1,40}\.amazonaws\.com(\.cn)?", re.ASCII)
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[A-Za-z0-9]{1,100}\.pem", re.ASCII)

_KINDS = {
    "Send": DeliveryKind.SENT,
    "Delivery": DeliveryKind.DELIVERED,
    "DeliveryDelay": DeliveryKind.DEFERRED,
    "Open": DeliveryKind.OPENED,
    "Click": DeliveryKind.CLICKED,
    "Reject": DeliveryKind.FAILED,
    "Rendering Failure": DeliveryKind.FAILED,
    "Subscription": DeliveryKind.UNSUBSCRIBED,
}
_SUPPRESSED = frozenset(["Suppressed", "OnAccountSuppressionList", "OnTenantSuppressionList"])

Fetch = Callable[[str], Awaitable[bytes]]
"""The body behind an address of Amazon's, by GET; raises OSError."""


class _Envelope(msgspec.Struct, rename="pascal"):
    type: str
    message_id: str
    topic_arn: str
    message: str
    timestamp: str
    signature: str
    signature_version: str
    signing_cert_url: str = msgspec.field(name="SigningCertURL")
    subject: str | None = None
    token: str | None = None
    subscribe_url: str | None = msgspec.field(name="SubscribeURL", default=None)


class _Recipient(msgspec.Struct):
    status: str | None = None
    diagnosticCode: str | None = None  # noqa: N815  As SES writes it.


class _Detail(msgspec.Struct, rename="camel"):
    """Of whichever kind the event is."""

    timestamp: str | None = None
    bounce_type: str | None = None
    bounce_sub_type: str | None = None
    bounced_recipients: list[_Recipient] = []
    delayed_recipients: list[_Recipient] = []
    delay_type: str | None = None
    complaint_sub_type: str | None = None
    complaint_feedback_type: str | None = None
    link: str | None = None
    reason: str | None = None
    error_message: str | None = None
    new_topic_preferences: dict[str, Any] | None = None


class _Mail(msgspec.Struct, rename="camel"):
    message_id: str
    timestamp: str
    tags: dict[str, list[str]] = {}


class _Event(msgspec.Struct, rename="camel"):
    mail: _Mail
    event_type: str | None = None
    notification_type: str | None = None
    bounce: _Detail | None = None
    complaint: _Detail | None = None
    delivery: _Detail | None = None
    delivery_delay: _Detail | None = None
    open: _Detail | None = None
    click: _Detail | None = None
    reject: _Detail | None = None
    failure: _Detail | None = None
    subscription: _Detail | None = None


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_EVENT = msgspec.json.Decoder(_Event)


class Ses(Provider):
    gone = 403

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._keys: dict[str, RSAPublicKey] = {}

    async def verify(self, incoming: Incoming, secret: str, now: Instant) -> None:
        envelope = _envelope(incoming.body)
        if not compare_digest(envelope.topic_arn.encode(), secret.encode()):
            raise Refused(403, "The topic is another one than the connector's.")
        if envelope.signature_version not in ("1", "2"):
            raise Refused(403, "The signature is of an unknown version.")
        key = await self._key(envelope.signing_cert_url)
        algorithm = SHA256() if envelope.signature_version == "2" else SHA1()  # noqa: S303  Amazon's.
        try:
            signature = b64decode(envelope.signature, validate=True)
            key.verify(signature, _signed(envelope), PKCS1v15(), algorithm)
        except (InvalidSignature, NotBase64, ValueError):
            raise Refused(403, "The signature does not match.") from None
        try:
            at = instant(envelope.timestamp)
        except NotReadable:
            raise Refused(403, "The timestamp is no date.") from None
        if not now - WINDOW_S * SECOND <= at <= now + 5 * MINUTE:
            raise Refused(403, f"The timestamp is not of the last {WINDOW_S} seconds.")

    async def is_handshake(self, incoming: Incoming) -> bool:
        envelope = _envelope(incoming.body)
        if envelope.type == "SubscriptionConfirmation":
            address = envelope.subscribe_url or ""
            if not _is_amazons(address):
                raise Refused(403, "The address to confirm is not Amazon's.")
            try:
                await self._fetch(address)
            except OSError as error:
                raise Refused(503, f"The subscription is not confirmed: {error!r}.") from None
            return True
        return envelope.type == "UnsubscribeConfirmation"

    def delivery_id(self, incoming: Incoming) -> str | None:
        return _envelope(incoming.body).message_id

    def read(self, body: Body) -> Sequence[Item]:
        try:
            event = _EVENT.decode(_ENVELOPE.decode(body.body).message.encode())
        except UNDECODABLE as error:
            raise NotReadable(f"This is no event of SES: {error}.") from None
        name = event.event_type or event.notification_type or ""
        kind, detail = _kind(name, event)
        tag = event.mail.tags.get("communication")
        return [
            Report(
                kind=kind,
                occurred_at=instant((detail and detail.timestamp) or event.mail.timestamp),
                communication=tag[0] if tag else None,
                provider_message_id=event.mail.message_id,
                # Of the notification: SNS keeps it when it tries again.
                event_id=body.delivery_id,
                url=detail.link if detail and kind is DeliveryKind.CLICKED else None,
                reason=_reason(detail) if detail else None,
            )
        ]

    async def _key(self, address: str) -> RSAPublicKey:
        if not _is_amazons(address) or not _CERTIFICATE.fullmatch(urlsplit(address).path):
            raise Refused(403, "The certificate's address is not Amazon's.")
        if address not in self._keys:
            try:
                certificate = load_pem_x509_certificate(await self._fetch(address))
                key = certificate.public_key()
            except (OSError, ValueError) as error:
                raise Refused(503, f"Amazon's certificate cannot be read: {error!r}.") from None
            if not isinstance(key, RSAPublicKey):
                raise Refused(503, "Amazon's certificate is of an unknown kind.")
            if len(self._keys) >= _KEYS_AT_MOST:
                self._keys.clear()
            self._keys[address] = key
        return self._keys[address]


def _envelope(body: bytes) -> _Envelope:
    try:
        return _ENVELOPE.decode(body)
    except UNDECODABLE:
        raise Refused(400, "The body is no signed notification of SNS.") from None


def _is_amazons(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return (
            parts.scheme == "https"
            and parts.port in (None, 443)
            and parts.username is None
            and _HOST.fullmatch(parts.hostname or "") is not None
        )
    except ValueError:
        return False


def _signed(envelope: _Envelope) -> bytes:
    """What SNS signed: names and values in lines, in the order of the names."""
    is_handshake = envelope.type != "Notification"
    parts = {
        "Message": envelope.message,
        "MessageId": envelope.message_id,
        "Subject": None if is_handshake else envelope.subject,
        "SubscribeURL": envelope.subscribe_url if is_handshake else None,
        "Timestamp": envelope.timestamp,
        "Token": envelope.token if is_handshake else None,
        "TopicArn": envelope.topic_arn,
        "Type": envelope.type,
    }
    return "".join(f"{name}\n{one}\n" for name, one in parts.items() if one is not None).encode()


def _kind(name: str, event: _Event) -> tuple[DeliveryKind, _Detail | None]:
    if name == "Bounce" and event.bounce:
        if event.bounce.bounce_sub_type in _SUPPRESSED:
            return DeliveryKind.SUPPRESSED, event.bounce
        is_hard = event.bounce.bounce_type == "Permanent"
        return DeliveryKind.BOUNCED if is_hard else DeliveryKind.DEFERRED, event.bounce
    if name == "Complaint" and event.complaint:
        is_suppressed = event.complaint.complaint_sub_type in _SUPPRESSED
        return (
            DeliveryKind.SUPPRESSED if is_suppressed else DeliveryKind.COMPLAINED,
            event.complaint,
        )
    if name not in _KINDS:
        raise NotReadable(f"The event {name[:40]!r} is not known.")
    details = {
        "Delivery": event.delivery,
        "DeliveryDelay": event.delivery_delay,
        "Open": event.open,
        "Click": event.click,
        "Reject": event.reject,
        "Rendering Failure": event.failure,
        "Subscription": event.subscription,
    }
    return _KINDS[name], details.get(name)


def _reason(detail: _Detail) -> str | None:
    said = [detail.bounce_type, detail.bounce_sub_type, detail.delay_type]
    said += [detail.complaint_sub_type, detail.complaint_feedback_type]
    for one in (*detail.bounced_recipients, *detail.delayed_recipients):
        said += [one.diagnosticCode or one.status]
    said += [detail.reason, detail.error_message]
    return " ".join(filter(None, said)) or None
