"""Contact walks: each chosen contact once, whatever happens to the others meanwhile."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from resolvers import contact_selections
from resolvers.contact_selections import Chosen
from store import Database, contacts, filter_codec
from store.contact_walks import chunk, count
from store.drafts import ContactDraft
from store.filters import ContactFilter
from store.types import Id, new_id
from store.words import ContactStatus, ErrorCode
from tests.support.factories import Workspace, a_contact, a_workspace, after

LEAD, LOST = ContactStatus.LEAD, ContactStatus.LOST
LEADS = Chosen(filter=ContactFilter(status=(LEAD,)))


@pytest.fixture
async def workspace(database: Database) -> Workspace:
    return await a_workspace(database)


async def leads(workspace: Workspace, number: int) -> list[Id]:
    return [await a_contact(workspace, f"c{n}", now=after(n // 2)) for n in range(number)]


async def walked(
    workspace: Workspace, chosen: Chosen, *, limit: int, until: Id | None = None
) -> list[list[Id]]:
    parts: list[list[Id]] = []
    behind = None
    while True:
        async with workspace.database.read() as connection:
            found, behind = await chunk(
                connection, workspace.id, chosen, behind=behind, until=until, limit=limit
            )
        parts.append(found)
        if behind is None:
            return parts


async def counted(workspace: Workspace, chosen: Chosen) -> int:
    async with workspace.database.read() as connection:
        return await count(connection, workspace.id, chosen)


async def lose(workspace: Workspace, *names: str) -> None:
    drafts = [ContactDraft(name, status=LOST) for name in names]
    await workspace.database.transact(
        lambda connection: contacts.upsert(
            connection, workspace.id, drafts, by="ops", now=after(100)
        )
    )


async def test_a_walk_meets_each_chosen_contact_once_in_the_order_of_creation(
    workspace: Workspace,
) -> None:
    made = await leads(workspace, 5)
    await a_contact(workspace, "lost", status=LOST)

    parts = await walked(workspace, LEADS, limit=2)

    assert parts == [made[:2], made[2:4], made[4:]]
    assert await counted(workspace, LEADS) == 5


async def test_a_change_of_what_was_walked_moves_nobody(workspace: Workspace) -> None:
    made = await leads(workspace, 5)
    async with workspace.database.read() as connection:
        first, behind = await chunk(
            connection, workspace.id, LEADS, behind=None, until=None, limit=2
        )

    await lose(workspace, "c0", "c1")
    async with workspace.database.read() as connection:
        rest, end = await chunk(connection, workspace.id, LEADS, behind=behind, until=None, limit=5)

    assert first + rest == made
    assert end is None


async def test_contacts_made_after_the_call_are_not_meant(workspace: Workspace) -> None:
    made = await leads(workspace, 3)
    until = new_id()
    await a_contact(workspace, "late", now=after(0))

    parts = await walked(workspace, LEADS, limit=2, until=until)

    assert [one for part in parts for one in part] == made


async def test_ids_that_are_repeated_unknown_or_foreign_are_passed_over(
    workspace: Workspace, database: Database
) -> None:
    made = await leads(workspace, 2)
    foreign = await a_contact(await a_workspace(database), "ada")
    chosen = Chosen((made[1], made[0], made[1], foreign, new_id()))

    parts = await walked(workspace, chosen, limit=10)

    assert parts == [made]
    assert await counted(workspace, chosen) == 2


@pytest.mark.parametrize(
    ("chosen", "code", "field"),
    [
        (Chosen(()), ErrorCode.EMPTY_SELECTION, ("contacts", "ids")),
        (Chosen(tuple(new_id() for _ in range(1_001))), ErrorCode.TOO_MANY, ("contacts", "ids")),
        (Chosen(), ErrorCode.EMPTY_SELECTION, ("contacts",)),
        (
            Chosen(filter=ContactFilter(and_=(ContactFilter(),), not_=ContactFilter())),
            ErrorCode.EMPTY_SELECTION,
            ("contacts",),
        ),
        (
            Chosen(filter=ContactFilter(or_=(ContactFilter(status=(LEAD,)), ContactFilter()))),
            ErrorCode.EMPTY_SELECTION,
            ("contacts",),
        ),
    ],
)
def test_a_choice_of_nobody_in_particular_is_refused(
    chosen: Chosen, code: ErrorCode, field: tuple[str, ...]
) -> None:
    refusal = contact_selections.refusal(chosen)

    assert refusal is not None
    assert (refusal.code, refusal.field) == (code, field)


@pytest.mark.parametrize(
    "chosen",
    [
        Chosen((new_id(), new_id())),
        Chosen(is_all=True),
        LEADS,
        Chosen(filter=ContactFilter(or_=(LEADS.filter, ContactFilter(search="ada")))),
    ],
)
def test_a_choice_comes_back_from_a_job_as_it_was(chosen: Chosen) -> None:
    assert contact_selections.refusal(chosen) is None
    assert contact_selections.decode(contact_selections.encode(chosen)) == replace(chosen, said="")


def test_amounts_are_kept_exactly() -> None:
    kept: Sequence[object] = filter_codec.encode((Decimal("0.10"), LEAD, b"\x01"))

    assert kept == ["0.10", "LEAD", "01"]
