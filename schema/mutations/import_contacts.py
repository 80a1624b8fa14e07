"""importContacts: an operator brings a list of contacts."""

from collections.abc import AsyncIterator
from typing import Annotated

import strawberry

from resolvers import contact_imports
from schema.enums import ContactStatus, ErrorCode
from schema.info import Info
from schema.inputs.limits import ID_LENGTH, Refused, idempotency_key
from schema.mutations.cancel_job import Done, answered
from schema.scalars import Upload
from store.refusals import Refusal


@strawberry.input(description="A list of contacts as CSV: either a file or a text.")
class ImportContactsInput:
    file: Upload | None = strawberry.field(
        default=strawberry.UNSET,
        description="The file. For very large ones there is POST /imports?status=LEAD with the "
        "file as its body.",
    )
    text: str | None = strawberry.field(
        default=strawberry.UNSET, description="The same as a text, for short lists."
    )
    status: ContactStatus = strawberry.field(
        description="What contacts that are new become. Known ones keep their status."
    )
    dry_run: bool = strawberry.field(
        default=False, description="Count what would be done, and change no contact."
    )
    idempotency_key: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"At most {ID_LENGTH} characters. The same key with the same list within 24 "
        "hours answers with the first job; with another list it is refused.",
    )


async def import_contacts(
    info: Info,
    input: Annotated[ImportContactsInput, strawberry.argument(description="What to import.")],
) -> Done:
    if (not input.file) == (input.text is None or input.text is strawberry.UNSET):
        return Done(
            user_errors=(
                Refusal(ErrorCode.INVALID, "Give one of file and text: the list.", ("file",)),
            )
        )
    try:
        key = idempotency_key(input.idempotency_key)
    except Refused as refused:
        return Done(user_errors=(refused.refusal,))
    done = await contact_imports.hand_in(
        info.context,
        input.file.chunks if input.file else _pieces(input.text or ""),
        input.status,
        is_dry_run=input.dry_run,
        idempotency_key=key,
    )
    if isinstance(done, Refusal):
        return Done(user_errors=(done,))
    return Done(await answered(info, done))


async def _pieces(text: str) -> AsyncIterator[bytes]:
    # Half a surrogate pair becomes bytes that UTF-8 does not have, and is refused as such.
    yield text.encode(errors="surrogatepass")
