"""Uploads over HTTP: a GraphQL multipart request, and a file as the body of POST /imports."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from store import tables
from store.words import Scope
from tests.server.serving import Serving, a_server, a_token, settings_for
from tests.support.factories import Workspace
from tests.support.waiting import SOON

LIST = b"firstname,lastname,email\nBob,Builder,bob@example.org\nEve,,eve@example.org\n"
IMPORT = """mutation ($input: ImportContactsInput!) { importContacts(input: $input) {
    job { id } userErrors { code field message } } }"""
JOB = "query ($id: ID!) { job(id: $id) { state done counts { created failed } } }"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.fixture
async def house(database_url: str, files: Path) -> AsyncIterator[Serving]:
    """The whole server, which takes files of up to 3 MB."""
    settings = settings_for(database_url, files_dir=files, upload_bytes_at_most=3_000_000)
    async with a_server(settings) as serving:
        yield serving


def operations(**asked: Any) -> str:
    variables = {"input": {"status": "LEAD", "file": None, **asked}}
    return json.dumps({"query": IMPORT, "variables": variables})


def form(content: bytes = LIST, **fields: Any) -> dict[str, Any]:
    """A multipart request, as clients make it."""
    told = {"operations": operations(), "map": '{"0": ["variables.input.file"]}', **fields}
    parts: dict[str, Any] = {name: (None, text) for name, text in told.items() if text is not None}
    return {"files": {**parts, "0": ("list.csv", content, "text/csv")}}


async def post(house: Serving, path: str = "/graphql", **options: Any) -> httpx.Response:
    token = options.pop("token", None)
    async with house.client(token) as client:
        return await client.post(path, **options)


async def finished(house: Serving, job_id: str) -> Any:
    async with asyncio.timeout(SOON):
        while True:
            job = (await house.ask(JOB, id=job_id))["data"]["job"]
            if job["state"] not in ("QUEUED", "RUNNING"):
                return job


async def emails(house: Serving) -> list[str]:
    workspace = Workspace(house.services.database, house.workspace_id)
    return sorted(row["email"] for row in await workspace.rows(tables.contacts))


def kept(files: Path) -> list[Path]:
    return list(files.glob("*/*"))


async def test_a_file_in_a_graphql_request_is_imported(house: Serving) -> None:
    answer = await post(house, **form())

    payload = answer.json()["data"]["importContacts"]
    assert payload["userErrors"] == []
    job = await finished(house, payload["job"]["id"])
    assert job == {"state": "COMPLETED", "done": 2, "counts": {"created": 2, "failed": 0}}
    assert await emails(house) == ["bob@example.org", "eve@example.org"]


async def test_a_file_as_the_body_is_imported_and_answered_with_its_job(house: Serving) -> None:
    async def body() -> AsyncIterator[bytes]:
        for start in range(0, len(LIST), 10):
            yield LIST[start : start + 10]

    answer = await post(house, "/imports?status=CUSTOMER", content=body())

    assert answer.status_code == 202
    told = answer.json()
    assert {**told, "id": "", "createdAt": "", "state": ""} == {
        "id": "",
        "kind": "CONTACT_IMPORT",
        "state": "",
        "done": 0,
        "total": 2,
        "createdBy": "ops",
        "createdAt": "",
    }
    assert (await finished(house, told["id"]))["counts"]["created"] == 2
    found = await house.ask('{ contact(email: "bob@example.org") { status } }')
    assert found == {"data": {"contact": {"status": "CUSTOMER"}}}


async def test_a_dry_run_and_a_key_are_for_the_body_too(house: Serving) -> None:
    path = "/imports?status=LEAD&dryRun=true&idempotencyKey=k"

    first = await post(house, path, content=LIST)
    again = await post(house, path, content=LIST)

    assert first.json()["id"] == again.json()["id"]
    assert (await finished(house, first.json()["id"]))["counts"]["created"] == 2
    assert await emails(house) == []


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"email\n", 422, "FILE_HEADER"),
        (b"", 422, "FILE_HEADER"),
        (b"\0" * 10_000_000, 422, "FILE_HEADER"),
        (LIST + b"\0" * 10_000_000, 413, "FILE_TOO_LARGE"),
        (LIST + b"Jos\xe9,,jose@example.org\n", 422, "FILE_ENCODING"),
    ],
)
async def test_a_body_that_is_no_list_is_refused_as_soon_as_that_shows(
    house: Serving, files: Path, content: bytes, status: int, code: str
) -> None:
    answer = await post(house, "/imports?status=LEAD", content=content)

    assert answer.status_code == status
    (error,) = answer.json()["userErrors"]
    assert (error["code"], error["field"]) == (code, ["file"])
    assert kept(files) == []


async def test_a_file_in_a_request_is_refused_as_soon_as_it_shows(
    house: Serving, files: Path
) -> None:
    answers = [
        await post(house, **form(content))
        for content in (b"email\n", LIST + b"\0" * 10_000_000, b"")
    ]

    codes = [answer.json()["data"]["importContacts"]["userErrors"][0]["code"] for answer in answers]
    assert codes == ["FILE_HEADER", "FILE_TOO_LARGE", "FILE_HEADER"]
    assert kept(files) == []


@pytest.mark.parametrize("path", ["/graphql", "/imports?status=LEAD"])
async def test_a_form_of_another_site_is_refused(house: Serving, files: Path, path: str) -> None:
    """What a browser sends of a form by itself: no token, and its origin."""
    headers = {"Origin": "https://evil.example"}
    async with httpx.AsyncClient(base_url=house.url, timeout=SOON) as client:
        without = await client.post(path, headers=headers, **form())
    with_token = await post(house, path, headers=headers, **form())
    opaque = await post(house, path, headers={"Origin": "null"}, **form())

    assert [one.status_code for one in (without, with_token, opaque)] == [401, 403, 403]
    assert with_token.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (await emails(house), kept(files)) == ([], [])


async def test_a_page_of_an_allowed_origin_may_upload(database_url: str, files: Path) -> None:
    settings = settings_for(database_url, files_dir=files)
    allowed = replace(settings, allowed_origins=frozenset(["https://app.example"]))
    async with a_server(allowed) as house:
        answer = await post(house, headers={"Origin": "https://app.example"}, **form())

    assert answer.json()["data"]["importContacts"]["userErrors"] == []
    assert answer.headers["access-control-allow-origin"] == "https://app.example"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"operations": None}, "There is no field operations before the file."),
        ({"map": None}, "There is no field map before the file."),
        ({"map": "[]"}, '"map" must be an object'),
        ({"map": "{"}, "map is not JSON"),
        ({"map": "{}"}, "The part '0' is not the one file of"),
        ({"map": '{"1": ["variables.input.file"]}'}, "The part '0' is not the one file of"),
        ({"map": '{"0": []}'}, "must give '0' one place"),
        ({"map": '{"0": ["variables.a", "variables.b"]}'}, "must give '0' one place"),
        ({"map": '{"0": ["query"]}'}, "where operations must have null"),
        ({"map": '{"0": ["variables.input.status"]}'}, "where operations must have null"),
        ({"map": '{"0": ["variables.nothing.file"]}'}, "where operations must have null"),
        ({"operations": "[]"}, "where operations must have null"),
        ({"operations": "x" * 2_100_000}, "operations and map are too large"),
    ],
)
async def test_a_malformed_multipart_request_is_told_what_is_wrong(
    house: Serving, fields: dict[str, Any], words: str
) -> None:
    answer = await post(house, **form(**fields))

    assert answer.status_code == 400
    assert words in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        ("multipart/form-data", b"x", "names no boundary"),
        ("multipart/form-data; boundary=b", b"nonsense", "The body is not multipart/form-data"),
        ("multipart/form-data; boundary=b", b"--b--\r\n", "There is no field operations"),
        (f"multipart/form-data; boundary={'b' * 500}", b"x", "The body is not multipart/form-data"),
    ],
)
async def test_what_is_not_multipart_is_told(
    house: Serving, kind: str, body: bytes, words: str
) -> None:
    answer = await post(house, content=body, headers={"Content-Type": kind})

    assert answer.status_code == 400
    assert words in answer.json()["errors"][0]["message"]


async def test_a_request_that_breaks_off_within_the_file_imports_nothing(
    house: Serving, files: Path
) -> None:
    whole = httpx.Request("POST", "http://x", **form(LIST * 10))
    cut = whole.read()[:-200]

    answer = await post(house, content=cut, headers={"Content-Type": whole.headers["content-type"]})

    (error,) = answer.json()["data"]["importContacts"]["userErrors"]
    assert "broke off within the file, so nothing was done" in error["message"]
    assert (await emails(house), kept(files)) == ([], [])


async def test_a_connection_that_breaks_off_leaves_nothing(house: Serving, files: Path) -> None:
    host, _, port = house.url.removeprefix("http://").partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = (
        f"POST /imports?status=LEAD HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.token}\r\n"
        f"Content-Length: 1000000\r\n\r\n"
    )
    writer.write(head.encode() + LIST)
    await writer.drain()
    async with asyncio.timeout(SOON):
        while not kept(files):
            await house.ask("{ viewer { workspace } }")

    writer.close()
    await writer.wait_closed()

    async with asyncio.timeout(SOON):
        while kept(files):
            await house.ask("{ viewer { workspace } }")
    assert await emails(house) == []


@pytest.mark.parametrize(
    ("path", "headers", "status", "words"),
    [
        ("/imports", {}, 400, "status is None: write ?status= and one of LEAD, CUSTOMER, LOST"),
        ("/imports?status=lead", {}, 400, "status is 'lead'"),
        ("/imports?status=LEAD&dryrun=1", {}, 400, "'dryrun' is not known here"),
        ("/imports?status=LEAD&dryRun=yes", {}, 400, "dryRun is 'yes': write true or false."),
        (f"/imports?status=LEAD&idempotencyKey={'k' * 201}", {}, 400, "at most 200"),
        ("/imports?status=LEAD", {"Content-Type": "application/json"}, 415, "as text/csv and not"),
        ("/imports?status=LEAD", {"Content-Encoding": "gzip"}, 415, "not as gzip"),
        ("/imports?status=LEAD", {"Authorization": "Bearer ts_1_x"}, 401, "Send a valid token"),
    ],
)
async def test_a_request_that_cannot_be_meant_is_told_why(
    house: Serving, path: str, headers: dict[str, str], status: int, words: str
) -> None:
    answer = await post(house, path, content=LIST, headers=headers)

    assert answer.status_code == status
    assert words in answer.json()["errors"][0]["message"]


async def test_importing_by_a_body_needs_the_scope_operate(house: Serving, files: Path) -> None:
    token, _ = await a_token(house.services, house.workspace_id, (Scope.READ, Scope.INTEGRATE))

    answer = await post(house, "/imports?status=LEAD", content=LIST, token=token)

    assert answer.status_code == 403
    assert "scope operate" in answer.json()["errors"][0]["message"]
    assert kept(files) == []


async def test_a_token_that_may_only_operate_gets_its_job(house: Serving) -> None:
    token, _ = await a_token(house.services, house.workspace_id, (Scope.OPERATE,))

    answer = await post(house, "/imports?status=LEAD", content=LIST, token=token)

    assert (answer.status_code, answer.json()["total"]) == (202, 2)
