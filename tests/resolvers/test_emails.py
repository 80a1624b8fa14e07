"""E-mail addresses: the fast path says what the full parser says."""

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given
from hypothesis import strategies as st

from resolvers import emails

_PARTS = st.sampled_from(
    [
        "ada",
        "A",
        "1",
        ".",
        "..",
        "-",
        "--",
        "_",
        "+",
        "@",
        "example",
        "org",
        ".co.uk",
        "test",
        "invalid",
        "localhost",
        "é",
        "xn--",
        "!",
        ",",
        "[1.2.3.4]",
    ]
) | st.sampled_from([" ", '"', "x" * 63, "\n"])


@given(st.lists(_PARTS, min_size=1, max_size=9).map("".join))
@example("ada@example.org")
@example("ada.lovelace+tag@mail-1.example.co.uk")
@example("ada@example.test")
@example("ada@sub.localhost")
@example("ada@example.org\n")
def test_an_address_is_one_exactly_where_the_full_parser_takes_it(address: str) -> None:
    try:
        validate_email(address, check_deliverability=False)
        expected = True
    except EmailNotValidError:
        expected = False

    assert (emails.problem(address) is None) is expected


@pytest.mark.parametrize(
    "address", ["", "ada", "@example.org", "ada@", "ada@example", "Ada <ada@example.org>"]
)
def test_what_is_no_address_is_told_why(address: str) -> None:
    problem = emails.problem(address)

    assert problem is not None
    assert problem.endswith(".")
