"""restoreContacts: an operator takes a deletion of contacts back."""

from dataclasses import dataclass
from typing import Annotated

import strawberry

from resolvers import contact_restoring, jobs
from schema import ids
from schema.errors import UserError
from schema.fields import plain
from schema.info import Info
from schema.inputs.limits import ID_LENGTH, Refused, idempotency_key
from schema.selection import below
from schema.types.job import Job
from store import rows
from store.refusals import Refusal


@strawberry.input(description="A deletion to take back.")
class RestoreContactsInput:
    undo_token: strawberry.ID = strawberry.field(
        description="The undoToken that deleteContacts answered."
    )
    idempotency_key: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"At most {ID_LENGTH} characters. The same key with the same input within 24 "
        "hours answers with the first result; with another input it is refused.",
    )


@strawberry.type(description="What became of the undo.")
class RestoreContactsPayload:
    restored: int | None = plain(
        "How many contacts were restored: those whom the deletion had deleted, but for the ones "
        "that were erased since. Null for a refusal, and while job does it."
    )
    job: Job | None = plain(
        f"Restores them, when they are more than {contact_restoring.AT_MOST:,} with their entries "
        "and what was reported of them meanwhile; its counts say how many (updated). Else null."
    )
    user_errors: list[UserError] = plain("Why it was refused; empty when it was not.")


@dataclass(frozen=True, slots=True)
class Done:
    restored: int | None = None
    job: rows.Job | None = None
    user_errors: tuple[Refusal, ...] = ()


async def restore_contacts(
    info: Info,
    input: Annotated[RestoreContactsInput, strawberry.argument(description="What to undo.")],
) -> Done:
    try:
        key = idempotency_key(input.idempotency_key)
    except Refused as refused:
        return Done(user_errors=(refused.refusal,))
    deletion_id = ids.parse(input.undo_token, ids.DELETION)
    done = await contact_restoring.restore(info.context, deletion_id, idempotency_key=key)
    job = await jobs.handed_in(info.context, done.job_id, below(info, "job").want)
    return Done(done.restored, job, done.refusals)
