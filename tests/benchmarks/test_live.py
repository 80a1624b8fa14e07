"""Live: an audience of a real server hears all once, and peers tell what trackside tells."""

import re
from collections.abc import Iterator

import orjson
import pytest
from graphql import build_schema, execute_sync, parse, validate

from benchmarks import audience, contenders, dataset, documents, servers
from benchmarks.audience import AudienceLost
from benchmarks.contenders import Contender, Way
from benchmarks.dataset import Dataset
from benchmarks.packages import FOLDER, PackagesMissing, install, node_version
from benchmarks.partners import Publisher, Recorder
from benchmarks.requests import UnexpectedAnswer
from benchmarks.servers import Server
from tests.support.loops import run

IN_STEP = Way("in step", 2, is_in_step=True)
AS_FAST = Way("as fast as it goes", 2, is_in_step=False)


@pytest.fixture
def loaded(sqlite_url: str) -> Dataset:
    return run(dataset.make(sqlite_url, messages=0, entries=100))


@pytest.fixture
def server(loaded: Dataset) -> Iterator[Server]:
    with servers.trackside(loaded.url) as running:
        yield running


def test_all_who_listen_hear_each_event_once(server: Server, loaded: Dataset) -> None:
    partner = Recorder(loaded, server)

    with audience.attached(server, loaded, 21) as listening:
        partner.write(partner.prepare(3, 4))
        heard = listening.hear(12)

    assert heard.behind == 0
    assert 21 <= heard.messages <= 21 * 4
    assert len(heard.latencies_ms) == 2 * 12
    assert min(heard.latencies_ms) > 0


def test_who_comes_back_hears_what_was_missed(server: Server, loaded: Dataset) -> None:
    partner = Recorder(loaded, server)

    with audience.attached(server, loaded, 5) as listening:
        partner.write(partner.prepare(2, 1))
        listening.hear(2)
        listening.leave()
        partner.write(partner.prepare(4, 2))
        heard = listening.come_back(8)

    assert heard.behind == 0


def test_an_audience_that_hears_too_much_is_lost(server: Server, loaded: Dataset) -> None:
    partner = Recorder(loaded, server)

    with audience.attached(server, loaded, 1) as listening:
        partner.write(partner.prepare(2, 1))
        with pytest.raises(AudienceLost):
            listening.hear(1)


def test_a_round_in_step_tells_each_batch_by_itself(server: Server, loaded: Dataset) -> None:
    contender = Contender("trackside", Recorder(loaded, server))
    for way in (IN_STEP, AS_FAST):
        contender.unheard_round(way, 2)

    with contender.listened_to(loaded, 20):
        contender.round(IN_STEP, 3)
        contender.round(AS_FAST, 3)

    told = contender.told[IN_STEP]
    assert told.events_a_message == [2]
    assert len(told.latencies_ms) == 6
    assert len(told.cells()) == len(contender.told[AS_FAST].cells()) == 6
    assert 2 <= contender.told[AS_FAST].events_a_message[0] <= 6


def test_a_partner_notices_what_was_not_taken(server: Server, loaded: Dataset) -> None:
    partner = Recorder(loaded, server)
    requests = partner.prepare(1, 1)
    partner.write(requests)

    with pytest.raises(UnexpectedAnswer, match="DUPLICATE"):
        partner.write(requests)


def test_peers_are_handed_what_the_document_asks_for(server: Server, loaded: Dataset) -> None:
    source = (FOLDER / "events.js").read_text()
    found = re.search(r"SDL = `(.*?)`", source, re.DOTALL)
    assert found is not None
    schema, document = build_schema(found[1]), parse(documents.LIVE)
    (request,) = Publisher(loaded, server).prepare(50, 1)
    batch = orjson.loads(request.partition(b"\r\n\r\n")[2])
    for event in batch["events"]:
        event["receivedAt"] = "2026-01-01T00:00:00.000000Z"
    root = {"communicationEvents": {**batch, "caughtUp": True, "gap": None}}

    result = execute_sync(schema, document, root)

    assert validate(schema, document) == []
    assert result.errors is None
    assert result.data is not None
    assert len(result.data["communicationEvents"]["events"]) == 50


def test_each_peer_has_its_program() -> None:
    assert all((FOLDER / program).is_file() for program in contenders.PEERS.values())


def test_without_node_it_is_said_which_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(PackagesMissing, match=r"Node 20\.9 or later"):
        install()


def test_a_version_of_node_is_read() -> None:
    assert node_version("v20.9.0\n") == (20, 9)


def test_what_is_no_version_of_node_is_shown() -> None:
    with pytest.raises(PackagesMissing, match="'command not found'"):
        node_version("command not found")
