"""Outcomes: what became of each event of a batch."""

from dataclasses import dataclass, replace

from store.ingest.events import Event
from store.ingest.via import Via
from store.refusals import Refusal
from store.types import Id, Instant
from store.words import EventOutcome


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event with where it came from: `via` is set when that reports on one channel only.

    `source` is shown to people: the token's or connector's name, "link" or "pixel". `scope` is
    where the event's key is unique: "api" for partners, whichever token they use.
    """

    event: Event
    source: str
    scope: str = "api"
    via: Via | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """`communication_id` and `links` (targets in the order given) are of an announced message."""

    kind: EventOutcome
    refusal: Refusal | None = None
    communication_id: Id | None = None
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recorded:
    """The outcomes in the order of the arrivals, and the log's head behind what was written.

    `seq` is None when nothing was written.
    """

    outcomes: list[Outcome]
    seq: int | None
    recorded_at: Instant | None = None
    nonce: bytes | None = None
    epoch: bytes | None = None
    journey_ids: frozenset[Id] = frozenset()

    def part(self, start: int, end: int) -> "Recorded":
        """The same with the outcomes of one of the requests that shared the transaction."""
        return replace(self, outcomes=self.outcomes[start:end])


ACCEPTED = Outcome(EventOutcome.ACCEPTED)
PENDING = Outcome(EventOutcome.PENDING)
IGNORED = Outcome(EventOutcome.IGNORED_STOPPED)
DUPLICATE = Outcome(EventOutcome.DUPLICATE)
