"""Filters as JSON, to be kept with a job that works through what they choose."""

from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def encode(value: Any) -> Any:
    """A filter, or a part of one: what it does not ask is left out."""
    if is_dataclass(value) and not isinstance(value, type):
        return {
            one.name: encode(getattr(value, one.name))
            for one in fields(value)
            if getattr(value, one.name) != one.default
        }
    if isinstance(value, tuple):
        return [encode(one) for one in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Decimal):
        return str(value)
    return value.value if isinstance(value, Enum) else value


def decode(kind: type[T], kept: dict[str, Any]) -> T:
    """The filter of that kind which `encode` made this of."""
    hints = get_type_hints(kind)
    return kind(**{name: _decode(hints[name], value) for name, value in kept.items()})


def _decode(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    if get_origin(hint) in (Union, UnionType):
        (hint,) = (one for one in get_args(hint) if one is not type(None))
    if get_origin(hint) is tuple:
        inner = get_args(hint)[0]
        return tuple(_decode(inner, one) for one in value)
    if is_dataclass(hint):
        return decode(hint, value)  # type: ignore[arg-type]
    return bytes.fromhex(value) if hint is bytes else hint(value)
