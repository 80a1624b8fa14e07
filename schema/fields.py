"""Fields of types whose value is a row of the store: what they read and how they follow."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import strawberry
from strawberry.types.field import StrawberryField

from store.want import Want

NEEDS = "needs"
DERIVE = "derive"


@dataclass(frozen=True, slots=True)
class Needs:
    """What a field reads of its row besides what its own selection asks for.

    `relation` is the to-one relation that the field's selection is read from.
    """

    columns: tuple[str, ...] = ()
    relations: tuple[tuple[str, Want], ...] = ()
    relation: str | None = None


class DerivedField(StrawberryField):
    """A field that is a function of its row alone: no info, no arguments, no awaiting."""

    def get_result(self, source: Any, info: Any, args: Any, kwargs: Any) -> Any:
        return self.metadata[DERIVE](source)


class AwaitedField(DerivedField):
    """A function of the row alone whose answer is awaited."""


class ContextField(StrawberryField):
    """A field that is a function of the context and its row; the function may be awaitable."""

    @property
    def is_basic_field(self) -> bool:
        return False

    def get_result(self, source: Any, info: Any, args: Any, kwargs: Any) -> Any:
        return self.metadata[DERIVE](info.context, source)


def plain(description: str) -> Any:
    """The attribute of the same name; of a row: its column, or its to-one relation."""
    return strawberry.field(description=description)


def derived(
    derive: Callable[[Any], Any],
    description: str,
    *,
    needs: tuple[str, ...] = (),
    relations: Mapping[str, Want] | None = None,
    name: str | None = None,
) -> Any:
    """A function of the row, which reads the columns `needs` and the `relations`."""
    wanted = Needs(needs, tuple((relations or {}).items()))
    return DerivedField(
        metadata={DERIVE: derive, NEEDS: wanted}, description=description, graphql_name=name
    )


def awaited(derive: Callable[[Any], Awaitable[Any]], description: str) -> Any:
    """A function of the row whose answer is awaited."""
    return AwaitedField(metadata={DERIVE: derive, NEEDS: Needs()}, description=description)


def resolved(resolver: Callable[..., Any], description: str) -> Any:
    """What a function of info and arguments answers: rows, whose type the field itself says."""
    return strawberry.field(resolver=resolver, description=description)


def with_context(
    derive: Callable[[Any, Any], Any], description: str, *, needs: tuple[str, ...] = ()
) -> Any:
    """A function of the context and the row, which reads the columns `needs`."""
    return ContextField(metadata={DERIVE: derive, NEEDS: Needs(needs)}, description=description)
