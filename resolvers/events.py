"""Events: recording what partners and links report."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from resolvers.context import Context
from resolvers.recorder import Recorder
from resolvers.tracked_links import click_url, pixel_url, unsubscribe_url
from store.ingest.events import Delivery, Event
from store.ingest.outcomes import Arrival, Outcome
from store.refusals import Refusal
from store.types import DAY, MINUTE, Instant
from store.words import ErrorCode, EventOutcome, Scope
from subscriptions.cursors import LogCursor

AT_MOST = 1_000
_OLDEST = 7 * DAY
_AHEAD = 5 * MINUTE


@dataclass(frozen=True, slots=True)
class EventResult:
    """`links` are pairs of target and tracked URL in the order given."""

    index: int
    key: str
    outcome: EventOutcome
    error: Refusal | None = None
    links: tuple[tuple[str, str], ...] = ()
    open_pixel: str | None = None
    unsubscribe: str | None = None


@dataclass(frozen=True, slots=True)
class RecordedEvents:
    """`cursor` is the log behind these events; None when nothing was written."""

    results: tuple[EventResult, ...] = ()
    cursor: str | None = None
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An event of which a value could not be read."""

    key: str
    refusal: Refusal


async def record(
    context: Context, events: Sequence[Event | Unreadable], *, backfill: bool = False
) -> RecordedEvents:
    """Record 1 to AT_MOST events; each has its own result, and one refusal harms no other.

    backfill: events of any age, for who may administrate.
    """
    context.require(Scope.INTEGRATE)
    if backfill:
        context.require(Scope.ADMIN)
    if not 1 <= len(events) <= AT_MOST:
        return RecordedEvents(refusals=(_wrong_number(len(events)),))
    now = context.now()
    refused: dict[int, Refusal] = {}
    arrivals: list[Arrival] = []
    for index, event in enumerate(events):
        if isinstance(event, Unreadable):
            refused[index] = event.refusal
        elif (refusal := _refusal_of_time(event.occurred_at, now, backfill=backfill)) is not None:
            refused[index] = refusal
        else:
            arrivals.append(Arrival(event, context.viewer.token_name))
    outcomes: list[Outcome] = []
    cursor = None
    if arrivals:
        recorded = await context.recorder.record(context.workspace_id, arrivals)
        outcomes = recorded.outcomes
        if recorded.seq is not None:
            assert recorded.epoch is not None
            assert recorded.recorded_at is not None
            assert recorded.nonce is not None
            cursor = LogCursor(
                recorded.epoch, recorded.seq, recorded.recorded_at, recorded.nonce
            ).encode(context.signer)
    taken = iter(outcomes)
    results = tuple(
        EventResult(index, event.key, EventOutcome.REJECTED, refused[index])
        if index in refused
        else _result(context, index, event.key, next(taken))
        for index, event in enumerate(events)
    )
    return RecordedEvents(results, cursor)


async def record_first_party(
    recorder: Recorder, workspace_id: int, event: Delivery, *, source: str
) -> None:
    """Record what a contact did with a tracked link ("link"), saw by an open pixel ("pixel") or
    wants no more of ("unsubscribe")."""
    await recorder.record(workspace_id, [Arrival(event, source, scope=source)], is_single=True)


def _result(context: Context, index: int, key: str, outcome: Outcome) -> EventResult:
    message_id = outcome.communication_id
    if message_id is None:
        return EventResult(index, key, outcome.kind, outcome.refusal)
    return EventResult(
        index,
        key,
        outcome.kind,
        outcome.refusal,
        links=tuple(
            (target, click_url(context, message_id, position))
            for position, target in enumerate(outcome.links, start=1)
        ),
        open_pixel=pixel_url(context, message_id),
        unsubscribe=unsubscribe_url(context, message_id),
    )


def _wrong_number(number: int) -> Refusal:
    if number == 0:
        return Refusal(
            ErrorCode.EMPTY_SELECTION, "There is no event: give at least one.", ("events",)
        )
    return Refusal(
        ErrorCode.TOO_MANY,
        f"{number:,} events are too many for one call, and none was recorded: "
        f"give at most {AT_MOST:,}.",
        ("events",),
    )


def _shown(at: Instant) -> str:
    try:
        return datetime.fromtimestamp(at / 1_000_000, tz=UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return "That time"


def _refusal_of_time(at: Instant, now: Instant, *, backfill: bool) -> Refusal | None:
    if at > now + _AHEAD:
        return Refusal(
            ErrorCode.IN_FUTURE,
            f"{_shown(at)} is more than 5 minutes ahead: give the time when it happened.",
            ("occurredAt",),
        )
    if at < now - _OLDEST and not backfill:
        return Refusal(
            ErrorCode.TOO_OLD,
            f"{_shown(at)} is more than 7 days ago: "
            "record history with backfill: true and a token of scope admin.",
            ("occurredAt",),
        )
    return None
