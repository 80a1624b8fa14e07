"""Contact: a person or account that journeys reach."""

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Optional

import strawberry

from resolvers import communications, contacts, entries
from schema import ids
from schema.connections import Connection
from schema.enums import ContactSource, ContactStatus
from schema.fields import derived, plain
from schema.inputs.filters import CommunicationFilter, EntryFilter
from schema.inputs.orders import EntryOrder
from schema.listing import Listing, listing
from schema.node import Node
from schema.scalars import DateTime
from schema.types.profile import MarketingProfile
from store import filters
from store.lists import Order

if TYPE_CHECKING:
    from schema.types.communication import CommunicationConnection
    from schema.types.entry import EntryConnection

_ENTRIES = Listing(
    "contact.entries", entries, filters.EntryFilter(), Order("entered_at"), "contact_id"
)
_COMMUNICATIONS = Listing(
    "contact.communications",
    communications,
    filters.CommunicationFilter(),
    Order("created_at"),
    "contact_id",
)


@strawberry.type(
    description="A person or account that journeys reach. externalUsername, username and email "
    "(ignoring case) are each unique in the workspace, where present."
)
class Contact(Node):
    id: strawberry.ID = derived(ids.of(ids.CONTACT), "Opaque; begins with ctc_.", needs=("id",))
    username: str | None = plain("The name under which it signs in, if it has one.")
    external_username: str | None = plain("The partner's own id of it, if it has one.")
    email: str | None = plain("The e-mail address as it was given, if there is one.")
    first_name: str | None = plain("The first name, if it is known.")
    last_name: str | None = plain("The last name, if it is known.")
    phone: str | None = plain("The telephone number as it was given, if there is one.")
    status: ContactStatus = plain("What the contact is to the business.")
    source: ContactSource = plain("How it came in.")
    is_imported: bool = derived(
        lambda contact: contact.imported_at is not None,
        "Whether any import named it.",
        needs=("imported_at",),
    )
    imported_as: ContactStatus | None = plain(
        "The status that the latest import which named it gave it; null when none did."
    )
    imported_at: DateTime | None = plain("When the latest import named it; null when none did.")
    created_at: DateTime = plain("When it was created here.")
    converted_at: DateTime | None = plain(
        "When it first went from lead to customer; null as long as it did not."
    )
    last_interaction_at: DateTime | None = plain(
        "The latest entry, seen, opened or clicked message, survey answer, promo or sign-up; never "
        "a message sent to it. Null before the first one."
    )
    referred_by: Optional["Contact"] = plain(
        "The contact through whose link it signed up, if it did."
    )
    reward_balance: Decimal = plain(
        "What it has earned in rewards and not been sent, in the workspace's currency."
    )
    is_deleted: bool = derived(
        lambda contact: contact.deleted_at is not None,
        "Whether it was deleted: then it is in no list and no statistics of contacts, and is found "
        "by its id and at its journeys alone.",
        needs=("deleted_at",),
    )
    is_erased: bool = derived(
        lambda contact: contact.erased_at is not None,
        "Whether its personal data were erased: then names and addresses are null for good.",
        needs=("erased_at",),
    )
    entries: Annotated["EntryConnection", strawberry.lazy("schema.types.entry")] = listing(
        _ENTRIES,
        "Its passages through journeys.",
        filter=EntryFilter,
        order=EntryOrder,
    )
    communications: Annotated[
        "CommunicationConnection", strawberry.lazy("schema.types.communication")
    ] = listing(
        _COMMUNICATIONS,
        "The messages to it, the newest first.",
        filter=CommunicationFilter,
    )
    profile: MarketingProfile = derived(
        lambda contact: contact,
        "What partners reported of it, beside its journeys.",
        needs=("id",),
    )


@strawberry.type(description="A page of contacts.")
class ContactConnection(Connection[Contact]):
    pass


ALL = Listing("contacts", contacts, filters.ContactFilter(), Order("created_at"))
