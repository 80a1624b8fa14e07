"""Exports: the jobs that write lists into CSV files, page by page."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from resolvers.work import Work
from server import csv_lines
from server.contact_columns import CONTACTS, contact_list
from server.csv_lines import MARK, Cell
from server.exported_lists import LISTS, Listed
from server.files import KEPT_FOR, Files, Part
from server.link_list import LINKS, link_list
from server.mailed_files import MailedFiles
from store import Connection, filter_codec, job_files, jobs, lists, totals
from store.jobs import Progress
from store.lists import PageRequest
from store.types import SECOND, Id, Instant
from store.words import ContactColumn


@dataclass(frozen=True, slots=True)
class _Checkpoint:
    """How much of which part is written, and behind which row it goes on; None: from the first.

    `first_part` is the one that the file began as: whoever follows the file knows by that it was
    not begun anew.
    """

    part: str
    first_part: str
    size: int
    behind: tuple[Instant, Id] | None = None
    is_over: bool = False
    is_mailed: bool = False

    @classmethod
    def of(cls, kept: dict[str, Any]) -> "_Checkpoint":
        behind = kept["behind"]
        return cls(
            kept["part"],
            # Written by an earlier version.
            kept.get("firstPart", kept["part"]),
            kept["size"],
            None if behind is None else (behind[0], bytes.fromhex(behind[1])),
            kept["isOver"],
            kept["isMailed"],
        )

    def kept(self) -> dict[str, Any]:
        behind = None if self.behind is None else [self.behind[0], self.behind[1].hex()]
        return {
            "part": self.part,
            "firstPart": self.first_part,
            "size": self.size,
            "behind": behind,
            "isOver": self.is_over,
            "isMailed": self.is_mailed,
        }


class Exports:
    """Writes a page and then, in one transaction, how far it is: a file holds each row once."""

    def __init__(self, files: Files, mailed: MailedFiles) -> None:
        self._files, self._mailed = files, mailed

    async def run(self, work: Work) -> None:
        # Whoever writes files makes room for them.
        await asyncio.to_thread(self._files.sweep, work.now())
        part = Part(self._files, work.claim)
        export = _Export(work, part, self._mailed)
        try:
            await export.write()
        except (jobs.CancelRequested, jobs.LeaseLost):
            await part.discard()
            raise


class _Export:
    def __init__(self, work: Work, part: Part, mailed: MailedFiles) -> None:
        asked = work.claim.input
        self._work, self._part, self._mailed = work, part, mailed
        self._email: str | None = asked.get("email")
        self._is_counted = False
        self._listed = _listed(work, mailed.public_url)
        self._filter = filter_codec.decode(self._listed.filter, asked["filter"])
        self._until = bytes.fromhex(asked["until"])
        names = [asked["name"], asked["list"], _day(work.claim.created_at)]
        self._file_name = "-".join(name for name in names if name) + ".csv"

    async def write(self) -> None:
        at = await self._resume()
        while not at.is_over:
            at = await self._next(at)
            if not self._is_counted and not at.is_over:
                await self._count()
        if not self._part.is_published():
            await self._part.publish()
        expires_at = self._work.now() + KEPT_FOR
        if self._email is not None and not at.is_mailed:
            await self._mailed.send(self._work, self._email, self._file_name, expires_at)
            at = replace(at, is_mailed=True)

        async def offer(connection: Connection, progress: Progress) -> Progress:
            await job_files.offer(connection, self._work.claim, self._file_name, expires_at)
            return Progress(at.kept(), progress.done, progress.done, progress.counts)

        await self._work.write_down(offer)

    async def _resume(self) -> _Checkpoint:
        """Where an earlier claim came to, or the beginning."""
        progress = await self._work.progress()
        self._is_counted = progress.total is not None
        if progress.checkpoint is not None:
            at = _Checkpoint.of(progress.checkpoint)
            if at.is_over and self._part.is_published():
                return at
            if await self._part.take_over(at.part, at.size):
                return replace(at, part=self._part.name)
        return await self._begin()

    async def _begin(self) -> _Checkpoint:
        header = csv_lines.encode([[name for name, _ in self._listed.columns]])
        name = self._part.name
        at = _Checkpoint(name, name, await self._part.begin(MARK + header))

        async def save(connection: Connection, _: Progress) -> Progress:
            expires_at = self._work.now() + KEPT_FOR
            await job_files.offer(connection, self._work.claim, self._file_name, expires_at)
            return Progress(at.kept(), 0, None)

        await self._work.step(save)
        return at

    async def _count(self) -> None:
        """How many rows there will be: behind the first page, which nobody waits for so long."""
        work = self._work
        async with work.database.read() as connection:
            total = await totals.count(
                connection, self._listed.entity, work.workspace_id, self._filter, until=self._until
            )

        async def save(_: Connection, progress: Progress) -> Progress:
            return replace(progress, total=total)

        await work.step(save)
        self._is_counted = True

    async def _next(self, at: _Checkpoint) -> _Checkpoint:
        async with self._work.database.read() as connection:
            page = await lists.page(
                connection,
                self._listed.entity,
                self._work.workspace_id,
                self._filter,
                self._listed.order,
                PageRequest(self._listed.rows_a_page, at.behind),
                self._listed.want,
            )
        # What was made after the request is not meant, and the count does not hold it.
        meant = await self._completed([row for row in page.rows if row.id <= self._until])
        size = at.size
        if meant:
            lines = await asyncio.to_thread(csv_lines.encode, map(self._cells, meant))
            size = await self._part.append(lines)
        behind: Any = at.behind
        if page.is_partial:
            behind = page.stopped_at
        elif page.positions:
            behind = page.positions[-1]
        then = replace(at, size=size, behind=behind, is_over=not page.has_next)

        async def save(_: Connection, progress: Progress) -> Progress:
            counts = progress.counts.plus(created=len(meant))
            return Progress(then.kept(), progress.done + len(meant), progress.total, counts)

        await self._work.step(save)
        return then

    async def _completed(self, rows: Sequence[Any]) -> Sequence[Any]:
        listed, workspace_id, prepare = self._listed, self._work.workspace_id, self._listed.prepare
        if prepare is not None and rows:

            async def make(connection: Connection, progress: Progress) -> Progress:
                await prepare(connection, workspace_id, rows)
                return progress

            await self._work.step(make)
        async with self._work.database.read() as connection:
            return await listed.complete(connection, workspace_id, rows)

    def _cells(self, row: Any) -> list[Cell]:
        return [cell(row) for _, cell in self._listed.columns]


def _listed(work: Work, public_url: str) -> Listed:
    asked = work.claim.input
    if asked["list"] == CONTACTS:
        return contact_list(list(map(ContactColumn, asked["columns"])), public_url)
    if asked["list"] == LINKS:
        return link_list(asked, public_url, work.now)
    return LISTS[asked["list"]]


def _day(moment: Instant) -> str:
    return datetime.fromtimestamp(moment // SECOND, UTC).date().isoformat()
