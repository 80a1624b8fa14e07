"""The subscription root."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from resolvers import activities, delivery_events, jobs
from schema import ids
from schema.counting import followed
from schema.enums import GapReason
from schema.errors import bad_input, shown
from schema.fields import derived, plain, with_context
from schema.info import Info
from schema.inputs.conditions import Budget
from schema.inputs.filters import ActivityFilter, DeliveryEventFilter
from schema.scalars import LogCursor
from schema.selection import below
from schema.types import contact_statistics
from schema.types.activity import Activity
from schema.types.contact_statistics import ContactStatistics
from schema.types.delivery_event import DeliveryEvent
from schema.types.job import Job
from schema.types.statistics import JourneyStatistics
from store import filters, rows
from subscriptions.signing import Tampered
from subscriptions.streams import Batch

After = Annotated[
    LogCursor | None,
    strawberry.argument(
        description="Resume exactly behind this place of the log, such as the cursor of the last "
        "batch that you took. Left out or null: from now on."
    ),
]

_CURSOR = "The place in the log behind this batch: keep it, and resume with it as after."
_CAUGHT_UP = "Whether the log held nothing beyond the cursor when it was read."
_GAP = "Set when what was asked for is gone; the stream goes on behind oldestAvailable."
_STREAM = (
    "In the order in which it was committed, without a gap and without a repetition. The first "
    "batch comes at once; a quiet stream sends an empty batch with a fresh cursor every 30 seconds."
)


def _cursor(context: Any, batch: Any) -> str:
    text: str = batch.cursor.encode(context.signer)
    return text


@strawberry.type(description="What the log no longer holds of what was asked for.")
class Gap:
    reason: GapReason = plain("Why.")
    oldest_available: LogCursor = with_context(
        lambda context, gap: gap.oldest_available.encode(context.signer),
        "The place before the oldest event that the log holds. What lies before it is lost to this "
        "stream: read lists anew.",
    )


@strawberry.type(description="The next events of messages, in the order of the log.")
class CommunicationEventBatch:
    cursor: LogCursor = with_context(_cursor, _CURSOR)
    events: list[DeliveryEvent] = derived(
        lambda batch: batch.rows, "The events, at most 500; may be empty."
    )
    caught_up: bool = derived(lambda batch: batch.is_caught_up, _CAUGHT_UP)
    gap: Gap | None = plain(_GAP)


@strawberry.type(description="The next activities of entries, in the order of the log.")
class ActivityBatch:
    cursor: LogCursor = with_context(_cursor, _CURSOR)
    activities: list[Activity] = derived(
        lambda batch: batch.rows, "The activities, at most 500; may be empty."
    )
    caught_up: bool = derived(lambda batch: batch.is_caught_up, _CAUGHT_UP)
    gap: Gap | None = plain(_GAP)


async def communication_events(
    info: Info,
    filter: Annotated[
        DeliveryEventFilter | None,
        strawberry.argument(description="Only events for which this holds."),
    ] = UNSET,
    after: After = UNSET,
) -> AsyncIterator[Batch[rows.DeliveryEvent]]:
    asked = filter.frozen(Budget(info.context.now())) if filter else filters.DeliveryEventFilter()
    stream = delivery_events.follow(info.context, asked, after or None, below(info, "events").want)
    async for batch in _told(info, stream, after):
        yield batch


async def entry_activities(
    info: Info,
    filter: Annotated[
        ActivityFilter | None,
        strawberry.argument(
            description="Only activities for which this holds. within and contactSearch are "
            "refused."
        ),
    ] = UNSET,
    journey_id: Annotated[
        strawberry.ID | None,
        strawberry.argument(description="Only activities in this journey, by id."),
    ] = UNSET,
    after: After = UNSET,
) -> AsyncIterator[Batch[rows.Activity]]:
    asked = filter.frozen(Budget(info.context.now())) if filter else filters.ActivityFilter()
    if asked.within is not None or asked.contact_search is not None:
        raise bad_input("filter: within and contactSearch are for lists, not for subscriptions.")
    if journey_id:
        asked = replace(asked, journey_id=(ids.parse(journey_id, ids.JOURNEY),))
    stream = activities.follow(info.context, asked, after or None, below(info, "activities").want)
    async for batch in _told(info, stream, after):
        yield batch


async def job_progress(
    info: Info,
    job_id: Annotated[strawberry.ID, strawberry.argument(description="The job, by id.")],
) -> AsyncIterator[rows.Job]:
    is_known = False
    stream = jobs.follow(info.context, ids.parse(job_id, ids.JOB), below(info).want)
    async for job in stream:
        is_known = True
        yield job
    if not is_known:
        raise bad_input(f"jobId: this workspace has no job {shown(job_id)}.")


async def _told(info: Info, stream: AsyncIterator[Any], after: str | None) -> AsyncIterator[Any]:
    """The stream, with what is wrong with its cursor told to the client."""
    try:
        async for batch in stream:
            yield batch
    except Tampered:
        resumed = info.context.resume_after
        name, cursor = ("Last-Event-ID", resumed) if resumed else ("after", after)
        raise bad_input(
            f"{name}: {shown(cursor)} is no LogCursor: hand back one that we gave, unchanged."
        ) from None


def _streamed(resolver: Callable[..., AsyncIterator[Any]], description: str) -> Any:
    return strawberry.subscription(resolver=resolver, description=description)


@strawberry.type(description="Live streams, with the scope read.")
class Subscription:
    communication_events: CommunicationEventBatch = _streamed(
        communication_events,
        f"What happens to messages, as it happens. {_STREAM}",
    )
    entry_activities: ActivityBatch = _streamed(
        entry_activities,
        f"What happens to entries, as it happens. {_STREAM}",
    )
    journey_statistics: JourneyStatistics = _streamed(
        followed,
        "What a journey came to: at once, and again when something that is asked for has changed; "
        "a period that ends now moves on by itself, minute by minute. Each answer holds the "
        "numbers as they are then, and agrees with the lists at the place asOf; what changed "
        "several times while the client was busy, or within a fifth of a second, is told once.",
    )
    contact_statistics: ContactStatistics = _streamed(
        contact_statistics.followed,
        "How many contacts there are, by status: at once, and again when a number that is asked "
        "for has changed. What changed several times while the client was busy, or within a fifth "
        "of a second, is told once.",
    )
    job_progress: Job = _streamed(
        job_progress,
        "A job at once, and again whenever it came further; the stream ends when the job is over. "
        "A slow client is told the latest, not every step.",
    )
