"""Statistics: what a journey's entries and messages came to, in a period or of all time."""

from typing import Annotated, Any, NamedTuple

import strawberry
from strawberry import UNSET

from resolvers.context import Context
from resolvers.statistics import POINTS_AT_MOST, Performance, Statistics
from schema.enums import Channel, TimeBucket
from schema.errors import bad_input
from schema.fields import derived, plain, resolved, with_context
from schema.info import Info
from schema.inputs.conditions import Budget, words
from schema.scalars import BigInt, DateTime, LogCursor
from schema.types.resource import Resource
from store.counters import MessageCounts, total
from store.types import Instant

RESOURCES_AT_MOST = 500
POINTS_OF_ALL_AT_MOST = 20_000
_POINTS = "points of series"

_HUMAN = "Suspected robots do not count."

Channels = Annotated[
    list[Channel] | None,
    strawberry.argument(description="Only resources of these channels. Left out or null: of all."),
]
RESOURCES = (
    "What the messages did by resource, the one with most messages first; at most "
    f"{RESOURCES_AT_MOST}. A resource without a message in the period is not there."
)


def ratio(part: int, base: int) -> float | None:
    return part / base if base else None


def of_channels(
    performance: tuple[Performance, ...], channel: list[Channel] | None
) -> tuple[Performance, ...]:
    """The first resources of these channels."""
    if channel:
        performance = tuple(one for one in performance if one.of.channel in channel)
    return performance[:RESOURCES_AT_MOST]


def channels(channel: list[Channel] | None) -> list[Channel] | None:
    """The channels that are asked for, None for all; BAD_USER_INPUT for an empty list."""
    return list(words(channel, "channel", Budget(0))) if isinstance(channel, list) else None


@strawberry.type(
    description="How many messages reached each milestone, in whatever order its events came and "
    "whatever came after: a message that was clicked counts as sent, delivered and clicked where "
    "those events came. Each message counts once, in the period of its createdAt. Each number is "
    "the totalCount of communications(filter: {hasReached: …, createdWithin: …})."
)
class CommunicationStatistics:
    created: BigInt = plain("All messages; hasReached: [QUEUED].")
    sent: BigInt = plain("SENT: a provider took them on.")
    delivered: BigInt = plain("DELIVERED.")
    impressions: BigInt = plain(f"IMPRESSION: were on the contact's screen. {_HUMAN}")
    opened: BigInt = plain(f"OPENED. {_HUMAN}")
    clicked: BigInt = plain(f"CLICKED. {_HUMAN}")
    failed: BigInt = plain("FAILED: could not be sent, for good.")
    bounced: BigInt = plain("BOUNCED: refused by the receiving side, for good.")
    suppressed: BigInt = plain("SUPPRESSED: not sent, because of a suppression list.")
    complained: BigInt = plain("COMPLAINED: reported as spam.")
    unsubscribed: BigInt = plain("UNSUBSCRIBED: the contact unsubscribed through them.")
    raw_opened: BigInt = plain("Opened by anyone, suspected robots included.")
    raw_clicked: BigInt = plain("Clicked by anyone, suspected robots included.")


class Point(NamedTuple):
    at: Instant
    counts: MessageCounts


_NOTHING = MessageCounts()


@strawberry.type(description="The messages created in one bucket of time.")
class PerformancePoint:
    at: DateTime = plain(
        "Where the bucket begins. The first and the last one count only what lies in the period."
    )
    counts: CommunicationStatistics = plain("What became of those messages up to now.")


def _series(
    parent: strawberry.Parent[Performance],
    info: Info,
    bucket: Annotated[TimeBucket, strawberry.argument(description="How wide the points are.")],
) -> list[Point]:
    series = parent.series[bucket]
    _spend(info.context, len(series))
    return [
        Point(at, series.counted.get(at, _NOTHING))
        for at in range(series.start, series.end, series.width)
    ]


def _spend(context: Context, points: int) -> None:
    spent = context.loaders[_POINTS] = context.loaders.get(_POINTS, 0) + points
    if spent > POINTS_OF_ALL_AT_MOST:
        raise bad_input(
            f"The series of this operation have more than {POINTS_OF_ALL_AT_MOST:,} points "
            "together: ask for fewer channels, wider buckets or a shorter period."
        )


@strawberry.type(description="What the messages made from one resource did.")
class ResourcePerformance:
    resource: Resource = derived(lambda one: one.of.resource, "The resource.")
    channel: Channel = derived(lambda one: one.of.channel, "Its channel.")
    counts: CommunicationStatistics = derived(lambda one: one.of.counts, "What its messages did.")
    delivery_rate: float | None = derived(
        lambda one: ratio(one.of.counts.delivered, one.of.counts.sent),
        "delivered / sent; null when none was sent. Above 1 where deliveries were reported without "
        "their sending.",
    )
    click_rate: float | None = derived(
        lambda one: ratio(one.of.counts.clicked, one.of.counts.delivered),
        "clicked / delivered; null when none was delivered. Above 1 where clicks were reported "
        "without their delivery.",
    )
    series: list[PerformancePoint] = resolved(
        _series,
        "The same over time, the oldest point first, without a hole; the points add up "
        f"to counts. At most {POINTS_AT_MOST:,} points, and {POINTS_OF_ALL_AT_MOST:,} in one "
        "operation; more are refused. Where the period is open, the series reaches from the first "
        "to the last bucket in which the journey has a message of these channels.",
    )


@strawberry.type(
    description="The bounds that were used: those asked for, rounded outward to whole minutes."
)
class ResolvedPeriod:
    from_: DateTime | None = strawberry.field(
        name="from",
        resolver=lambda root: root.start,
        description="The first moment; null when there is no first one.",
    )
    to: DateTime | None = derived(
        lambda period: period.end, "The first moment behind it; null when there is no end."
    )


@strawberry.type(
    description="Where people are at a step, and where they stick, since the journey began. Facts "
    "that were recorded without effect, after a stop, do not count."
)
class StepCounts:
    entered: BigInt = plain("Entries that ever reached it (activity STEP_ENTERED).")
    waiting: BigInt = plain("Entries that wait at it now (currentStepId, state WAITING).")
    completed: BigInt = plain("Entries that ever completed it (activity STEP_COMPLETED).")
    failed: BigInt = plain("Entries for which it ever failed (activity STEP_FAILED).")


def _of_all(name: str) -> Any:
    return lambda found: getattr(found.groups.treated, name) + getattr(found.groups.control, name)


def _open(found: Statistics) -> int:
    assert found.groups is not None
    return sum(one.active + one.waiting for one in (found.groups.treated, found.groups.control))


def _treated_rate(found: Statistics) -> float | None:
    assert found.groups is not None
    return ratio(found.groups.treated.converted, found.groups.treated.entered)


def _control_rate(found: Statistics) -> float | None:
    assert found.groups is not None
    return ratio(found.groups.control.converted, found.groups.control.entered)


def _uplift(found: Statistics) -> float | None:
    treated, control = _treated_rate(found), _control_rate(found)
    return (treated - control) / control if treated is not None and control else None


def _communications(found: Statistics) -> MessageCounts:
    assert found.performance is not None
    return total(one.of.counts for one in found.performance)


def _resources(
    parent: strawberry.Parent[Statistics], channel: Channels = UNSET
) -> tuple[Performance, ...]:
    assert parent.performance is not None
    return of_channels(parent.performance, channels(channel))


def _place(context: Context, found: Statistics) -> str:
    assert found.place is not None
    return found.place.encode(context.signer)


@strawberry.type(
    description="What a journey came to. Entries count in the period of their enteredAt, the "
    "control group included; each number is the totalCount of entries with the filter that is "
    "named, and enteredWithin."
)
class JourneyStatistics:
    entered: BigInt = derived(_of_all("entered"), "All entries.")
    active: BigInt = derived(_open, "Those that have not ended, ACTIVE or WAITING; isActive: true.")
    completed: BigInt = derived(_of_all("completed"), "state: [COMPLETED].")
    converted: BigInt = derived(
        _of_all("converted"),
        "isConverted: true. Conversion is no state: these count elsewhere too.",
    )
    stopped: BigInt = derived(_of_all("stopped"), "state: [STOPPED].")
    exited: BigInt = derived(_of_all("exited"), "state: [EXITED].")
    failed: BigInt = derived(_of_all("failed"), "state: [FAILED].")
    in_control_group: BigInt = derived(
        lambda found: found.groups.control.entered, "inControlGroup: true."
    )
    conversion_rate: float | None = derived(
        _treated_rate,
        "converted / entered of the treated, who are not in the control group, from 0 to 1; null "
        "when none of them entered.",
    )
    control_group_conversion_rate: float | None = derived(
        _control_rate,
        "converted / entered of the control group, from 0 to 1; null when none of it entered.",
    )
    uplift: float | None = derived(
        _uplift,
        "(conversionRate - controlGroupConversionRate) / controlGroupConversionRate: 0.25 when the "
        "treated convert a quarter more often. Null when either rate is null, or that of the "
        "control group is 0.",
    )
    communications: CommunicationStatistics = derived(
        _communications, "What the journey's messages did."
    )
    resources: list[ResourcePerformance] = resolved(_resources, RESOURCES)
    period: ResolvedPeriod | None = plain(
        "The bounds that were used; null when no period was asked for."
    )
    as_of: LogCursor = with_context(
        _place,
        "The place in the log at which all of these numbers are true: subscribe to what happens "
        "behind it with after, and nothing is missed.",
    )
