"""The simulated partner: a process of its own that writes through the public API alone."""

import asyncio
import signal
import sys
from collections.abc import Callable
from itertools import islice
from random import Random

import httpx

from server import sample_contacts
from server.sample_journeys import JOURNEYS
from server.simulate_inputs import contact_input, journey_input
from server.simulate_partner import GaveUp, Partner, Refused
from server.simulate_traffic import Tally, Traffic
from server.simulate_visits import Visits

HOW_MANY_CONTACTS = 1_000
_VISITORS = 4
_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
"""People's, or their clicks would be taken for a robot's."""


def main(*, url: str, token: str, rate: float = 20.0, duration: float | None = None) -> int:
    """Runs until SIGTERM or Ctrl-C, with progress on stderr; returns the exit code."""
    return asyncio.run(_run(url, token, rate, duration))


async def simulate(
    *,
    url: str,
    token: str,
    rate: float = 20.0,
    duration: float | None = None,
    stopping: asyncio.Event | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Tally:
    """Lives as a partner until `stopping` is set or `duration` seconds have passed.

    Raises Refused when the server will not have what is sent, GaveUp when it is told to end while a
    request is unacknowledged.
    """
    stopping = stopping or asyncio.Event()
    async with (
        httpx.AsyncClient(timeout=15) as api,
        httpx.AsyncClient(timeout=15, headers={"User-Agent": _BROWSER}) as browsers,
    ):
        partner = Partner(api, url, token, stopping, tell)
        await _introduce(partner)
        visits = Visits(browsers, Random())  # noqa: S311  Chance, no secret.
        traffic = Traffic(
            partner, visits, rate=rate, how_many_contacts=HOW_MANY_CONTACTS, tell=tell
        )
        visitors = [asyncio.create_task(visits.work()) for _ in range(_VISITORS)]
        try:
            return await traffic.run(stopping, duration)
        finally:
            for visitor in visitors:
                visitor.cancel()
            await asyncio.gather(*visitors, return_exceptions=True)


async def _introduce(partner: Partner) -> None:
    """The journeys and contacts of the sample workspace: a second time changes nothing."""
    for journey in JOURNEYS:
        await partner.upsert_journey(journey_input(journey.draft()))
    people = sample_contacts.contacts(HOW_MANY_CONTACTS)
    while drafts := list(islice(people, 500)):
        await partner.upsert_contacts([contact_input(draft) for draft in drafts])


async def _run(url: str, token: str, rate: float, duration: float | None) -> int:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    _tell(f"writing to {url}, {rate:g} events a second")
    try:
        tally = await simulate(
            url=url, token=token, rate=rate, duration=duration, stopping=stopping, tell=_tell
        )
    except Refused as refused:
        _tell(str(refused))
        return 1
    except GaveUp as gave_up:
        _tell(f"ended: {gave_up}")
        return 0
    _tell(f"ended after {tally}")
    return 0


def _tell(line: str) -> None:
    print(f"simulate: {line}", file=sys.stderr, flush=True)
