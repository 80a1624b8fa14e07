"""CSV records: a file read from any record on, a part at a time, however large it is.

RFC 4180, with the delimiter of the header line. A record may go over several lines, inside quotes.
Where a quote is not closed, only the line that opens it is lost: reading goes on behind that line.
"""

import csv
from dataclasses import dataclass
from io import SEEK_CUR, StringIO
from typing import BinaryIO, NamedTuple

RECORD_AT_MOST = 2_000_000
"""Bytes of a line, and characters of a record: what is longer is never held in memory."""

SHOWN = 1_000
"""So much of a row that cannot be read is kept, to be recognised by."""

UNCLOSED_AT_MOST = 100
"""So often may a quote stay open: each time all that follows is searched for its end."""

_BLOCK = 1 << 18
# Of CPython's csv module, which knows no other way to say it; a test holds it to that.
_UNFINISHED = "unexpected end of data"

# The reader's own bound must not be met: records are bounded here, by RECORD_AT_MOST.
csv.field_size_limit(RECORD_AT_MOST * 4)


@dataclass(frozen=True, slots=True)
class Place:
    """Between two records: the bytes and the records before it, the header among them."""

    offset: int
    records: int
    unclosed: int = 0


class Record(NamedTuple):
    """The cells of a row, or what is wrong with it: then the only cell is the text it begins with.

    `number` is what a spreadsheet shows: the header is row 1.
    """

    number: int
    cells: list[str]
    problem: str | None = None


class TooManyUnclosed(Exception):
    """This is hardly a CSV file."""

    def __init__(self, number: int) -> None:
        super().__init__(
            f"Row {number:,} is the {UNCLOSED_AT_MOST}th that opens a quote which is not closed: "
            "close each quote, write a quote inside a cell twice, and import the file again. The "
            "rows before it are done; importing them again changes nothing."
        )


class Records:
    """Reads UTF-8, as an upload is kept."""

    def __init__(self, file: BinaryIO, delimiter: str, place: Place) -> None:
        self._file, self._delimiter = file, delimiter
        file.seek(place.offset)
        self._offset, self._number, self._unclosed = place.offset, place.records, place.unclosed
        self._is_over = False
        # Behind the lines that are being read: the beginning of the next one, or the beginning and
        # the size of one that is too long to be read.
        self._rest = b""
        self._long: tuple[str, int] | None = None
        self._begin("")

    @property
    def place(self) -> Place:
        """Behind the last record that was taken."""
        read = len(self._text[: self._lines.tell()].encode())
        return Place(self._offset + read, self._number, self._unclosed)

    def take(self, limit: int) -> list[Record]:
        """The next records; none at the end. Raises TooManyUnclosed."""
        found: list[Record] = []
        while len(found) < limit:
            start = self._lines.tell()
            try:
                cells = next(self._reader)
            except StopIteration:
                if self._long is not None:
                    found.append(self._pass_long(*self._long))
                elif not self._read_on(start):
                    break
            except csv.Error as error:
                is_unfinished = str(error) == _UNFINISHED
                if is_unfinished and self._may_go_on(start):
                    self._read_on(start)
                else:
                    found.append(self._broken(start, str(error), is_unfinished=is_unfinished))
            else:
                self._number += 1
                found.append(Record(self._number, cells))
        return found

    def _may_go_on(self, start: int) -> bool:
        is_last = self._is_over or self._long is not None
        return not is_last and len(self._text) - start < RECORD_AT_MOST

    def _read_on(self, start: int) -> bool:
        """Put the next lines behind the text from `start` on; False at the end."""
        if self._is_over:
            return False
        kept, data, cut = self._text[start:], self._rest, 0
        while not cut and not self._is_over and len(data) <= RECORD_AT_MOST:
            block = self._file.read(_BLOCK)
            self._is_over = not block
            cut = block.rfind(b"\n") + 1
            cut = cut and len(data) + cut
            data += block
        if self._is_over:
            cut = len(data)
        self._offset += len(self._text[:start].encode())
        if cut or self._is_over:
            self._rest = data[cut:]
            self._begin(kept + data[:cut].decode())
        else:
            self._skip(data)
            self._begin(kept)
        return True

    def _skip(self, data: bytes) -> None:
        """Pass over a line that is too long, of which `data` is the beginning."""
        size, self._rest = len(data), b""
        while block := self._file.read(_BLOCK):
            cut = block.find(b"\n") + 1
            if cut:
                self._file.seek(cut - len(block), SEEK_CUR)
                size += cut
                break
            size += len(block)
        else:
            self._is_over = True
        self._long = (data[:SHOWN].decode(errors="ignore"), size)

    def _pass_long(self, text: str, size: int) -> Record:
        self._offset += len(self._text.encode()) + size
        self._long = None
        self._begin("")
        self._number += 1
        problem = (
            f"The line has more than {RECORD_AT_MOST:,} bytes: is a line break missing? "
            "It was passed over."
        )
        return Record(self._number, [text], problem)

    def _broken(self, start: int, error: str, *, is_unfinished: bool) -> Record:
        behind = self._text.find("\n", start) + 1 or len(self._text)
        self._number += 1
        if is_unfinished or self._lines.tell() > behind:
            self._unclosed += 1
            if self._unclosed >= UNCLOSED_AT_MOST:
                raise TooManyUnclosed(self._number)
            problem = (
                "A quote is opened in this line and not closed where its cell ends: close it, or "
                "write a quote inside a cell twice. Reading went on at the next line."
            )
        elif "new-line" in error:
            problem = (
                "A carriage return stands alone in the line: end lines with a line feed, and quote "
                "cells that hold a line break."
            )
        else:
            problem = (
                "A cell goes on behind its closing quote: quote the whole cell, and write a quote "
                "inside it twice."
            )
        text = self._text[start : min(behind, start + SHOWN)].rstrip("\r\n")
        self._lines.seek(behind)
        return Record(self._number, [text], problem)

    def _begin(self, text: str) -> None:
        self._text = text
        # Lines end with a line feed; what a carriage return means, the csv reader knows.
        self._lines = StringIO(text, newline="\n")
        self._reader = csv.reader(self._lines, delimiter=self._delimiter, strict=True)
