"""changeContactStatus: an operator says what contacts are to the business."""

from dataclasses import dataclass
from typing import Annotated

import strawberry

from resolvers import contact_statuses, jobs
from resolvers.contact_selections import AT_MOST
from schema.enums import ContactStatus
from schema.errors import UserError
from schema.fields import plain
from schema.info import Info
from schema.inputs.limits import ID_LENGTH, Refused, idempotency_key
from schema.inputs.selections import ContactSelection
from schema.selection import below
from schema.types.job import Job
from store import rows
from store.refusals import Refusal


@strawberry.input(description="A status for some contacts.")
class ChangeContactStatusInput:
    contacts: ContactSelection = strawberry.field(description="Which contacts.")
    to: ContactStatus = strawberry.field(description="What they are from now on.")
    dry_run: bool = strawberry.field(
        default=False, description="Only say how many are chosen; nothing is changed."
    )
    idempotency_key: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"At most {ID_LENGTH} characters. The same key with the same input within 24 "
        "hours answers with the first result; with another input it is refused.",
    )


@strawberry.type(description="What became of the change.")
class ChangeContactStatusPayload:
    matched: int = plain("How many contacts are chosen, exactly.")
    changed: int | None = plain(
        "How many of them got the status, which the others had already; null for a dry run, for a "
        "refusal, and while job does it."
    )
    job: Job | None = plain(
        f"Does it, when more than {AT_MOST:,} are chosen: those who were there when the call was "
        "made, and whom the filter chooses when their turn comes. Its counts say how many it "
        "changed (updated) and how many had the status (unchanged). Else null."
    )
    user_errors: list[UserError] = plain("Why the call was refused; empty when it was not.")


@dataclass(frozen=True, slots=True)
class Done:
    matched: int = 0
    changed: int | None = None
    job: rows.Job | None = None
    user_errors: tuple[Refusal, ...] = ()


async def change_contact_status(
    info: Info,
    input: Annotated[ChangeContactStatusInput, strawberry.argument(description="Who and what.")],
) -> Done:
    context = info.context
    try:
        key = idempotency_key(input.idempotency_key)
    except Refused as refused:
        return Done(user_errors=(refused.refusal,))
    done = await contact_statuses.change(
        context,
        input.contacts.selection(context.now()),
        input.to,
        is_dry_run=input.dry_run,
        idempotency_key=key,
    )
    job = await jobs.handed_in(context, done.job_id, below(info, "job").want)
    return Done(done.matched, done.changed, job, done.refusals)
