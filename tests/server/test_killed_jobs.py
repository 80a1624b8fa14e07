"""Jobs of a server that is killed: another process goes on, and no row is lost or repeated."""

import asyncio
import csv
from collections import Counter
from io import StringIO
from typing import Any

import httpx
from sqlalchemy import update

from store import Database, tables
from store.jobs import STANDING
from store.types import new_id
from tests.support.factories import Workspace
from tests.support.trackside import Trackside, TracksideServer
from tests.support.waiting import SOON

ENTRIES = 4_000
JOB = "query ($id: ID!) { job(id: $id) { state done total counts { updated skipped } } }"


async def test_a_bulk_stop_of_a_killed_server_stops_each_entry_once(
    server: TracksideServer,
) -> None:
    house = await server.a_workspace()
    journey = await a_full_journey(house)
    stopped = await house.ask(
        """mutation ($id: ID!) { stopCampaign(input: {entries: {inJourney: {journeyId: $id}}}) {
            matched undoToken job { id } } }""",
        id=journey,
    )
    job_id = stopped["stopCampaign"]["job"]["id"]
    await until_job(house, job_id, lambda job: job["done"] > 0)

    server.kill()
    killed = await end_leases(house)
    server.start()

    job = await until_job(house, job_id, lambda job: job["state"] != "RUNNING")
    assert killed["state"] == "RUNNING"
    assert 0 < killed["done"] < ENTRIES
    assert job == {
        "state": "COMPLETED",
        "done": ENTRIES,
        "total": ENTRIES,
        "counts": {"updated": ENTRIES, "skipped": 0},
    }
    async with a_look(house) as workspace:
        log = await workspace.rows(tables.log, activity="STOPPED")
        lines = await workspace.rows(tables.stop_entries)
        counted = await workspace.rows(tables.entry_counters, bucket_seconds=3_600)
    assert Counter(Counter(row["entry_id"] for row in log).values()) == {1: ENTRIES}
    assert len(lines) == ENTRIES
    assert [(sum(row["stopped"] for row in counted), sum(row["active"] for row in counted))] == [
        (ENTRIES, 0)
    ]


async def a_full_journey(house: Trackside) -> str:
    """A journey with ENTRIES entries of one contact; returns its id."""
    made = await house.ask(
        """mutation {
            upsertContacts(input: {contacts: [{externalUsername: "ada"}]}) { userErrors { code } }
            upsertJourney(input: {externalId: "welcome", name: "Welcome", steps: []}) {
                journey { id } } }"""
    )
    for start in range(0, ENTRIES, 1_000):
        events = [
            {
                "journeyEntered": {
                    "key": f"k{number}",
                    "journey": "welcome",
                    "contact": {"externalUsername": "ada"},
                    "entry": f"e{number}",
                    "occurredAt": "2026-11-01T09:00:00Z",
                }
            }
            for number in range(start, start + 1_000)
        ]
        await house.ask(
            """mutation ($events: [EventInput!]!) {
                recordEvents(input: {events: $events, backfill: true}) { cursor } }""",
            events=events,
        )
    journey: str = made["upsertJourney"]["journey"]["id"]
    return journey


async def until_job(house: Trackside, job_id: str, is_so: Any) -> dict[str, Any]:
    async with asyncio.timeout(SOON * 3):
        while True:
            job: dict[str, Any] = (await house.ask(JOB, id=job_id))["job"]
            if is_so(job):
                return job


async def end_leases(house: Trackside) -> dict[str, Any]:
    """Let the time of the leases be over; returns the one job's row as it was left."""
    async with a_look(house) as workspace:
        (row,) = (row for row in await workspace.rows(tables.jobs) if row["kind"] not in STANDING)
        async with workspace.database.write() as connection:
            await connection.execute(
                update(tables.jobs).where(tables.jobs.c.state == "RUNNING").values(lease_until=0)
            )
    return row


class a_look:  # noqa: N801  Read as a phrase: async with a_look(house).
    """The workspace of a server, seen in its database."""

    def __init__(self, house: Trackside) -> None:
        self._database = Database(house.server.database_url)
        self._workspace = Workspace(self._database, house.workspace_id)

    async def __aenter__(self) -> Workspace:
        return self._workspace

    async def __aexit__(self, *_: object) -> None:
        await self._database.dispose()


async def test_an_export_of_a_killed_server_holds_each_row_once(server: TracksideServer) -> None:
    house = await server.a_workspace()
    journey = await a_full_journey(house)
    total = ENTRIES + await copies(house, 60_000)
    asked = await house.ask(
        """mutation ($id: ID!) { exportJourney(input: {journeyId: $id, users: {}}) {
            job { id } } }""",
        id=journey,
    )
    job_id = asked["exportJourney"]["job"]["id"]
    await until_job(house, job_id, lambda job: job["done"] > 0)

    server.kill()
    killed = await end_leases(house)
    server.start()

    job = await until_job(house, job_id, lambda job: job["state"] not in ("RUNNING", "QUEUED"))
    shown = await house.ask("query ($id: ID!) { job(id: $id) { downloadUrl } }", id=job_id)
    async with httpx.AsyncClient(timeout=SOON) as client:
        content = (await client.get(shown["job"]["downloadUrl"])).content
    assert killed["state"] == "RUNNING"
    assert 0 < killed["done"] < total
    assert (job["state"], job["done"]) == ("COMPLETED", total)
    rows = csv.DictReader(StringIO(content.decode("utf-8-sig"), newline=""))
    counts = Counter(row["entry"] for row in rows)
    assert len(counts) == total
    assert set(counts.values()) == {1}


async def copies(house: Trackside, number: int) -> int:
    """So many entries more, put there by hand: an export is too fast to be killed among a few."""
    async with a_look(house) as workspace:
        row = await workspace.entry("e0")
        for start in range(0, number, 5_000):
            made = [
                {**row, "id": new_id(), "external_id": f"copy-{start + index}"}
                for index in range(5_000)
            ]
            async with workspace.database.write() as connection:
                await connection.execute(tables.entries.insert(), made)
    return number


async def test_an_import_of_a_killed_server_makes_each_contact_once(
    server: TracksideServer,
) -> None:
    house = await server.a_workspace()
    lines = [f"P{number},Person,p{number}@example.org" for number in range(30_000)]
    # Twice the same address, on both sides of the place where the server is killed.
    lines[3], lines[-3] = "Ill,Written,p3@", "Again,Person,p0@example.org"
    asked = await house.ask(
        """mutation ($text: String!) { importContacts(input: {text: $text, status: LEAD}) {
            job { id } } }""",
        text="\n".join(["firstname,lastname,email", *lines]),
    )
    job_id = asked["importContacts"]["job"]["id"]
    await until_job(house, job_id, lambda job: job["done"] > 0)

    server.kill()
    killed = await end_leases(house)
    server.start()

    job = await until_job(house, job_id, lambda job: job["state"] not in ("RUNNING", "QUEUED"))
    shown = await house.ask(
        """query ($id: ID!) { job(id: $id) { downloadUrl counts { created failed }
            errors { nodes { row message } } } }""",
        id=job_id,
    )
    async with httpx.AsyncClient(timeout=SOON) as client:
        content = (await client.get(shown["job"]["downloadUrl"])).content
    assert killed["state"] == "RUNNING"
    assert 0 < killed["done"] < 30_000
    assert (job["state"], job["done"], job["total"]) == ("COMPLETED", 30_000, 30_000)
    assert shown["job"]["counts"] == {"created": 29_998, "failed": 2}
    assert [one["row"] for one in shown["job"]["errors"]["nodes"]] == [5, 29_999]
    rows = csv.DictReader(StringIO(content.decode("utf-8-sig"), newline=""))
    assert [row["row"] for row in rows] == ["5", "29999"]
    async with a_look(house) as workspace:
        contacts = await workspace.rows(tables.contacts)
        changes = await workspace.rows(tables.contact_status_changes)
        log = await workspace.rows(tables.log)
        (counted,) = await workspace.rows(tables.contact_counters)
    assert len({row["email"] for row in contacts}) == len(contacts) == 29_998
    assert len({row["contact_id"] for row in changes}) == len(changes) == 29_998
    assert len({row["contact_id"] for row in log}) == len(log) == 29_998
    assert counted["leads"] == 29_998
