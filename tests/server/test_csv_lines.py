"""CSV lines, as spreadsheets and programs read them."""

import csv
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.csv_lines import encode


def test_a_line_ends_as_rfc_4180_wants_and_quotes_what_needs_it() -> None:
    written = encode([["plain", 'with "quotes"', "with, comma", "two\nlines", None, 7, True]])

    assert written == b'plain,"with ""quotes""","with, comma","two\nlines",,7,true\r\n'


@pytest.mark.parametrize(
    "formula",
    ["=1+1", "+359 2", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1", '=HYPERLINK("http://x")'],
)
def test_a_formula_is_defused(formula: str) -> None:
    (cells,) = csv.reader(StringIO(encode([[formula]]).decode(), newline=""))

    assert cells == ["'" + formula]


def test_a_number_of_ours_stays_a_number() -> None:
    assert encode([[-1]]) == b"-1\r\n"


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))))
def test_what_is_written_is_read_again(texts: list[str]) -> None:
    lines = [["x", text] for text in texts]

    read = list(csv.reader(StringIO(encode(lines).decode(), newline="")))

    assert [cell.removeprefix("'") for _, cell in read] == [
        text.removeprefix("'") for text in texts
    ]
