"""Retention: the standing job of each workspace that deletes what is too old, once a day."""

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import Any

from resolvers.work import Work
from server.files import Files
from store import Connection, Database, audit, retention
from store.jobs import Progress
from store.retention import Keeping, Place
from store.types import DAY, HOUR, Instant

BEGUN_EVERY = HOUR
"""How soon a new workspace has its job."""

_AFFECTED_AT_MOST = (1 << 31) - 1


class Retention:
    def __init__(self, keeping: Keeping, files: Files) -> None:
        self._keeping, self._files = keeping, files

    async def begin(self, database: Database, now: Instant) -> None:
        """Let every workspace have its job."""
        await database.transact(lambda connection: retention.begin(connection, now))

    async def run(self, work: Work) -> Instant:
        """Go through all tables of the workspace once; the next time is a day later."""
        await asyncio.to_thread(self._files.sweep, work.now())
        is_over = False

        async def step(connection: Connection, progress: Progress) -> Progress:
            nonlocal is_over
            place, is_over = await retention.prune(
                connection,
                work.workspace_id,
                self._keeping,
                work.now(),
                Place.read(progress.checkpoint),
            )
            if not is_over:
                return Progress(place.plain())
            await _note(connection, work, place.deleted)
            return Progress()

        while True:
            began = monotonic()
            await work.step(step)
            if is_over:
                return work.now() + DAY
            # As long as it took, so that at least half of the writer's time is everybody else's.
            await asyncio.sleep(monotonic() - began)


async def _note(connection: Connection, work: Work, deleted: Mapping[str, Any]) -> None:
    if deleted:
        await audit.note(
            connection,
            work.workspace_id,
            "retention",
            by="trackside",
            affected=min(sum(deleted.values()), _AFFECTED_AT_MOST),
            detail=deleted,
            now=work.now(),
        )
