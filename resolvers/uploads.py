"""Uploads: files that are handed in, kept until the job that reads them is over."""

from collections.abc import AsyncIterable
from dataclasses import dataclass
from typing import Protocol

from store.refusals import Refusal
from store.types import Id


class UploadRefused(Exception):
    """The file is none that can be read; nothing of it is kept."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Upload:
    """What a file turned out to be, once all of it was there.

    `offset` is where its header ends; `rows` are about as many as follow; `digest` is of all bytes.
    """

    delimiter: str
    offset: int
    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class IncomingFile:
    """A file in a request that is still being received: its bytes can be taken once, in order."""

    chunks: AsyncIterable[bytes]


class Uploads(Protocol):
    """Where files are kept that jobs will read."""

    async def receive(self, workspace_id: int, job_id: Id, chunks: AsyncIterable[bytes]) -> Upload:
        """Keep a contact list for the job of that id; raises UploadRefused."""

    async def discard(self, workspace_id: int, job_id: Id) -> None:
        """Forget the file of a job that there will not be."""
