"""CSV lines: RFC 4180, with a byte-order mark, and safe to open in a spreadsheet.

Spreadsheets take a file without the mark for one in the encoding of the country they run in. Cells
that they would run as a formula begin with an apostrophe: OWASP, "CSV Injection".
"""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

MARK = b"\xef\xbb\xbf"

Cell = str | int | bool | None

# With the full-width forms, which a spreadsheet of East Asia reads as the plain ones.
_FORMULAS = tuple("=+-@\t\r\n＝＋－＠")


def encode(lines: Iterable[Sequence[Cell]]) -> bytes:
    """The lines as UTF-8: texts defused, numbers as they are, claims as true and false."""
    text = StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(
        [_written(cell) for cell in line] for line in lines
    )
    # Half a surrogate pair is no character; a file with one could not be read at all.
    return text.getvalue().encode(errors="replace")


def _written(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int):
        return str(cell)
    return f"'{cell}" if cell.startswith(_FORMULAS) else cell
