"""Downloads that follow an export through the hands of several workers, on both databases."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from server.closing import Closing
from server.files import Downloads, Files
from store import tables
from store.types import new_id
from tests.schema.conftest import Api
from tests.schema.importing import kept
from tests.schema.test_export_journey import download, export
from tests.schema.working import a_worker, finished
from tests.support.waiting import SOON, settle

ROWS = 20_000
JOB = "query ($id: ID!) { job(id: $id) { state done downloadUrl } }"


async def an_interrupted_export(api: Api, files: Path) -> dict[str, Any]:
    """A job that one worker began and left; with its id."""
    (row,) = await api.workspace.rows(tables.entries)
    for start in range(0, ROWS, 5_000):
        made = [
            {**row, "id": new_id(), "external_id": f"copy-{start + index}"}
            for index in range(5_000)
        ]
        async with api.workspace.database.write() as connection:
            await connection.execute(tables.entries.insert(), made)
    async with a_worker(api, files=files), asyncio.timeout(SOON):
        payload = await export(api, users={})
        job_id = payload["job"]["id"]
        while not (await api.ask(JOB, id=job_id))["job"]["done"]:
            await settle()
    job = (await api.ask(JOB, id=job_id))["job"]
    assert (job["state"], 0 < job["done"] < ROWS) == ("QUEUED", True)
    return {**job, "id": job_id}


async def test_a_download_goes_on_with_who_takes_the_job_over(api: Api, tmp_path: Path) -> None:
    job = await an_interrupted_export(api, tmp_path)

    following = asyncio.create_task(download(api, tmp_path, job["downloadUrl"]))
    await asyncio.sleep(0.3)
    async with a_worker(api, files=tmp_path):
        ended = await finished(api, job["id"])
        answer = await following
    whole = await download(api, tmp_path, ended["downloadUrl"])

    assert (answer.status_code, answer.content.count(b"\r\n")) == (200, ROWS + 2)
    assert answer.content == whole.content


async def test_a_download_breaks_off_when_the_file_is_begun_anew(api: Api, tmp_path: Path) -> None:
    job = await an_interrupted_export(api, tmp_path)

    following = asyncio.create_task(followed(api, tmp_path, job["downloadUrl"]))
    await asyncio.sleep(0.3)
    (part,) = kept(tmp_path)
    await asyncio.to_thread(part.unlink)
    async with a_worker(api, files=tmp_path):
        ended = await finished(api, job["id"])
        messages = await following
    whole = await download(api, tmp_path, ended["downloadUrl"])

    assert [one["type"] for one in messages[:2]] == ["http.response.start", "http.response.body"]
    assert messages[-1]["more_body"] is True
    assert whole.content.count(b"\r\n") == ROWS + 2


async def test_a_file_that_is_not_where_it_should_be_is_not_found(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.files._PATIENCE_S", 0.3)
    job = await an_interrupted_export(api, tmp_path)
    (part,) = kept(tmp_path)
    await asyncio.to_thread(os.truncate, part, 1_000)

    answer = await download(api, tmp_path, job["downloadUrl"])

    assert answer.status_code == 404


async def test_an_erasure_leaves_nothing_of_an_interrupted_export(api: Api, tmp_path: Path) -> None:
    api.context.files = Files(tmp_path)
    job = await an_interrupted_export(api, tmp_path)
    following = asyncio.create_task(followed(api, tmp_path, job["downloadUrl"]))
    await asyncio.sleep(0.3)

    await api.ask(
        """mutation { deleteContacts(input: {
            contacts: {filter: {search: "ada"}}, mode: ERASE}) { deleted } }"""
    )

    messages = await following
    answer = await download(api, tmp_path, job["downloadUrl"])
    assert messages[-1]["more_body"] is True
    assert answer.status_code == 404
    assert kept(tmp_path) == []


async def followed(api: Api, files: Path, url: str) -> list[Any]:
    """What a download sends to the server: one that breaks off never says that it is whole."""
    downloads = Downloads(
        Files(files), api.workspace.database, api.context.signer, lambda: api.now, Closing()
    )
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "headers": [],
        "path_params": {"token": url.rpartition("/")[2]},
    }
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    answer = await downloads.handle(Request(scope))
    async with asyncio.timeout(SOON):
        await answer(scope, receive, send)
    return sent
