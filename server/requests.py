"""Requests: a GraphQL request as it comes in, checked for its shape."""

from dataclasses import dataclass, field
from typing import Any

import orjson


class Malformed(Exception):
    """This is no GraphQL request; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    query: str
    variables: dict[str, Any] = field(default_factory=dict)
    operation_name: str | None = None

    @classmethod
    def of(cls, body: object) -> "GraphQLRequest":
        """From decoded JSON; raises Malformed."""
        if isinstance(body, list):
            raise Malformed("Batches are not taken: send one request for each operation.")
        if not isinstance(body, dict):
            raise Malformed(f"A request is a JSON object, not {_kind(body)}.")
        query = body.get("query")
        if not isinstance(query, str) or not query.strip():
            raise Malformed(f'"query" must be a text with an operation, not {_kind(query)}.')
        variables = body.get("variables")
        if not isinstance(variables, dict | None):
            raise Malformed(f'"variables" must be an object, not {_kind(variables)}.')
        name = body.get("operationName")
        if not isinstance(name, str | None):
            raise Malformed(f'"operationName" must be a text, not {_kind(name)}.')
        extensions = body.get("extensions")
        if not isinstance(extensions, dict | None):
            raise Malformed(f'"extensions" must be an object, not {_kind(extensions)}.')
        # Some clients send an empty name for none.
        return cls(query, variables or {}, name or None)


def decode(text: bytes | str, what: str = "The body") -> Any:
    """JSON as Python's values; raises Malformed."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"{what} is not JSON: {error}.") from None


def _kind(value: object) -> str:
    if value is None:
        return "null"
    names = {bool: "a truth value", int: "a number", float: "a number", list: "a list"}
    names |= {str: "an empty text" if value == "" else "a text", dict: "an object"}
    return names[type(value)]
