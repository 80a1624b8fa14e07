"""Twilio's status callbacks of messages and calls, signed with HMAC-SHA1 over address and form.

The callback's address carries our id of the message as `?communication=…`.

Signature: https://www.twilio.com/docs/usage/security#validating-requests
Messages: https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks
Calls: https://www.twilio.com/docs/voice/api/call-resource#statuscallback
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from hmac import compare_digest
from hmac import digest as hmac
from urllib.parse import parse_qs, parse_qsl

from resolvers.reports import Report
from server.hooks.provider import (
    Body,
    Incoming,
    Item,
    Meaningless,
    NotReadable,
    Provider,
    Refused,
    header,
    of_datetime,
)
from store.types import Instant
from store.words import DeliveryKind

_FIELDS_AT_MOST = 200

_MESSAGES = {
    "accepted": DeliveryKind.QUEUED,
    "scheduled": DeliveryKind.QUEUED,
    "queued": DeliveryKind.QUEUED,
    "sending": DeliveryKind.QUEUED,
    "sent": DeliveryKind.SENT,
    "delivered": DeliveryKind.DELIVERED,
    "undelivered": DeliveryKind.FAILED,
    "failed": DeliveryKind.FAILED,
    "canceled": DeliveryKind.FAILED,
    "read": DeliveryKind.OPENED,
}
_CALLS = {
    "queued": DeliveryKind.QUEUED,
    "initiated": DeliveryKind.QUEUED,
    "ringing": DeliveryKind.SENT,
    # Somebody answered: the message was heard.
    "in-progress": DeliveryKind.DELIVERED,
    "answered": DeliveryKind.DELIVERED,
    "completed": DeliveryKind.DELIVERED,
    "busy": DeliveryKind.FAILED,
    "no-answer": DeliveryKind.FAILED,
    "failed": DeliveryKind.FAILED,
    "canceled": DeliveryKind.FAILED,
}
_MEANINGLESS = frozenset(["receiving", "received", "partially_delivered"])
# https://www.twilio.com/docs/api/errors: who asked for no more, and numbers that take no message.
_SUPPRESSED = frozenset(["21610", "63032", "63033"])
_BOUNCED = frozenset(["21211", "21614", "30005", "30006"])


class Twilio(Provider):
    async def verify(self, incoming: Incoming, secret: str, now: Instant) -> None:
        signature = header(incoming, "X-Twilio-Signature")
        try:
            fields = _fields(incoming.body)
        except NotReadable as problem:
            raise Refused(400, str(problem)) from None
        signed = incoming.url + "".join(name + value for name, value in sorted(set(fields)))
        # Twilio's algorithm, not ours.
        wanted = b64encode(hmac(secret.encode(), signed.encode(), "sha1"))
        if not compare_digest(wanted, signature.encode()):
            raise Refused(401, "The signature does not match.")

    def read(self, body: Body) -> Sequence[Item]:
        fields = dict(_fields(body.body))
        message_id, kinds = fields.get("MessageSid") or fields.get("SmsSid"), _MESSAGES
        status = fields.get("MessageStatus") or fields.get("SmsStatus")
        if "CallSid" in fields:
            message_id, status, kinds = fields["CallSid"], fields.get("CallStatus"), _CALLS
        if not message_id or not status:
            raise NotReadable("This is no status of a message or a call.")
        if status in _MEANINGLESS:
            return [Meaningless(status)]
        if status not in kinds:
            raise NotReadable(f"The status {status[:40]!r} is not known.")
        kind = kinds[status]
        if kind is DeliveryKind.FAILED:
            kind = _failure(fields)
        communication = parse_qs(body.query).get("communication")
        return [
            Report(
                kind=kind,
                occurred_at=_at(fields, body.received_at),
                communication=communication[0] if communication else None,
                provider_message_id=message_id,
                # A status is reached once.
                event_id=f"{message_id}:{status}",
                reason=_reason(fields, status)
                if kind not in (DeliveryKind.QUEUED, DeliveryKind.SENT, DeliveryKind.DELIVERED)
                else None,
            )
        ]


def _fields(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            body.decode(),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_FIELDS_AT_MOST,
        )
    except ValueError as error:
        raise NotReadable(f"This is no form: {error}.") from None


def _at(fields: Mapping[str, str], received_at: Instant) -> Instant:
    """Callbacks of messages tell no time, those of calls do."""
    text = fields.get("Timestamp")
    if not text:
        return received_at
    try:
        return of_datetime(parsedate_to_datetime(text))
    except (ValueError, TypeError):
        raise NotReadable(f"{text[:40]!r} is no date.") from None


def _failure(fields: Mapping[str, str]) -> DeliveryKind:
    code = fields.get("ErrorCode")
    if code in _SUPPRESSED:
        return DeliveryKind.SUPPRESSED
    return DeliveryKind.BOUNCED if code in _BOUNCED else DeliveryKind.FAILED


def _reason(fields: Mapping[str, str], status: str) -> str | None:
    if status == "read":
        return None
    said = (status, fields.get("ErrorCode"), fields.get("ErrorMessage"))
    return " ".join(filter(None, said))
