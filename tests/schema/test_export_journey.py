"""exportJourney: lists as files, on both databases."""

import csv
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from server.closing import Closing
from server.files import Downloads, Files
from server.services import utc_now
from store.types import DAY, HOUR, MINUTE, new_id
from store.words import Channel, DeliveryKind, Scope, StepKind
from tests.schema.conftest import Api
from tests.schema.working import a_worker, finished
from tests.support.factories import (
    a_contact,
    a_journey,
    a_message,
    a_workspace,
    after,
    an_entry,
    converted,
    delivered,
    entered,
    reached,
)

EXPORT = """mutation ($input: ExportJourneyInput!) { exportJourney(input: $input) {
    job { id kind state createdBy downloadUrl } userErrors { code field message } } }"""


async def journey_id(api: Api, name: str = "welcome") -> str:
    data = await api.ask("query ($id: String) { journey(externalId: $id) { id } }", id=name)
    found: str = data["journey"]["id"]
    return found


async def export(api: Api, **asked: Any) -> dict[str, Any]:
    data = await api.ask(EXPORT, input={"journeyId": await journey_id(api), **asked})
    payload: dict[str, Any] = data["exportJourney"]
    return payload


async def exported(api: Api, files: Path, **asked: Any) -> tuple[dict[str, Any], bytes]:
    """The job when it is over, and what its link gives."""
    async with a_worker(api, files=files):
        payload = await export(api, **asked)
        job = await finished(api, payload["job"]["id"])
    answer = await download(api, files, job["downloadUrl"])
    assert answer.status_code == 200, answer.text
    return job, answer.content


async def download(api: Api, files: Path, url: str) -> httpx.Response:
    downloads = Downloads(
        Files(files), api.workspace.database, api.context.signer, lambda: api.now, Closing()
    )
    app = Starlette(routes=[Route("/files/{token}", downloads.handle)])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport) as client:
        return await client.get(url)


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(content.decode("utf-8-sig"), newline="")))


async def test_users_are_exported_with_what_their_entries_came_to(api: Api, tmp_path: Path) -> None:
    await a_contact(api.workspace, "bob", email="bob@example.org", first_name='=cmd|" /C calc"!A0')
    await an_entry(api.workspace, "b1", "bob", at=after(60), in_control_group=True)
    await api.workspace.record(
        reached("remind", StepKind.WAITING, at=after(90)), converted(at=after(120))
    )

    job, content = await exported(api, tmp_path, users={})

    assert (job["kind"], job["state"], job["done"], job["total"]) == (
        "JOURNEY_EXPORT",
        "COMPLETED",
        2,
        2,
    )
    assert job["expiresAt"] == "2026-11-23T00:00:00Z"
    assert content.startswith(b"\xef\xbb\xbfentry,externalUsername,")
    ada, bob = table(content)
    assert ada == {
        "entry": "e1",
        "externalUsername": "ada",
        "username": "",
        "email": "",
        "firstName": "",
        "lastName": "",
        "state": "WAITING",
        "enteredAt": "2026-11-22T00:00:00Z",
        "convertedAt": "2026-11-22T00:02:00Z",
        "stoppedAt": "",
        "stopReason": "",
        "stoppedBy": "",
        "stopNote": "",
        "inControlGroup": "false",
        "currentStep": "Remind",
    }
    assert (bob["email"], bob["inControlGroup"]) == ("bob@example.org", "true")
    assert bob["firstName"] == '\'=cmd|" /C calc"!A0'


async def test_communications_are_exported_under_their_filter(api: Api, tmp_path: Path) -> None:
    await a_message(api.workspace, "m2", channel=Channel.SMS, resource="Reminder", at=after(1))
    await api.workspace.record(
        delivered(DeliveryKind.CLICKED, "m2", at=after(9), url="https://example.org/a"),
        delivered(DeliveryKind.BOUNCED, "m2", at=after(20), reason="no such number"),
    )

    job, content = await exported(api, tmp_path, communications={"channel": ["SMS"]})

    assert table(content) == [
        {
            "communication": "m2",
            "entry": "e1",
            "externalUsername": "ada",
            "username": "",
            "email": "",
            "firstName": "",
            "lastName": "",
            "channel": "SMS",
            "resource": "Reminder",
            "step": "",
            "status": "CLICKED",
            "createdAt": "2026-11-22T00:00:01Z",
            "sentAt": "",
            "deliveredAt": "",
            "firstImpressionAt": "",
            "firstOpenAt": "",
            "firstClickAt": "2026-11-22T00:00:09Z",
            "clickCount": "1",
            "lastAction": "CLICKED",
            "lastActionUrl": "https://example.org/a",
            "lastActionAt": "2026-11-22T00:00:09Z",
            "failedAt": "2026-11-22T00:00:20Z",
            "failureReason": "no such number",
        }
    ]
    assert job["counts"]["created"] == 1


async def test_more_rows_than_a_page_are_each_exported_once(api: Api, tmp_path: Path) -> None:
    names = [f"n{number}" for number in range(2_500)]
    for start in range(0, len(names), 500):
        await api.workspace.record(*map(entered, names[start : start + 500]))

    job, content = await exported(api, tmp_path, users={"isActive": True})

    assert job["done"] == 2_501
    assert sorted(row["entry"] for row in table(content)) == sorted([*names, "e1"])


async def test_an_export_that_finds_nothing_has_its_header_alone(api: Api, tmp_path: Path) -> None:
    job, content = await exported(api, tmp_path, users={"search": "nobody"})

    assert (job["state"], job["done"], table(content)) == ("COMPLETED", 0, [])
    assert content.count(b"\r\n") == 1


async def test_what_is_made_after_the_request_is_left_out(api: Api, tmp_path: Path) -> None:
    payload = await export(api, users={})
    await an_entry(api.workspace, "late")
    async with a_worker(api, files=tmp_path):
        job = await finished(api, payload["job"]["id"])

    rows = table((await download(api, tmp_path, job["downloadUrl"])).content)

    assert ([row["entry"] for row in rows], job["total"]) == (["e1"], 1)


async def test_a_file_is_offered_by_name_and_not_kept_by_caches(api: Api, tmp_path: Path) -> None:
    async with a_worker(api, files=tmp_path):
        payload = await export(api, users={})
        job = await finished(api, payload["job"]["id"])

    answer = await download(api, tmp_path, job["downloadUrl"])

    assert answer.headers["content-disposition"] == (
        'attachment; filename="welcome-users-2026-11-22.csv"'
    )
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"


async def test_a_link_expires_and_cannot_be_changed(api: Api, tmp_path: Path) -> None:
    async with a_worker(api, files=tmp_path):
        payload = await export(api, users={})
        job = await finished(api, payload["job"]["id"])
    url = job["downloadUrl"]

    changed = await download(api, tmp_path, url[:-1] + ("A" if url[-1] != "A" else "B"))
    api.now += DAY
    expired = await download(api, tmp_path, url)
    later = Api(api.workspace, now=api.now)
    shown = await later.ask(
        "query ($id: ID!) { job(id: $id) { downloadUrl } }", id=payload["job"]["id"]
    )

    assert (changed.status_code, expired.status_code) == (404, 410)
    assert shown == {"job": {"downloadUrl": None}}


async def test_old_files_are_deleted(api: Api, tmp_path: Path) -> None:
    job, _ = await exported(api, tmp_path, users={})
    written = utc_now()

    Files(tmp_path).sweep(written + DAY)
    kept = await download(api, tmp_path, job["downloadUrl"])
    Files(tmp_path).sweep(written + DAY + HOUR + MINUTE)
    gone = await download(api, tmp_path, job["downloadUrl"])

    assert (kept.status_code, gone.status_code) == (200, 404)


async def test_the_same_key_makes_one_export(api: Api) -> None:
    first = await export(api, users={"isActive": True}, idempotencyKey="k")

    again = await export(api, users={"isActive": True}, idempotencyKey="k")
    other = await export(api, users={"isActive": False}, idempotencyKey="k")

    assert again["job"]["id"] == first["job"]["id"]
    assert [one["code"] for one in other["userErrors"]] == ["KEY_REUSED"]


@pytest.mark.parametrize("asked", [{}, {"users": {}, "communications": {}}])
async def test_an_export_is_of_one_list(api: Api, asked: dict[str, Any]) -> None:
    payload = await export(api, **asked)

    assert [(one["code"], one["field"]) for one in payload["userErrors"]] == [
        ("INVALID", ["users"])
    ]


async def test_a_foreign_and_an_unknown_journey_are_not_found(api: Api) -> None:
    neighbour = await a_workspace(api.workspace.database)
    await a_journey(neighbour, "theirs")
    foreign = await journey_id(Api(neighbour), "theirs")

    payloads = [
        (await api.ask(EXPORT, input={"journeyId": one, "users": {}}))["exportJourney"]
        for one in (foreign, f"jrn_{new_id().hex()}")
    ]

    assert [one["userErrors"][0]["code"] for one in payloads] == ["NOT_FOUND"] * 2


async def test_exporting_needs_the_scope_operate(api: Api) -> None:
    reader = Api(api.workspace, (Scope.READ,))

    _, errors = await reader.run(EXPORT, input={"journeyId": await journey_id(api), "users": {}})

    assert "scope operate" in errors[0].message


async def test_an_export_that_is_cancelled_leaves_no_file(api: Api, tmp_path: Path) -> None:
    payload = await export(api, users={})
    await api.ask(
        "mutation ($id: ID!) { cancelJob(input: {id: $id}) { job { state } } }",
        id=payload["job"]["id"],
    )
    async with a_worker(api, files=tmp_path):
        job = await finished(api, payload["job"]["id"])

    assert (job["state"], job["downloadUrl"], within(tmp_path)) == ("CANCELED", None, [])


def within(folder: Path) -> list[Path]:
    return list(folder.glob("*/*"))
