"""Referral link: a contact's own link into a journey."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from resolvers.context import Context
from schema import ids
from schema.enums import LinkKind
from schema.fields import derived, plain, with_context
from schema.scalars import URL, DateTime
from store import rows

if TYPE_CHECKING:
    from schema.types.contact import Contact
    from schema.types.journey import Journey

_PATHS = {LinkKind.REFERRAL: "r", LinkKind.FLOW: "f"}


def _url(context: Context, link: rows.ReferralLink) -> str:
    return f"{context.public_url}/{_PATHS[LinkKind(link.kind)]}/{link.code}"


def _in_need(description: str) -> Any:
    return with_context(_url, description, needs=("kind", "code"))


@strawberry.type(description="A contact's own link into a journey, the same whenever it is asked.")
class ReferralLink:
    id: strawberry.ID = derived(ids.of(ids.REFERRAL_LINK), "Opaque.", needs=("id",))
    contact: Annotated["Contact", strawberry.lazy("schema.types.contact")] = plain(
        "Whose link it is."
    )
    journey: Annotated["Journey", strawberry.lazy("schema.types.journey")] = plain(
        "The journey that it leads into."
    )
    kind: LinkKind = plain("What it is for.")
    code: str = plain(
        "What stands behind it: the landing page is called with it as ts_code, and hands it back."
    )
    url: URL = _in_need("The address to share. It leads to the journey's landing page.")
    visits: int = plain("How often it was followed. Suspected robots do not count.")
    sign_ups: int = plain("How many contacts signed up through it.")
    created_at: DateTime = plain("When it was made.")
