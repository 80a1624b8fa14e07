"""Limits: a document that asks for too much is refused before it costs anything."""

import time
from typing import Any

import pytest
from graphql import GraphQLSchema

from server.limits import DEPTH_AT_MOST, FIELDS_AT_MOST, ROWS_AT_MOST, check_rows
from server.operations import Operations, Refused
from tests.server.small_schema import Spy, small_schema


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return small_schema(Spy())


@pytest.fixture
def operations(schema: GraphQLSchema) -> Operations:
    return Operations(schema)


def nested(depth: int) -> str:
    return "{ items(first: 1) { nodes { id " + "siblings { id " * depth + "} " * depth + "} } }"


def refused(operations: Operations, document: str) -> Refused:
    with pytest.raises(Refused) as caught:
        operations.find(document)
    return caught.value


def test_a_query_at_the_limit_of_depth_runs(operations: Operations) -> None:
    operations.find(nested(DEPTH_AT_MOST - 3))


def test_a_query_too_deep_is_refused(operations: Operations) -> None:
    error = refused(operations, nested(DEPTH_AT_MOST - 2))

    assert error.code == "GRAPHQL_VALIDATION_FAILED"
    assert "16 fields deep" in str(error)


def test_depth_counts_through_fragments(operations: Operations) -> None:
    chain = "".join(
        f"fragment F{number} on Item {{ siblings {{ ...F{number + 1} }} }} " for number in range(20)
    )
    document = "{ items { nodes { ...F0 } } } " + chain + "fragment F20 on Item { id }"

    assert "fields deep" in str(refused(operations, document))


def test_fragments_that_multiply_are_refused(operations: Operations) -> None:
    """Ten fragments that spread the next one ten times are 10^10 fields."""
    doubling = "".join(
        f"fragment F{number} on Item {{ "
        + " ".join(f"a{each}: siblings {{ ...F{number + 1} }}" for each in range(10))
        + " } "
        for number in range(10)
    )
    document = "{ items { nodes { ...F0 } } } " + doubling + "fragment F10 on Item { id }"

    assert "fields" in str(refused(operations, document))


def test_too_many_fields_are_refused_quickly(operations: Operations) -> None:
    began = time.process_time()

    error = refused(operations, "{" + " workspace" * (FIELDS_AT_MOST + 1) + "}")

    assert f"more than {FIELDS_AT_MOST} fields" in str(error)
    assert time.process_time() - began < 0.5


def test_too_many_aliases_are_refused(operations: Operations) -> None:
    error = refused(
        operations, "{" + " ".join(f"a{number}: workspace" for number in range(61)) + "}"
    )

    assert "more than 60 aliases" in str(error)


@pytest.mark.parametrize(
    "document",
    [
        "{" + " a" * 20_000 + "}",
        "#\n" * 2_000 + "{ workspace }",
        "{ workspace }" + " " * 300_000,
        "{ a" * 2_000,
        "{ echo(n: " + "[" * 50_000 + " }",
    ],
    ids=["tokens", "comments", "characters", "braces", "brackets"],
)
def test_a_document_too_long_to_parse_is_refused(operations: Operations, document: str) -> None:
    assert refused(operations, document).code in (
        "GRAPHQL_PARSE_FAILED",
        "GRAPHQL_VALIDATION_FAILED",
    )


def test_a_long_chain_of_fragments_is_refused(operations: Operations) -> None:
    chain = "".join(
        f"fragment F{number} on Query {{ ...F{number + 1} }} " for number in range(1_200)
    )

    error = refused(operations, "{ ...F0 } " + chain + "fragment F1200 on Query { workspace }")

    assert error.code == "GRAPHQL_VALIDATION_FAILED"


def test_fragments_in_a_circle_are_refused(operations: Operations) -> None:
    document = "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }"

    assert "fragment" in str(refused(operations, document))


def estimate(operations: Operations, document: str, **variables: Any) -> int:
    return sum(each.estimate(variables) for each in operations.find(document).rows)


@pytest.mark.parametrize(
    ("document", "variables", "rows"),
    [
        ("{ workspace }", {}, 0),
        ("{ items { nodes { id } } }", {}, 50),
        ("{ items(first: 10) { nodes { id } } }", {}, 10),
        ("{ items(first: null) { nodes { id } } }", {}, 50),
        ("query Q($n: Int) { items(first: $n) { nodes { id } } }", {"n": 7}, 7),
        ("query Q($n: Int) { items(first: $n) { nodes { id } } }", {}, 50),
        ("query Q($n: Int) { items(first: $n) { nodes { id } } }", {"n": "x"}, 50),
        ("query Q($n: Int = 20) { items(first: $n) { nodes { id } } }", {}, 20),
        ("{ items(first: 10) { nodes { items(first: 5) { nodes { id } } } } }", {}, 60),
        ("{ items(first: 10) { nodes { siblings { id } } } }", {}, 110),
        ("{ a: items(first: 1) { nodes { id } } b: items(first: 2) { nodes { id } } }", {}, 3),
        ("{ ...F } fragment F on Query { items(first: 3) { nodes { id } } }", {}, 3),
        ("{ ... on Query { items(first: 3) { nodes { id } } } }", {}, 3),
        # Beyond a page's limit the page refuses, and names the value.
        ("{ items(first: -5) { nodes { id } } }", {}, 1),
        ("{ items(first: 100000) { nodes { id } } }", {}, 100),
        ("{ __schema { types { fields { name } } } }", {}, 0),
    ],
)
def test_rows_are_estimated_from_first_and_nesting(
    operations: Operations, document: str, variables: dict[str, Any], rows: int
) -> None:
    assert estimate(operations, document, **variables) == rows


def test_an_operation_that_could_read_too_much_is_refused(operations: Operations) -> None:
    page = "items(first: $n) { nodes { id %s } }"
    document = "query Q($n: Int!) { " + page % (page % (page % "")) + "}"
    rows = operations.find(document).rows

    check_rows(rows, {"n": 26})
    with pytest.raises(Exception, match="20,439") as caught:
        check_rows(rows, {"n": 27})

    assert f"{ROWS_AT_MOST:,}" in str(caught.value)


def test_a_document_is_prepared_once(operations: Operations) -> None:
    assert operations.find("{ workspace }") is operations.find("{ workspace }")


def test_the_documents_used_last_are_kept(schema: GraphQLSchema) -> None:
    operations = Operations(schema, kept_at_most=2)
    first = operations.find("{ a: workspace }")
    operations.find("{ b: workspace }")
    operations.find("{ a: workspace }")

    operations.find("{ c: workspace }")

    assert operations.find("{ a: workspace }") is first
    assert len(operations._documents) == 2


def test_the_characters_kept_are_bounded(schema: GraphQLSchema) -> None:
    operations = Operations(schema, characters_at_most=1_000)

    for number in range(50):
        operations.find(f"{{ a{number}: workspace }}" + " " * 90)

    assert sum(map(len, operations._documents)) <= 1_000
    assert operations._characters == sum(map(len, operations._documents))


def test_documents_that_are_wrong_are_not_kept(operations: Operations) -> None:
    for number in range(10):
        refused(operations, f"{{ nothing{number} }}")

    assert len(operations._documents) == 0
