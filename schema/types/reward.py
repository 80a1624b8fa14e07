"""Reward: what rewarded journeys give, and the ledger of what contacts earned and were sent."""

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import strawberry

from resolvers import reward_transactions
from schema import ids
from schema.connections import Connection
from schema.enums import RewardTransactionKind
from schema.fields import derived, plain
from schema.listing import Listing
from schema.scalars import DateTime
from store import filters
from store.lists import Order

if TYPE_CHECKING:
    from schema.types.journey import Journey


@strawberry.type(description="What a journey gives to contacts who respond to it.")
class Reward:
    id: strawberry.ID = derived(ids.of(ids.REWARD), "Opaque; begins with rwd_.", needs=("id",))
    key: str = plain("The partner's own name of it, unique in its journey.")
    name: str = plain("The name for people.")
    value: Decimal = plain("What it is worth, in the workspace's currency.")
    journey: Annotated["Journey", strawberry.lazy("schema.types.journey")] = plain(
        "The journey that gives it."
    )


@strawberry.type(description="A line of a contact's ledger of rewards; the balance is their sum.")
class RewardTransaction:
    id: strawberry.ID = derived(ids.of(ids.REWARD_TRANSACTION), "Opaque.", needs=("id",))
    reward: Reward = plain("The reward.")
    kind: RewardTransactionKind = plain("Why the balance changed.")
    amount: Decimal = plain("By how much the balance changed; negative for what was sent.")
    journey: Annotated["Journey", strawberry.lazy("schema.types.journey")] | None = plain(
        "The journey in which it was earned; null where none is known."
    )
    at: DateTime = plain("When it was earned or sent.")


@strawberry.type(description="A page of reward transactions.")
class RewardTransactionConnection(Connection[RewardTransaction]):
    pass


OF_CONTACT = Listing(
    "contact.rewardTransactions",
    reward_transactions,
    filters.RewardTransactionFilter(),
    Order("id"),
    "contact_id",
)
