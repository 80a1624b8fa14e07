"""Work: a claimed job while it runs, one transaction at a time."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from store import Connection, Database, jobs
from store.jobs import Claim, Progress
from store.log import Head
from store.types import Id, Instant
from subscriptions import Hub


class JobFailed(Exception):
    """The job cannot be done, however often it is tried; the message is for people."""


class Interrupted(Exception):
    """This process is ending: another one goes on from the checkpoint."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a job's function is given."""

    claim: Claim
    database: Database
    hub: Hub
    now: Callable[[], Instant]
    is_stopping: Callable[[], bool]

    @property
    def workspace_id(self) -> int:
        return self.claim.workspace_id

    async def step(self, do: Callable[[Connection, Progress], Awaitable[Progress]]) -> Progress:
        """Do a part of the job: its rows and how far it then is are committed together.

        `do` may be run again from its start. At most 1,000 rows, so that ingest never waits long.
        Raises Interrupted, jobs.LeaseLost and jobs.CancelRequested, which are the worker's to take.
        """
        if self.is_stopping():
            raise Interrupted
        return await self.write_down(do)

    async def write_down(
        self, do: Callable[[Connection, Progress], Awaitable[Progress]]
    ) -> Progress:
        """A step that is due even when the process is ending: what it says has happened already."""

        async def transaction(connection: Connection) -> Progress:
            before = await jobs.hold(connection, self.claim, self.now() + jobs.LEASE)
            after = await do(connection, before)
            if after != before:
                # A mere look is no progress: it would make the attempts start anew for ever.
                await jobs.save(connection, self.claim, after)
            return after

        return await self.database.transact(transaction)

    async def progress(self) -> Progress:
        """How far the job is."""

        async def look(_: Connection, progress: Progress) -> Progress:
            return progress

        return await self.step(look)

    def ring(self, behind: Head | None, journey_ids: Collection[Id]) -> None:
        """Tell subscribers of what a step appended to the log."""
        if behind is not None:
            self.hub.ring(self.workspace_id, journey_ids, behind.seq)


Run = Callable[[Work], Awaitable[Instant | None]]
"""Does a job from where it is to its end; returns when to do it again, None when it is done."""
