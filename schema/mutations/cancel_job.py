"""cancelJob: an operator ends long work where it stands."""

from dataclasses import dataclass
from typing import Annotated

import strawberry

from resolvers import jobs
from schema import ids
from schema.errors import UserError
from schema.fields import plain
from schema.info import Info
from schema.selection import below
from schema.types.job import Job
from store import rows
from store.refusals import Refusal


@strawberry.input(description="A job to cancel.")
class CancelJobInput:
    id: strawberry.ID = strawberry.field(description="The job, by id.")


@strawberry.type(description="The job.")
class JobPayload:
    job: Job | None = plain("The job as it is now; null when the call was refused.")
    user_errors: list[UserError] = plain("Why it was refused; empty when it was not.")


@dataclass(frozen=True, slots=True)
class Done:
    job: rows.Job | None = None
    user_errors: tuple[Refusal, ...] = ()


async def cancel_job(
    info: Info,
    input: Annotated[CancelJobInput, strawberry.argument(description="Which job.")],
) -> Done:
    job_id = ids.parse(input.id, ids.JOB)
    refusal = await jobs.cancel(info.context, job_id)
    if refusal is not None:
        return Done(user_errors=(refusal,))
    return Done(await answered(info, job_id))


async def answered(info: Info, job_id: bytes) -> rows.Job:
    """The job of a payload, as it is behind the commit."""
    found = await jobs.changed(info.context, [job_id], below(info, "job").want)
    return found[job_id]
