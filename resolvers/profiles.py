"""Profiles: what partners reported of contacts, figures and facts."""

from collections.abc import Sequence

from resolvers.context import Context
from resolvers.reading import Reader
from store import rows
from store.entities import CONTACT_FACT, CONTACT_PROFILE
from store.filters import ContactEventFilter
from store.lists import Order, PageRequest
from store.types import Id
from store.want import want

FACTS_AT_MOST = 1_000
"""Of one contact, in the order of their names."""

_profiles: Reader[rows.ContactProfile, ContactEventFilter] = Reader(CONTACT_PROFILE)
_facts: Reader[rows.ContactFact, ContactEventFilter] = Reader(CONTACT_FACT)
_BY_NAME = Order("name", is_descending=False)


async def figures(context: Context, contact_ids: Sequence[Id]) -> dict[Id, rows.ContactProfile]:
    """The gamification and financial figures of each contact, empty where none were reported."""
    wanted = want(["contact_id", "gamification", "financials"])
    found = await _profiles.get_many(context, contact_ids, wanted)
    return {one: found.get(one) or rows.ContactProfile(one, {}, {}) for one in contact_ids}


async def facts(context: Context, contact_ids: Sequence[Id]) -> dict[Id, list[rows.ContactFact]]:
    """The facts that hold of each contact, by name; one that was last reported as null does not."""
    wanted = want(["name", "value", "updated_at"])
    request = PageRequest(FACTS_AT_MOST)
    pages = await _facts.pages(context, "contact_id", contact_ids, None, _BY_NAME, request, wanted)
    return {
        one: [fact for fact in page.rows if fact.value["value"] is not None]
        for one, page in pages.items()
    }
