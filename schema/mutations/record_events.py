"""recordEvents: what partners report."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, cast

import strawberry

from resolvers import events
from resolvers.events import EventResult as Result
from schema.enums import EventOutcome
from schema.errors import UserError
from schema.fields import derived, plain
from schema.info import Info
from schema.inputs import reported
from schema.inputs.events import EventInput
from schema.inputs.raw import raw
from schema.scalars import URL, LogCursor


@raw
@strawberry.input(description="What happened.")
class RecordEventsInput:
    events: list[EventInput] = strawberry.field(
        description=f"1 to {events.AT_MOST:,} events, applied in this order. Each has a result of "
        "its own: one that is refused does no harm to the others. More are refused as a whole."
    )
    backfill: bool = strawberry.field(
        default=False,
        description="Takes events of any age, to load history. Needs the scope admin.",
    )


@strawberry.type(description="A link that was put into a message.")
class TrackedLink:
    target: URL = derived(lambda link: link[0], "Where it leads, as it was given.")
    url: URL = derived(
        lambda link: link[1],
        "What to put into the message: following it records a CLICKED event and leads to target.",
    )


@strawberry.type(description="What became of one reported event.")
class EventResult:
    index: int = plain("Its place in the list that was given, from 0.")
    key: str = plain("Its key.")
    outcome: EventOutcome = plain("What became of it.")
    error: UserError | None = plain("Why it was REJECTED; null otherwise.")
    links: list[TrackedLink] = plain(
        "Of a communication: a tracked link for each of its links, in the order given. Empty for "
        "other kinds."
    )
    open_pixel: URL | None = plain(
        "Of a communication: the address of an image which, put into an HTML message, records an "
        "OPENED event when it is fetched. Null for other kinds."
    )
    unsubscribe: URL | None = plain(
        "Of a communication: where its contact can unsubscribe from the channel, for a link in the "
        "message and, with List-Unsubscribe-Post, for its header List-Unsubscribe (RFC 8058). Null "
        "for other kinds."
    )


@strawberry.type(description="What became of the reported events.")
class RecordEventsPayload:
    results: list[EventResult] = plain(
        "A result for each event, in the order given. Empty when the call was refused as a whole."
    )
    cursor: LogCursor | None = plain(
        "The place in the event log behind these events. Null when none was recorded now."
    )
    user_errors: list[UserError] = derived(
        lambda recorded: recorded.refusals, "Why the call was refused as a whole; else empty."
    )


async def record_events(
    info: Info,
    input: Annotated[RecordEventsInput, strawberry.argument(description="What happened.")],
) -> RecordEventsPayload:
    given = cast("Mapping[str, Any]", input)
    sent: Sequence[Mapping[str, Any]] = given["events"]
    # Of too many, none is looked at.
    read = [reported.event(each) for each in sent[: events.AT_MOST + 1]]
    recorded = await events.record(info.context, read, backfill=given["backfill"])
    results = tuple(_located(result, sent[result.index]) for result in recorded.results)
    return cast("RecordEventsPayload", replace(recorded, results=results))


def _located(result: Result, sent: Mapping[str, Any]) -> Result:
    """The result with its error's path from the mutation's input on."""
    if result.error is None:
        return result
    path = ("events", str(result.index), reported.kind(sent), *(result.error.field or ()))
    return replace(result, error=replace(result.error, field=path))
