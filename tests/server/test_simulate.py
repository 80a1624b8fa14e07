"""The simulated partner: what it sends, and what a killed server costs."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from random import Random
from time import time_ns

import httpx
import pytest
from graphql import GraphQLInputType, build_schema, coerce_input_value

from server.sample_contacts import contacts
from server.sample_journeys import JOURNEYS
from server.simulate import simulate
from server.simulate_crowd import Crowd
from server.simulate_inputs import contact_input, event_input, journey_input
from server.simulate_partner import GaveUp, Partner, Refused
from store.ingest.events import ContactRef, JourneyEntered
from store.words import Scope
from tests.support.factories import NOW
from tests.support.trackside import ROOT, Trackside
from tests.support.waiting import SOON, settle

SCHEMA = build_schema((ROOT / "schema" / "schema.graphql").read_text())
ENTRIES = "query { entries(first: 1) { totalCount { value } } }"
CLICKED = """
query {
  clicked: communications(first: 1, filter: {hasReached: [CLICKED]}) { totalCount { value } }
  all: communications(first: 1) { totalCount { value } }
  journeys(first: 10) { nodes { externalId } }
}
"""


def assert_is(name: str, value: object) -> None:
    """Raises with the schema's own words where the value is not of the input type."""
    kind = SCHEMA.type_map[name]
    assert isinstance(kind, GraphQLInputType)
    coerce_input_value(value, kind)


@pytest.fixture
def told() -> list[str]:
    """What the partner said."""
    return []


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=SOON) as client:
        yield client


def test_what_the_crowd_lives_through_fits_the_schema() -> None:
    crowd = Crowd(Random(7), "run", 100, lambda: NOW)

    for _ in range(5_000):
        assert_is("EventInput", event_input(crowd.take()))


def test_sample_journeys_and_contacts_fit_the_schema() -> None:
    for journey in JOURNEYS:
        assert_is("UpsertJourneyInput", journey_input(journey.draft()))
    for contact in contacts(200):
        assert_is("ContactInput", contact_input(contact))


def test_the_crowd_lives_now_and_repeats_no_key() -> None:
    crowd = Crowd(Random(7), "run", 100, lambda: NOW)

    taken = [crowd.take() for _ in range(5_000)]

    assert {event.occurred_at for event in taken} == {NOW}
    assert [key for key, times in Counter(event.key for event in taken).items() if times > 1] == []


async def test_it_lives_on_the_public_api_and_its_contacts_click(
    trackside: Trackside, told: list[str]
) -> None:
    stopping = asyncio.Event()
    running = asyncio.create_task(
        simulate(
            url=trackside.url,
            token=trackside.token,
            rate=400,
            stopping=stopping,
            tell=told.append,
        )
    )

    async with asyncio.timeout(SOON * 2):
        while (found := await trackside.ask(CLICKED))["clicked"]["totalCount"]["value"] < 3:
            assert not running.done()
    stopping.set()
    tally = await running

    assert tally.rejected == 0
    assert tally.doubled > 0
    assert tally.duplicates > 0
    assert tally.late > 0
    assert tally.visits >= 3
    assert found["all"]["totalCount"]["value"] <= tally.messages
    assert {journey["externalId"] for journey in found["journeys"]["nodes"]} == {
        journey.external_id for journey in JOURNEYS
    }


async def test_a_killed_server_loses_nothing_and_doubles_nothing(
    trackside: Trackside, client: httpx.AsyncClient, told: list[str]
) -> None:
    partner = Partner(client, trackside.url, trackside.token, asyncio.Event(), told.append)
    await partner.upsert_journey(journey_input(JOURNEYS[0].draft()))
    await partner.upsert_contacts([contact_input(next(contacts(1)))])
    is_sending = asyncio.Event()

    async def send() -> Counter[str]:
        outcomes: Counter[str] = Counter()
        for batch in range(40):
            if batch == 5:
                is_sending.set()
            events = [an_entry(f"{batch}-{number}") for number in range(25)]
            results = await partner.record([event_input(event) for event in events])
            outcomes.update(result["outcome"] for result in results)
        return outcomes

    sending = asyncio.create_task(send())
    async with asyncio.timeout(SOON):
        await is_sending.wait()
    await asyncio.to_thread(trackside.server.kill)
    await asyncio.to_thread(trackside.server.start)
    outcomes = await sending

    data = await trackside.ask(ENTRIES)
    assert data["entries"]["totalCount"]["value"] == 1_000
    assert outcomes["ACCEPTED"] + outcomes["DUPLICATE"] == 1_000
    assert partner.retries > 0
    assert "the server is away" in told[0]


def an_entry(name: str) -> JourneyEntered:
    return JourneyEntered(
        f"key-{name}",
        time_ns() // 1_000,
        JOURNEYS[0].external_id,
        ContactRef(external_username="player-00001"),
        f"entry-{name}",
    )


async def test_it_goes_on_where_it_was_when_the_server_returns(trackside: Trackside) -> None:
    stopping, first_words = asyncio.Event(), asyncio.Event()
    told: list[str] = []

    def tell(line: str) -> None:
        told.append(line)
        first_words.set()

    running = asyncio.create_task(
        simulate(url=trackside.url, token=trackside.token, rate=300, stopping=stopping, tell=tell)
    )
    async with asyncio.timeout(SOON * 2):
        await first_words.wait()
    await asyncio.to_thread(trackside.server.kill)
    await asyncio.to_thread(trackside.server.start)
    before = (await trackside.ask(CLICKED))["all"]["totalCount"]["value"]
    async with asyncio.timeout(SOON * 2):
        while (await trackside.ask(CLICKED))["all"]["totalCount"]["value"] <= before:
            assert not running.done()
    stopping.set()
    tally = await running

    assert tally.rejected == 0
    assert tally.retries > 0


async def test_told_to_end_while_the_server_is_away_it_gives_up(
    trackside: Trackside, client: httpx.AsyncClient, told: list[str]
) -> None:
    trackside.server.kill()
    stopping = asyncio.Event()
    stopping.set()
    partner = Partner(client, trackside.url, trackside.token, stopping, told.append)

    with pytest.raises(GaveUp, match="not acknowledged"):
        await partner.record([event_input(an_entry("1"))])


async def test_told_to_end_it_does_not_wait_long_for_a_server_that_is_silent(
    client: httpx.AsyncClient, told: list[str]
) -> None:
    # Connections are taken by the kernel, and nobody answers: a server on its way out.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        stopping = asyncio.Event()
        partner = Partner(client, url, "ts_1_any", stopping, told.append)
        recording = asyncio.create_task(partner.record([event_input(an_entry("1"))]))
        await settle()
        stopping.set()

        with pytest.raises(GaveUp, match="no answer"):
            await recording


async def test_a_token_without_the_scope_is_refused_in_words(
    trackside: Trackside, client: httpx.AsyncClient, told: list[str]
) -> None:
    token = await trackside.make_token(Scope.READ)
    partner = Partner(client, trackside.url, token, asyncio.Event(), told.append)

    with pytest.raises(Refused, match="integrate"):
        await partner.record([event_input(an_entry("1"))])


def simulating(trackside: Trackside, token: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "server.cli", "simulate", "--url", trackside.url],
        env={**os.environ, "TRACKSIDE_TOKEN": token},
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )


async def test_the_command_ends_cleanly_when_it_is_told_to(trackside: Trackside) -> None:
    with simulating(trackside, trackside.token) as process:
        assert process.stderr is not None
        begins = await asyncio.to_thread(process.stderr.readline)
        process.send_signal(signal.SIGTERM)
        rest = await asyncio.to_thread(process.stderr.read)

    assert begins == f"simulate: writing to {trackside.url}, 20 events a second\n"
    assert rest.startswith("simulate: ended")
    assert process.returncode == 0


async def test_the_command_says_that_the_token_is_wrong(trackside: Trackside) -> None:
    with simulating(trackside, "ts_1_wrong") as process:
        assert process.stderr is not None
        said = await asyncio.to_thread(process.stderr.read)

    assert "simulate: The token was refused" in said
    assert process.returncode == 1


@pytest.mark.parametrize("url", ["nonsense", "ftp://127.0.0.1", "http://[::1"])
async def test_what_is_no_address_is_refused_at_once(url: str, client: httpx.AsyncClient) -> None:
    partner = Partner(client, url, "ts_1_any", asyncio.Event(), lambda _: None)

    with pytest.raises(Refused, match="is no address to write to"):
        async with asyncio.timeout(SOON):
            await partner.record([])
