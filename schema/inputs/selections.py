"""Selections: what a mutation is to be done to, by ids or by a filter."""

import strawberry

from resolvers import contact_selections
from resolvers.contact_selections import Chosen
from resolvers.stops import AT_MOST, InJourney, Selection
from schema import ids
from schema.inputs.conditions import Budget
from schema.inputs.filters import ContactFilter, EntryFilter
from store import filters
from store.types import Instant


@strawberry.input(description="The open entries of a journey.")
class JourneyEntriesInput:
    journey_id: strawberry.ID = strawberry.field(description="The journey, by id.")
    filter: EntryFilter | None = strawberry.field(
        default=strawberry.UNSET,
        description="Only those for which this holds. Left out or empty: all that are ACTIVE or "
        "WAITING.",
    )


@strawberry.input(one_of=True, description="Which entries: one of the two ways to say it.")
class EntrySelection:
    ids: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"Their ids, 1 to {AT_MOST:,}. More are refused as a whole.",
    )
    in_journey: JourneyEntriesInput | None = strawberry.field(
        default=strawberry.UNSET,
        description="Those of a journey that are open when the call is made, however many.",
    )

    def selection(self, now: Instant) -> Selection:
        """BAD_USER_INPUT for what is no id, and for a filter that asks too much."""
        if self.in_journey:
            asked = self.in_journey.filter
            return InJourney(
                ids.parse(self.in_journey.journey_id, ids.JOURNEY),
                asked.frozen(Budget(now)) if asked else filters.EntryFilter(),
                repr(self.in_journey),
            )
        return ids.parse_all(self.ids or (), ids.ENTRY)


@strawberry.input(one_of=True, description="Which contacts: one of the three ways to say it.")
class ContactSelection:
    ids: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"Their ids, 1 to {contact_selections.AT_MOST:,}. More are refused as a whole; "
        "those that the workspace does not have are passed over.",
    )
    filter: ContactFilter | None = strawberry.field(
        default=strawberry.UNSET,
        description="Those for which this holds when the call is made, however many. A filter "
        "without any condition is refused.",
    )
    all: bool | None = strawberry.field(
        default=strawberry.UNSET,
        description="True: every contact of the workspace. False is refused.",
    )

    def selection(self, now: Instant) -> Chosen:
        """BAD_USER_INPUT for what is no id, and for a filter that asks too much."""
        if self.filter:
            return Chosen(filter=self.filter.frozen(Budget(now)), said=repr(self))
        if self.all is True or self.all is False:
            return Chosen(is_all=self.all, said=repr(self))
        return Chosen(ids.parse_all(self.ids or (), ids.CONTACT), said=repr(self))
