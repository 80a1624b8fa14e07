"""Traffic: what the partner reports."""

from itertools import islice

import pytest
from graphql import GraphQLInputObjectType, coerce_input_value, parse, validate

from benchmarks import documents
from benchmarks.traffic import Event, as_input, batches, traffic
from server.app import core_schema
from store.ingest.events import CommunicationCreated


def test_the_same_prefix_gives_the_same_events() -> None:
    first, second = ([one.key for one in _some("a", 500)] for _ in range(2))

    assert first == second


def test_no_key_comes_twice() -> None:
    keys = [one.key for prefix in ("a", "b") for one in _some(prefix, 2_000)]

    assert len(set(keys)) == len(keys)


def test_a_message_is_announced_before_anything_happens_to_it() -> None:
    known = set()
    for event in _some("a", 2_000):
        if isinstance(event, CommunicationCreated):
            known.add(event.communication)
        assert event.communication in known


def test_batches_follow_each_other() -> None:
    stream = traffic("a", _entry, 10)

    first, second = batches(stream, 20, 1), batches(stream, 30, 2)

    keys = [event.key for batch in first + second for event in batch]
    assert keys == [event.key for event in _some("a", 80)]
    assert [len(batch) for batch in first + second] == [20, 30, 30]


def test_the_events_are_inputs_of_the_schema() -> None:
    wanted = core_schema().get_type("EventInput")
    assert isinstance(wanted, GraphQLInputObjectType)

    # Raises for what is not an EventInput.
    coerced = [coerce_input_value(as_input(event), wanted) for event in _some("a", 1_000)]

    assert len(coerced) == 1_000


@pytest.mark.parametrize("document", [documents.PAGE, documents.RECORD, documents.LIVE])
def test_the_documents_are_valid(document: str) -> None:
    assert validate(core_schema(), parse(document)) == []


def _some(prefix: str, number: int) -> list[Event]:
    return list(islice(traffic(prefix, _entry, 10), number))


def _entry(number: int) -> str:
    return f"entry-{number}"
