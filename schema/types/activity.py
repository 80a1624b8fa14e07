"""Activity: something that happened to an entry."""

from typing import Any

import strawberry

from resolvers import log_cursors
from schema import ids
from schema.connections import Connection
from schema.enums import ActivityKind
from schema.fields import derived, plain, with_context
from schema.node import Node
from schema.scalars import JSON, DateTime, LogCursor, write_instant
from schema.summaries import SUMMARY_COLUMNS, SUMMARY_RELATIONS, summary
from schema.types.communication import Communication
from schema.types.entry import Entry
from schema.types.journey import JourneyStep
from store import rows


def detail(activity: rows.Activity) -> dict[str, Any] | None:
    if activity.detail is None or activity.activity == ActivityKind.MESSAGE_CREATED:
        # Of a message that was ignored, the log keeps the event itself, for an undo of the stop.
        return None
    until = activity.detail.get("waitingUntil")
    return (
        activity.detail
        if until is None
        else {**activity.detail, "waitingUntil": write_instant(until)}
    )


@strawberry.type(description="Something that happened to an entry.")
class Activity(Node):
    id: strawberry.ID = derived(
        ids.of_logged(ids.ACTIVITY), "Opaque; begins with act_.", needs=("seq", "nonce")
    )
    cursor: LogCursor = with_context(
        log_cursors.of_row,
        "The place behind it in the event log: subscribe with it as after to go on from here.",
        needs=("seq", "recorded_at", "nonce"),
    )
    entry: Entry = plain("The entry that it happened to.")
    kind: ActivityKind = derived(
        lambda activity: activity.activity, "What happened.", needs=("activity",)
    )
    step: JourneyStep | None = plain("The step at which it happened, if it was at one.")
    communication: Communication | None = plain(
        "The message that it is about; null for what is not about a message."
    )
    occurred_at: DateTime = plain("When it happened, by whoever reported it.")
    recorded_at: DateTime = plain("When it was recorded here.")
    is_ignored: bool = plain(
        "True for what occurred after the campaign was stopped: recorded, and without effect while "
        "the stop stands."
    )
    is_suspected_bot: bool = plain(
        "Whether it seems to be the doing of a robot, such as a mail scanner. It counts for "
        "nothing."
    )
    summary: str = derived(
        summary,
        "One plain English sentence for people, such as: The message “Welcome” was delivered by "
        "e-mail at the step “Greeting”.",
        needs=SUMMARY_COLUMNS,
        relations=SUMMARY_RELATIONS,
    )
    detail: JSON | None = derived(
        detail,
        "More about it as it was reported, such as the bonus or what is waited for; null when "
        "nothing was.",
        needs=("activity", "detail"),
    )


@strawberry.type(description="A page of activities.")
class ActivityConnection(Connection[Activity]):
    pass
