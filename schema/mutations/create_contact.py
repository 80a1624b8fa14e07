"""createContact: an operator enters a contact."""

from dataclasses import dataclass
from typing import Annotated

import strawberry

from resolvers import contact_changes, contacts
from schema.errors import UserError
from schema.fields import plain
from schema.info import Info
from schema.inputs.contacts import CreateContactInput
from schema.inputs.limits import Refused, idempotency_key
from schema.selection import below
from schema.types.contact import Contact
from store import rows
from store.refusals import Refusal


@strawberry.type(description="The new contact.")
class CreateContactPayload:
    contact: Contact | None = plain("The contact; null when it was refused.")
    user_errors: list[UserError] = plain("Why it was refused; empty when it was not.")


@dataclass(frozen=True, slots=True)
class Created:
    contact: rows.Contact | None = None
    user_errors: tuple[Refusal, ...] = ()


async def create_contact(
    info: Info,
    input: Annotated[CreateContactInput, strawberry.argument(description="The contact.")],
) -> Created:
    try:
        key = idempotency_key(input.idempotency_key)
    except Refused as refused:
        return Created(user_errors=(refused.refusal,))
    done = await contact_changes.create(info.context, input.draft(), idempotency_key=key)
    if isinstance(done, list):
        return Created(user_errors=tuple(done))
    found = await contacts.changed(info.context, [done], below(info, "contact").want)
    return Created(found.get(done))
