"""CSV records: the same whatever the parts in which a file is read."""

import csv
from io import BytesIO, StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import csv_records
from server.csv_records import Place, Record, Records, TooManyUnclosed

_BEGIN = Place(0, 0)

_CELLS = st.text(alphabet='aé😀" ,;\n\0', max_size=8)
_TABLES = st.lists(st.lists(_CELLS, min_size=2, max_size=4), max_size=12)


def read(text: str, limit: int, delimiter: str = ",") -> list[Record]:
    """All records, by a new reader for each part: as after a kill at every step."""
    file, place = BytesIO(text.encode()), _BEGIN
    found: list[Record] = []
    while True:
        records = Records(file, delimiter, place)
        taken = records.take(limit)
        if not taken:
            return found
        found += taken
        place = records.place


@given(_TABLES, st.integers(1, 5), st.sampled_from(["\n", "\r\n"]), st.sampled_from([",", ";"]))
def test_what_was_written_is_read_in_any_parts(
    table: list[list[str]], limit: int, line_end: str, delimiter: str
) -> None:
    text = StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=line_end).writerows(table)

    found = read(text.getvalue(), limit, delimiter)

    assert [record.cells for record in found] == table
    assert [record.number for record in found] == list(range(1, len(table) + 1))
    assert all(record.problem is None for record in found)


@given(st.text(alphabet='a",\n\r', max_size=60))
def test_any_text_gives_the_same_records_in_any_parts(text: str) -> None:
    assert read(text, 1) == read(text, 1_000)


@given(st.text(alphabet='a",\n', max_size=60))
def test_a_broken_row_costs_no_row_but_its_own_line(text: str) -> None:
    found = read(text + "\nlast,row\n", 3)

    assert found[-1].cells[-1].endswith("row")


def test_a_record_longer_than_what_is_read_at_once_is_read_whole() -> None:
    long = "x\n" * 500_000

    found = read(f'"{long}",b\nc,d\n', 10)

    assert [record.cells for record in found] == [[long, "b"], ["c", "d"]]


def test_a_line_without_an_end_is_passed_over() -> None:
    found = read("a,b\n" + "\0" * 3_000_000 + "\nc,d", 10)

    assert [record.cells for record in found[::2]] == [["a", "b"], ["c", "d"]]
    assert found[1].number == 2
    assert found[1].problem is not None
    assert "more than 2,000,000 bytes" in found[1].problem
    assert found[1].cells == ["\0" * csv_records.SHOWN]


def test_a_quote_that_is_never_closed_costs_one_row() -> None:
    found = read('a,b\n"c,d\n' + "e,f\n" * 600_000, 1_000)

    assert len(found) == 600_002
    assert [record.number for record in found if record.problem is not None] == [2]


def test_after_a_hundred_open_quotes_reading_ends() -> None:
    with pytest.raises(TooManyUnclosed, match="Row 100 is the 100th"):
        read('x","y\n' * 1_000, 7)


def test_a_carriage_return_alone_is_told() -> None:
    found = read("a,b\rc,d\ne,f\n", 10)

    assert found[0].problem is not None
    assert "carriage return stands alone" in found[0].problem
    assert found[1].cells == ["e", "f"]
