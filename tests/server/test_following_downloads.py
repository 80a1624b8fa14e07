"""Downloads that begin while the file is still written, from a real server on both databases."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.server.test_killed_jobs import a_full_journey, copies, until_job
from tests.support.trackside import Trackside, TracksideServer
from tests.support.waiting import SOON

CANCEL = "mutation ($id: ID!) { cancelJob(input: {id: $id}) { userErrors { code } } }"
URL = "query ($id: ID!) { job(id: $id) { state done downloadUrl } }"


async def a_running_export(house: Trackside) -> tuple[str, str]:
    """The job's id and where its file is, some time before its end."""
    journey = await a_full_journey(house)
    await copies(house, 60_000)
    asked = await house.ask(
        """mutation ($id: ID!) { exportJourney(input: {journeyId: $id, users: {}}) {
            job { id } } }""",
        id=journey,
    )
    job_id: str = asked["exportJourney"]["job"]["id"]
    async with asyncio.timeout(SOON):
        while True:
            job = (await house.ask(URL, id=job_id))["job"]
            if job["downloadUrl"] is not None:
                assert job["state"] == "RUNNING"
                return job_id, job["downloadUrl"]
            await asyncio.sleep(0.01)


async def the_rest(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


async def test_a_download_follows_the_job_to_its_end(server: TracksideServer) -> None:
    house = await server.a_workspace()
    job_id, url = await a_running_export(house)

    async with httpx.AsyncClient(timeout=SOON) as client:
        head = await client.head(url)
        async with client.stream("GET", url) as answer:
            pieces = answer.aiter_bytes()
            first = await anext(pieces)
            meanwhile = (await house.ask(URL, id=job_id))["job"]
            content = first + await the_rest(pieces)
        job = await until_job(house, job_id, lambda job: job["state"] != "RUNNING")
        whole = await client.get((await house.ask(URL, id=job_id))["job"]["downloadUrl"])

    assert meanwhile["state"] == "RUNNING"
    assert (head.status_code, head.content) == (200, b"")
    assert "content-length" not in answer.headers
    assert answer.headers["content-disposition"] == whole.headers["content-disposition"]
    assert (job["state"], job["done"]) == ("COMPLETED", 64_000)
    assert content.count(b"\r\n") == 64_001
    assert content == whole.content


async def test_a_download_breaks_off_when_the_job_is_cancelled(server: TracksideServer) -> None:
    house = await server.a_workspace()
    job_id, url = await a_running_export(house)

    async with httpx.AsyncClient(timeout=SOON) as client:
        async with client.stream("GET", url) as answer:
            pieces = answer.aiter_bytes()
            await anext(pieces)
            await house.ask(CANCEL, id=job_id)
            with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
                await the_rest(pieces)
        later = await client.get(url)
    job = (await house.ask(URL, id=job_id))["job"]

    assert "download_broken_off" in server.log
    assert "without completing response" not in server.log
    assert (job["state"], job["downloadUrl"]) == ("CANCELED", None)
    assert later.status_code == 404


async def test_a_server_that_ends_does_not_wait_for_a_download(server: TracksideServer) -> None:
    house = await server.a_workspace()
    _, url = await a_running_export(house)

    async with httpx.AsyncClient(timeout=SOON) as client, client.stream("GET", url) as answer:
        pieces = answer.aiter_bytes()
        await anext(pieces)
        stopping = asyncio.create_task(asyncio.to_thread(server.stop))
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
            await the_rest(pieces)
    await stopping
