"""Jobs of the public API, done by a real worker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from schema import schema
from server.files import Files
from server.hooks.providers import all_of, fetch
from server.mailed_files import ATTACHED_AT_MOST, MailedFiles
from server.webhooks import Webhooks
from server.worker import Worker, runs
from tests.schema.conftest import Api
from tests.support.waiting import SOON

NOWHERE = Path("/nonexistent")
PROGRESS = """subscription ($id: ID!) { jobProgress(jobId: $id) {
    kind state done total failureReason downloadUrl expiresAt
    counts { created updated unchanged skipped failed } } }"""


@asynccontextmanager
async def a_worker(
    api: Api, *, files: Path = NOWHERE, attached_at_most: int = ATTACHED_AT_MOST, **options: Any
) -> AsyncIterator[Worker]:
    """At work until the end of the block; mutations wake it. Options are those of Webhooks."""
    webhooks = Webhooks(**{"allows_private": True, **options})
    kept, context = Files(files), api.context
    mailed = MailedFiles(kept, context.mail, context.signer, context.public_url, attached_at_most)
    worker = Worker(
        api.workspace.database,
        context.hub,
        lambda: api.now,
        webhooks,
        runs(kept, mailed, all_of(fetch)),
    )
    worker.start()
    api.context.wake_worker = worker.wake
    try:
        yield worker
    finally:
        await worker.stop()


async def progress(api: Api, job_id: str) -> list[dict[str, Any]]:
    """What jobProgress tells, until the job is over."""
    stream = await schema.subscribe(PROGRESS, {"id": job_id}, context_value=api.context)
    told: list[dict[str, Any]] = []
    async with asyncio.timeout(SOON):
        async for result in stream:
            assert not result.errors, result.errors
            told.append((result.data or {})["jobProgress"])
    return told


async def finished(api: Api, job_id: str) -> dict[str, Any]:
    """The job when it is over."""
    return (await progress(api, job_id))[-1]
