"""Contact statistics: how many contacts there are, by what they are to the business."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from resolvers import contact_statistics
from resolvers.contact_statistics import ContactStatistics as Found
from resolvers.context import Context
from schema.fields import derived, with_context
from schema.info import Info
from schema.inputs.conditions import Budget
from schema.inputs.filters import ContactFilter
from schema.scalars import BigInt, LogCursor
from schema.selection import below

_COUNTS = {
    "total": "total",
    "leads": "leads",
    "customers": "customers",
    "lost": "lost",
    "none": "none",
    "convertedCustomers": "converted",
}


def _count(name: str, description: str) -> Any:
    return derived(lambda found: getattr(found.counts, _COUNTS[name]), description)


def _place(context: Context, found: Found) -> str:
    return found.place.encode(context.signer)


@strawberry.type(
    description="How many contacts there are. Each number is the totalCount of contacts with the "
    "filter that is named; deleted and erased contacts are in none of them."
)
class ContactStatistics:
    total: BigInt = _count("total", "All of them: leads + customers + lost + none.")
    leads: BigInt = _count("leads", "status: [LEAD].")
    customers: BigInt = _count("customers", "status: [CUSTOMER].")
    lost: BigInt = _count("lost", "status: [LOST].")
    none: BigInt = _count("none", "status: [NONE].")
    converted_customers: BigInt = _count(
        "convertedCustomers",
        "isConverted: true: those who went from lead to customer at any time, whatever they are "
        "now.",
    )
    as_of: LogCursor = with_context(
        _place, "The place in the log at which all of these numbers are true."
    )


async def counted(
    info: Info,
    filter: Annotated[
        ContactFilter | None,
        strawberry.argument(description="Only contacts for which this holds."),
    ] = UNSET,
) -> Found:
    asked = filter.frozen(Budget(info.context.now())) if filter else None
    return await contact_statistics.read(info.context, asked)


async def followed(info: Info) -> AsyncIterator[Found]:
    names = frozenset(_COUNTS[name] for name in below(info).nodes if name in _COUNTS)
    async for found in contact_statistics.follow(info.context, names):
        yield found
