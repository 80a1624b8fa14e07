"""Traffic: the events of the crowd as batches, with the disorder of real life put in on purpose."""

import asyncio
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from server.simulate_crowd import Crowd
from server.simulate_inputs import event_input
from server.simulate_partner import Partner
from server.simulate_visits import Visits
from store.ingest.events import CommunicationCreated, Delivery, Event
from store.words import Channel, DeliveryKind

LATE_SHARE = 0.04
DOUBLED_SHARE = 0.02
SHUFFLED_SHARE = 0.2
_LATE_BY = 3.0
_TICK = 0.2
_TELL_EVERY = 5.0
_BATCH_AT_MOST = 1_000
_REMEMBERED_MESSAGES = 20_000


@dataclass(slots=True)
class Tally:
    """What was done so far."""

    events: int = 0
    messages: int = 0
    late: int = 0
    doubled: int = 0
    pending: int = 0
    duplicates: int = 0
    rejected: int = 0
    visits: int = 0
    failed_visits: int = 0
    retries: int = 0

    def __str__(self) -> str:
        return (
            f"{self.events:,} events, {self.messages:,} messages, {self.visits:,} visits to links "
            f"and pixels; on purpose {self.late:,} late and {self.doubled:,} doubled; "
            f"{self.rejected:,} rejected, {self.retries:,} requests repeated"
        )


@dataclass(slots=True)
class _Message:
    channel: Channel
    links: dict[str, str] = field(default_factory=dict)
    pixel: str | None = None


class Traffic:
    """Sends `rate` events a second; every run has keys of its own."""

    def __init__(
        self,
        partner: Partner,
        visits: Visits,
        *,
        rate: float,
        how_many_contacts: int,
        tell: Callable[[str], None],
    ) -> None:
        self.tally = Tally()
        self._visits = visits
        self._partner = partner
        self._rate = rate
        self._tell = tell
        self._random = Random()  # noqa: S311  Chance, no secret.
        run = secrets.token_hex(4)
        self._crowd = Crowd(self._random, run, how_many_contacts, lambda: time.time_ns() // 1_000)
        self._messages: OrderedDict[str, _Message] = OrderedDict()
        self._late: deque[tuple[float, Event]] = deque()
        self._again: list[Event] = []

    async def run(self, stopping: asyncio.Event, duration: float | None) -> Tally:
        began = told = last = time.monotonic()
        allowance = 0.0
        while not stopping.is_set():
            now = time.monotonic()
            if duration is not None and now - began >= duration:
                break
            # What the server missed while it was away is not made up for in one burst.
            allowance = min(allowance + (now - last) * self._rate, max(1.0, self._rate))
            last = now
            how_many = min(int(allowance), _BATCH_AT_MOST)
            allowance -= how_many
            await self._send(self._gather(how_many, now))
            if now - told >= _TELL_EVERY:
                told = now
                self._tell(str(self._counted()))
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), _TICK)
        return self._counted()

    def _gather(self, how_many: int, now: float) -> list[Event]:
        """The next batch: what happens now, what comes late, and what is sent a second time."""
        batch, self._again = self._again, []
        while self._late and self._late[0][0] <= now:
            batch.append(self._late.popleft()[1])
        for _ in range(how_many):
            event = self._crowd.take()
            if isinstance(event, CommunicationCreated):
                self._remember(event)
            if isinstance(event, Delivery) and self._is_own_visit(event):
                continue
            if self._random.random() < LATE_SHARE:
                self.tally.late += 1
                self._late.append((now + _LATE_BY, event))
                continue
            if self._random.random() < DOUBLED_SHARE:
                self.tally.doubled += 1
                self._again.append(event)
            batch.append(event)
        if self._random.random() < SHUFFLED_SHARE:
            self._random.shuffle(batch)
        self._again += batch[_BATCH_AT_MOST:]
        return batch[:_BATCH_AT_MOST]

    def _is_own_visit(self, event: Delivery) -> bool:
        """Clicks and opens of mails are requests of the contact; the rest the provider reports."""
        message = self._messages.get(event.communication)
        if event.kind is DeliveryKind.CLICKED:
            target = message.links.get(event.url or "") if message else None
        elif event.kind is DeliveryKind.OPENED and message and message.channel is Channel.EMAIL:
            target = message.pixel
        else:
            return False
        if target is not None:
            self._visits.ask(target)
        # Without a link the message is not out yet: nobody clicks what has not arrived.
        return True

    async def _send(self, batch: list[Event]) -> None:
        if not batch:
            return
        results = await self._partner.record([event_input(event) for event in batch])
        for event, result in zip(batch, results, strict=True):
            self._note(event, result)

    def _note(self, event: Event, result: dict[str, Any]) -> None:
        match result["outcome"]:
            case "REJECTED":
                self.tally.rejected += 1
                if self.tally.rejected == 1:
                    self._tell(f"{result['key']} was rejected: {result['error']['message']}")
                return
            case "DUPLICATE":
                self.tally.duplicates += 1
            case outcome:
                self.tally.events += 1
                self.tally.messages += isinstance(event, CommunicationCreated)
                self.tally.pending += outcome == "PENDING"
        if isinstance(event, CommunicationCreated) and result["links"]:
            message = self._messages.get(event.communication)
            if message is not None:
                message.links = {link["target"]: link["url"] for link in result["links"]}
                message.pixel = result["openPixel"]

    def _remember(self, event: CommunicationCreated) -> None:
        self._messages[event.communication] = _Message(event.channel)
        while len(self._messages) > _REMEMBERED_MESSAGES:
            self._messages.popitem(last=False)

    def _counted(self) -> Tally:
        self.tally.visits = self._visits.made
        self.tally.failed_visits = self._visits.failed
        self.tally.retries = self._partner.retries
        return self.tally
