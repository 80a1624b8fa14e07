"""Entry: one passage of one contact through one journey."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from resolvers import activities, communications, entries
from schema import ids
from schema.connections import Connection
from schema.enums import EntryState, JourneyStatus, StopReason
from schema.fields import derived, plain
from schema.inputs.filters import ActivityFilter, CommunicationFilter
from schema.listing import Listing, listing
from schema.node import Node
from schema.scalars import DateTime
from schema.types.diagnosis import EntryDiagnosis, diagnosed
from schema.types.journey import Journey, JourneyStep
from store import filters, rows
from store.lists import Order
from store.want import want
from store.words import OPEN_STATES

if TYPE_CHECKING:
    from schema.types.activity import ActivityConnection
    from schema.types.communication import CommunicationConnection
    from schema.types.contact import Contact

_STOPPABLE = (JourneyStatus.ACTIVE, JourneyStatus.PAUSED)


def can_stop(entry: rows.Entry) -> bool:
    return entry.state in OPEN_STATES and entry.journey.status in _STOPPABLE


_ACTIVITIES = Listing(
    "entry.activities",
    activities,
    filters.ActivityFilter(),
    Order("seq", is_descending=False),
    "entry_id",
)
_COMMUNICATIONS = Listing(
    "entry.communications",
    communications,
    filters.CommunicationFilter(),
    Order("created_at"),
    "entry_id",
)


@strawberry.type(
    description="One passage of one contact through one journey. A contact may enter again: that "
    "is another entry."
)
class Entry(Node):
    id: strawberry.ID = derived(ids.of(ids.ENTRY), "Opaque; begins with ent_.", needs=("id",))
    external_id: str = plain("The partner's own id of the entry.")
    journey: Journey = plain("The journey.")
    contact: Annotated["Contact", strawberry.lazy("schema.types.contact")] = plain(
        "The contact who goes through it."
    )
    entered_at: DateTime = plain("When the contact entered.")
    converted_at: DateTime | None = plain(
        "When the contact did what the journey is for; null as long as it did not. An entry may "
        "convert after its end."
    )
    stopped_at: DateTime | None = plain(
        "When it ended, by a stop, an exit, a completion or a failure; null while it is open."
    )
    stop_reason: StopReason | None = plain("Why it ended; null while it is open.")
    stopped_by: str | None = derived(
        lambda entry: entry.stop_actor,
        "Who stopped the campaign: the token's name. Null when nobody did.",
        needs=("stop_actor",),
    )
    stop_note: str | None = plain("The note given with the stop, if there was one.")
    in_control_group: bool = plain(
        "True when the contact is only watched for comparison: messages are held back."
    )
    state: EntryState = plain("Where it stands.")
    can_stop: bool = derived(
        can_stop,
        "Whether stopCampaign would stop it: ACTIVE or WAITING, in a journey that is ACTIVE or "
        "PAUSED.",
        needs=("state",),
        relations={"journey": want(["status"])},
    )
    current_step: JourneyStep | None = plain(
        "The step that it reached last; null before the first one."
    )
    activities: Annotated["ActivityConnection", strawberry.lazy("schema.types.activity")] = listing(
        _ACTIVITIES,
        "What happened to it, the oldest first, in the order in which it became known; as far back "
        "as the log is kept (TRACKSIDE_LOG_DAYS, for ever when that is not set).",
        filter=ActivityFilter,
    )
    communications: Annotated[
        "CommunicationConnection", strawberry.lazy("schema.types.communication")
    ] = listing(
        _COMMUNICATIONS,
        "The messages that it caused, the newest first.",
        filter=CommunicationFilter,
    )
    diagnosis: EntryDiagnosis = diagnosed("Why the contact is where it is.")


@strawberry.type(description="A page of entries.")
class EntryConnection(Connection[Entry]):
    pass


ALL = Listing("entries", entries, filters.EntryFilter(), Order("entered_at"))
