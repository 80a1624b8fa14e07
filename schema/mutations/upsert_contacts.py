"""upsertContacts: a partner registers contacts."""

from dataclasses import dataclass, replace
from typing import Annotated

import strawberry

from resolvers import contact_changes, contacts
from schema.enums import ErrorCode, Scope
from schema.errors import UserError
from schema.fields import plain
from schema.info import Info
from schema.inputs.contacts import ContactInput
from schema.selection import below
from schema.types.contact import Contact
from store import rows
from store.refusals import Refusal
from store.types import Id


@strawberry.input(description="Contacts as a partner knows them.")
class UpsertContactsInput:
    contacts: list[ContactInput] = strawberry.field(
        description=f"1 to {contact_changes.AT_MOST:,} contacts. Each has a result of its own; "
        "more are refused as a whole. New ones have the source REGISTERED."
    )


@strawberry.type(description="What became of one contact.")
class UpsertContactResult:
    index: int = plain("Its place in the list that was given, from 0.")
    contact: Contact | None = plain("The contact as it is now; null when it was refused.")
    error: UserError | None = plain("Why it was refused; null when it was not.")


@strawberry.type(description="What became of the contacts.")
class UpsertContactsPayload:
    results: list[UpsertContactResult] = plain(
        "A result for each contact, in the order given. Empty when the call was refused as a whole."
    )
    user_errors: list[UserError] = plain("Why the call was refused as a whole; else empty.")


@dataclass(frozen=True, slots=True)
class Result:
    index: int
    contact: rows.Contact | None = None
    error: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Upserted:
    results: tuple[Result, ...] = ()
    user_errors: tuple[Refusal, ...] = ()


async def upsert_contacts(
    info: Info,
    input: Annotated[UpsertContactsInput, strawberry.argument(description="The contacts.")],
) -> Upserted:
    info.context.require(Scope.INTEGRATE)
    refusal = _wrong_number(len(input.contacts))
    if refusal is not None:
        return Upserted(user_errors=(refusal,))
    drafts = [given.draft() for given in input.contacts]
    done = await contact_changes.upsert(info.context, drafts)
    ids = [one for one in done if not isinstance(one, Refusal)]
    chosen = below(info, "results", "contact")
    found = await contacts.changed(info.context, ids, chosen.want) if chosen.nodes else {}
    return Upserted(tuple(_result(index, one, found) for index, one in enumerate(done)))


def _result(index: int, done: Id | Refusal, found: dict[Id, rows.Contact]) -> Result:
    if isinstance(done, Refusal):
        path = ("contacts", str(index), *(done.field or ()))
        return Result(index, error=replace(done, field=path))
    return Result(index, found.get(done))


def _wrong_number(number: int) -> Refusal | None:
    if number == 0:
        return Refusal(
            ErrorCode.EMPTY_SELECTION, "There is no contact: give at least one.", ("contacts",)
        )
    if number > contact_changes.AT_MOST:
        return Refusal(
            ErrorCode.TOO_MANY,
            f"{number:,} contacts are too many for one call, and none was changed: "
            f"give at most {contact_changes.AT_MOST:,}.",
            ("contacts",),
        )
    return None
