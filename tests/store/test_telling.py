"""Telling words: a search is the same whichever of its words the index is asked for."""

from random import Random

import pytest

from store import Database, leads, tables, telling
from store.entities import CONTACT
from store.filters import ContactFilter
from store.folding import fold, search_text
from store.lists import Count, Order, PageRequest, Position, count, page
from store.types import Id, new_id
from store.want import want
from tests.support.factories import Workspace, a_workspace, after
from tests.support.population import insert

SOME = 12


@pytest.fixture
async def workspace(database: Database) -> Workspace:
    return await a_workspace(database)


async def write(workspace: Workspace, *names: str) -> dict[Id, str]:
    """Contacts of those names by their ids, the oldest first."""
    ids = {new_id(): name for name in names}
    rows = [
        {
            "id": own,
            "external_username": name,
            "search": search_text(name),
            "last_name_key": "",
            "status": "LEAD",
            "source": "CREATED",
            "created_at": after(number),
            "active_at": after(-number),
        }
        for number, (own, name) in enumerate(ids.items())
    ]
    await insert(workspace, tables.contacts, rows)
    return ids


async def found(workspace: Workspace, asked: str, field: str = "created_at") -> list[Id]:
    """Whom the pages of a search hold, one behind the other."""
    ids: list[Id] = []
    position: Position | None = None
    while True:
        async with workspace.database.read() as connection:
            one = await page(
                connection,
                CONTACT,
                workspace.id,
                ContactFilter(search=asked),
                Order(field, is_descending=False),
                PageRequest(7, position),
                want(["id"]),
            )
        ids += [row.id for row in one.rows]
        if not one.has_next:
            return ids
        position = one.stopped_at or one.positions[-1]


async def test_a_rare_word_alone_is_not_enough_when_others_were_asked_for(
    workspace: Workspace,
) -> None:
    ids = await write(workspace, *(f"user-{700 + one}" for one in range(SOME)), "other-700")
    first, *_ = ids

    assert await found(workspace, "USER-700") == [first]
    async with workspace.database.read() as connection:
        counted = await count(connection, CONTACT, workspace.id, ContactFilter(search="user-700"))
    assert counted == Count(1, is_exact=True)


@pytest.mark.parametrize(
    ("asked", "words", "is_rare"),
    [
        ("user-700", ["-700", "user-700"], True),
        ("nobody-700", ["nobody-700"], True),
        ("user-7", ["user-7"], False),
        ("user", ["user"], False),
        ("us", ["\nus"], False),
    ],
)
async def test_the_index_is_asked_for_the_words_that_few_have(
    postgres_url: str, asked: str, words: list[str], is_rare: bool
) -> None:
    database = Database(postgres_url)
    workspace = await a_workspace(database)
    await write(workspace, *(f"user-{700 + one}" for one in range(SOME)))
    stranger = await a_workspace(database)
    await write(stranger, *(f"x-{one}-700" for one in range(SOME)))

    async with database.read() as connection:
        condition, seems_rare = await telling.found(connection, workspace.id, asked)

    assert list(condition.compile().params.values()) == words
    assert seems_rare is is_rare
    await database.dispose()


@pytest.mark.parametrize("bounds", [(20_000, 1_000), (3, 2)])
async def test_a_search_finds_whoever_has_the_text(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, bounds: tuple[int, int]
) -> None:
    random = Random(11)
    words = ["user", "ада", "STRASSE", "700", "7", "a_b", "50%", "groß"]
    signs = ["-", ".", "@", " ", "", "_"]

    def a_text(most: int) -> str:
        return "".join(
            random.choice(words[: random.randint(1, len(words))]) + random.choice(signs)
            for _ in range(random.randint(1, most))
        )

    ids = await write(workspace, *dict.fromkeys(f"{a_text(4)}|{one}" for one in range(80)))
    for name, value in zip(("FEW", "_FIRST_LOOK"), bounds, strict=True):
        monkeypatch.setattr(leads, name, value)

    numbers = []
    for _ in range(60):
        name = random.choice(list(ids.values()))
        begin = random.randint(0, 4)
        asked = a_text(2) if random.random() < 0.3 else name[begin : begin + random.randint(3, 12)]
        text = " ".join(fold(asked).split())
        if len(text) < 3:
            continue
        expected = [own for own, one in ids.items() if text in search_text(one)]
        numbers.append(len(expected))

        assert await found(workspace, asked) == expected, asked
        assert await found(workspace, asked, "active_at") == expected[::-1], asked

    assert len({number for number in numbers if number}) > 3
