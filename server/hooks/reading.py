"""Reading: what of a body can be recorded, and what of it becomes dead letters."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from resolvers import reports
from resolvers.reports import Report
from server.hooks.provider import Body, NotReadable, Provider
from store.dead_letters import DeadLetter
from store.ingest.outcomes import Outcome
from store.types import Instant
from store.words import EventOutcome


@dataclass(frozen=True, slots=True)
class Read:
    """`places` are those of the reports in the body."""

    reports: list[Report] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)


def read(provider: Provider, body: Body, now: Instant) -> Read:
    """`now` is later than the body when it is replayed."""
    found = Read()
    try:
        items = provider.read(body)
    except NotReadable as problem:
        found.letters.append(_letter(body, body.body, str(problem)))
        return found
    for place, item in enumerate(items):
        if isinstance(item, Report):
            wrong = reports.problem(item, body.received_at, now)
            if wrong is None:
                found.reports.append(item)
                found.places.append(place)
            else:
                found.letters.append(_letter(body, provider.part(body, place), wrong))
        elif isinstance(item, NotReadable):
            found.letters.append(_letter(body, provider.part(body, place), str(item)))
    return found


def rejected(
    provider: Provider, body: Body, found: Read, outcomes: Sequence[Outcome]
) -> list[DeadLetter]:
    """The reports that the recorder refused: those with the id of another event."""
    return [
        _letter(
            body,
            provider.part(body, place),
            "It differs from another event with the provider's same event id.",
        )
        for place, outcome in zip(found.places, outcomes, strict=True)
        if outcome.kind is EventOutcome.REJECTED
    ]


def _letter(body: Body, part: bytes, reason: str) -> DeadLetter:
    return DeadLetter(part, body.query, body.delivery_id, reason[:500].replace("\0", ""))
