"""Conditions: the fields of filter inputs, and how they become the store's frozen filters."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import strawberry
from strawberry.utils.str_converters import to_camel_case

from schema import ids
from schema.errors import bad_input, shown
from schema.inputs.limits import has_surrogate
from store.types import Instant

LEVELS_AT_MOST = 3
CONDITIONS_AT_MOST = 20
VALUES_AT_MOST = 100
TEXT_LENGTH = 200

_READ = "read"

T = TypeVar("T")


@dataclass(slots=True)
class Budget:
    """What one filter may still ask; `now` is the moment that rolling periods end at."""

    now: Instant
    conditions: int = CONDITIONS_AT_MOST
    levels: int = LEVELS_AT_MOST

    def spend(self) -> None:
        if self.conditions == 0:
            raise bad_input(f"The filter has more than {CONDITIONS_AT_MOST} conditions: ask less.")
        self.conditions -= 1


Read = Callable[[Any, str, Budget], Any]
"""(value, the field's name for messages, budget) -> the store's value, None for no condition."""


def condition(read: Read, description: str, name: str | None = None) -> Any:
    """A field of a filter; left out or null it asks nothing."""
    return strawberry.field(
        default=strawberry.UNSET, description=description, name=name, metadata={_READ: read}
    )


def frozen(asked: Any, kind: Callable[..., T], budget: Budget) -> T:
    """The store's filter of that kind which a filter input stands for; BAD_USER_INPUT."""
    values: dict[str, Any] = {}
    is_empty = True
    for field in asked.__strawberry_definition__.fields:
        value = getattr(asked, field.python_name)
        if value is None or value is strawberry.UNSET:
            continue
        is_empty = False
        name = field.graphql_name or to_camel_case(field.python_name)
        read = field.metadata[_READ](value, name, budget)
        if read is not None:
            values[field.python_name] = read
    if is_empty:
        budget.spend()
    return kind(**values)


def words(value: list[Any], name: str, budget: Budget) -> tuple[Any, ...]:
    """Alternatives: any of them may hold."""
    budget.spend()
    if not value:
        raise bad_input(
            f"{name}: an empty list of alternatives matches nothing; leave the field out to ask "
            "for no condition."
        )
    if len(value) > VALUES_AT_MOST:
        raise bad_input(f"{name}: {len(value)} values are too many, at most {VALUES_AT_MOST}.")
    return tuple(value)


def ids_of(kind: str) -> Read:
    def read(value: list[str], name: str, budget: Budget) -> tuple[bytes, ...]:
        return ids.parse_all(words(value, name, budget), kind)

    return read


def searched(value: str, name: str, budget: Budget) -> str | None:
    budget.spend()
    return text(value, name).strip() or None


def claim(value: bool, name: str, budget: Budget) -> bool:
    budget.spend()
    return value


def inner(value: Any, name: str, budget: Budget) -> Any:
    """Another input, which knows its own value."""
    return value.frozen(budget)


def all_of(value: list[Any], name: str, budget: Budget) -> tuple[Any, ...]:
    """Nested filters, one level deeper."""
    if len(value) > CONDITIONS_AT_MOST:
        raise bad_input(f"{name}: the filter has more than {CONDITIONS_AT_MOST} conditions.")
    if budget.levels == 0:
        raise bad_input(f"{name}: and, or and not nest at most {LEVELS_AT_MOST} levels deep.")
    budget.levels -= 1
    found = tuple(each.frozen(budget) for each in value)
    budget.levels += 1
    return found


def one_of(value: Any, name: str, budget: Budget) -> Any:
    (found,) = all_of([value], name, budget)
    return found


def text(value: str, name: str) -> str:
    if len(value) > TEXT_LENGTH:
        raise bad_input(
            f"{name}: {shown(value)} is too long to look for, at most {TEXT_LENGTH} characters."
        )
    if "\0" in value or has_surrogate(value):
        raise bad_input(
            f"{name}: {shown(value)} holds a null character or half a surrogate pair, which no "
            "text here does."
        )
    return value
