"""Imports through the public API, done by a real worker."""

import csv
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.routing import Route

from resolvers.uploads import IncomingFile
from server.closing import Closing
from server.files import Downloads, Files
from server.uploads import ContactLists
from tests.schema.conftest import Api
from tests.schema.working import a_worker, finished

IMPORT = """mutation ($input: ImportContactsInput!) { importContacts(input: $input) {
    job { id kind state done total createdBy } userErrors { code field message } } }"""
ERRORS = """query ($id: ID!) { job(id: $id) { downloadUrl counts {
    created updated unchanged skipped failed }
    errors(first: 100) { nodes { row column value message code } } } }"""
HEADER = "firstname,lastname,email\n"


async def hand_in(api: Api, files: Path, text: str | bytes, **asked: Any) -> dict[str, Any]:
    """The payload of the mutation."""
    api.context.uploads = ContactLists(Files(files), asked.pop("bytes_at_most", 10_000_000))
    if isinstance(text, bytes):
        asked["file"] = a_file(text)
    else:
        asked["text"] = text
    data = await api.ask(IMPORT, input={"status": "LEAD", **asked})
    payload: dict[str, Any] = data["importContacts"]
    return payload


def a_file(content: bytes, size: int = 7) -> Any:
    """As it arrives: in small pieces."""

    async def chunks() -> Any:
        for start in range(0, len(content), size):
            yield content[start : start + size]

    return IncomingFile(chunks())


async def imported(api: Api, files: Path, text: str | bytes, **asked: Any) -> dict[str, Any]:
    """The job when it is over, with `errors`."""
    async with a_worker(api, files=files):
        payload = await hand_in(api, files, text, **asked)
        assert payload["userErrors"] == []
        job = await finished(api, payload["job"]["id"])
    shown = await api.ask(ERRORS, id=payload["job"]["id"])
    return {**job, "id": payload["job"]["id"], "errors": shown["job"]["errors"]["nodes"]}


async def refusal(api: Api, files: Path, text: str | bytes, **asked: Any) -> dict[str, Any]:
    """The one userError; no job was made, and no file kept."""
    payload = await hand_in(api, files, text, **asked)
    assert payload["job"] is None
    assert kept(files) == []
    (error,) = payload["userErrors"]
    refused: dict[str, Any] = error
    return refused


async def rejected(api: Api, files: Path, job: dict[str, Any]) -> list[dict[str, str]]:
    """The rows of the file of rejected rows."""
    downloads = Downloads(
        Files(files), api.workspace.database, api.context.signer, lambda: api.now, Closing()
    )
    app = Starlette(routes=[Route("/files/{token}", downloads.handle)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        answer = await client.get(job["downloadUrl"])
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(StringIO(answer.content.decode("utf-8-sig"), newline="")))


def kept(files: Path) -> list[Path]:
    """What lies in the folder of files."""
    return list(files.glob("*/*"))


def counts(created: int = 0, updated: int = 0, unchanged: int = 0, **more: int) -> dict[str, int]:
    return {
        "created": created,
        "updated": updated,
        "unchanged": unchanged,
        "skipped": 0,
        "failed": 0,
        **more,
    }
