"""Files: what jobs read and write, a part a step, and how it is downloaded."""

import asyncio
import os
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection
from contextlib import aclosing, suppress
from pathlib import Path
from time import monotonic
from typing import IO, Any

import structlog
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response, StreamingResponse
from starlette.types import Send

from resolvers.files import FileLink
from server.closing import Closing
from store import Database, job_files
from store.job_files import WrittenFile
from store.jobs import Claim
from store.types import DAY, HOUR, SECOND, Id, Instant
from subscriptions.signing import Signer, Tampered

logger = structlog.get_logger(__name__)

KEPT_FOR: Instant = DAY
"""Behind a job's end: a file of people's data is no archive."""

_CSV = "text/csv; charset=utf-8"
_PIECE = 1 << 18
_FOLLOWED_EVERY_S = 0.25
# For a file that changes hands: its new part is named by the next checkpoint.
_PATIENCE_S = 10.0

_GONE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>File not found</title>
<meta name="viewport" content="width=device-width">
<h1>This file is not here</h1>
<p>Files are kept for 24 hours. If it is older, make the export again.</p>
</html>
"""


class Files:
    """The folder of all files; processes that share the work must share it too."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, workspace_id: int, job_id: Id) -> Path:
        return self._folder / str(workspace_id) / f"{job_id.hex()}.csv"

    def upload(self, workspace_id: int, job_id: Id) -> Path:
        """What was handed in for the job to read."""
        return self._folder / str(workspace_id) / f"{job_id.hex()}.upload"

    async def forget(self, workspace_id: int, job_ids: Collection[Id]) -> None:
        await asyncio.to_thread(self._forget, workspace_id, job_ids)

    def _forget(self, workspace_id: int, job_ids: Collection[Id]) -> None:
        for one in job_ids:
            path = self.path(workspace_id, one)
            for file in (path, *path.parent.glob(f"{one.hex()}.*.part")):
                file.unlink(missing_ok=True)

    def sweep(self, now: Instant) -> None:
        """Delete what nobody may download any more, and parts that were left behind."""
        oldest = (now - KEPT_FOR - HOUR) / SECOND
        for path in self._folder.glob("*/*"):
            try:
                if path.stat().st_mtime < oldest:
                    path.unlink()
            except FileNotFoundError:
                continue


class Part:
    """The file of a claimed job while it grows.

    Each claim has a file of its own: a process that lost the job, and does not know it yet, spoils
    nothing.
    """

    def __init__(self, files: Files, held: Claim) -> None:
        self._final = files.path(held.workspace_id, held.id)
        self.name = f"{held.id.hex()}.{held.owner.rpartition(':')[2]}.part"
        self._path = self._final.with_name(self.name)

    async def begin(self, data: bytes) -> int:
        """A new file; returns its size."""
        return await asyncio.to_thread(self._begin, data)

    async def take_over(self, name: str, size: int) -> bool:
        """Go on behind the first `size` bytes of another claim's file; False when it is gone."""
        return await asyncio.to_thread(self._take_over, name, size)

    async def append(self, data: bytes) -> int:
        """Returns the size of all that is safely written."""
        return await asyncio.to_thread(self._write, data, "ab")

    async def put(self, data: bytes, size: int) -> int:
        """Write behind the first `size` bytes, whatever followed them; returns the size of all."""
        return await asyncio.to_thread(self._put, data, size)

    async def publish(self) -> None:
        """Make it the file that is downloaded."""
        await asyncio.to_thread(self._path.replace, self._final)

    async def discard(self) -> None:
        await asyncio.to_thread(self._path.unlink, missing_ok=True)

    def is_published(self) -> bool:
        return self._final.exists()

    def _begin(self, data: bytes) -> int:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self._write(data, "wb")

    def _take_over(self, name: str, size: int) -> bool:
        source = self._final.with_name(Path(name).name)
        try:
            if source.stat().st_size < size:
                return False
            with source.open("rb") as old, self._open("wb") as new:
                shutil.copyfileobj(old, new)
                new.truncate(size)
                new.flush()
                os.fsync(new.fileno())
        except FileNotFoundError:
            return False
        source.unlink(missing_ok=True)
        return True

    def _put(self, data: bytes, size: int) -> int:
        # A step that is done again had written them already.
        os.truncate(self._path, size)
        return self._write(data, "ab")

    def _write(self, data: bytes, mode: str) -> int:
        with self._open(mode) as file:
            file.write(data)
            file.flush()
            # Before the checkpoint that counts on it.
            os.fsync(file.fileno())
            return file.tell()

    def _open(self, mode: str) -> IO[Any]:
        descriptor = os.open(
            self._path,
            os.O_CREAT | os.O_WRONLY | (os.O_APPEND if mode == "ab" else os.O_TRUNC),
            0o600,
        )
        return os.fdopen(descriptor, mode)


class Downloads:
    """`/files/{token}`: whoever has the link has the file, until it expires.

    A file that a job still writes is sent as far as it is, and then as it grows. Should the job not
    come to its end, the answer breaks off, so that nobody takes it for the whole file.
    """

    def __init__(
        self,
        files: Files,
        database: Database,
        signer: Signer,
        now: Callable[[], Instant],
        closing: Closing,
    ) -> None:
        self._files, self._database, self._signer, self._now = files, database, signer, now
        self._closing = closing

    async def handle(self, request: Request) -> Response:
        try:
            link = FileLink.read(self._signer, request.path_params["token"])
        except Tampered:
            return _gone(404)
        if link.expires_at <= self._now():
            return _gone(410)
        file = await self._written(link)
        if file is None:
            return _gone(404)
        headers = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
        path = self._files.path(link.workspace_id, link.job_id)
        if file.is_whole and await asyncio.to_thread(path.is_file):
            return FileResponse(path, media_type=_CSV, filename=file.name, headers=headers)
        parts = self._parts(link, file)
        try:
            first = await anext(parts)
        except _BrokenOff:
            logger.error("file_missing", workspace=link.workspace_id, job=link.job_id.hex())
            return _gone(404)
        headers["Content-Disposition"] = f'attachment; filename="{file.name}"'
        if request.method == "HEAD":
            await parts.aclose()
            return _Growing(_nothing(), media_type=_CSV, headers=headers)
        return _Growing(_chained(first, parts), media_type=_CSV, headers=headers)

    async def _written(self, link: FileLink) -> WrittenFile | None:
        async with self._database.read() as connection:
            return await job_files.written(connection, link.workspace_id, link.job_id, self._now())

    async def _parts(self, link: FileLink, file: WrittenFile) -> AsyncGenerator[bytes]:
        """The file from its beginning to its end, as the job writes it. Raises _BrokenOff."""
        first_part, sent, missing_since = file.first_part, 0, None
        is_ending = asyncio.Event()
        with self._closing.ending(is_ending.set):
            while file.first_part == first_part:
                while data := await asyncio.to_thread(self._read, link, file, sent):
                    sent += len(data)
                    yield data
                if sent == file.size:
                    missing_since = None
                    if file.is_whole:
                        return
                else:
                    # It changes hands, or is kept where this process cannot see it.
                    missing_since = missing_since or monotonic()
                    if file.part is None or monotonic() - missing_since > _PATIENCE_S:
                        break
                with suppress(TimeoutError):
                    async with asyncio.timeout(_FOLLOWED_EVERY_S):
                        await is_ending.wait()
                written = None if is_ending.is_set() else await self._written(link)
                if written is None:
                    break
                file = written
        raise _BrokenOff

    def _read(self, link: FileLink, file: WrittenFile, start: int) -> bytes:
        """What is safely written from there on, a piece of it; nothing where it is not found."""
        path = self._files.path(link.workspace_id, link.job_id)
        # As its part, unless it was published since.
        for one in (path if file.part is None else path.with_name(Path(file.part).name), path):
            with suppress(FileNotFoundError), one.open("rb") as source:
                # Who lost the job, and does not know it yet, may write what nobody is to read.
                if start < file.size <= os.fstat(source.fileno()).st_size:
                    source.seek(start)
                    return source.read(min(_PIECE, file.size - start))
        return b""


class _BrokenOff(Exception):
    """The file will not come to its end, or not here."""


class _Growing(StreamingResponse):
    async def stream_response(self, send: Send) -> None:
        try:
            await super().stream_response(send)
        except _BrokenOff:
            # Without the answer's last part the server closes the connection in the middle of it.
            logger.info("download_broken_off")


async def _chained(first: bytes, parts: AsyncGenerator[bytes]) -> AsyncIterator[bytes]:
    async with aclosing(parts):
        yield first
        async for one in parts:
            yield one


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


def _gone(status: int) -> Response:
    return HTMLResponse(_GONE, status, {"Cache-Control": "no-store"})
