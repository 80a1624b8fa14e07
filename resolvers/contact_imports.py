"""Contact imports: handing in a file of contacts."""

from collections.abc import AsyncIterable
from typing import Any

from resolvers import auditing
from resolvers.context import Context
from resolvers.once import once
from resolvers.uploads import UploadRefused
from store import Connection, jobs
from store.refusals import Refusal
from store.types import Id, new_id
from store.words import ContactStatus, JobKind, Scope

_MUTATION = "importContacts"


async def hand_in(
    context: Context,
    chunks: AsyncIterable[bytes],
    status: ContactStatus,
    *,
    is_dry_run: bool = False,
    idempotency_key: str | None = None,
) -> Id | Refusal:
    """Keep the file, and make the job that goes through it."""
    context.require(Scope.OPERATE)
    workspace_id, job_id = context.workspace_id, new_id()
    try:
        upload = await context.uploads.receive(workspace_id, job_id, chunks)
    except UploadRefused as refused:
        return refused.refusal

    async def enqueue(connection: Connection) -> Any:
        await jobs.enqueue(
            connection,
            workspace_id,
            JobKind.CONTACT_IMPORT,
            {
                "status": status,
                "isDryRun": is_dry_run,
                "delimiter": upload.delimiter,
                "offset": upload.offset,
            },
            by=context.viewer.token_name,
            now=context.now(),
            total=upload.rows,
            id=job_id,
        )
        if not is_dry_run:
            await auditing.note(
                connection, context, _MUTATION, affected=upload.rows, status=status, job=job_id
            )
        return {"job": job_id.hex()}

    done: Any = None
    try:
        said = (upload.digest, status, is_dry_run)
        done = await once(context, _MUTATION, idempotency_key, said, enqueue)
    finally:
        if done != {"job": job_id.hex()}:
            await context.uploads.discard(workspace_id, job_id)
    if isinstance(done, Refusal):
        return done
    context.wake_worker()
    return bytes.fromhex(done["job"])
