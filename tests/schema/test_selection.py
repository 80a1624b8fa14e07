"""Selections: only what an operation asks for is wanted of rows."""

from types import SimpleNamespace
from typing import Any

import pytest
from graphql import parse

from schema import schema
from schema.info import Info
from schema.selection import below
from store.want import Want, want

JOURNEY_NAME = want(["name"])


def chosen(
    document: str, *path: str, type_name: str | None = None, variables: dict[str, Any] | None = None
) -> Want:
    """What is wanted below the first root field."""
    parsed = parse(document)
    definitions: tuple[Any, ...] = parsed.definitions
    operation, *fragments = definitions
    field = operation.selection_set.selections[0]
    graphql = schema._schema
    root = graphql.get_root_type(operation.operation)
    assert root is not None
    raw: Any = SimpleNamespace(
        field_nodes=[field],
        return_type=root.fields[field.name.value].type,
        schema=graphql,
        fragments={one.name.value: one for one in fragments},
        variable_values=variables or {},
    )
    definition: Any = root.fields[field.name.value].extensions["strawberry-definition"]
    return below(Info(_raw_info=raw, _field=definition), *path, type_name=type_name).want


@pytest.mark.parametrize(
    ("document", "wanted"),
    [
        ("{ journey { name } }", want(["name"])),
        ("{ journey { a: name b: name __typename } }", want(["name"])),
        ("{ journey { id externalId landingUrl } }", want(["id", "external_id", "landing_url"])),
        ("{ journey { entries { nodes { id } } } }", want(["id"])),
        ("{ journey { steps { key } } }", want(["id"])),
        ("{ entry { journey { name } } }", want([], {"journey": JOURNEY_NAME})),
        ("{ entry { canStop } }", want(["state"], {"journey": want(["status"])})),
        (
            "{ entry { canStop a: journey { name } journey { contactsOf: id } } }",
            want(["state"], {"journey": want(["status", "name", "id"])}),
        ),
        (
            "{ entry { currentStep { resource { name } } } }",
            want([], {"current_step": want([], {"resource": JOURNEY_NAME})}),
        ),
        ("{ entry { stoppedBy } }", want(["stop_actor"])),
        (
            "{ communication { lastAction { kind } failedAt clickCount } }",
            want(
                [
                    "last_action_at",
                    "last_action_kind",
                    "last_action_url",
                    "failed_at",
                    "bounced_at",
                    "click_count",
                    "raw_click_count",
                ]
            ),
        ),
        (
            "{ journey { ...f } } fragment f on Journey { name ... { status } }",
            want(["name", "status"]),
        ),
        (
            "{ journey { ... on Node { id } ... on Journey { name } } }",
            want(["id", "name"]),
        ),
    ],
)
def test_a_selection_wants_its_columns_and_relations(document: str, wanted: Want) -> None:
    assert chosen(document) == wanted


def test_nodes_and_edges_are_one_want() -> None:
    found = chosen(
        "{ journeys { nodes { name } edges { cursor node { status } } a: nodes { createdAt } } }",
        "nodes|edges.node",
    )

    assert found == want(["name", "status", "created_at"])


def test_what_is_skipped_is_not_wanted() -> None:
    document = """query ($a: Boolean!, $b: Boolean!) { journey { name @skip(if: $a)
        status @include(if: $b) createdAt @skip(if: false) ... @include(if: $b) { startsAt } } }"""

    found = [chosen(document, variables={"a": one, "b": one}) for one in (True, False)]

    assert found == [want(["status", "created_at", "starts_at"]), want(["name", "created_at"])]


def test_a_payloads_rows_are_wanted_by_their_place() -> None:
    found = chosen(
        """mutation { stopCampaign(input: {entries: {ids: []}}) {
            matched results { outcome entry { state contact { email } } } } }""",
        "results",
        "entry",
    )

    assert found == want(["state"], {"contact": want(["email"])})


def test_a_node_is_read_as_what_it_turns_out_to_be() -> None:
    document = """{ node(id: "x") { id ... on Entry { state } ... on Journey { name } } }"""

    found = [chosen(document, type_name=name) for name in ("Entry", "Journey", "Contact")]

    assert found == [want(["id", "state"]), want(["id", "name"]), want(["id"])]
