"""Raw inputs: those that reach their resolver as graphql-core read them."""

from typing import TypeVar

from strawberry.types.base import get_object_definition

T = TypeVar("T")


def raw(kind: type[T]) -> type[T]:
    """An input whose value is a mapping by the names in the API: no object is built of it."""
    definition = get_object_definition(kind, strict=True)
    definition.from_input = lambda _kind, value, _context: value
    return kind
