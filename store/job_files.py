"""Job files: what jobs offer to be downloaded, whole or as far as it is written."""

from dataclasses import dataclass

from sqlalchemy import select, update

from store.database import Connection
from store.jobs import Claim, is_held
from store.tables import jobs
from store.types import Id, Instant
from store.words import OPEN_JOBS, JobState


async def offer(connection: Connection, held: Claim, file_name: str, expires_at: Instant) -> None:
    """Say under which name the job's file may be downloaded, and until when.

    Its checkpoint says how much of which file is written, as WrittenFile has it.
    """
    await connection.execute(
        update(jobs).where(is_held(held)).values(file_name=file_name, expires_at=expires_at)
    )


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """What a job has written: the first `size` bytes of `part`, which is all when it `is_whole`.

    `part` is None once the job is over: then its file has its own name. `first_part` is another
    one when the job had to begin its file anew.
    """

    name: str
    size: int
    is_whole: bool
    part: str | None
    first_part: str | None


async def written(
    connection: Connection, workspace_id: int, job_id: Id, now: Instant
) -> WrittenFile | None:
    """The file that the job offers; None when there is none, and when it has expired."""
    found = await connection.execute(
        select(jobs.c.file_name, jobs.c.state, jobs.c.checkpoint).where(
            jobs.c.workspace_id == workspace_id,
            jobs.c.id == job_id,
            jobs.c.state.in_([*OPEN_JOBS, JobState.COMPLETED]),
            jobs.c.file_name.is_not(None),
            jobs.c.expires_at > now,
        )
    )
    row = found.first()
    if row is None:
        return None
    name, state, at = row
    is_over = state == JobState.COMPLETED
    return WrittenFile(
        name,
        at["size"],
        # A kind that does not say so offers its file when it is written.
        is_whole=is_over or at.get("isOver", True),
        part=None if is_over else at["part"],
        first_part=at.get("firstPart"),
    )
