"""undoStopCampaign: an operator takes a stop back."""

from dataclasses import dataclass
from typing import Annotated

import strawberry

from resolvers import jobs, stop_undo
from schema import ids
from schema.errors import UserError
from schema.fields import plain
from schema.info import Info
from schema.inputs.limits import ID_LENGTH, Refused, idempotency_key
from schema.selection import below
from schema.types.job import Job
from store import rows
from store.refusals import Refusal


@strawberry.input(description="A stop to take back.")
class UndoStopCampaignInput:
    undo_token: strawberry.ID = strawberry.field(
        description="The undoToken that stopCampaign answered."
    )
    idempotency_key: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"At most {ID_LENGTH} characters. The same key with the same input within 24 "
        "hours answers with the first result; with another input it is refused.",
    )


@strawberry.type(description="What became of the undo.")
class UndoStopCampaignPayload:
    restored: int | None = plain(
        "How many entries were restored: as many as the stop had stopped. Null for a refusal, and "
        "while job does it."
    )
    job: Job | None = plain(
        f"Restores them, when they are more than {stop_undo.AT_MOST:,} with what was reported of "
        "them meanwhile; its counts say how many (updated). Else null."
    )
    user_errors: list[UserError] = plain("Why it was refused; empty when it was not.")


@dataclass(frozen=True, slots=True)
class Done:
    restored: int | None = None
    job: rows.Job | None = None
    user_errors: tuple[Refusal, ...] = ()


async def undo_stop_campaign(
    info: Info,
    input: Annotated[UndoStopCampaignInput, strawberry.argument(description="What to undo.")],
) -> Done:
    try:
        key = idempotency_key(input.idempotency_key)
    except Refused as refused:
        return Done(user_errors=(refused.refusal,))
    stop_id = ids.parse(input.undo_token, ids.STOP)
    done = await stop_undo.undo_stop(info.context, stop_id, idempotency_key=key)
    job = await jobs.handed_in(info.context, done.job_id, below(info, "job").want)
    return Done(done.restored, job, done.refusals)
