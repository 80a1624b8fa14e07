"""updateContact: an operator changes what is known of a contact."""

from dataclasses import dataclass
from typing import Annotated

import strawberry

from resolvers import contact_changes, contacts
from schema import ids
from schema.errors import UserError
from schema.fields import plain
from schema.info import Info
from schema.inputs.contacts import UpdateContactInput
from schema.inputs.limits import Refused
from schema.selection import below
from schema.types.contact import Contact
from store import rows
from store.refusals import Refusal


@strawberry.type(description="The changed contact.")
class UpdateContactPayload:
    contact: Contact | None = plain("The contact as it is now; null when the change was refused.")
    user_errors: list[UserError] = plain("Why it was refused; empty when it was not.")


@dataclass(frozen=True, slots=True)
class Updated:
    contact: rows.Contact | None = None
    user_errors: tuple[Refusal, ...] = ()


async def update_contact(
    info: Info,
    input: Annotated[UpdateContactInput, strawberry.argument(description="What to change.")],
) -> Updated:
    contact_id = ids.parse(input.id, ids.CONTACT)
    try:
        asked = input.edit()
    except Refused as refused:
        return Updated(user_errors=(refused.refusal,))
    done = await contact_changes.update(info.context, contact_id, asked)
    if isinstance(done, list):
        return Updated(user_errors=tuple(done))
    found = await contacts.changed(info.context, [done], below(info, "contact").want)
    return Updated(found.get(done))
