"""exportContacts: an operator takes contacts along as a file."""

from typing import Annotated

import strawberry

from resolvers import exports
from resolvers.contact_selections import Chosen
from resolvers.exports import DEFAULT_COLUMNS, ContactExport
from schema.enums import ContactColumn
from schema.info import Info
from schema.inputs.limits import ID_LENGTH, Refused, idempotency_key
from schema.inputs.selections import ContactSelection
from schema.mutations.cancel_job import Done, answered
from store.refusals import Refusal


@strawberry.input(description="Which contacts to write into a file, and what of each.")
class ExportContactsInput:
    contacts: ContactSelection | None = strawberry.field(
        default=strawberry.UNSET, description="Which contacts; left out: all."
    )
    columns: list[ContactColumn] | None = strawberry.field(
        default=strawberry.UNSET,
        description="What the file says of each, in this order; left out: all but the links.",
    )
    email: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Where to send the file when it is ready: the token's own e-mail or one of "
        "viewer.allowedRecipients. Left out: it is only downloaded. A file of more than 10 MB is "
        "not attached; the mail then holds the link alone.",
    )
    idempotency_key: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"At most {ID_LENGTH} characters. The same key with the same input within 24 "
        "hours answers with the first job; with another input it is refused.",
    )


async def export_contacts(
    info: Info,
    input: Annotated[ExportContactsInput, strawberry.argument(description="What to export.")],
) -> Done:
    everybody = Chosen(is_all=True, said="all")
    columns = input.columns if isinstance(input.columns, list) else DEFAULT_COLUMNS
    asked = ContactExport(
        input.contacts.selection(info.context.now()) if input.contacts else everybody,
        tuple(columns),
        input.email or None,
    )
    try:
        key = idempotency_key(input.idempotency_key)
    except Refused as refused:
        return Done(user_errors=(refused.refusal,))
    done = await exports.of_contacts(info.context, asked, idempotency_key=key)
    if isinstance(done, Refusal):
        return Done(user_errors=(done,))
    return Done(await answered(info, done))
