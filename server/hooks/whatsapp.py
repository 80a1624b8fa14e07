"""WhatsApp's Cloud API, whose webhooks are signed with the app secret (HMAC-SHA256).

Our id of the message travels as `biz_opaque_callback_data`.

https://developers.facebook.com/docs/graph-api/webhooks/getting-started
https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference/messages/status
"""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as hmac

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
    of_seconds,
)
from store.types import Instant
from store.words import DeliveryKind

_KINDS = {
    "sent": DeliveryKind.SENT,
    "delivered": DeliveryKind.DELIVERED,
    "read": DeliveryKind.OPENED,
    "played": DeliveryKind.OPENED,
}
_MEANINGLESS = frozenset(["deleted", "warning"])
# Who gets no more of this kind, by their own will or by Meta's; and who has no WhatsApp.
_SUPPRESSED = frozenset([130472, 131049, 131050])
_BOUNCED = frozenset([131026])


class _Error(msgspec.Struct):
    code: int | None = None
    title: str | None = None
    message: str | None = None


class _Status(msgspec.Struct):
    id: str
    status: str
    timestamp: str | int
    communication: str | None = msgspec.field(name="biz_opaque_callback_data", default=None)
    errors: list[_Error] = []


class _Value(msgspec.Struct):
    statuses: list[msgspec.Raw] = []


class _Change(msgspec.Struct):
    value: _Value = msgspec.field(default_factory=_Value)


class _Entry(msgspec.Struct):
    changes: list[_Change] = []


class _Body(msgspec.Struct):
    entry: list[_Entry]


_BODY = msgspec.json.Decoder(_Body)
_STATUS = msgspec.json.Decoder(_Status)


class WhatsApp(Provider):
    async def verify(self, incoming: Incoming, secret: str, now: Instant) -> None:
        signature = header(incoming, "X-Hub-Signature-256")
        wanted = "sha256=" + hmac(secret.encode(), incoming.body, sha256).hex()
        if not compare_digest(wanted.encode(), signature.encode()):
            raise Refused(401, "The signature does not match.")

    def challenge(self, query: Mapping[str, str], secret: str, path_end: str) -> str:
        """The verify token is the last part of the hook's path, or the app secret."""
        token = query.get("hub.verify_token", "").encode()
        # Both are compared, so that the time tells nothing.
        is_path, is_secret = (compare_digest(token, one.encode()) for one in (path_end, secret))
        if query.get("hub.mode") != "subscribe" or not (is_path or is_secret):
            raise Refused(403, "The verify token is not the last part of the hook's path.")
        return query.get("hub.challenge", "")[:200]

    def read(self, body: Body) -> Sequence[Item]:
        # What customers write and choose is no status: such bodies report nothing.
        return [_item(status) for status in _statuses(body)]

    def part(self, body: Body, index: int) -> bytes:
        status = list(_statuses(body))[index]
        return b'{"entry":[{"changes":[{"value":{"statuses":[' + bytes(status) + b"]}}]}]}"


def _statuses(body: Body) -> Iterator[msgspec.Raw]:
    try:
        decoded = _BODY.decode(body.body)
    except UNDECODABLE as error:
        raise NotReadable(f"This is no notification: {error}.") from None
    for entry in decoded.entry:
        for change in entry.changes:
            yield from change.value.statuses


def _item(part: msgspec.Raw) -> Item:
    try:
        status = _STATUS.decode(part)
        at = of_seconds(int(status.timestamp))
        kind = _kind(status)
    except (*UNDECODABLE, ValueError, NotReadable) as problem:
        return problem if isinstance(problem, NotReadable) else NotReadable(str(problem))
    if not isinstance(kind, DeliveryKind):
        return kind
    error = status.errors[0] if status.errors else _Error()
    reason = " ".join(str(one) for one in (error.code, error.title or error.message) if one)
    return Report(
        kind=kind,
        occurred_at=at,
        communication=status.communication,
        provider_message_id=status.id,
        # A status is reached once.
        event_id=f"{status.id}:{status.status}",
        reason=reason or None,
    )


def _kind(status: _Status) -> DeliveryKind | Meaningless:
    if status.status in _MEANINGLESS:
        return Meaningless(status.status)
    if status.status == "failed":
        codes = {error.code for error in status.errors}
        if codes & _SUPPRESSED:
            return DeliveryKind.SUPPRESSED
        return DeliveryKind.BOUNCED if codes & _BOUNCED else DeliveryKind.FAILED
    if status.status not in _KINDS:
        raise NotReadable(f"The status {status.status[:40]!r} is not known.")
    return _KINDS[status.status]
