"""Files: what jobs read and write, a part a step, and how it is downloaded."""

import asyncio
import os
import shutil
from collections.abc import Callable, Collection
from pathlib import Path
from typing import IO, Any

import structlog
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from resolvers.files import FileLink
from store import Database, jobs
from store.jobs import Claim
from store.types import DAY, HOUR, SECOND, Id, Instant
from subscriptions.signing import Signer, Tampered

logger = structlog.get_logger(__name__)

KEPT_FOR: Instant = DAY
"""Behind a job's end: a file of people's data is no archive."""

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
        for one in job_ids:
            path = self.path(workspace_id, one)
            await asyncio.to_thread(path.unlink, missing_ok=True)

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
    """`/files/{token}`: whoever has the link has the file, until it expires."""

    def __init__(
        self, files: Files, database: Database, signer: Signer, now: Callable[[], Instant]
    ) -> None:
        self._files, self._database, self._signer, self._now = files, database, signer, now

    async def handle(self, request: Request) -> Response:
        try:
            link = FileLink.read(self._signer, request.path_params["token"])
        except Tampered:
            return _gone(404)
        if link.expires_at <= self._now():
            return _gone(410)
        async with self._database.read() as connection:
            name = await jobs.file_name(connection, link.workspace_id, link.job_id, self._now())
        path = self._files.path(link.workspace_id, link.job_id)
        if name is None or not await asyncio.to_thread(path.is_file):
            if name is not None:
                logger.error("file_missing", workspace=link.workspace_id, job=link.job_id.hex())
            return _gone(404)
        return FileResponse(
            path,
            media_type="text/csv; charset=utf-8",
            filename=name,
            headers={"Cache-Control": "no-store", "X-Robots-Tag": "noindex"},
        )


def _gone(status: int) -> Response:
    return HTMLResponse(_GONE, status, {"Cache-Control": "no-store"})
