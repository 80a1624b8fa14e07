"""client-examples/follow.py, run as the README says, over a server that dies and comes back."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from store.words import DeliveryKind
from tests.client_examples.conftest import Sender
from tests.support.trackside import Trackside
from tests.support.waiting import SOON

_EXAMPLE = Path(__file__).parent.parent.parent / "client-examples" / "follow.py"


@asynccontextmanager
async def following(trackside: Trackside, *arguments: str) -> AsyncIterator[asyncio.StreamReader]:
    """The lines that the example prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(_EXAMPLE),
        "--url",
        trackside.url.replace("http", "ws") + "/graphql",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def next_event(lines: asyncio.StreamReader) -> Any:
    async with asyncio.timeout(SOON):
        return json.loads(await lines.readline())


async def test_it_prints_every_event_once_over_a_killed_server(
    trackside: Trackside, sender: Sender
) -> None:
    await sender.introduce()
    await sender.send("first")
    log = await trackside.ask("{ deliveryEvents(first: 1) { pageInfo { endCursor } } }")
    cursor = log["deliveryEvents"]["pageInfo"]["endCursor"]

    async with following(trackside, "--token", trackside.token, "--after", cursor) as lines:
        await sender.report("first", DeliveryKind.SENT)
        seen = [await next_event(lines)]
        trackside.server.kill()
        await asyncio.to_thread(trackside.server.start)
        await sender.report("first", DeliveryKind.DELIVERED)
        await sender.report("first", DeliveryKind.OPENED)
        seen += [await next_event(lines), await next_event(lines)]

    assert [event["kind"] for event in seen] == ["SENT", "DELIVERED", "OPENED"]


async def test_it_ends_with_the_reason_when_its_token_is_refused(trackside: Trackside) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(_EXAMPLE),
        "--url",
        trackside.url.replace("http", "ws") + "/graphql",
        "--token",
        "ts_1_wrong",
        stderr=asyncio.subprocess.PIPE,
    )

    async with asyncio.timeout(SOON):
        _, said = await process.communicate()

    assert process.returncode == 1
    assert b"4401" in said


async def test_it_ends_when_nobody_reads_on(trackside: Trackside, sender: Sender) -> None:
    await sender.introduce()
    await sender.send("first")
    log = await trackside.ask("{ deliveryEvents(first: 1) { pageInfo { endCursor } } }")
    cursor = log["deliveryEvents"]["pageInfo"]["endCursor"]
    reading, writing = os.pipe()
    os.close(reading)

    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(_EXAMPLE),
        "--url",
        trackside.url.replace("http", "ws") + "/graphql",
        *("--token", trackside.token, "--after", cursor),
        stdout=writing,
        stderr=asyncio.subprocess.PIPE,
    )
    os.close(writing)
    await sender.report("first", DeliveryKind.SENT)
    async with asyncio.timeout(SOON):
        _, said = await process.communicate()

    assert process.returncode == 0
    assert said == b""
