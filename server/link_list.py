"""Link list: contacts with their links into a journey, made where they are missing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from server.contact_columns import contact_list
from server.exported_lists import Listed
from store import Connection, referral_links
from store.types import Instant
from store.words import ContactColumn, LinkKind

LINKS = "links"

_LINKS_A_TRANSACTION = 1_000


def link_list(asked: Mapping[str, Any], public_url: str, now: Callable[[], Instant]) -> Listed:
    """What a job of generateReferralLinks was asked to write."""
    journey_id = bytes.fromhex(asked["journey"])
    kinds = [LinkKind(kind) for kind in asked["kinds"]]

    async def make(connection: Connection, workspace_id: int, found: Sequence[Any]) -> None:
        own = [contact.id for contact in found]
        await referral_links.make(connection, workspace_id, journey_id, own, kinds, now())

    listed = contact_list(
        list(map(ContactColumn, asked["columns"])), public_url, journey_id=journey_id, prepare=make
    )
    return replace(listed, rows_a_page=_LINKS_A_TRANSACTION // len(kinds))
