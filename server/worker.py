"""The worker: claims jobs, runs them, and says what became of them."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from random import random
from secrets import token_hex

import structlog

from resolvers import bulk_deletes, bulk_restores, bulk_stops, contact_statuses
from resolvers.reward_jobs import RewardSending
from resolvers.work import Interrupted, JobFailed, Run, Work
from server.exports import Exports
from server.files import Files
from server.hooks.providers import Providers
from server.hooks.replay import Replay
from server.imports import Imports
from server.mailed_files import MailedFiles
from server.retention import BEGUN_EVERY, Retention
from server.webhooks import Webhooks
from store import Connection, Database, audit, jobs
from store.jobs import CancelRequested, Claim, Due, LeaseLost
from store.retention import KIND as RETENTION
from store.types import SECOND, Instant
from store.webhooks import KIND as WEBHOOK
from store.words import JobKind, JobState
from subscriptions import Hub

logger = structlog.get_logger(__name__)

POLL_INTERVAL_S = 1.0
"""How soon a job of another process, or one whose process died, is found."""

JOBS_AT_ONCE = 4
ENDPOINTS_AT_ONCE = 8
_PATIENCE_S = 10.0


def runs(files: Files, mailed: MailedFiles, providers: Providers) -> Mapping[str, Run]:
    """What does each kind of job."""
    return {
        JobKind.BULK_STOP: bulk_stops.stop,
        JobKind.BULK_RESTORE: bulk_restores.run,
        JobKind.BULK_STATUS: contact_statuses.run,
        JobKind.BULK_DELETE: bulk_deletes.runs(mailed.signer, files),
        JobKind.JOURNEY_EXPORT: Exports(files, mailed).run,
        JobKind.CONTACT_EXPORT: Exports(files, mailed).run,
        JobKind.REFERRAL_LINKS: Exports(files, mailed).run,
        JobKind.SEND_REWARDS: RewardSending(mailed.mail).run,
        JobKind.CONTACT_IMPORT: Imports(files, mailed.signer).run,
        JobKind.REPLAY: Replay(providers).run,
    }


class Worker:
    """One a process; several processes share the work by leases."""

    def __init__(
        self,
        database: Database,
        hub: Hub,
        now: Callable[[], Instant],
        webhooks: Webhooks,
        runs: Mapping[str, Run],
        prepare: Callable[[], Awaitable[None]] | None = None,
        retention: Retention | None = None,
    ) -> None:
        """`prepare` is done once, before the first job, when the database is there.

        Without `retention` this process leaves it to others.
        """
        self._database, self._hub, self._now, self._webhooks = database, hub, now, webhooks
        self._prepare = prepare
        self._runs = {**runs, WEBHOOK: webhooks.run}
        self._retention = retention
        if retention is not None:
            self._runs[RETENTION] = retention.run
        self._begins_retention_at: Instant = 0
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._running: set[asyncio.Task[None]] = set()
        # Of their own number: an endpoint that hangs holds up no job.
        self._serving: set[asyncio.Task[None]] = set()
        self._pruning: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._is_stopping = False
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._loop = asyncio.create_task(self._work())

    def wake(self) -> None:
        """There may be something to do: look at once."""
        self._woken.set()

    async def do(self, one: Due) -> bool:
        """Do this job here and now, to its end or its next fault; False when another has it."""
        held = await self._take(one)
        if held is None:
            return False
        await self._run(held)
        return True

    async def stop(self) -> None:
        """Let each job end its step; another process, or the next start, goes on from there."""
        self._is_stopping = True
        self._woken.set()
        if self._loop is not None:
            await self._loop
            self._loop = None
        ending = self._running | self._serving | self._pruning
        if ending:
            _, late = await asyncio.wait(ending, timeout=_PATIENCE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._webhooks.close()

    async def _work(self) -> None:
        while not self._is_stopping:
            self._woken.clear()
            try:
                if self._prepare is not None:
                    await self._prepare()
                    self._prepare = None
                await self._claim_jobs()
                await self._claim_endpoints()
                await self._claim_retention()
            except Exception as error:  # noqa: BLE001  A database that is away comes back.
                logger.warning("jobs_not_claimed", error=repr(error))
            with suppress(TimeoutError):
                # Spread, so that the processes of one database do not look all at once.
                async with asyncio.timeout(POLL_INTERVAL_S * (0.75 + random() / 2)):  # noqa: S311
                    await self._woken.wait()

    async def _claim_jobs(self) -> None:
        """Begin what is due, as far as there is room for it."""
        room = JOBS_AT_ONCE - len(self._running)
        if room <= 0 or self._is_stopping:
            return
        async with self._database.read() as connection:
            found = await jobs.due(connection, self._now(), room)
        for one in found:
            await self._begin(one, self._running)

    async def _claim_endpoints(self) -> None:
        """The same for webhooks, which are always due but seldom have anything to send."""
        if len(self._serving) >= ENDPOINTS_AT_ONCE or self._is_stopping:
            return
        async with self._database.read() as connection:
            found = await jobs.due(connection, self._now(), None, standing=WEBHOOK)
            waiting = [
                one for one in found if await self._webhooks.has_news(connection, one, self._now())
            ]
        for one in waiting[: ENDPOINTS_AT_ONCE - len(self._serving)]:
            await self._begin(one, self._serving)

    async def _claim_retention(self) -> None:
        """One workspace at a time: it is in no hurry."""
        if self._retention is None or self._pruning or self._is_stopping:
            return
        now = self._now()
        if now >= self._begins_retention_at:
            await self._retention.begin(self._database, now)
            self._begins_retention_at = now + BEGUN_EVERY
        async with self._database.read() as connection:
            found = await jobs.due(connection, now, 1, standing=RETENTION)
        for one in found:
            await self._begin(one, self._pruning)

    async def _begin(self, one: Due, among: set[asyncio.Task[None]]) -> None:
        held = await self._take(one)
        if held is None:
            return
        task = asyncio.create_task(self._run(held))
        among.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            among.discard(task)
            self._woken.set()

        task.add_done_callback(ended)

    async def _take(self, one: Due) -> Claim | None:
        owner = f"{self._name}:{token_hex(4)}"
        return await self._database.transact(
            lambda connection: jobs.claim(
                connection, one, owner, self._now(), self._now() + jobs.LEASE
            )
        )

    async def _run(self, held: Claim) -> None:
        """From claim to end; whatever happens, the job is left as its row can tell."""
        log = logger.bind(job=held.id.hex(), kind=held.kind, workspace=held.workspace_id)
        keeping = asyncio.create_task(self._keep(held))
        try:
            await self._try(held, log)
        except LeaseLost:
            log.warning("job_lost")
        except Exception as error:  # noqa: BLE001  The lease ends, and the job is claimed again.
            log.error("job_left", error=repr(error))
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping

    async def _try(self, held: Claim, log: structlog.typing.FilteringBoundLogger) -> None:
        work = Work(held, self._database, self._hub, self._now, lambda: self._is_stopping)
        # Nobody would begin it again.
        is_standing = held.kind in jobs.STANDING
        try:
            if held.attempts > jobs.ATTEMPTS_AT_MOST and not is_standing:
                raise JobFailed(
                    f"It was begun {jobs.ATTEMPTS_AT_MOST} times without coming any further."
                )
            again = await self._runs[held.kind](work)
        except CancelRequested:
            await self._finish(held, JobState.CANCELED)
        except Interrupted:
            await self._put_back(held, self._now())
        except JobFailed as failed:
            await self._finish(held, JobState.FAILED, str(failed))
        except (LeaseLost, asyncio.CancelledError):
            raise
        except Exception as error:
            error_id = token_hex(6)
            log.error("job_failed", error_id=error_id, attempts=held.attempts, exc_info=error)
            if held.attempts >= jobs.ATTEMPTS_AT_MOST and not is_standing:
                reason = (
                    f"It failed here {held.attempts} times in a row. Tell us the id {error_id}."
                )
                await self._finish(held, JobState.FAILED, reason)
            else:
                at = self._now() + jobs.backoff(held.attempts)
                await self._put_back(held, at, has_failed=True)
        else:
            if again is None:
                await self._finish(held, JobState.COMPLETED)
            else:
                await self._put_back(held, again)

    async def _keep(self, held: Claim) -> None:
        """Stretch the lease while a step takes long."""
        while True:
            await asyncio.sleep(jobs.LEASE / SECOND / 3)
            try:
                await self._database.transact(
                    lambda connection: jobs.renew(connection, held, self._now() + jobs.LEASE)
                )
            except Exception as error:  # noqa: BLE001  The next step finds out what it means.
                logger.warning("lease_not_renewed", job=held.id.hex(), error=repr(error))

    async def _finish(self, held: Claim, state: JobState, reason: str | None = None) -> None:
        async def work(connection: Connection) -> None:
            now = self._now()
            counts = await jobs.finish(connection, held, state, now, failure_reason=reason)
            is_told = held.kind not in jobs.STANDING and not held.input.get("isDryRun")
            if counts is not None and is_told:
                await audit.note(
                    connection,
                    held.workspace_id,
                    "job",
                    by=held.created_by,
                    affected=counts.created + counts.updated,
                    detail={"job": held.id.hex(), "kind": held.kind, "state": state},
                    now=now,
                )

        await self._database.transact(work)

    async def _put_back(self, held: Claim, at: Instant, *, has_failed: bool = False) -> None:
        await self._database.transact(
            lambda connection: jobs.put_back(connection, held, at, has_failed=has_failed)
        )
