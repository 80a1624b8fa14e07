"""Contact: a person or account that journeys reach."""

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Optional

import strawberry

from resolvers import belongings, communications, contacts, entries
from schema import ids
from schema.belongings import belonging
from schema.connections import Connection
from schema.enums import Channel, ContactSource, ContactStatus
from schema.fields import derived, plain
from schema.inputs.filters import CommunicationFilter, EntryFilter
from schema.inputs.orders import EntryOrder
from schema.listing import Listing, listing
from schema.node import Node
from schema.scalars import DateTime
from schema.types.profile import MarketingProfile
from schema.types.promo import PromoRedemption
from schema.types.referral_link import ReferralLink
from schema.types.reward import OF_CONTACT, Reward, RewardTransactionConnection
from schema.types.survey import SurveyAnswer
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


@strawberry.type(description="That a contact became something else to the business.")
class StatusChange:
    from_: ContactStatus | None = derived(
        lambda change: change.from_status,
        "What it was before; null when it was new.",
        needs=("from_status",),
        name="from",
    )
    to: ContactStatus = derived(
        lambda change: change.to_status, "What it was from then on.", needs=("to_status",)
    )
    at: DateTime = plain("When it changed.")
    by: str = plain("Who changed it: the name of a token.")


@strawberry.type(description="What a contact said to messages on one channel.")
class ChannelConsent:
    channel: Channel = plain("The channel.")
    is_subscribed: bool = plain("Whether it wants messages there.")
    since: DateTime = plain("When it was said.")
    source: str = plain("Who recorded it: the name of a token, or how it was said.")


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
    status_history: list[StatusChange] = belonging(
        belongings.status_changes, "What it was to the business, the latest change first."
    )
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
    consents: list[ChannelConsent] = belonging(
        belongings.consents,
        "What it said to messages, by channel; of a channel that is not there nothing is known.",
    )
    preferred_reward: Reward | None = plain("The reward that it chose last, if it chose one.")
    reward_balance: Decimal = plain(
        "What it has earned in rewards and not been sent, in the workspace's currency."
    )
    reward_transactions: RewardTransactionConnection = listing(
        OF_CONTACT,
        "The ledger of what it earned and was sent, the latest first.",
        is_forward_only=True,
    )
    survey_answers: list[SurveyAnswer] = belonging(
        belongings.survey_answers,
        "What it answered last to each question, the latest first.",
        of_journey="Only answers to surveys of this journey, by id.",
    )
    promo_redemptions: list[PromoRedemption] = belonging(
        belongings.redemptions, "The promos that it redeemed, the latest first."
    )
    referral_links: list[ReferralLink] = belonging(
        belongings.referral_links,
        "Its own links into journeys, the latest first.",
        of_journey="Only links into this journey, by id.",
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
