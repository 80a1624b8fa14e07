"""Events as JSON, to be compared and to be kept while they wait."""

import hashlib
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any

import orjson

from store.ingest import events
from store.ingest.events import Event
from store.types import Id
from store.words import Channel, DeliveryKind, RedemptionKind, StepKind

_WORDS = {
    events.StepReached: StepKind,
    events.Delivery: DeliveryKind,
    events.ProviderDelivery: DeliveryKind,
    events.PromoRedeemed: RedemptionKind,
}


def digest(scope: str, key: str) -> bytes:
    """Where an event's key is unique, as 16 bytes."""
    return hashlib.blake2b(f"{scope}\0{key}".encode(), digest_size=16).digest()


def content(event: Event) -> bytes:
    """What an event says, as 8 bytes: the same event sent again has the same.

    The time is left out: a program that tries again often stamps its event anew.
    """
    event = replace(event, occurred_at=0)
    body = orjson.dumps(event, default=_plain, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(type(event).__name__.encode() + body, digest_size=8).digest()


def encode(event: Event) -> dict[str, Any]:
    return {
        "type": type(event).__name__,
        **orjson.loads(orjson.dumps(asdict(event), default=_plain)),
    }


def decode(kept: dict[str, Any]) -> Event:
    """The event that `encode` made this of."""
    values = dict(kept)
    kind: type[Any] = getattr(events, values.pop("type"))
    if values.get("contact") is not None:
        values["contact"] = events.ContactRef(**values["contact"])
    if values.get("bonus") is not None:
        bonus = values["bonus"]
        amount = None if bonus["amount"] is None else Decimal(bonus["amount"])
        values["bonus"] = events.Bonus(bonus["name"], amount, bonus["currency"])
    for name in ("links", "choices", "bot_signals"):
        if name in values:
            values[name] = tuple(values[name])
    if values.get("id") is not None:
        values["id"] = bytes.fromhex(values["id"])
    if "channel" in values:
        values["channel"] = Channel(values["channel"])
    if kind in _WORDS:
        values["kind"] = _WORDS[kind](values["kind"])
    event: Event = kind(**values)
    return event


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return _hexadecimal(value)
    raise TypeError(f"{value!r} has no form in JSON.")


def _hexadecimal(value: Id) -> str:
    return value.hex()
