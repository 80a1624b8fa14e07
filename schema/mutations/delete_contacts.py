"""deleteContacts: an operator takes contacts out."""

from dataclasses import dataclass
from typing import Annotated

import strawberry

from resolvers import contact_deletions, jobs
from resolvers.contact_erasures import AT_ONCE
from resolvers.contact_selections import AT_MOST
from schema import ids
from schema.enums import DeletionMode
from schema.errors import UserError
from schema.fields import derived, plain
from schema.info import Info
from schema.inputs.limits import ID_LENGTH, Refused, idempotency_key
from schema.inputs.selections import ContactSelection
from schema.scalars import DateTime
from schema.selection import below
from schema.types.job import Job
from store import rows
from store.refusals import Refusal
from store.types import Id, Instant


@strawberry.input(description="A deletion of some contacts.")
class DeleteContactsInput:
    contacts: ContactSelection = strawberry.field(
        description="Which contacts; all of them at once are refused."
    )
    mode: DeletionMode = strawberry.field(
        default=DeletionMode.DELETE,
        description="ERASE takes all that is personal out of everywhere, for good: names and "
        "addresses, what was reported of the contact and its messages in words and links, and all "
        "files that jobs of the workspace have written. By ids, of deleted contacts as well. An "
        "import does not bring it back. Counts of journeys stay.",
    )
    dry_run: bool = strawberry.field(
        default=False, description="Only say how many are chosen; nobody is deleted."
    )
    idempotency_key: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"At most {ID_LENGTH} characters. The same key with the same input within 24 "
        "hours answers with the first result; with another input it is refused.",
    )


@strawberry.type(description="What became of the deletion.")
class DeleteContactsPayload:
    matched: int = plain("How many contacts are chosen, exactly.")
    deleted: int | None = plain(
        "How many were deleted now; null for a dry run, for a refusal, and while job does it."
    )
    undo_token: strawberry.ID | None = derived(
        lambda done: (
            None if done.deletion_id is None else f"{ids.DELETION}_{done.deletion_id.hex()}"
        ),
        "Give it to restoreContacts to restore whom this call deletes. Null when that is nobody, "
        "and for ERASE.",
    )
    undoable_until: DateTime | None = plain("Until when; 24 hours from the call.")
    job: Job | None = plain(
        f"Does it, when more than {AT_MOST:,} are chosen, for ERASE {AT_ONCE}: those who were "
        "there when the call was made, and whom the filter chooses when their turn comes. Its "
        "counts say how many it deleted (updated). Else null."
    )
    user_errors: list[UserError] = plain("Why the call was refused; empty when it was not.")


@dataclass(frozen=True, slots=True)
class Done:
    matched: int = 0
    deleted: int | None = None
    deletion_id: Id | None = None
    undoable_until: Instant | None = None
    job: rows.Job | None = None
    user_errors: tuple[Refusal, ...] = ()


async def delete_contacts(
    info: Info,
    input: Annotated[DeleteContactsInput, strawberry.argument(description="Whom to delete.")],
) -> Done:
    context = info.context
    try:
        key = idempotency_key(input.idempotency_key)
    except Refused as refused:
        return Done(user_errors=(refused.refusal,))
    done = await contact_deletions.delete(
        context,
        input.contacts.selection(context.now()),
        input.mode,
        is_dry_run=input.dry_run,
        idempotency_key=key,
    )
    job = await jobs.handed_in(context, done.job_id, below(info, "job").want)
    return Done(
        done.matched, done.deleted, done.deletion_id, done.undoable_until, job, done.refusals
    )
