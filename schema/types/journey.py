"""Journey: a campaign or flow, and its steps."""

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry.types.field import StrawberryField

from resolvers import activities, belongings, communications, entries, journeys
from resolvers.context import Context
from resolvers.loaders import load
from schema import ids
from schema.belongings import belonging
from schema.connections import Connection
from schema.counting import counted, journey_statistics, resource_performance, step_counts
from schema.enums import Channel, JourneyStatus
from schema.fields import NEEDS, Needs, derived, plain
from schema.inputs.filters import ActivityFilter, CommunicationFilter, EntryFilter
from schema.inputs.orders import CommunicationOrder, EntryOrder
from schema.listing import Listing, listing
from schema.node import Node
from schema.scalars import URL, DateTime
from schema.selection import below
from schema.types.resource import Resource
from schema.types.reward import Reward
from schema.types.statistics import (
    RESOURCES,
    JourneyStatistics,
    ResourcePerformance,
    StepCounts,
)
from schema.types.survey import Survey
from store import filters, rows
from store.lists import Order
from store.types import Id
from store.want import Want

if TYPE_CHECKING:
    from schema.types.activity import ActivityConnection
    from schema.types.communication import CommunicationConnection
    from schema.types.entry import EntryConnection

_ENTRIES = Listing(
    "journey.entries", entries, filters.EntryFilter(), Order("entered_at"), "journey_id"
)
_COMMUNICATIONS = Listing(
    "journey.communications",
    communications,
    filters.CommunicationFilter(),
    Order("created_at"),
    "journey_id",
)
_ACTIVITIES = Listing(
    "journey.activities", activities, filters.ActivityFilter(), Order("seq"), "journey_id"
)


@strawberry.type(description="A step of a journey.")
class JourneyStep:
    id: strawberry.ID = derived(ids.of(ids.STEP), "Opaque.", needs=("id",))
    key: str = plain("The partner's own name of the step, unique in its journey.")
    name: str = plain("The name for people.")
    position: int = plain("Its place among the steps, from 0.")
    channel: Channel | None = plain(
        "The channel on which the step sends; null for a step that sends nothing."
    )
    resource: Resource | None = plain(
        "The content that the step sends; null for a step that sends nothing."
    )
    patience_seconds: int | None = plain(
        "How long an entry may stand here before it counts as stuck; null is for ever."
    )
    is_archived: bool = plain(
        "True for a step that a later upsert left out: entries may still refer to it."
    )
    counts: StepCounts = counted(
        step_counts, "Where people are, and where they stick.", "id", "journey_id"
    )


class StepsField(StrawberryField):
    """The steps of journeys, in one statement for all the journeys of a level."""

    @property
    def is_basic_field(self) -> bool:
        return False

    def get_result(
        self, source: Any, info: Any, args: Any, kwargs: Any
    ) -> Awaitable[list[rows.JourneyStep]]:
        context: Context = info.context
        want: Want = below(info).want

        async def read(journey_ids: list[Id]) -> dict[Id, list[rows.JourneyStep]]:
            return await journeys.steps(context, journey_ids, want)

        return load(context, ("journey.steps", want), source.id, read)


def _steps(description: str) -> Any:
    return StepsField(metadata={NEEDS: Needs(("id",))}, description=description)


@strawberry.type(description="A campaign or flow that contacts go through step by step.")
class Journey(Node):
    id: strawberry.ID = derived(ids.of(ids.JOURNEY), "Opaque; begins with jrn_.", needs=("id",))
    external_id: str | None = plain("The partner's own id; null for a journey made here.")
    name: str = plain("The name for people.")
    status: JourneyStatus = plain("Whether it runs.")
    landing_url: URL | None = plain("The page on which its links land, if it has one.")
    starts_at: DateTime | None = plain("When it starts; null when that is open.")
    ends_at: DateTime | None = plain("When it ends; null when that is open.")
    created_at: DateTime = plain("When it was created here.")
    steps: list[JourneyStep] = _steps(
        "Its steps in order. Steps left out by a later upsert stay behind them, archived."
    )
    surveys: list[Survey] = belonging(
        belongings.surveys,
        "What it asks, in order; surveys that a later upsert left out are not among them.",
    )
    rewards: list[Reward] = belonging(
        belongings.rewards,
        "What it gives to those who respond, in order: the first one where a contact chose none. "
        "Rewards that a later upsert left out are not among them.",
    )
    entries: Annotated["EntryConnection", strawberry.lazy("schema.types.entry")] = listing(
        _ENTRIES,
        "The passages of contacts through this journey.",
        filter=EntryFilter,
        order=EntryOrder,
    )
    communications: Annotated[
        "CommunicationConnection", strawberry.lazy("schema.types.communication")
    ] = listing(
        _COMMUNICATIONS,
        "The messages of this journey.",
        filter=CommunicationFilter,
        order=CommunicationOrder,
    )
    activities: Annotated["ActivityConnection", strawberry.lazy("schema.types.activity")] = listing(
        _ACTIVITIES,
        "What happened to the entries of this journey, the newest first; as far back as the log is "
        "kept.",
        filter=ActivityFilter,
    )
    statistics: JourneyStatistics = counted(
        journey_statistics,
        "What it came to, in a period or of all time: numbers that agree with each other, and with "
        "its lists at the place asOf. Live as the subscription journeyStatistics.",
        "id",
    )
    resource_performance: list[ResourcePerformance] = counted(resource_performance, RESOURCES, "id")


@strawberry.type(description="A page of journeys.")
class JourneyConnection(Connection[Journey]):
    pass


ALL = Listing("journeys", journeys, filters.JourneyFilter(), Order("created_at"))
