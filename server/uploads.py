"""Uploads: contact lists as they come in, looked through and kept as UTF-8.

A file whose header or encoding is wrong is refused while it is read, before anything is done of it.
"""

import asyncio
import codecs
import csv
import os
from collections.abc import AsyncIterable
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from resolvers.contact_rows import COLUMNS
from resolvers.uploads import Upload, UploadRefused
from server.files import Files
from store.refusals import Refusal
from store.types import Id
from store.words import ErrorCode

_HEADER = ",".join(COLUMNS)
_DELIMITERS = (",", ";", "\t")
_HEADER_AT_MOST = 10_000
_BLOCK = 1 << 18
_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_REMEDY = "Save it as CSV in UTF-8."


class ContactLists:
    """The uploads of imports."""

    def __init__(self, files: Files, bytes_at_most: int) -> None:
        self._files, self._bytes_at_most = files, bytes_at_most

    async def receive(self, workspace_id: int, job_id: Id, chunks: AsyncIterable[bytes]) -> Upload:
        path = self._files.upload(workspace_id, job_id)
        taking = await asyncio.to_thread(_Taking, path, self._bytes_at_most)
        try:
            block = bytearray()
            async for chunk in chunks:
                block += chunk
                if len(block) >= _BLOCK:
                    await asyncio.to_thread(taking.take, bytes(block))
                    block.clear()
            return await asyncio.to_thread(taking.finish, bytes(block))
        except BaseException:
            taking.drop()
            raise

    async def discard(self, workspace_id: int, job_id: Id) -> None:
        path = self._files.upload(workspace_id, job_id)
        await asyncio.to_thread(path.unlink, missing_ok=True)


class _Taking:
    """A file while it comes in."""

    def __init__(self, path: Path, bytes_at_most: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path, self._bytes_at_most = path, bytes_at_most
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        self._file: BinaryIO = os.fdopen(descriptor, "wb")
        self._digest = sha256()
        self._size = 0
        self._text: _Text | None = None
        # The beginning of the file, until its first line is there.
        self._head = b""
        self._delimiter = ""
        self._offset = 0
        self._lines, self._quotes, self._last = 0, 0, b""

    def take(self, data: bytes) -> None:
        """Raises UploadRefused."""
        self._size += len(data)
        if self._size > self._bytes_at_most:
            raise _refused(
                ErrorCode.FILE_TOO_LARGE,
                f"The file has more than {self._bytes_at_most:,} bytes: split it, and begin each "
                "part with the header.",
            )
        self._digest.update(data)
        if self._text is None:
            self._text, data = _begin(data)
        self._write(self._text.decode(data, is_last=False))

    def finish(self, data: bytes) -> Upload:
        """Take the last piece; raises UploadRefused."""
        self.take(data)
        assert self._text is not None
        self._write(self._text.decode(b"", is_last=True))
        if not self._delimiter:
            self._read_header(self._head)
        rows = self._lines + (self._last not in (b"", b"\n"))
        if not rows:
            raise _refused(
                ErrorCode.INVALID,
                "The file ends with its header: put each contact into a line below it.",
            )
        self._file.flush()
        # Before the job that counts on it.
        os.fsync(self._file.fileno())
        self._file.close()
        return Upload(self._delimiter, self._offset, rows, self._digest.hexdigest())

    def drop(self) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        if not self._delimiter:
            self._head += data
            line, feed, rest = self._head.partition(b"\n")
            if not feed and len(self._head) <= _HEADER_AT_MOST:
                return
            self._read_header(line)
            self._offset = len(line) + len(feed)
            self._head, data = b"", rest
        self._count(data)

    def _read_header(self, line: bytes) -> None:
        if not self._size:
            raise _refused(
                ErrorCode.FILE_HEADER,
                f"The file is empty: its first line must be {_HEADER}, and each contact a line "
                "below it.",
            )
        self._delimiter = _delimiter(line)
        self._offset = len(line)

    def _count(self, data: bytes) -> None:
        """Line feeds outside of quotes: about as many as there are rows."""
        outside = data.split(b'"')
        self._lines += sum(part.count(b"\n") for part in outside[self._quotes % 2 :: 2])
        self._quotes += len(outside) - 1
        self._last = data[-1:] or self._last


class _Text:
    """Turns the bytes of an encoding into UTF-8; raises UploadRefused for what it does not have."""

    def __init__(self, encoding: str, position: int) -> None:
        self._encoding, self._position = encoding, position
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._line = 1

    def decode(self, data: bytes, *, is_last: bool) -> bytes:
        pending: bytes = self._decoder.getstate()[0]
        try:
            text = self._decoder.decode(data, is_last)
        except UnicodeDecodeError as error:
            raise self._refused(error, self._position - len(pending)) from None
        self._position += len(data)
        self._line += text.count("\n")
        if self._encoding == "utf-8":
            left: bytes = self._decoder.getstate()[0]
            whole = pending + data
            return whole[: len(whole) - len(left)]
        return text.encode()

    def _refused(self, error: UnicodeDecodeError, begin: int) -> UploadRefused:
        line = self._line + error.object[: error.start].decode(self._encoding).count("\n")
        name = self._encoding.upper().removesuffix("-LE").removesuffix("-BE")
        return _refused(
            ErrorCode.FILE_ENCODING,
            f"The file is not {name}: byte {begin + error.start + 1:,}, in line {line:,}, is "
            f"0x{error.object[error.start]:02X}, which {name} does not have there. {_REMEDY}",
        )


def _begin(data: bytes) -> tuple[_Text, bytes]:
    """What the first bytes say of the encoding, and what is behind them."""
    if data.startswith(codecs.BOM_UTF8):
        return _Text("utf-8", 3), data[3:]
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        shown = " ".join(f"0x{byte:02X}" for byte in data[:4])
        raise _refused(
            ErrorCode.FILE_ENCODING,
            f"The file is UTF-32: its first bytes are {shown}. {_REMEDY}",
        )
    for mark, encoding in _UTF_16.items():
        if data.startswith(mark):
            return _Text(encoding, 2), data[2:]
    for number, byte in enumerate(data[:4], 1):
        if byte == 0 and any(data[:4]):
            raise _refused(
                ErrorCode.FILE_ENCODING,
                f"Byte {number} of the file is 0x00: it looks like UTF-16 without a byte-order "
                f"mark. {_REMEDY}",
            )
    return _Text("utf-8", 0), data


def _delimiter(line: bytes) -> str:
    """That of the header; raises UploadRefused for a line that is not the header."""
    text = line[:_HEADER_AT_MOST].decode(errors="replace").removesuffix("\r")
    found: list[str] = []
    for delimiter in _DELIMITERS:
        try:
            cells = next(csv.reader([text], delimiter=delimiter), [])
        except csv.Error:
            continue
        if tuple(cells) == COLUMNS:
            return delimiter
        found = max(found, cells, key=len)
    raise _refused(ErrorCode.FILE_HEADER, _wrong_header(text, found))


def _wrong_header(text: str, found: list[str]) -> str:
    if not text.strip():
        return f"The first line is blank: it must be {_HEADER}, and each contact a line below it."
    if not text.strip("\0"):
        return f"The file begins with null bytes: its first line must be {_HEADER}. {_REMEDY}"
    if text.startswith("PK\3\4"):
        return f"The file is a workbook or another archive, not a text. {_REMEDY}"
    shown = text[:200].replace("\0", "\N{SYMBOL FOR NULL}")
    return (
        f"The first line is {shown!r}, but must be exactly {_HEADER!r}, or the same with "
        f"semicolons or tabs. {_difference(text, found)}"
    )


def _difference(text: str, found: list[str]) -> str:
    names = [cell.strip() for cell in found]
    lower = [name.lower() for name in names]
    extra = [name for name in names if name.lower() not in COLUMNS]
    missing = [name for name in COLUMNS if name not in lower]
    if "\r" in text:
        return "Lines end with a carriage return alone: end them with a line feed."
    if missing:
        return f"There is no column {missing[0]}."
    if extra:
        return f"Leave out the column {extra[0][:50]!r}."
    if len(lower) > len(COLUMNS):
        return "A column is there twice."
    if lower != list(COLUMNS):
        return "The columns are in another order."
    if names != lower:
        return "Write the names in lower case."
    return "Write the names without blanks around them."


def _refused(code: ErrorCode, message: str) -> UploadRefused:
    return UploadRefused(Refusal(code, message, ("file",)))
