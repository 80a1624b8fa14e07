"""Marketing profile: what partners reported of a contact beside its journeys."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import strawberry

from resolvers import contact_events, profiles
from resolvers.context import Context
from resolvers.loaders import load
from schema import ids
from schema.connections import Connection, Listed
from schema.fields import NEEDS, Needs, derived, plain, with_context
from schema.inputs.conditions import VALUES_AT_MOST, Budget, text, words
from schema.listing import LISTING, ListField, Listing
from schema.paging import argument, forward_arguments
from schema.scalars import JSON, DateTime, read_instant, readable
from store import filters, rows
from store.lists import Order
from store.types import Id, Instant

_EVENTS = Listing(
    "contact.profile.events",
    contact_events,
    filters.ContactEventFilter(),
    Order("occurred_at"),
    "contact_id",
)


@dataclass(frozen=True)
class Figures:
    """Figures by name, each with the moment that it is true of."""

    known: Mapping[str, Mapping[str, Any]]

    def value(self, name: str) -> Any:
        return self.known[name]["value"] if name in self.known else None

    def decimal(self, name: str) -> Decimal | None:
        value = self.value(name)
        return None if value is None else Decimal(value)

    def instant(self, name: str) -> Instant | None:
        value = self.value(name)
        if value is None:
            return None
        moment: Instant = readable(read_instant(value))
        return moment

    @property
    def updated_at(self) -> Instant | None:
        return max((one["at"] for one in self.known.values()), default=None)


def _figure(name: str, description: str) -> Any:
    return derived(lambda figures: figures.value(name), description)


def _decimal(name: str, description: str) -> Any:
    return derived(lambda figures: figures.decimal(name), description)


def _texts(name: str, description: str) -> Any:
    return derived(lambda figures: figures.value(name) or [], description)


_UNKNOWN = "null when it was never reported."


def _updated() -> Any:
    return plain("The latest moment that any of it was reported for; null when none of it was.")


@strawberry.type(description="A contact's standing in a game, as partners reported it.")
class Gamification:
    level: int | None = _figure("level", f"The level that it is at; {_UNKNOWN}")
    points: Decimal | None = _decimal("points", f"The points that it has; {_UNKNOWN}")
    badges: list[str] = _texts("badges", "All its badges.")
    missions_completed: int | None = _figure(
        "missionsCompleted", f"How many missions it has completed; {_UNKNOWN}"
    )
    achievements: list[str] = _texts("achievements", "All its achievements.")
    updated_at: DateTime | None = _updated()


@strawberry.type(
    description="A contact's finances as partners reported them: totals since the beginning, in "
    "the currency given."
)
class Financials:
    is_available: bool = derived(
        lambda figures: bool(figures.known),
        "Whether anything was reported. When false, all else is null: unknown, not zero.",
    )
    currency: str | None = _figure("currency", f"The currency of the amounts; {_UNKNOWN}")
    total_deposits: Decimal | None = _decimal("totalDeposits", f"All that was paid in; {_UNKNOWN}")
    deposit_count: int | None = _figure(
        "depositCount", f"How often something was paid in; {_UNKNOWN}"
    )
    total_withdrawals: Decimal | None = _decimal(
        "totalWithdrawals", f"All that was paid out; {_UNKNOWN}"
    )
    total_bets: Decimal | None = _decimal("totalBets", f"All that was staked; {_UNKNOWN}")
    total_wins: Decimal | None = _decimal("totalWins", f"All that was won; {_UNKNOWN}")
    net_revenue: Decimal | None = _decimal(
        "netRevenue", f"What remains to the business, may be negative; {_UNKNOWN}"
    )
    last_deposit_at: DateTime | None = derived(
        lambda figures: figures.instant("lastDepositAt"),
        f"When something was paid in last; {_UNKNOWN}",
    )
    updated_at: DateTime | None = _updated()


@strawberry.type(description="Something else that partners reported of a contact.")
class Fact:
    name: str = plain("What it is called.")
    value: JSON = derived(lambda fact: fact.value["value"], "What was reported, never null.")
    updated_at: DateTime = plain("The moment that it was reported for.")


@strawberry.type(description="Something that a contact did outside of journeys.")
class ContactEvent:
    id: strawberry.ID = derived(ids.of("cev"), "Opaque.", needs=("id",))
    name: str = plain("What it is called, such as signed_in.")
    occurred_at: DateTime = plain("When it happened, by whoever reported it.")
    properties: JSON | None = plain("More about it as it was reported; null when nothing was.")


@strawberry.type(description="A page of contact events.")
class ContactEventConnection(Connection[ContactEvent]):
    pass


@dataclass(frozen=True)
class _Named:
    names: list[str]

    def frozen(self, budget: Budget) -> filters.ContactEventFilter:
        names = words(self.names, "name", budget)
        return filters.ContactEventFilter(name=tuple(text(each, "name") for each in names))


class EventsField(ListField):
    """The list of a contact's events, narrowed by their names."""

    def get_result(self, source: Any, info: Any, args: Any, kwargs: Any) -> Awaitable[Listed]:
        names = kwargs.pop("name", None)
        if names is not None:
            kwargs["filter"] = _Named(names)
        return super().get_result(source, info, args, kwargs)


def _events(description: str) -> Any:
    field = EventsField(metadata={LISTING: _EVENTS, NEEDS: Needs(("id",))}, description=description)
    field.arguments = [
        *forward_arguments(),
        argument(
            "name",
            list[str] | None,
            f"Only events so called, exactly: any of 1 to {VALUES_AT_MOST} names.",
        ),
    ]
    return field


async def _read_figures(context: Context, contact: rows.Contact) -> rows.ContactProfile:
    async def read(contact_ids: list[Id]) -> dict[Id, rows.ContactProfile]:
        return await profiles.figures(context, contact_ids)

    return await load(context, "contact.figures", contact.id, read)


async def _gamification(context: Context, contact: rows.Contact) -> Figures:
    return Figures((await _read_figures(context, contact)).gamification)


async def _financials(context: Context, contact: rows.Contact) -> Figures:
    return Figures((await _read_figures(context, contact)).financials)


def _facts(context: Context, contact: rows.Contact) -> Awaitable[list[rows.ContactFact]]:
    async def read(contact_ids: list[Id]) -> dict[Id, list[rows.ContactFact]]:
        return await profiles.facts(context, contact_ids)

    return load(context, "contact.facts", contact.id, read)


@strawberry.type(
    description="What partners reported of a contact with recordEvents, beside its journeys. Of "
    "each figure and fact the report for the latest moment counts, in whatever order they came."
)
class MarketingProfile:
    events: ContactEventConnection = _events(
        "What it did outside of journeys, the latest to occur first."
    )
    gamification: Gamification = with_context(_gamification, "Its standing in a game.")
    financials: Financials = with_context(_financials, "Its finances.")
    facts: list[Fact] = with_context(
        _facts,
        f"Anything else, by name; at most {profiles.FACTS_AT_MOST:,}. A fact that was last "
        "reported as null is not among them.",
    )
