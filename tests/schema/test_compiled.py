"""Compiled selections answer as graphql-core does, errors and nulls included."""

import asyncio
from dataclasses import MISSING, fields
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import (
    ExecutionResult,
    GraphQLObjectType,
    get_named_type,
    is_object_type,
    parse,
    validate,
)
from graphql.execution import Executor
from hypothesis import assume, given
from hypothesis import strategies as st

from schema import compiled, schema
from schema.compiled import CompilingExecutor
from schema.fields import DerivedField
from store import rows
from store.words import Channel, DeliveryKind, DeliveryStatus, EntryState, JourneyStatus

SCHEMA = schema._schema
# Words that no row holds beside those that rows do, and values of the wrong type.
GOOD: dict[str, st.SearchStrategy[Any]] = {
    "ID": st.just(b"\x01" * 16),
    "String": st.sampled_from(["", "Ada", "ß"]),
    "Int": st.integers(0, 3),
    "Boolean": st.booleans(),
    "DateTime": st.sampled_from([0, 1, 1_790_000_000_000_000]),
    "URL": st.just("https://example.org/"),
    "Decimal": st.just(1),
    "Channel": st.sampled_from([*Channel, "EMAIL"]),
    "DeliveryStatus": st.sampled_from([*DeliveryStatus, "CLICKED"]),
    "DeliveryEventKind": st.sampled_from([*DeliveryKind]),
    "EntryState": st.sampled_from([*EntryState]),
    "JourneyStatus": st.sampled_from([*JourneyStatus]),
}
BAD = st.sampled_from([None, 7, "NO_SUCH_WORD", 1.5, b"x", object(), ValueError("inside")])


def _is_plain(field: Any) -> bool:
    definition = field.extensions["strawberry-definition"]
    return not field.args and (definition.__class__ is DerivedField or definition.is_basic_field)


@st.composite
def selections(draw: st.DrawFn, type_: GraphQLObjectType, depth: int = 0) -> str:
    plain = [name for name, field in type_.fields.items() if _is_plain(field)]
    chosen = draw(st.lists(st.sampled_from([*plain, "__typename"]), min_size=1, max_size=5))
    parts = []
    for index, name in enumerate(chosen):
        alias = draw(st.sampled_from(["", f"a{index}: "]))
        include = draw(st.sampled_from(["", " @include(if: $yes)", " @skip(if: $yes)"]))
        if name == "__typename":
            parts.append(f"{alias}{name}")
            continue
        inner = get_named_type(type_.fields[name].type)
        if not is_object_type(inner):
            parts.append(f"{alias}{name}{include}")
        elif depth < 3:
            below = draw(selections(inner, depth + 1))
            # Without an alias, fields of one name are merged.
            parts.append(f"{alias or name + ': '}{name}{include} {below}")
    return "{ " + " ".join(parts or ["__typename"]) + " }"


def _values(column: str, annotation: str) -> st.SearchStrategy[Any]:
    if column in {"id", "nonce"} or column.endswith("_id"):
        return st.just(b"\x02" * 16)
    if column == "seq" or column.endswith("_at") or "Instant" in annotation:
        return GOOD["DateTime"]
    for word, name in (
        ("channel", "Channel"),
        ("delivery", "DeliveryEventKind"),
        ("state", "EntryState"),
    ):
        if column == word:
            return GOOD[name]
    if column == "last_action_kind":
        return GOOD["DeliveryEventKind"]
    if "bool" in annotation:
        return st.booleans()
    if "int" in annotation:
        return GOOD["Int"]
    return GOOD["String"]


@st.composite
def row_of(draw: st.DrawFn, kind: type, depth: int = 0) -> Any:
    """A row of which now and then a value is null or wrong."""
    relations = {
        "communication": rows.Communication,
        "journey": rows.Journey,
        "contact": rows.Contact,
        "entry": rows.Entry,
        "step": rows.JourneyStep,
        "resource": rows.Resource,
        "current_step": rows.JourneyStep,
        "referred_by": rows.Contact,
    }
    values: dict[str, Any] = {}
    for one in fields(kind):
        assert one.default is MISSING
        is_bad = draw(st.integers(0, 40)) == 0
        if is_bad:
            values[one.name] = draw(BAD)
        elif one.name in relations:
            values[one.name] = draw(row_of(relations[one.name], depth + 1)) if depth < 3 else None
        elif one.name == "status":
            status = "JourneyStatus" if kind is rows.Journey else "DeliveryStatus"
            values[one.name] = draw(GOOD[status])
        elif one.name == "bot_signals":
            values[one.name] = draw(st.sampled_from([None, [], ["HEAD"]]))
        else:
            values[one.name] = draw(_values(one.name, str(one.type)))
    return kind(**values)


def _run(executor: type[Executor[Any]], source: str, batch: object, *, yes: bool) -> Any:
    built = executor.build(SCHEMA, parse(source), batch, SimpleNamespace(), {"yes": yes})
    assert not isinstance(built, list), built
    result: Any = built.execute_operation(serially=False)

    async def finished() -> Any:
        return result if isinstance(result, ExecutionResult) else await result

    done = asyncio.run(finished())
    return done.data, [error.formatted for error in done.errors or ()]


def _loaded(kind: type, **values: Any) -> Any:
    """A row of which only these columns were read."""
    row: Any = object.__new__(kind)
    for name, value in values.items():
        object.__setattr__(row, name, value)
    return row


EVENT = SCHEMA.type_map["DeliveryEvent"]
assert isinstance(EVENT, GraphQLObjectType)


@given(
    selection=selections(EVENT),
    events=st.lists(row_of(rows.DeliveryEvent), max_size=2),
    yes=st.booleans(),
)
def test_compiled_answers_equal_those_of_graphql_core(
    selection: str, events: list[Any], yes: bool
) -> None:
    source = (
        "subscription($yes: Boolean!) { communicationEvents { caughtUp @include(if: $yes) "
        f"events {selection} }} }}"
    )
    # One alias may have come to stand for two fields.
    assume(not validate(SCHEMA, parse(source)))
    batch = SimpleNamespace(rows=events, is_caught_up=True)

    assert _run(CompilingExecutor, source, batch, yes=yes) == _run(Executor, source, batch, yes=yes)


def test_a_whole_row_is_answered_by_one_function(monkeypatch: pytest.MonkeyPatch) -> None:
    source = "subscription { communicationEvents { events { id kind journey { name } } } }"
    journey = _loaded(rows.Journey, name="Hello")
    event = _loaded(
        rows.DeliveryEvent, seq=3, nonce=b"\1\2\3\4", delivery="CLICKED", journey=journey
    )
    visited: list[str] = []
    execute_field = Executor.execute_field

    def watched(self: Any, parent: Any, *arguments: Any) -> Any:
        visited.append(parent.name)
        return execute_field(self, parent, *arguments)

    monkeypatch.setattr(Executor, "execute_field", watched)
    data, errors = _run(CompilingExecutor, source, SimpleNamespace(rows=[event] * 2), yes=True)

    expected = {"id": "evt_3_01020304", "kind": "CLICKED", "journey": {"name": "Hello"}}
    assert data == {"communicationEvents": {"events": [expected] * 2}}
    assert errors == []
    # The root alone; no field of the batch or of an event.
    assert set(visited) == {"Subscription"}


def test_what_is_kept_of_compiled_selections_is_bounded() -> None:
    for number in range(compiled._KEPT + 10):
        source = f"subscription {{ communicationEvents {{ events {{ a{number}: id }} }} }}"
        _run(CompilingExecutor, source, SimpleNamespace(rows=[]), yes=True)

    assert len(compiled._cache) <= compiled._KEPT
