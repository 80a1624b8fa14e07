"""Scalars: how instants, cursors, links, decimals and JSON are written and read."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NewType
from urllib.parse import urlsplit

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from resolvers.uploads import IncomingFile
from schema.errors import bad_input, shown
from store.types import Instant

DateTime = NewType("DateTime", int)
Cursor = NewType("Cursor", str)
LogCursor = NewType("LogCursor", str)
URL = NewType("URL", str)
BigInt = NewType("BigInt", int)
JSON = NewType("JSON", object)
Upload = NewType("Upload", IncomingFile)

URL_LENGTH = 2_000
WHOLE_AT_MOST = 2**53
_RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Without a zone: isoformat() is then a third faster, and the zone is always Z.
_NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001
_MICROSECOND = timedelta(microseconds=1)
_DECIMAL = re.compile(r"-?\d{1,12}(\.\d{1,6})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A value that its scalar cannot read. It travels on, so that one bad item fails alone."""

    problem: str


def readable(value: Any) -> Any:
    """The value, or BAD_USER_INPUT for one that its scalar could not read."""
    if isinstance(value, Unreadable):
        raise bad_input(value.problem)
    return value


def write_instant(value: Instant) -> str:
    return (_NAIVE_EPOCH + timedelta(0, 0, value)).isoformat() + "Z"


def read_instant(value: object) -> Instant | Unreadable:
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        return Unreadable(
            f"{shown(value)} is not a DateTime: write RFC 3339 with an offset, "
            "such as 2026-01-31T09:30:00Z or 2026-01-31T11:30:00+02:00."
        )
    try:
        moment = datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        return Unreadable(f"{shown(value)} is not a DateTime: {error}.")
    return (moment - _EPOCH) // _MICROSECOND


def read_url(value: object) -> str | Unreadable:
    problem = _url_problem(value)
    return Unreadable(problem) if problem else str(value)


def _url_problem(value: object) -> str | None:
    if not isinstance(value, str):
        return f"{shown(value)} is not a URL: write a string."
    if len(value) > URL_LENGTH:
        return f"{shown(value)} is too long for a URL: at most {URL_LENGTH:,} characters."
    try:
        parts = urlsplit(value)
        has_host = bool(parts.hostname)
        _ = parts.port
    except ValueError:
        has_host = False
        parts = None
    if parts is None or parts.scheme not in {"http", "https"} or not has_host:
        return f"{shown(value)} is not a URL: write an absolute http or https address."
    if not value.isprintable() or " " in value:
        return f"{shown(value)} is not a URL: percent-encode blanks and control characters."
    return None


def write_decimal(value: Decimal) -> str:
    return format(value.normalize(), "f")


def read_decimal(value: object) -> Decimal | Unreadable:
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        try:
            return Decimal(value)
        except InvalidOperation:
            pass
    return Unreadable(
        f"{shown(value)} is not a Decimal: write a string of at most 12 digits before the point "
        'and 6 behind it, such as "12.50".'
    )


def _read_text(kind: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if not isinstance(value, str):
            raise GraphQLError(f"{shown(value)} is not a {kind}: hand back a string that we gave.")
        return value

    return read


def _read_whole_number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > WHOLE_AT_MOST:
        raise GraphQLError(f"{shown(value)} is not a BigInt: write a whole number up to 2^53.")
    return value


def _read_upload(value: object) -> IncomingFile:
    if not isinstance(value, IncomingFile):
        raise GraphQLError(
            f"{shown(value)} is not an Upload: send the file in a multipart request, and null here."
        )
    return value


def _write_upload(_: object) -> object:
    raise GraphQLError("An Upload is handed in only.")


SCALARS: dict[object, ScalarDefinition] = {
    DateTime: strawberry.scalar(
        name="DateTime",
        description=(
            "A moment. Written as RFC 3339 in UTC, with microseconds where there are any: "
            "2026-01-31T09:30:00Z, 2026-01-31T09:30:00.250000Z. Read as RFC 3339 with any offset; "
            "a time without an offset is refused."
        ),
        specified_by_url="https://datatracker.ietf.org/doc/html/rfc3339#section-5.6",
        serialize=write_instant,
        parse_value=read_instant,
    ),
    Cursor: strawberry.scalar(
        name="Cursor",
        description=(
            "A position in one list in one order. Opaque: hand it back as after or before to the "
            "same list in the same order; any other use is refused."
        ),
        serialize=str,
        parse_value=_read_text("Cursor"),
    ),
    LogCursor: strawberry.scalar(
        name="LogCursor",
        description=(
            "A place in the workspace's event log, between two events. Opaque; only the server can "
            "compare two of them. Subscriptions and deliveryEvents resume exactly behind it."
        ),
        serialize=str,
        parse_value=_read_text("LogCursor"),
    ),
    BigInt: strawberry.scalar(
        name="BigInt",
        description=(
            "A whole number up to 2^53, as a JSON number: a count that may outgrow Int. "
            "JavaScript's Number holds it exactly."
        ),
        serialize=int,
        parse_value=_read_whole_number,
    ),
    URL: strawberry.scalar(
        name="URL",
        description=(
            f"An absolute http or https address of at most {URL_LENGTH:,} characters, "
            "such as https://example.org/welcome?from=mail."
        ),
        specified_by_url="https://datatracker.ietf.org/doc/html/rfc3986",
        serialize=str,
        parse_value=read_url,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value: an object, a list, a string, a number, true, false.",
        specified_by_url="https://datatracker.ietf.org/doc/html/rfc8259",
        serialize=lambda value: value,
        parse_value=lambda value: value,
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        description=(
            "An exact decimal number as a string, never a float: at most 12 digits before the "
            'point and 6 behind it, such as "12.5" or "-0.25". Used for money and balances.'
        ),
        serialize=write_decimal,
        parse_value=read_decimal,
    ),
    Upload: strawberry.scalar(
        name="Upload",
        description=(
            "A file, in a multipart request: the request is multipart/form-data with the fields "
            "operations, map and then the file, and the variable is null. One file a request."
        ),
        specified_by_url="https://github.com/jaydenseric/graphql-multipart-request-spec",
        serialize=_write_upload,
        parse_value=_read_upload,
    ),
}
