"""Imports: the jobs that go through uploaded contact lists, a thousand rows a transaction."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO

from resolvers import contact_rows
from resolvers.work import JobFailed, Work
from server import csv_lines
from server.csv_lines import MARK
from server.csv_records import Place, Record, Records, TooManyUnclosed
from server.files import KEPT_FOR, Files, Part
from store import Connection, contact_imports, job_files, jobs
from store.contact_imports import Found, Row
from store.erasure_keys import Keyring
from store.jobs import Progress, RowRefusal
from store.log import Head
from store.seen import Seen
from store.types import SECOND
from store.words import ContactStatus
from subscriptions.signing import Tampered

ROWS_A_STEP = 1_000
ERRORS_AT_MOST = 10_000
"""So many refusals are listed with the job; the file of rejected rows has all of them."""

NEW_ENOUGH = 10_000
"""A list that brought so many new people one after another will go on so: nobody looks first.

Where one is known after all, the step meets a Conflict and begins again, with a look.
"""

_SHOWN = 1_000
_REJECTED = ("row", *contact_rows.COLUMNS, "reason")
_NO_KEY = (
    "The server's secret was changed, so that it cannot know who was erased: name the old one "
    "behind the new in TRACKSIDE_SECRET_KEY, and import again."
)
_GONE = "The uploaded file is gone: import it again. Rows that are done will not change again."


@dataclass(frozen=True, slots=True)
class _Checkpoint:
    """Behind which record to go on, and how much of which file of rejected rows is written."""

    offset: int
    records: int
    unclosed: int = 0
    part: str | None = None
    size: int = 0
    is_over: bool = False

    @property
    def place(self) -> Place:
        return Place(self.offset, self.records, self.unclosed)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Records that were read and looked at, and the place behind them."""

    records: Sequence[Record]
    rows: list[Row]
    refused: list[RowRefusal]
    blank: int
    behind: Place


class Imports:
    """Writes rows and, in the same transaction, how far it is: each row of a file counts once."""

    def __init__(self, files: Files, keyring: Keyring) -> None:
        self._files, self._keyring = files, keyring

    async def run(self, work: Work) -> None:
        # Whoever writes files makes room for them.
        await asyncio.to_thread(self._files.sweep, work.now())
        upload = self._files.upload(work.workspace_id, work.claim.id)
        part = Part(self._files, work.claim)
        try:
            await _Import(work, part, self._keyring).read(upload)
        except Tampered:
            await part.discard()
            raise JobFailed(_NO_KEY) from None
        except (jobs.CancelRequested, JobFailed):
            await part.discard()
            await asyncio.to_thread(upload.unlink, missing_ok=True)
            raise
        except jobs.LeaseLost:
            await part.discard()
            raise
        await asyncio.to_thread(upload.unlink, missing_ok=True)


class _Import:
    def __init__(self, work: Work, part: Part, keyring: Keyring) -> None:
        asked = work.claim.input
        self._work, self._part, self._keyring = work, part, keyring
        self._status = ContactStatus(asked["status"])
        self._is_dry_run: bool = asked["isDryRun"]
        self._delimiter: str = asked["delimiter"]
        self._begin = Place(asked["offset"], records=1)
        self._new_in_a_row = 0

    async def read(self, upload: Any) -> None:
        at = await self._resume()
        if not at.is_over:
            try:
                file = await asyncio.to_thread(upload.open, "rb")
            except FileNotFoundError:
                raise JobFailed(_GONE) from None
            seen = Seen()
            try:
                at = await self._go_through(file, seen, at)
            finally:
                file.close()
                seen.close()
        await self._offer(at)

    async def _resume(self) -> _Checkpoint:
        progress = await self._work.progress()
        if progress.checkpoint is None:
            return _Checkpoint(self._begin.offset, self._begin.records)
        at = _Checkpoint(**progress.checkpoint)
        if at.part is None or (at.is_over and self._part.is_published()):
            return at
        if not await self._part.take_over(at.part, at.size):
            raise JobFailed(_GONE)
        return _Checkpoint(**{**asdict(at), "part": self._part.name})

    async def _go_through(self, file: BinaryIO, seen: Seen, at: _Checkpoint) -> _Checkpoint:
        await asyncio.to_thread(self._remember, file, seen, at.place)
        batches = _Batches(Records(file, self._delimiter, at.place), seen)
        try:
            while not at.is_over:
                at = await self._write(await batches.take(), at, batches.read_on)
        except TooManyUnclosed as error:
            raise JobFailed(str(error)) from None
        finally:
            await batches.close()
        return at

    def _remember(self, file: BinaryIO, seen: Seen, until: Place) -> None:
        """What an earlier claim had seen, by reading it once more."""
        records = Records(file, self._delimiter, self._begin)
        left = until.records - self._begin.records
        while left:
            left -= len(_read(records, seen, min(left, ROWS_A_STEP)).records)

    async def _write(
        self, batch: _Batch, at: _Checkpoint, read_on: Callable[[], None]
    ) -> _Checkpoint:
        """Write the batch; `read_on` is called when the database has something to do."""
        behind: Head | None = None
        then = at

        async def step(connection: Connection, progress: Progress) -> Progress:
            nonlocal behind, then
            read_on()
            found, behind = await self._put(connection, batch.rows)
            refused = [
                *batch.refused,
                *map(contact_rows.is_deleted, found.deleted),
                *map(contact_rows.is_erased, found.erased),
            ]
            refused.sort()
            room = max(0, ERRORS_AT_MOST - progress.counts.failed)
            await jobs.refuse_rows(connection, self._work.claim, refused[:room])
            part, size = await self._keep(refused, batch.records, at)
            place = batch.behind
            is_over = not batch.records
            then = _Checkpoint(place.offset, place.records, place.unclosed, part, size, is_over)
            done = progress.done + len(batch.records)
            return Progress(
                asdict(then),
                done,
                done if is_over else max(done, progress.total or 0),
                progress.counts.plus(
                    created=len(found.new),
                    updated=len(found.changed),
                    unchanged=found.unchanged,
                    skipped=batch.blank,
                    failed=len(refused),
                ),
            )

        await self._work.step(step)
        self._work.ring(behind, ())
        return then

    async def _put(self, connection: Connection, rows: list[Row]) -> tuple[Found, Head | None]:
        """Find out whose rows these are, and write what they say."""
        workspace_id, status, keyring = self._work.workspace_id, self._status, self._keyring
        by, now = self._work.claim.created_by, self._work.now()
        new_in_a_row, self._new_in_a_row = self._new_in_a_row, 0
        behind = None
        if new_in_a_row >= NEW_ENOUGH and not self._is_dry_run:
            found = Found(rows)
            behind = await contact_imports.write_new(
                connection, workspace_id, rows, status, keyring, by=by, now=now
            )
        else:
            found = await contact_imports.find(
                connection, workspace_id, rows, status, keyring, now=now
            )
            if not self._is_dry_run:
                behind = await contact_imports.write(
                    connection, workspace_id, found, status, by=by, now=now
                )
        if len(found.new) == len(rows):
            self._new_in_a_row = new_in_a_row + len(rows)
        return found, behind

    async def _keep(
        self, refused: Sequence[RowRefusal], records: Sequence[Record], at: _Checkpoint
    ) -> tuple[str | None, int]:
        """Put rejected rows into their file; returns its name and size."""
        if not refused:
            return at.part, at.size
        first = records[0].number
        lines = csv_lines.encode(
            [one.number, *_cells(records[one.number - first]), one.message] for one in refused
        )
        if at.part is None:
            return self._part.name, await self._part.begin(
                MARK + csv_lines.encode([_REJECTED]) + lines
            )
        return at.part, await self._part.put(lines, at.size)

    async def _offer(self, at: _Checkpoint) -> None:
        if at.part is None:
            return
        if not self._part.is_published():
            await self._part.publish()
        day = datetime.fromtimestamp(self._work.claim.created_at // SECOND, UTC).date()

        async def offer(connection: Connection, progress: Progress) -> Progress:
            await job_files.offer(
                connection,
                self._work.claim,
                f"rejected-{day.isoformat()}.csv",
                self._work.now() + KEPT_FOR,
            )
            return progress

        await self._work.step(offer)


class _Batches:
    """The rest of a file, read in a thread."""

    def __init__(self, records: Records, seen: Seen) -> None:
        self._records, self._seen = records, seen
        self._reading: asyncio.Task[_Batch] | None = None

    def read_on(self) -> None:
        """Begin to read the next batch, unless that was begun."""
        if self._reading is None:
            self._reading = asyncio.create_task(asyncio.to_thread(_read, self._records, self._seen))

    async def take(self) -> _Batch:
        """The next batch, without records at the end. Raises TooManyUnclosed."""
        self.read_on()
        assert self._reading is not None
        batch = await self._reading
        self._reading = None
        return batch

    async def close(self) -> None:
        """Wait until the file is not used any more."""
        if self._reading is not None:
            await asyncio.gather(self._reading, return_exceptions=True)


def _read(records: Records, seen: Seen, limit: int = ROWS_A_STEP) -> _Batch:
    """The next records, each with what is to become of it."""
    found = records.take(limit)
    rows: list[Row] = []
    refused: list[RowRefusal] = []
    blank = 0
    for number, cells, problem in found:
        if problem is not None:
            refused.append(contact_rows.refused(number, None, cells[0], problem))
            continue
        read = contact_rows.read(number, cells)
        if isinstance(read, Row):
            rows.append(read)
        elif read is None:
            blank += 1
        else:
            refused.append(read)
    twice = seen.add(rows)
    if twice:
        again = [row for row in rows if row.number in twice]
        refused += [contact_rows.is_twice(row, twice[row.number]) for row in again]
        rows = [row for row in rows if row.number not in twice]
    return _Batch(found, rows, refused, blank, records.place)


def _cells(record: Record) -> list[str]:
    """As many as there are columns; what is far too long is cut, and its reason says how long."""
    first_name, last_name, *_ = [*record.cells, "", ""]
    cells = (first_name, last_name, ",".join(record.cells[2:]))
    return [cell if len(cell) <= _SHOWN else f"{cell[: _SHOWN - 1]}…" for cell in cells]
