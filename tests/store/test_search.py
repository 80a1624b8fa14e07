"""Search: any script, any case, and signs that mean something to SQL mean themselves."""

import pytest

from store import Database
from store.entities import COMMUNICATION, CONTACT, JOURNEY
from store.filters import CommunicationFilter, ContactFilter, JourneyFilter, Text
from store.folding import fold, fold_email, search_text
from store.lists import Order, PageRequest, page
from store.want import want
from tests.support.factories import (
    Workspace,
    a_contact,
    a_house,
    a_journey,
    a_workspace,
    announced,
)

SIGNS = "50%_off 'n' \"q\" \\back /slash [x] *?"


@pytest.fixture
async def workspace(database: Database) -> Workspace:
    return await a_workspace(database)


async def found(workspace: Workspace, asked: str) -> list[str | None]:
    """The last names of the contacts that a search finds."""
    async with workspace.database.read() as connection:
        one = await page(
            connection,
            CONTACT,
            workspace.id,
            ContactFilter(search=asked),
            Order("last_name_key", is_descending=False),
            PageRequest(100),
            want(["last_name"]),
        )
    return [row.last_name for row in one.rows]


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("Lovelace", "LOVE"),
        ("Lovelace", "lace"),
        ("Groß", "GROSS"),
        ("GROSS", "groß"),
        ("Straße", "strasse"),
        ("İpekçi", "İPEK"),
        ("İPEKÇİ", "i̇pekçi"),
        ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
        ("Петров", "ПЕТРОВ"),
        ("ＦＵＬＬ", "full"),
        ("ﬁlip", "FILIP"),
        ("e\u0301clair", "ÉCLAIR"),
        ("王小明", "王小明"),
        ("O'Brien", "o'b"),
        ("van  der Berg", "van der"),
        ("van der Berg", " VAN   DER "),
        ("😀 Smile", "😀 s"),
    ],
)
async def test_a_search_ignores_case_in_any_script(
    workspace: Workspace, name: str, asked: str
) -> None:
    await a_contact(workspace, "x", last_name=name)
    await a_contact(workspace, "y", last_name="Other")

    assert await found(workspace, asked) == [name]


@pytest.mark.parametrize(
    "asked",
    ["50%", "%_o", "_off", "'n'", '"q"', "\\back", "/slash", "[x] *?", "50%_off 'n'", SIGNS],
)
async def test_signs_of_sql_mean_themselves(workspace: Workspace, asked: str) -> None:
    await a_contact(workspace, "x", last_name=SIGNS)
    await a_contact(workspace, "y", last_name="500xoff n q back slash x")

    assert await found(workspace, asked) == [SIGNS]


@pytest.mark.parametrize("asked", ["%%%", "___", "a%c", "a_c", "\\%\\", "'; DROP TABLE contacts"])
async def test_signs_that_nobody_has_find_nobody(workspace: Workspace, asked: str) -> None:
    await a_contact(workspace, "x", last_name="abc")

    assert await found(workspace, asked) == []


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("a", ["Adams", "Alba"]),
        ("al", ["Alba"]),
        ("ba", []),
        ("lba", ["Alba"]),
        ("x1", ["Adams"]),
        ("1", []),
        ("%", []),
    ],
)
async def test_under_three_characters_only_beginnings_are_found(
    workspace: Workspace, asked: str, names: list[str]
) -> None:
    await a_contact(workspace, "x1", last_name="Adams")
    await a_contact(workspace, "y2", last_name="Alba")

    assert await found(workspace, asked) == names


@pytest.mark.parametrize(
    "asked",
    ["ada love", "lovelace", "ada@", "example.org", "U-77", "ada.l"],
)
async def test_a_contact_is_found_by_its_names_and_its_e_mail(
    workspace: Workspace, asked: str
) -> None:
    await a_contact(
        workspace,
        "u-77",
        username="Ada.L",
        email="Ada@Example.org",
        first_name="Ada",
        last_name="Lovelace",
        phone="+44 555",
    )

    assert await found(workspace, asked) == ["Lovelace"]


async def test_a_search_does_not_reach_from_one_value_into_the_next(workspace: Workspace) -> None:
    await a_contact(workspace, "xyz", last_name="Abc")

    assert await found(workspace, "abc xyz") == []
    assert await found(workspace, "abc\nxyz") == []
    assert await found(workspace, "abcxyz") == []


async def test_a_very_long_search_finds_nobody(workspace: Workspace) -> None:
    await a_contact(workspace, "x", last_name="abc")

    assert await found(workspace, "abc" * 1_000) == []


async def test_a_changed_name_is_found_by_the_new_one(workspace: Workspace) -> None:
    await a_journey(workspace, name="Spring sale")

    await a_journey(workspace, name="Frühlingsverkauf")

    async with workspace.database.read() as connection:
        names = [
            [
                row.name
                for row in (
                    await page(
                        connection,
                        JOURNEY,
                        workspace.id,
                        JourneyFilter(search=asked),
                        Order("created_at"),
                        PageRequest(),
                        want(["name"]),
                    )
                ).rows
            ]
            for asked in ("spring", "FRÜH", "welc")
        ]
    assert names == [[], ["Frühlingsverkauf"], ["Frühlingsverkauf"]]


@pytest.mark.parametrize(
    ("asked", "messages"),
    [
        (Text(eq="50% OFF_"), {"m2"}),
        (Text(eq="50% off_"), set()),
        (Text(contains="% of"), {"m2"}),
        (Text(contains="f_"), {"m2"}),
        (Text(starts_with="50"), {"m2", "m3"}),
        (Text(starts_with="OFF"), set()),
        (Text(in_=("50% OFF_", "Welcome mail")), {"m1", "m2"}),
        (Text(in_=()), set()),
        (Text(is_null=True), set()),
        (Text(is_null=False), {"m1", "m2", "m3"}),
        (Text(contains="50", starts_with="500"), {"m3"}),
    ],
    ids=lambda value: "finds" if isinstance(value, set) else repr(value),
)
async def test_resources_are_searched_by_name(
    database: Database, asked: Text, messages: set[str]
) -> None:
    house = await a_house(database)
    await house.record(
        announced("m2", resource="50% OFF_"), announced("m3", resource="500 off forever")
    )

    async with house.database.read() as connection:
        one = await page(
            connection,
            COMMUNICATION,
            house.id,
            CommunicationFilter(resource=asked),
            Order("created_at"),
            PageRequest(),
            want(["external_id"]),
        )

    assert {row.external_id for row in one.rows} == messages


def test_folding_twice_is_folding_once() -> None:
    for text in ("Straße", "İ", "ΣΊΣΥΦΟΣ", "ﬁ", "e\u0301", "Ⅷ", "½", "ẞ", "ǅ"):
        assert fold(fold(text)) == fold(text)


def test_the_search_column_begins_each_value_behind_a_separator() -> None:
    assert search_text("Ada  LOVELACE", None, "", "a\nb") == "\nada lovelace\na b"


def test_an_e_mail_is_compared_without_case_and_blanks() -> None:
    assert fold_email(" Ada@EXAMPLE.org\t") == "ada@example.org"
