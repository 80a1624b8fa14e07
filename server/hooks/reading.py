"""Reading: what of a body can be recorded, and what of it becomes dead letters."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from resolvers import reports
from resolvers.reports import Report
from server.hooks.provider import Body, NotReadable, Provider
from store.dead_letters import DeadLetter
from store.ingest.outcomes import Outcome
from store.types import Instant
from store.words import ErrorCode

KEY_REUSED = "It differs from another event with the provider's same event id."


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
    """The reports with the id of another event; other refused ones the recorder keeps itself."""
    return [
        _letter(
            body,
            provider.part(body, place),
            KEY_REUSED,
        )
        for place, outcome in zip(found.places, outcomes, strict=True)
        if is_key_reused(outcome)
    ]


def misdirected(outcomes: Sequence[Outcome]) -> list[str]:
    """Why events were refused that the recorder keeps as dead letters."""
    return [
        one.refusal.message
        for one in outcomes
        if one.refusal is not None and not is_key_reused(one)
    ]


def is_key_reused(outcome: Outcome) -> bool:
    return outcome.refusal is not None and outcome.refusal.code is ErrorCode.KEY_REUSED


def _letter(body: Body, part: bytes, reason: str) -> DeadLetter:
    return DeadLetter(part, body.query, body.delivery_id, reason[:500].replace("\0", ""))
