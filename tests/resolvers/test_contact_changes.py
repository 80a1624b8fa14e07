"""Changes of contacts: what is taken, what is refused, what a repetition answers."""

import asyncio

import pytest

from resolvers import contact_changes
from resolvers.context import Forbidden
from store import Database, tables
from store.drafts import ContactDraft
from store.refusals import Refusal
from store.types import DAY, Id
from store.words import ContactSource, ContactStatus, ErrorCode, Scope
from tests.support.factories import NOW, Workspace, a_contact, a_context, a_database, a_workspace

OPERATE, INTEGRATE = Scope.OPERATE, Scope.INTEGRATE
ADA = ContactDraft(email="ada@example.org", first_name="Ada", status=ContactStatus.LEAD)


@pytest.fixture
async def workspace(database: Database) -> Workspace:
    return await a_workspace(database)


def codes(result: Id | list[Refusal]) -> list[ErrorCode]:
    assert isinstance(result, list)
    return [one.code for one in result]


async def test_a_created_contact_is_created_by_who_did_it(workspace: Workspace) -> None:
    made = await contact_changes.create(a_context(workspace, OPERATE, source="Ops desk"), ADA)

    (row,) = await workspace.rows(tables.contacts)
    (change,) = await workspace.rows(tables.contact_status_changes)
    assert row["id"] == made
    assert (row["source"], row["status"]) == (ContactSource.CREATED, ContactStatus.LEAD)
    assert (change["by"], change["at"]) == ("Ops desk", NOW)


@pytest.mark.parametrize(
    ("draft", "code"),
    [
        (ContactDraft(email="ADA@Example.org"), ErrorCode.DUPLICATE_EMAIL),
        (ContactDraft(email=" ada@example.org "), ErrorCode.DUPLICATE_EMAIL),
        (ContactDraft("ada"), ErrorCode.DUPLICATE_USERNAME),
        (ContactDraft(username="ada.l"), ErrorCode.DUPLICATE_USERNAME),
        (ContactDraft(first_name="Ada"), ErrorCode.INVALID),
        (ContactDraft(email="ada"), ErrorCode.INVALID),
        (ContactDraft(email="a b@example.org"), ErrorCode.INVALID),
        (ContactDraft(email="ada@example.org\nBcc: x@example.org"), ErrorCode.INVALID),
        (ContactDraft(email=f"{'a' * 320}@example.org"), ErrorCode.TOO_LONG),
        (ContactDraft("x" * 201), ErrorCode.TOO_LONG),
        (ContactDraft(" "), ErrorCode.INVALID),
        (ContactDraft("a\0b"), ErrorCode.INVALID),
        (ContactDraft("bob", referred_by_code="nope"), ErrorCode.NOT_FOUND),
    ],
    ids=[
        "e-mail in another case",
        "e-mail with blanks",
        "external username",
        "username",
        "nothing to know it by",
        "no @",
        "a blank inside",
        "a second line",
        "a long e-mail",
        "a long name",
        "a blank name",
        "a null character",
        "an unknown code",
    ],
)
async def test_what_cannot_be_created_is_refused(
    workspace: Workspace, draft: ContactDraft, code: ErrorCode
) -> None:
    await a_contact(workspace, "ada", email="Ada@example.org", username="ada.l")

    result = await contact_changes.create(a_context(workspace, OPERATE), draft)

    assert codes(result) == [code]
    assert len(await workspace.rows(tables.contacts)) == 1


async def test_an_e_mail_is_kept_without_the_blanks_around_it(workspace: Workspace) -> None:
    await contact_changes.create(
        a_context(workspace, OPERATE), ContactDraft(email=" Ada@example.org\n")
    )

    (row,) = await workspace.rows(tables.contacts)
    assert row["email"] == "Ada@example.org"


async def test_the_same_name_in_another_workspace_is_no_duplicate(
    workspace: Workspace, database: Database
) -> None:
    other = await a_workspace(database)
    await a_contact(other, "ada", email="ada@example.org")

    result = await contact_changes.create(a_context(workspace, OPERATE), ADA)

    assert isinstance(result, bytes)


async def test_the_same_key_and_input_answers_with_the_first_contact(workspace: Workspace) -> None:
    first = await contact_changes.create(a_context(workspace, OPERATE), ADA, idempotency_key="k")

    again = await contact_changes.create(a_context(workspace, OPERATE), ADA, idempotency_key="k")

    assert again == first
    assert len(await workspace.rows(tables.contacts)) == 1


async def test_the_same_key_with_another_input_is_refused(workspace: Workspace) -> None:
    await contact_changes.create(a_context(workspace, OPERATE), ADA, idempotency_key="k")

    result = await contact_changes.create(
        a_context(workspace, OPERATE), ContactDraft("bob"), idempotency_key="k"
    )

    assert codes(result) == [ErrorCode.KEY_REUSED]
    assert len(await workspace.rows(tables.contacts)) == 1


async def test_a_refusal_leaves_the_key_free(workspace: Workspace) -> None:
    await contact_changes.create(
        a_context(workspace, OPERATE), ContactDraft("bob", email="bob"), idempotency_key="k"
    )

    result = await contact_changes.create(a_context(workspace, OPERATE), ADA, idempotency_key="k")

    assert isinstance(result, bytes)


async def test_a_key_is_forgotten_after_24_hours(workspace: Workspace) -> None:
    await contact_changes.create(a_context(workspace, OPERATE), ADA, idempotency_key="k")

    result = await contact_changes.create(
        a_context(workspace, OPERATE, now=NOW + DAY), ADA, idempotency_key="k"
    )

    assert codes(result) == [ErrorCode.DUPLICATE_EMAIL]


async def test_the_same_request_from_two_sides_at_once_makes_one_contact(shared_url: str) -> None:
    async with a_database(shared_url) as one, a_database(shared_url) as other:
        here = await a_workspace(one)
        there = Workspace(other, here.id)

        results = await asyncio.gather(
            *(
                contact_changes.create(a_context(desk, OPERATE), ADA, idempotency_key="k")
                for desk in (here, there) * 3
            )
        )

        (row,) = await here.rows(tables.contacts)
    assert results == [row["id"]] * 6


async def test_two_requests_for_one_e_mail_at_once_make_one_contact(shared_url: str) -> None:
    async with a_database(shared_url) as one, a_database(shared_url) as other:
        here = await a_workspace(one)
        there = Workspace(other, here.id)

        results = await asyncio.gather(
            *(contact_changes.create(a_context(desk, OPERATE), ADA) for desk in (here, there) * 3)
        )

    refused = [codes(one) for one in results if not isinstance(one, bytes)]
    assert refused == [[ErrorCode.DUPLICATE_EMAIL]] * 5


@pytest.mark.parametrize("scope", [Scope.READ, Scope.INTEGRATE])
async def test_creating_needs_the_scope_operate(workspace: Workspace, scope: Scope) -> None:
    with pytest.raises(Forbidden, match="operate"):
        await contact_changes.create(a_context(workspace, scope), ADA)

    assert await workspace.rows(tables.contacts) == []


@pytest.mark.parametrize("scope", [Scope.READ, Scope.OPERATE])
async def test_upserting_needs_the_scope_integrate(workspace: Workspace, scope: Scope) -> None:
    with pytest.raises(Forbidden, match="integrate"):
        await contact_changes.upsert(a_context(workspace, scope), [ADA])

    assert await workspace.rows(tables.contacts) == []


async def test_one_bad_draft_leaves_the_others_unharmed(workspace: Workspace) -> None:
    results = await contact_changes.upsert(
        a_context(workspace, INTEGRATE),
        [ADA, ContactDraft("bob", email="bob"), ContactDraft("cleo")],
    )

    assert [type(one) for one in results] == [bytes, Refusal, bytes]
    assert isinstance(results[1], Refusal)
    assert (results[1].code, results[1].field) == (ErrorCode.INVALID, ("email",))
    assert '"bob"' in results[1].message
    assert len(await workspace.rows(tables.contacts)) == 2


async def test_a_field_is_named_as_in_the_api(workspace: Workspace) -> None:
    (refusal,) = await contact_changes.upsert(
        a_context(workspace, INTEGRATE), [ContactDraft("bob", first_name="x" * 201)]
    )

    assert isinstance(refusal, Refusal)
    assert refusal.field == ("firstName",)


async def test_upserting_nothing_is_nothing(workspace: Workspace) -> None:
    assert await contact_changes.upsert(a_context(workspace, INTEGRATE), []) == []


async def test_a_change_rings_behind_its_commit(workspace: Workspace) -> None:
    context = a_context(workspace, INTEGRATE)

    await contact_changes.upsert(context, [ADA])

    assert context.hub.known(workspace.id) == 1


async def test_what_changes_nothing_does_not_ring(workspace: Workspace) -> None:
    await contact_changes.upsert(a_context(workspace, INTEGRATE), [ADA])
    context = a_context(workspace, INTEGRATE)

    await contact_changes.upsert(context, [ADA])

    assert context.hub.known(workspace.id) == 0
