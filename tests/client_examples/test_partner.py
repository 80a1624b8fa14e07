"""client-examples/partner/tell.py, run as its README line says."""

import asyncio
import sys
from pathlib import Path

from tests.support.trackside import Trackside
from tests.support.waiting import SOON

_EXAMPLE = Path(__file__).parent.parent.parent / "client-examples" / "partner" / "tell.py"


async def told(*arguments: str) -> tuple[int, str, str]:
    """Exit code, output and errors of the program."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(_EXAMPLE),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(SOON):
        output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


async def test_it_tells_of_a_customers_way_and_reads_it_back(trackside: Trackside) -> None:
    code, output, errors = await told("grace", "--url", trackside.url, "--token", trackside.token)

    assert (code, errors) == (0, "")
    assert f"link of the mail: {trackside.url}/c/" in output
    assert "COMPLETED:" in output
    kinds = [line.split()[1].rstrip(":") for line in output.splitlines() if line.startswith("  20")]
    assert kinds == [
        *("ENTERED", "STEP_ENTERED", "MESSAGE_CREATED", "MESSAGE_SENT", "MESSAGE_DELIVERED"),
        *("MESSAGE_CLICKED", "BONUS_RECEIVED", "CONVERTED", "COMPLETED"),
    ]
    assert "is CLICKED, clicks: 1" in output


async def test_a_wrong_token_is_told_and_ends_it(trackside: Trackside) -> None:
    code, output, errors = await told("--url", trackside.url, "--token", "ts_wrong")

    assert (code, output) == (1, "")
    assert "valid token" in errors


async def test_two_runs_are_two_ways_of_the_same_customer(trackside: Trackside) -> None:
    for _ in range(2):
        code, _, errors = await told("--url", trackside.url, "--token", trackside.token)
        assert (code, errors) == (0, "")

    found = await trackside.ask(
        '{ contact(externalUsername: "ada") { entries { totalCount { value } } } }'
    )
    assert found["contact"]["entries"]["totalCount"]["value"] == 2
