"""Referral links: made once, by however many at the same moment."""

import asyncio

from store import Connection, Database, referral_links, tables
from store.words import LinkKind
from tests.support.factories import NOW, a_contact, a_journey, a_workspace


async def test_two_who_make_the_same_links_at_once_make_them_once(database: Database) -> None:
    workspace = await a_workspace(database)
    journey_id = await a_journey(workspace, landing_url="https://shop.example")
    contacts = [await a_contact(workspace, f"c{number}") for number in range(20)]

    async def make(connection: Connection) -> int:
        return await referral_links.make(
            connection, workspace.id, journey_id, contacts, list(LinkKind), NOW
        )

    made = await asyncio.gather(*(workspace.database.transact(make) for _ in range(4)))

    links = await workspace.rows(tables.referral_links)
    assert sum(made) == len(links) == 40
    assert {(row["contact_id"], row["kind"]) for row in links} == {
        (contact, kind) for contact in contacts for kind in LinkKind
    }
