"""Orders: by what a list is sorted. Rows that tie stand in the order of their ids."""

from enum import StrEnum

import strawberry

from schema.enums import OrderDirection, describe
from store.lists import Order

_DIRECTION = "Which end comes first."


class JourneyOrderField(StrEnum):
    CREATED_AT = "CREATED_AT"
    NAME = "NAME"


class EntryOrderField(StrEnum):
    ENTERED_AT = "ENTERED_AT"
    CONVERTED_AT = "CONVERTED_AT"
    STOPPED_AT = "STOPPED_AT"


class CommunicationOrderField(StrEnum):
    CREATED_AT = "CREATED_AT"


class ContactOrderField(StrEnum):
    CREATED_AT = "CREATED_AT"
    LAST_INTERACTION_AT = "LAST_INTERACTION_AT"
    LAST_NAME = "LAST_NAME"


describe(
    JourneyOrderField,
    "By what journeys are sorted.",
    {"CREATED_AT": "When it was created.", "NAME": "Its name, ignoring case."},
)
describe(
    EntryOrderField,
    "By what entries are sorted. A late report may still move a conversion or an end: whoever "
    "pages by them meanwhile may miss that entry or see it twice. ENTERED_AT never moves.",
    {
        "ENTERED_AT": "When the contact entered.",
        "CONVERTED_AT": "When the contact converted. Lists hold only entries that have converted.",
        "STOPPED_AT": "When it ended, by whatever reason. Lists hold only entries that have ended.",
    },
)
describe(
    CommunicationOrderField,
    "By what communications are sorted.",
    {"CREATED_AT": "When the message was created."},
)
describe(
    ContactOrderField,
    "By what contacts are sorted.",
    {
        "CREATED_AT": "When it was created.",
        "LAST_INTERACTION_AT": "Its last interaction; before the first one, when it was created.",
        "LAST_NAME": "Its last name, ignoring case; contacts without one stand first.",
    },
)

_COLUMNS = {
    "CONVERTED_AT": "converted_at",
    "CREATED_AT": "created_at",
    "ENTERED_AT": "entered_at",
    "LAST_INTERACTION_AT": "active_at",
    "LAST_NAME": "last_name_key",
    "NAME": "search",
    "STOPPED_AT": "stopped_at",
}


def _order(field: StrEnum, direction: OrderDirection) -> Order:
    return Order(_COLUMNS[field], direction is OrderDirection.DESC)


@strawberry.input(description="How journeys are sorted.")
class JourneyOrder:
    field: JourneyOrderField = strawberry.field(description="By what.")
    direction: OrderDirection = strawberry.field(description=_DIRECTION)

    def order(self) -> Order:
        return _order(self.field, self.direction)


@strawberry.input(description="How entries are sorted.")
class EntryOrder:
    field: EntryOrderField = strawberry.field(description="By what.")
    direction: OrderDirection = strawberry.field(description=_DIRECTION)

    def order(self) -> Order:
        return _order(self.field, self.direction)


@strawberry.input(description="How communications are sorted.")
class CommunicationOrder:
    field: CommunicationOrderField = strawberry.field(description="By what.")
    direction: OrderDirection = strawberry.field(description=_DIRECTION)

    def order(self) -> Order:
        return _order(self.field, self.direction)


@strawberry.input(description="How contacts are sorted.")
class ContactOrder:
    field: ContactOrderField = strawberry.field(description="By what.")
    direction: OrderDirection = strawberry.field(description=_DIRECTION)

    def order(self) -> Order:
        return _order(self.field, self.direction)
