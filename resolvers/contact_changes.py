"""Changes of contacts: what partners register and operators enter."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from resolvers import auditing
from resolvers.context import Context
from store import Connection, contacts, idempotency
from store.contacts import Written
from store.drafts import ContactDraft, ContactEdit
from store.refusals import Refusal
from store.types import Id
from store.words import ErrorCode, Scope

AT_MOST = 1_000
_MUTATION = "createContact"
_LONGEST = {
    "external_username": 200,
    "username": 200,
    "email": 320,
    "first_name": 200,
    "last_name": 200,
    "phone": 50,
    "referred_by_code": 200,
}
# One @ with something on both sides and no white space: who can be reached, the mail server knows.
_EMAIL = re.compile(r"[^\s@\x00-\x1f]+@[^\s@\x00-\x1f]+")


async def create(
    context: Context, draft: ContactDraft, *, idempotency_key: str | None = None
) -> Id | list[Refusal]:
    """Make a contact; refused when its names or e-mail are another's."""
    context.require(Scope.OPERATE)
    draft = _tidied(draft)
    refusal = _refusal(draft)
    if refusal is None and not any((draft.email, draft.username, draft.external_username)):
        refusal = Refusal(
            ErrorCode.INVALID,
            "Give an email, a username or an externalUsername: a contact is known by one of them.",
            ("email",),
        )
    if refusal is not None:
        return [refusal]
    now, workspace_id = context.now(), context.workspace_id
    said = idempotency.digest(draft)

    async def recall(connection: Connection, key: str) -> Any:
        return await idempotency.recall(connection, workspace_id, _MUTATION, key, said, now)

    async def work(connection: Connection) -> tuple[Any, Written | None]:
        if idempotency_key is not None:
            first = await recall(connection, idempotency_key)
            if first is not None:
                return first, None
        written = await contacts.create(
            connection, workspace_id, draft, by=context.viewer.token_name, now=now
        )
        result = written.results[0]
        if idempotency_key is not None and isinstance(result, Refusal):
            # The other contact may be the very one that this request made from another side, and
            # which was committed since the key was looked up.
            return await recall(connection, idempotency_key), written
        if idempotency_key is not None and not isinstance(result, Refusal):
            await idempotency.remember(
                connection,
                workspace_id,
                _MUTATION,
                idempotency_key,
                said,
                {"id": result.hex()},
                now,
            )
        if not isinstance(result, Refusal):
            await auditing.note(connection, context, _MUTATION, contact=result)
        return None, written

    first, written = await context.database.transact(work)
    if isinstance(first, Refusal):
        return [first]
    if first is not None:
        return bytes.fromhex(first["id"])
    assert written is not None
    _ring(context, written)
    result = written.results[0]
    return [result] if isinstance(result, Refusal) else result


async def update(context: Context, contact_id: Id, asked: ContactEdit) -> Id | list[Refusal]:
    """Change a contact; refused whole when any of it cannot be."""
    context.require(Scope.OPERATE)
    texts = dict(asked.texts)
    if texts.get("email") is not None:
        texts["email"] = str(texts["email"]).strip()
    asked = replace(asked, texts=texts)
    refusal = _refusal(asked.draft())
    if refusal is not None:
        return [refusal]

    async def work(connection: Connection) -> Written:
        written = await contacts.edit(
            connection,
            context.workspace_id,
            contact_id,
            asked,
            by=context.viewer.token_name,
            now=context.now(),
        )
        if not isinstance(written.results[0], Refusal):
            await auditing.note(connection, context, "updateContact", contact=contact_id)
        return written

    written = await context.database.transact(work)
    _ring(context, written)
    result = written.results[0]
    return [result] if isinstance(result, Refusal) else result


async def upsert(context: Context, drafts: Sequence[ContactDraft]) -> list[Id | Refusal]:
    """Make or change contacts, each with a result of its own; the caller checks the number."""
    context.require(Scope.INTEGRATE)
    drafts = [_tidied(draft) for draft in drafts]
    results: list[Id | Refusal | None] = [_refusal(draft) for draft in drafts]
    good = [index for index, result in enumerate(results) if result is None]

    async def work(connection: Connection) -> Written:
        written = await contacts.upsert(
            connection,
            context.workspace_id,
            [drafts[index] for index in good],
            by=context.viewer.token_name,
            now=context.now(),
        )
        taken = sum(not isinstance(result, Refusal) for result in written.results)
        if taken:
            await auditing.note(connection, context, "upsertContacts", affected=taken)
        return written

    if good:
        written = await context.database.transact(work)
        _ring(context, written)
        for index, result in zip(good, written.results, strict=True):
            results[index] = result
    return [result for result in results if result is not None]


def _ring(context: Context, written: Written) -> None:
    behind = written.appended.behind
    if behind is not None:
        context.hub.ring(context.workspace_id, written.appended.journey_ids, behind.seq)


def _tidied(draft: ContactDraft) -> ContactDraft:
    """Without the blanks that a spreadsheet leaves around an address."""
    return draft if draft.email is None else replace(draft, email=draft.email.strip())


def _refusal(draft: ContactDraft) -> Refusal | None:
    for name, most in _LONGEST.items():
        value = getattr(draft, name)
        if value is None:
            continue
        field = _camel(name)
        if len(value) > most:
            return Refusal(
                ErrorCode.TOO_LONG,
                f"{field} has {len(value):,} characters: at most {most}.",
                (field,),
            )
        if not value.strip() or "\x00" in value:
            return Refusal(
                ErrorCode.INVALID,
                f"{field} is {value!r}: give a text that says something, or null.",
                (field,),
            )
    if draft.email is not None and _EMAIL.fullmatch(draft.email) is None:
        return Refusal(
            ErrorCode.INVALID,
            f'"{draft.email}" is not an e-mail address: give one like ada@example.org.',
            ("email",),
        )
    return None


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)
