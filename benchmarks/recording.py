"""Recording: the traffic without HTTP, and the log's rows without a recorder."""

import asyncio
import time
from collections.abc import Sequence

from benchmarks.bulk import Bulk, Record
from benchmarks.dataset import Dataset
from benchmarks.requests import UnexpectedAnswer
from benchmarks.traffic import Event
from resolvers.recorder import Recorder
from store import Database, log, tables, workspaces
from store.ingest.outcomes import Arrival
from store.types import Instant
from store.words import EventOutcome
from subscriptions import Hub

_COLUMNS = tuple(column.name for column in tables.log.c)


class InProcess:
    """The recorder that the server uses, with a database of its own."""

    def __init__(self, loaded: Dataset) -> None:
        self._workspace_id = loaded.workspace_id
        self._database = Database(loaded.url)
        self._recorder = Recorder(self._database, Hub(), _now)

    async def record(self, work: Sequence[Sequence[Sequence[Event]]]) -> None:
        """Each caller hands in one batch after the other."""
        await asyncio.gather(*(self._call(own) for own in work))

    async def close(self) -> None:
        await self._database.dispose()

    async def _call(self, own: Sequence[Sequence[Event]]) -> None:
        for batch in own:
            arrivals = [Arrival(event, "partner") for event in batch]
            recorded = await self._recorder.record(self._workspace_id, arrivals)
            if any(one.kind is not EventOutcome.ACCEPTED for one in recorded.outcomes):
                raise UnexpectedAnswer(f"Not all accepted: {recorded.outcomes[:3]}")


class LogAlone:
    """Rows of the workspace's log, written once more as those of a workspace beside it."""

    def __init__(self, database: Database, bulk: Bulk, own: int, other: int) -> None:
        self._database, self._bulk, self._own, self._other = database, bulk, own, other

    @classmethod
    async def open(cls, loaded: Dataset) -> "LogAlone":
        database = Database(loaded.url)
        async with database.write() as connection:
            other = await workspaces.create(connection, "beside it", _now())
        bulk = await Bulk(loaded.url, is_lasting=True).open()
        return cls(database, bulk, loaded.workspace_id, other)

    async def close(self) -> None:
        await self._bulk.close()
        await self._database.dispose()

    async def head(self) -> int:
        """The workspace's newest seq."""
        async with self._database.read() as connection:
            return (await log.head(connection, self._own)).seq

    async def rows(self, after: int, until: int) -> list[Record]:
        """For write()."""
        place = _COLUMNS.index("workspace_id")
        found = await self._bulk.read(
            tables.log,
            _COLUMNS,
            f"workspace_id = {self._own} AND seq > {after} AND seq <= {until} ORDER BY seq",
        )
        return [(*row[:place], self._other, *row[place + 1 :]) for row in found]

    async def write(self, rows: Sequence[Record], batch: int) -> None:
        """A transaction a batch."""
        for start in range(0, len(rows), batch):
            await self._bulk.write(tables.log, _COLUMNS, rows[start : start + batch])


def _now() -> Instant:
    return time.time_ns() // 1_000
