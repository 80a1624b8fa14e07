"""The crowd: contacts who live through the sample journeys side by side."""

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import Random

from server import sample_contacts
from server.sample_journeys import JOURNEYS
from server.sample_lives import live
from store.ingest.events import Event, StepReached
from store.types import DAY, HOUR, Instant

SIZE = 150
"""Lives at a time: at 20 events a second one takes about three minutes."""


class Crowd:
    """Time passes for the crowd only as its events are taken: waits of days take seconds."""

    def __init__(
        self, random: Random, run: str, how_many_contacts: int, now: Callable[[], Instant]
    ) -> None:
        self._random = random
        self._run = run
        self._how_many_contacts = how_many_contacts
        self._now = now
        self._lives = 0
        self._left: Counter[int] = Counter()
        self._due: list[tuple[Instant, int, int, Event]] = []
        for _ in range(SIZE):
            self._begin(random.randint(0, 2 * DAY))

    def take(self) -> Event:
        """What happens next, as of now."""
        at, life, _, event = heapq.heappop(self._due)
        self._left[life] -= 1
        if not self._left[life]:
            del self._left[life]
            self._begin(at + self._random.randint(0, HOUR))
        now = self._now()
        if isinstance(event, StepReached) and event.waiting_until is not None:
            event = replace(event, waiting_until=now + event.waiting_until - event.occurred_at)
        return replace(event, occurred_at=now)

    def _begin(self, at: Instant) -> None:
        self._lives += 1
        journey = self._random.choices(JOURNEYS, [journey.share for journey in JOURNEYS])[0]
        contact = sample_contacts.external_username(
            self._random.randint(1, self._how_many_contacts)
        )
        entry = f"sim-{self._run}-{self._lives}"
        events = live(self._random, journey, contact, entry, at)
        self._left[self._lives] = len(events)
        for number, event in enumerate(events):
            heapq.heappush(self._due, (event.occurred_at, self._lives, number, event))
