"""Limits: how long the texts, links and JSON values may be that partners hand in."""

from collections.abc import Sequence
from typing import Any

import orjson

from schema.enums import ErrorCode
from schema.errors import place, shown
from schema.scalars import Unreadable
from store.refusals import Refusal

ID_LENGTH = 200
NAME_LENGTH = 500
REASON_LENGTH = 2_000
JSON_SIZE = 16_384

Path = tuple[str | int, ...]


class Refused(Exception):
    """One value of one item cannot be taken; the other items are not concerned."""

    def __init__(self, code: ErrorCode, message: str, path: Sequence[str | int]) -> None:
        super().__init__(message)
        self.refusal = Refusal(code, message, place(path))


def text(value: str, path: Path, limit: int) -> str:
    """The text, if databases can hold it and it is not too long."""
    if len(value) > limit:
        raise Refused(
            ErrorCode.TOO_LONG,
            f"{_where(path)}: {shown(value)} has {len(value):,} characters: at most {limit:,}.",
            path,
        )
    if "\0" in value or has_surrogate(value):
        raise Refused(
            ErrorCode.INVALID,
            f"{_where(path)}: {shown(value)} holds a null character or half a surrogate pair: "
            "leave it out.",
            path,
        )
    return value


def name(value: str, path: Path, limit: int = ID_LENGTH) -> str:
    """A text that has to say something."""
    if not value.strip():
        raise Refused(ErrorCode.INVALID, f"{_where(path)}: a blank text names nothing.", path)
    return text(value, path, limit)


def readable(value: Any, path: Path) -> Any:
    """The value of a scalar, if the scalar could read it."""
    if isinstance(value, Unreadable):
        raise Refused(ErrorCode.INVALID, f"{_where(path)}: {value.problem}", path)
    return value


def json(value: Any, path: Path) -> Any:
    """The JSON value, if databases can hold it and it is not too large."""
    try:
        written = orjson.dumps(value)
    except TypeError as error:
        raise Refused(
            ErrorCode.INVALID, f"{_where(path)}: {shown(value)} cannot be kept: {error}.", path
        ) from None
    if len(written) > JSON_SIZE:
        raise Refused(
            ErrorCode.TOO_LONG,
            f"{_where(path)}: the value has {len(written):,} bytes: at most {JSON_SIZE:,}.",
            path,
        )
    if b"\\u0000" in written:
        raise Refused(
            ErrorCode.INVALID,
            f"{_where(path)}: the value holds a null character: leave it out.",
            path,
        )
    return value


def idempotency_key(value: str | None) -> str | None:
    """The key of a call that may be sent twice; None for one without."""
    return name(value, ("idempotencyKey",)) if value else None


def _where(path: Path) -> str:
    """The last name of the path: what the client reads first."""
    return f"{path[-2]}[{path[-1]}]" if isinstance(path[-1], int) else path[-1]


def has_surrogate(value: str) -> bool:
    """Whether it holds half a surrogate pair, which cannot be written as UTF-8."""
    return not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value)
