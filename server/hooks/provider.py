"""Provider: what a hook needs to know of whoever calls it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NewType

import msgspec

from resolvers.reports import Report
from store.types import SECOND, Instant

Meaningless = NewType("Meaningless", str)
"""The name of an event that is known, and says nothing of a message."""


class Refused(Exception):
    """The request is not taken; the message says why, and holds no secret."""

    def __init__(self, status: int, reason: str, *, retry_after_s: int = 30) -> None:
        super().__init__(reason)
        self.status, self.reason, self.retry_after_s = status, reason, retry_after_s


class NotReadable(Exception):
    """The body, or an event in it, does not say what its provider documents; the message is why."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request: `url` is public, with its query; names of headers are in lower case."""

    body: bytes
    headers: Mapping[str, str]
    url: str
    query: str


@dataclass(frozen=True, slots=True)
class Body:
    """What is read of a request, also when it is replayed.

    `delivery_id` is what the provider calls this delivery, where it has a name.
    """

    body: bytes
    query: str
    delivery_id: str | None
    received_at: Instant


UNDECODABLE = (msgspec.DecodeError, UnicodeError, RecursionError)
"""What msgspec raises of bodies; the last one of those that are nested too deeply."""

Item = Report | Meaningless | NotReadable


class Provider(ABC):
    """Who calls, and what its calls say. The secret is the connector's."""

    gone = 410
    """Answered behind the removal of a connector, so that the provider calls no more."""

    @abstractmethod
    async def verify(self, incoming: Incoming, secret: str, now: Instant) -> None:
        """Make sure that the provider made this request, and lately; raises Refused."""

    @abstractmethod
    def read(self, body: Body) -> Sequence[Item]:
        """What the body reports, in its order; raises NotReadable when it is no such body."""

    def part(self, body: Body, index: int) -> bytes:
        """A body that holds this one item alone."""
        return body.body

    def delivery_id(self, incoming: Incoming) -> str | None:
        """What the provider calls this delivery."""
        return None

    def token(self, incoming: Incoming) -> str | None:
        """What may be used once, where the signature does not cover the body."""
        return None

    async def is_handshake(self, incoming: Incoming) -> bool:
        """Whether the verified request only opens or ends the relation; answers it if so."""
        return False

    def challenge(self, query: Mapping[str, str], secret: str, path_end: str) -> str:
        """What a GET is answered with; raises Refused."""
        raise Refused(405, "Reports are sent by POST.")


def header(incoming: Incoming, name: str) -> str:
    """The header's value; raises Refused without one."""
    value = incoming.headers.get(name.lower(), "")
    if not value:
        raise Refused(401, f"The header {name} is missing.")
    return value


def within(text: str, now: Instant, seconds: int, *, status: int = 401) -> None:
    """Make sure that the Unix time in the text is not further from now; raises Refused."""
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise Refused(status, "The timestamp is no number of seconds.")
    away = now // SECOND - int(text)
    if abs(away) > seconds:
        when = "old" if away > 0 else "ahead"
        raise Refused(status, f"The timestamp is {abs(away)} seconds {when}, {seconds} at most.")


def instant(text: str) -> Instant:
    """Of a date as ISO 8601 or RFC 3339; raises NotReadable."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise NotReadable(f"{text[:40]!r} is no date.") from None
    # All of these providers write UTC where they write no zone.
    return of_datetime(at if at.tzinfo else at.replace(tzinfo=UTC))


def of_datetime(at: datetime) -> Instant:
    since = at - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds


def of_seconds(seconds: float) -> Instant:
    """Of Unix time; raises NotReadable."""
    if not 0 <= seconds < 1e11:
        raise NotReadable(f"{seconds} is no Unix time.")
    return round(seconds * SECOND)
