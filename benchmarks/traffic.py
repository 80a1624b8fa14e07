"""Traffic: what a sending partner reports, message by message, with its usual delays."""

import heapq
import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count, islice
from typing import Any

from benchmarks.dataset import RESOURCES
from benchmarks.histories import OFFER
from store.ingest.events import CommunicationCreated, Delivery
from store.types import HOUR, Instant
from store.words import DeliveryKind

Event = CommunicationCreated | Delivery

_AN_EVENT = 1_000
"""Microseconds from one event to the next, as the events tell."""

# Of a hundred messages how many come to it, and how many events after the message was announced.
_LATER: tuple[tuple[DeliveryKind, int, int], ...] = (
    (DeliveryKind.SENT, 100, 10),
    (DeliveryKind.DEFERRED, 4, 100),
    (DeliveryKind.DELIVERED, 97, 300),
    (DeliveryKind.OPENED, 35, 1_500),
    (DeliveryKind.CLICKED, 8, 2_000),
)


def traffic(prefix: str, entry: Callable[[int], str], entries: int) -> Iterator[Event]:
    """Endless, and the same for the same prefix but for its times; about 3.4 events a message.

    Messages go to the entries in turn, each with one link; `prefix` sets its names and keys apart.
    """
    chance = random.Random(prefix)
    # Far enough behind that a long run does not end in the future.
    begins = time.time_ns() // 1_000 - HOUR
    due: list[tuple[int, int, Delivery]] = []
    messages, serial = count(), count()
    for place in count():
        at = begins + place * _AN_EVENT
        if due and due[0][0] <= place:
            yield heapq.heappop(due)[2]
            continue
        number = next(messages)
        name = f"{prefix}-{number}"
        for kind, percent, delay in _LATER:
            if chance.random() * 100 < percent:
                when = place + 1 + int(chance.expovariate(1 / delay))
                event = _delivery(name, kind, begins + when * _AN_EVENT)
                heapq.heappush(due, (when, next(serial), event))
        yield _created(name, at, entry(number % entries), chance)


def batches(events: Iterator[Event], size: int, number: int) -> list[list[Event]]:
    """The next ones, taken from the stream."""
    return [list(islice(events, size)) for _ in range(number)]


def as_input(event: Event) -> dict[str, Any]:
    """The event as an EventInput of the schema."""
    at = datetime.fromtimestamp(event.occurred_at / 1_000_000, tz=UTC).isoformat()
    shared = {"key": event.key, "communication": event.communication, "occurredAt": at}
    if isinstance(event, Delivery):
        return {"delivery": {**shared, "kind": event.kind.value, "url": event.url}}
    return {
        "communication": {
            **shared,
            "entry": event.entry,
            "step": event.step,
            "channel": event.channel.value,
            "resource": event.resource,
            "links": list(event.links),
        }
    }


def _created(name: str, at: Instant, entry: str, chance: random.Random) -> CommunicationCreated:
    step = chance.choices(range(len(RESOURCES)), [one[2] for one in RESOURCES])[0]
    channel, resource, _ = RESOURCES[step]
    return CommunicationCreated(
        key=f"{name}:created",
        occurred_at=at,
        communication=name,
        channel=channel,
        resource=resource,
        entry=entry,
        step=f"step-{step}",
        links=(OFFER,),
    )


def _delivery(name: str, kind: DeliveryKind, at: Instant) -> Delivery:
    return Delivery(
        key=f"{name}:{kind.lower()}",
        occurred_at=at,
        communication=name,
        kind=kind,
        url=OFFER if kind is DeliveryKind.CLICKED else None,
        reason="451 Try again later" if kind is DeliveryKind.DEFERRED else None,
    )
