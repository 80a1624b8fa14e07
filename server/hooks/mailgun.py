"""Mailgun's webhooks, signed with HMAC-SHA256 over a timestamp and a token, not over the body.

https://documentation.mailgun.com/docs/mailgun/user-manual/events/webhooks
https://documentation.mailgun.com/docs/mailgun/user-manual/events/events
"""

from collections.abc import Sequence
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as hmac
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
    of_seconds,
    within,
)
from store.types import Instant
from store.words import DeliveryKind

WINDOW_S = 600
REJECTED = 406
"""Mailgun takes this for a final no; any other status but 200 makes it try again for hours."""

_KINDS = {
    "accepted": DeliveryKind.SENT,
    "delivered": DeliveryKind.DELIVERED,
    "rejected": DeliveryKind.FAILED,
    "opened": DeliveryKind.OPENED,
    "clicked": DeliveryKind.CLICKED,
    "unsubscribed": DeliveryKind.UNSUBSCRIBED,
    "complained": DeliveryKind.COMPLAINED,
}
_MEANINGLESS = frozenset(
    ["stored", "list_member_uploaded", "list_member_upload_error", "list_uploaded"]
)
# What opens or follows by itself. Google's proxy fetches when the reader looks: no robot.
_ROBOTS = {"apple": ("MAIL_PROXY",), "generic": ("ROBOT_AGENT",)}


class _Signature(msgspec.Struct):
    timestamp: str | int
    token: str
    signature: str


class _Signed(msgspec.Struct):
    signature: _Signature


class _Status(msgspec.Struct):
    code: int | str | None = None
    message: str | None = None
    description: str | None = None


class _Client(msgspec.Struct):
    bot: str | None = None


class _Headers(msgspec.Struct, rename={"message_id": "message-id"}):
    message_id: str | None = None


class _Message(msgspec.Struct):
    headers: _Headers | None = None


class _Event(
    msgspec.Struct,
    rename={
        "variables": "user-variables",
        "status": "delivery-status",
        "client": "client-info",
    },
):
    event: str
    timestamp: float
    id: str | None = None
    severity: str | None = None
    reason: str | None = None
    url: str | None = None
    variables: dict[str, Any] | list[Any] | None = None
    status: _Status | None = None
    client: _Client | None = None
    message: _Message | None = None


class _Body(msgspec.Struct, rename={"event": "event-data"}):
    event: _Event


_SIGNED = msgspec.json.Decoder(_Signed)
_BODY = msgspec.json.Decoder(_Body)


class Mailgun(Provider):
    gone = REJECTED

    async def verify(self, incoming: Incoming, secret: str, now: Instant) -> None:
        said = _signature(incoming)
        wanted = hmac(secret.encode(), f"{said.timestamp}{said.token}".encode(), sha256).hex()
        if not compare_digest(wanted.encode(), said.signature.encode()):
            raise Refused(401, "The signature does not match.")
        within(str(said.timestamp), now, WINDOW_S, status=REJECTED)

    def token(self, incoming: Incoming) -> str | None:
        return _signature(incoming).token

    def read(self, body: Body) -> Sequence[Item]:
        try:
            event = _BODY.decode(body.body).event
        except UNDECODABLE as error:
            raise NotReadable(f"This is no event: {error}.") from None
        kind = _KINDS.get(event.event) or _failure(event)
        if kind is None:
            if event.event in _MEANINGLESS:
                return [Meaningless(event.event)]
            raise NotReadable(f"The event {event.event[:40]!r} is not known.")
        variables = event.variables if isinstance(event.variables, dict) else {}
        communication = variables.get("communication")
        headers = event.message.headers if event.message else None
        bot = event.client.bot if event.client else None
        return [
            Report(
                kind=kind,
                occurred_at=of_seconds(event.timestamp),
                communication=None if communication is None else str(communication),
                provider_message_id=headers.message_id if headers else None,
                event_id=event.id,
                url=event.url if kind is DeliveryKind.CLICKED else None,
                reason=_reason(event),
                bot_signals=_ROBOTS.get(bot or "", ()),
            )
        ]


def _signature(incoming: Incoming) -> _Signature:
    try:
        return _SIGNED.decode(incoming.body).signature
    except UNDECODABLE:
        raise Refused(400, "The body holds no signature.") from None


def _failure(event: _Event) -> DeliveryKind | None:
    if event.event != "failed":
        return None
    if (event.reason or "").startswith("suppress-"):
        return DeliveryKind.SUPPRESSED
    return DeliveryKind.DEFERRED if event.severity == "temporary" else DeliveryKind.BOUNCED


def _reason(event: _Event) -> str | None:
    if event.event not in ("failed", "rejected"):
        return None
    status = event.status or _Status()
    said = status.message or status.description or event.reason
    return " ".join(str(one) for one in (status.code, said) if one) or None
