"""Scalars: what is written and read, and what cannot be read."""

from decimal import Decimal

import pytest
from graphql import GraphQLError
from hypothesis import given
from hypothesis import strategies as st

from schema.scalars import (
    Unreadable,
    read_decimal,
    read_instant,
    read_url,
    readable,
    write_decimal,
    write_instant,
)

YEAR_1 = -62_135_596_800_000_000
YEAR_9999 = 253_402_300_799_999_999


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-22T00:00:00Z", 1_795_305_600_000_000),
        ("2026-11-22t00:00:00z", 1_795_305_600_000_000),
        ("2026-11-22 00:00:00Z", 1_795_305_600_000_000),
        ("2026-11-22T02:00:00+02:00", 1_795_305_600_000_000),
        ("2026-11-21T18:30:00-05:30", 1_795_305_600_000_000),
        ("2026-11-22T00:00:00.25Z", 1_795_305_600_250_000),
        ("2026-11-22T00:00:00.123456789Z", 1_795_305_600_123_456),
        ("1969-12-31T23:59:59Z", -1_000_000),
    ],
)
def test_a_date_time_is_read_in_any_zone(text: str, instant: int) -> None:
    assert read_instant(text) == instant


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T00:00:00",
        "2026-11-22",
        "2026-02-30T00:00:00Z",
        "2026-11-22T24:00:01Z",
        "20261122T000000Z",
        "2026-W47-7T00:00:00Z",
        "yesterday",
        "",
        "٢٠٢٦-11-22T00:00:00Z",
        # Read well, but no year from 1 to 9999 in UTC.
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+14:00",
        1_795_305_600,
        None,
    ],
)
def test_what_is_no_date_time_is_unreadable_and_named(text: object) -> None:
    read = read_instant(text)

    assert isinstance(read, Unreadable)
    assert repr(text) in read.problem


def test_a_date_time_is_written_with_microseconds_only_where_there_are_any() -> None:
    written = [write_instant(at) for at in (0, 1_795_305_600_250_000)]

    assert written == ["1970-01-01T00:00:00Z", "2026-11-22T00:00:00.250000Z"]


@given(st.integers(YEAR_1, YEAR_9999))
def test_every_instant_is_read_as_it_was_written(instant: int) -> None:
    assert read_instant(write_instant(instant)) == instant


@pytest.mark.parametrize(
    "url",
    ["http://example.org", "https://example.org:8443/a?b=c&d=%20#e", "https://пример.example/ж"],
)
def test_web_addresses_are_urls(url: str) -> None:
    assert read_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "ftp://example.org",
        "//example.org",
        "/welcome",
        "https://",
        "https://example.org:99999",
        "https://[::1",
        "https://example.org/a b",
        "https://example.org/\r\nSet-Cookie: a=b",
        "https://example.org/" + "a" * 2_000,
        "",
        7,
    ],
)
def test_what_is_no_web_address_is_unreadable(url: object) -> None:
    assert isinstance(read_url(url), Unreadable)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("12.50", "12.5"),
        ("0", "0"),
        ("-0.250000", "-0.25"),
        ("100", "100"),
        ("0.000001", "0.000001"),
    ],
)
def test_a_decimal_is_exact_and_written_without_an_exponent(text: str, written: str) -> None:
    read = read_decimal(text)

    assert isinstance(read, Decimal)
    assert write_decimal(read) == written


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "1e3", "1,5", "", "1234567890123", "0.1234567", 1.5, 12]
)
def test_what_is_no_decimal_is_unreadable(text: object) -> None:
    assert isinstance(read_decimal(text), Unreadable)


def test_an_unreadable_value_blames_the_request() -> None:
    with pytest.raises(GraphQLError, match="'soon' is not a DateTime") as raised:
        readable(read_instant("soon"))

    assert raised.value.extensions == {"code": "BAD_USER_INPUT"}
