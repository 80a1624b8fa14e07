"""Multipart: a GraphQL request with a file, which is taken while it is still coming in.

https://github.com/jaydenseric/graphql-multipart-request-spec: the fields operations and map, and
then the file. One file a request.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from resolvers.uploads import IncomingFile, UploadRefused
from server.requests import Malformed, decode
from store.refusals import Refusal
from store.words import ErrorCode

_ORDER = "Send the fields operations and map, and then the file that map names."
_FIELDS = ("operations", "map")

Piece = tuple[str, bytes]
"""The name of a part with some of its bytes; a part begins and ends with none."""


async def read(chunks: AsyncIterator[bytes], content_type: str, fields_at_most: int) -> Any:
    """The operations, decoded, with the file in its place; raises Malformed.

    Of the file, nothing is read before somebody takes its bytes.
    """
    pieces = _pieces(chunks, _boundary(content_type))
    texts: dict[str, bytes] = {}
    size = 0
    async for name, data in pieces:
        if name not in _FIELDS:
            return _with_file(texts, name, pieces)
        size += len(data)
        if size > fields_at_most:
            raise Malformed(f"operations and map are too large: at most {fields_at_most:,} bytes.")
        texts[name] = texts.get(name, b"") + data
    operations, places = _decoded(texts)
    if places:
        raise Malformed(f"The file {next(iter(places))!r} of map is not in the request.")
    return operations


def _boundary(content_type: str) -> bytes:
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise Malformed("The content type multipart/form-data names no boundary.")
    return boundary


def _decoded(texts: dict[str, bytes]) -> tuple[Any, dict[str, Any]]:
    missing = [name for name in _FIELDS if name not in texts]
    if missing:
        raise Malformed(f"There is no field {missing[0]} before the file. {_ORDER}")
    operations, places = (decode(texts[name], name) for name in _FIELDS)
    if not isinstance(places, dict):
        raise Malformed('"map" must be an object: {"0": ["variables.input.file"]}.')
    return operations, places


def _with_file(texts: dict[str, bytes], name: str, pieces: AsyncGenerator[Piece, None]) -> Any:
    operations, places = _decoded(texts)
    if list(places) != [name]:
        raise Malformed(f'The part {name!r} is not the one file of "map". {_ORDER}')
    match places[name]:
        case [str(path)]:
            _put(operations, path.split("."), path, IncomingFile(_content(pieces)))
            return operations
        case _:
            raise Malformed(f'"map" must give {name!r} one place: ["variables.input.file"].')


def _put(place: Any, names: list[str], path: str, file: IncomingFile) -> None:
    *outer, last = names
    for name in outer:
        place = place.get(name) if isinstance(place, dict) else None
    if not isinstance(place, dict) or names[0] != "variables" or place.get(last, file) is not None:
        raise Malformed(f'"map" names {path!r}, where operations must have null.')
    place[last] = file


async def _content(pieces: AsyncGenerator[Piece, None]) -> AsyncIterator[bytes]:
    try:
        async for _, data in pieces:
            if not data:
                return
            yield data
    except Malformed as malformed:
        raise _cut_off(str(malformed)) from None
    raise _cut_off("It ends before the file does.")


def _cut_off(why: str) -> UploadRefused:
    message = f"The request broke off within the file, so nothing was done: send it again. {why}"
    return UploadRefused(Refusal(ErrorCode.INVALID, message, ("file",)))


async def _pieces(chunks: AsyncIterator[bytes], boundary: bytes) -> AsyncGenerator[Piece, None]:
    parsing = _Parsing()
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": parsing.begin,
                "on_header_field": parsing.header_name,
                "on_header_value": parsing.header_value,
                "on_header_end": parsing.header_end,
                "on_headers_finished": parsing.headers_end,
                "on_part_data": parsing.data,
                "on_part_end": parsing.end,
            },
        )
        async for chunk in chunks:
            parser.write(chunk)
            found, parsing.found = parsing.found, []
            for piece in found:
                yield piece
        parser.finalize()
    except FormParserError as error:
        raise Malformed(f"The body is not multipart/form-data: {error}.") from None


class _Parsing:
    """What the parser has told since it was last asked."""

    def __init__(self) -> None:
        self.found: list[Piece] = []
        self._name = ""
        self._header, self._value = b"", b""

    def begin(self) -> None:
        self._name = ""

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            options = parse_options_header(self._value.decode("latin-1"))[1]
            self._name = options.get(b"name", b"").decode("latin-1")
        self._header, self._value = b"", b""

    def headers_end(self) -> None:
        self.found.append((self._name, b""))

    def data(self, data: bytes, start: int, end: int) -> None:
        if end > start:
            self.found.append((self._name, data[start:end]))

    def end(self) -> None:
        self.found.append((self._name, b""))
