"""importContacts: lists of contacts as files and texts, on both databases."""

import asyncio
import codecs
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from store import Database, tables
from store.types import DAY
from store.words import ContactStatus, Scope
from tests.schema.conftest import Api
from tests.schema.importing import (
    HEADER,
    IMPORT,
    counts,
    hand_in,
    imported,
    kept,
    refusal,
    rejected,
)
from tests.schema.working import a_worker, finished
from tests.support.factories import NOW, Workspace, a_contact, a_workspace, after


async def contacts(workspace: Workspace) -> dict[str | None, dict[str, Any]]:
    """The contacts by e-mail; the house has ada, who has none."""
    return {row["email"]: row for row in await workspace.rows(tables.contacts)}


async def test_new_rows_become_contacts_of_the_status(api: Api, tmp_path: Path) -> None:
    text = HEADER + "Bob,Builder,bob@example.org\nÉva, Őrsi ,EVA@example.org\n"

    job = await imported(api, tmp_path, text, status="CUSTOMER")

    assert (job["kind"], job["state"], job["done"], job["total"]) == (
        "CONTACT_IMPORT",
        "COMPLETED",
        2,
        2,
    )
    assert (job["counts"], job["errors"], job["downloadUrl"]) == (counts(created=2), [], None)
    data = await api.ask(
        """{ contact(email: "eva@EXAMPLE.org") { firstName lastName email status source isImported
            importedAs importedAt createdAt convertedAt lastInteractionAt } }"""
    )
    assert data["contact"] == {
        "firstName": "Éva",
        "lastName": "Őrsi",
        "email": "EVA@example.org",
        "status": "CUSTOMER",
        "source": "IMPORTED",
        "isImported": True,
        "importedAs": "CUSTOMER",
        "importedAt": "2026-11-22T00:00:00Z",
        "createdAt": "2026-11-22T00:00:00Z",
        "convertedAt": None,
        "lastInteractionAt": None,
    }


async def test_what_is_imported_is_found_counted_and_logged(api: Api, tmp_path: Path) -> None:
    head = (await api.workspace.rows(tables.heads))[0]["seq"]

    await imported(api, tmp_path, HEADER + "Bob,Groß,bob@example.org\n")

    found = await api.ask('{ contacts(filter: {search: "gross"}) { nodes { email } } }')
    assert found == {"contacts": {"nodes": [{"email": "bob@example.org"}]}}
    (counted,) = await api.workspace.rows(tables.contact_counters)
    assert (counted["leads"], counted["customers"]) == (2, 0)
    bob = (await contacts(api.workspace))["bob@example.org"]
    (change,) = await api.workspace.rows(tables.contact_status_changes, contact_id=bob["id"])
    assert (change["from_status"], change["to_status"], change["by"]) == (None, "LEAD", "Shop")
    (fact,) = [row for row in await api.workspace.rows(tables.log) if row["seq"] > head]
    assert (fact["change"], fact["contact_id"], fact["source"]) == (
        "CONTACT_CREATED",
        bob["id"],
        "Shop",
    )


async def test_a_known_contact_gets_the_names_and_keeps_its_status(
    api: Api, tmp_path: Path
) -> None:
    own = await a_contact(
        api.workspace,
        "bob",
        email="Bob@example.org",
        first_name="Bob",
        last_name="Old",
        status=ContactStatus.CUSTOMER,
    )
    consent = {"contact_id": own, "channel": "EMAIL", "is_subscribed": False, "source": "page"}
    await api.workspace.insert(tables.contact_consents, since=NOW, **consent)
    api.now = after(60)

    job = await imported(api, tmp_path, HEADER + ",New,BOB@example.org\n", status="LOST")

    row = (await contacts(api.workspace))["Bob@example.org"]
    assert job["counts"] == counts(updated=1)
    assert (row["first_name"], row["last_name"], row["last_name_key"]) == ("Bob", "New", "new")
    assert (row["status"], row["source"]) == ("CUSTOMER", "CREATED")
    assert (row["imported_as"], row["imported_at"]) == ("LOST", after(60))
    assert "\nbob new\n" in row["search"]
    assert len(await api.workspace.rows(tables.contact_status_changes, contact_id=own)) == 1
    (left,) = await api.workspace.rows(tables.contact_consents)
    assert left["is_subscribed"] is False


async def test_the_same_file_twice_changes_nothing(api: Api, tmp_path: Path) -> None:
    text = HEADER + "Bob,B,bob@example.org\n,,eve@example.org\nRob,B,BOB@example.org\n"
    await imported(api, tmp_path, text)
    before = [await api.workspace.rows(table) for table in (tables.contacts, tables.log)]
    api.now = after(60)

    job = await imported(api, tmp_path, text)

    assert job["counts"] == counts(unchanged=2, failed=1)
    after_it = [await api.workspace.rows(table) for table in (tables.contacts, tables.log)]
    assert after_it == before


async def test_a_dry_run_counts_and_writes_nothing(api: Api, tmp_path: Path) -> None:
    await a_contact(api.workspace, "bob", email="bob@example.org", first_name="Bob")
    before = [await api.workspace.rows(table) for table in (tables.contacts, tables.log)]

    job = await imported(
        api,
        tmp_path,
        HEADER + "Rob,,bob@example.org\nEve,,eve@example.org\nx,y,z\n",
        dryRun=True,
    )

    assert job["counts"] == counts(created=1, updated=1, failed=1)
    after_it = [await api.workspace.rows(table) for table in (tables.contacts, tables.log)]
    assert after_it == before


async def test_each_rejected_row_says_what_where_and_why(api: Api, tmp_path: Path) -> None:
    rows = [
        "Ada,A,ada@example.org",
        "No,Mail,",
        "Bad,Mail,bob@",
        "Two,Times,ADA@example.org",
        "Few,cells",
        "Too,many,cells@example.org,here",
        "N\0l,Byte,null@example.org",
        "",
        " , , ",
        f"{'x' * 1_000_000},Long,long@example.org",
        '"Quo"ted,Cell,quoted@example.org',
        '"=Quote, opened,here@example.org',
        "Eve,E,eve@example.org",
    ]

    job = await imported(api, tmp_path, HEADER + "\n".join(rows))

    assert job["counts"] == counts(created=2, skipped=2, failed=9)
    assert (job["done"], job["total"]) == (13, 13)
    told = {one["row"]: one for one in job["errors"]}
    assert sorted(told) == [3, 4, 5, 6, 7, 8, 11, 12, 13]
    assert told[3] == {
        "row": 3,
        "column": "email",
        "value": None,
        "message": "Row 3: there is no e-mail address: a contact is known by it. Add it, or leave "
        "the row out.",
        "code": "INVALID",
    }
    assert told[4]["message"].startswith('Row 4: "bob@" is not an e-mail address: There must be')
    assert (told[5]["code"], told[5]["message"]) == (
        "DUPLICATE_EMAIL",
        'Row 5: "ADA@example.org" is in row 2 already: keep one of the two.',
    )
    assert "2 cells are in the row, but 3 are wanted" in told[6]["message"]
    assert "4 cells are in the row, but 3 are wanted" in told[7]["message"]
    assert told[8]["message"] == (
        "Row 8: firstname holds a null character: save the file again as text."
    )
    assert (told[11]["code"], told[11]["message"]) == (
        "TOO_LONG",
        "Row 11: firstname has 1,000,000 characters: shorten it to at most 200.",
    )
    assert "goes on behind its closing quote" in told[12]["message"]
    assert "A quote is opened in this line and not closed" in told[13]["message"]
    lines = await rejected(api, tmp_path, job)
    assert [int(line["row"]) for line in lines] == sorted(told)
    assert [line["reason"] for line in lines] == [told[row]["message"] for row in sorted(told)]
    assert lines[1] == {
        "row": "4",
        "firstname": "Bad",
        "lastname": "Mail",
        "email": "bob@",
        "reason": told[4]["message"],
    }
    assert len(lines[6]["firstname"]) == 1_000


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
async def test_files_come_in_several_spellings(
    api: Api, tmp_path: Path, delimiter: str, encoding: str, line_end: str
) -> None:
    lines = [
        ("firstname", "lastname", "email"),
        ("Zoë", '"O\'Neil, ""the"" one;"', "zoe@example.org"),
        ("😀", '"two\nlines"', "smile@example.org"),
    ]
    text = line_end.join(delimiter.join(line) for line in lines)
    marks = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}

    job = await imported(api, tmp_path, marks.get(encoding, b"") + text.encode(encoding))

    found = await contacts(api.workspace)
    assert job["counts"] == counts(created=2)
    assert found["zoe@example.org"]["first_name"] == "Zoë"
    assert found["zoe@example.org"]["last_name"] == 'O\'Neil, "the" one;'
    assert found["smile@example.org"]["first_name"] == "😀"
    assert found["smile@example.org"]["last_name"] == "two\nlines"


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("email,firstname,lastname", "The columns are in another order."),
        ("Firstname,Lastname,Email", "Write the names in lower case."),
        ("firstname,lastname,email,phone", "Leave out the column 'phone'."),
        ("firstname;lastname", "There is no column email."),
        ("firstname, lastname, email", "Write the names without blanks around them."),
        ("firstname,lastname,email,email", "A column is there twice."),
        ("firstname|lastname|email", "There is no column firstname."),
        ("bob,builder,bob@example.org", "There is no column firstname."),
        ("firstname,lastname,email\rBob,B,bob@example.org", "carriage return alone"),
        ("x" * 1_000_000, "There is no column firstname."),
        ('"firstname,lastname,email', "There is no column firstname."),
    ],
)
async def test_another_header_is_refused_with_what_was_found_and_what_is_wanted(
    api: Api, tmp_path: Path, header: str, words: str
) -> None:
    error = await refusal(api, tmp_path, header + "\nBob,Builder,bob@example.org\n")

    assert (error["code"], error["field"]) == ("FILE_HEADER", ["file"])
    assert error["message"].startswith(f"The first line is {header[:200]!r}, but must be exactly")
    assert "'firstname,lastname,email'" in error["message"]
    assert words in error["message"]


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", "FILE_HEADER", "The file is empty: its first line must be firstname,lastname,email"),
        (b"\n\n", "FILE_HEADER", "The first line is blank"),
        (b"firstname,lastname,email", "INVALID", "The file ends with its header"),
        (b"firstname,lastname,email\r\n", "INVALID", "The file ends with its header"),
        (b"\0" * 300_000, "FILE_HEADER", "The file begins with null bytes"),
        (b"PK\3\4" + b"x" * 50, "FILE_HEADER", "is a workbook or another archive"),
        (
            b"firstname,lastname,email\nBob,B,bob@example.org\nJos\xe9,B,jose@example.org\n",
            "FILE_ENCODING",
            "The file is not UTF-8: byte 51, in line 3, is 0xE9",
        ),
        (
            b"firstname,lastname,email\n" + b"A,B,c@example.org\n" * 20_000 + b"\xff,,",
            "FILE_ENCODING",
            "byte 360,026, in line 20,002, is 0xFF",
        ),
        (
            codecs.BOM_UTF16_LE
            + "firstname,lastname,email\nA\ud800,".encode("utf-16-le", "surrogatepass"),
            "FILE_ENCODING",
            "The file is not UTF-16: byte 55, in line 2, is 0x00",
        ),
        (codecs.BOM_UTF32_LE + b"f\0\0\0", "FILE_ENCODING", "The file is UTF-32: its first bytes"),
        ("firstname".encode("utf-16-le"), "FILE_ENCODING", "Byte 2 of the file is 0x00"),
    ],
)
async def test_a_file_that_is_no_list_is_refused_at_once(
    api: Api, tmp_path: Path, content: bytes, code: str, words: str
) -> None:
    error = await refusal(api, tmp_path, content)

    assert error["code"] == code
    assert words in error["message"]


async def test_half_a_surrogate_pair_in_a_text_is_refused(api: Api, tmp_path: Path) -> None:
    error = await refusal(api, tmp_path, HEADER + "\ud800,B,bob@example.org\n")

    assert error["code"] == "FILE_ENCODING"


async def test_a_file_that_is_too_large_is_refused_without_being_kept(
    api: Api, tmp_path: Path
) -> None:
    content = HEADER.encode() + b"A,B,c@example.org\n" * 100

    error = await refusal(api, tmp_path, content, bytes_at_most=1_000)

    assert error["code"] == "FILE_TOO_LARGE"
    assert "The file has more than 1,000 bytes: split it" in error["message"]


async def test_a_line_of_zeros_is_one_rejected_row(api: Api, tmp_path: Path) -> None:
    content = HEADER.encode() + b"\0" * 5_000_000 + b"\nBob,B,bob@example.org\n"

    job = await imported(api, tmp_path, content)

    assert job["counts"] == counts(created=1, failed=1)
    assert "more than 2,000,000 bytes: is a line break missing?" in job["errors"][0]["message"]


async def test_a_file_full_of_open_quotes_ends_the_job_with_the_row(
    api: Api, tmp_path: Path
) -> None:
    content = HEADER + 'x","y\n' * 200 + "Bob,B,bob@example.org\n"

    job = await imported(api, tmp_path, content)

    assert (job["state"], job["counts"]["created"]) == ("FAILED", 0)
    assert job["failureReason"].startswith("Row 101 is the 100th that opens a quote")
    assert kept(tmp_path) == []


async def test_duplicates_are_found_however_far_apart(api: Api, tmp_path: Path) -> None:
    rows = [f"P{number},,p{number}@example.org" for number in range(2_500)]
    rows.append("Again,,P0@example.org")

    job = await imported(api, tmp_path, HEADER + "\n".join(rows))

    assert job["counts"] == counts(created=2_500, failed=1)
    assert job["errors"][0]["message"] == (
        'Row 2,502: "P0@example.org" is in row 2 already: keep one of the two.'
    )
    assert (await contacts(api.workspace))["p0@example.org"]["first_name"] == "P0"


async def test_a_deleted_contact_is_not_brought_back(api: Api, tmp_path: Path) -> None:
    own = await a_contact(api.workspace, "bob", email="bob@example.org")
    await change_contact(api.workspace.database, own, deleted_at=NOW)

    job = await imported(api, tmp_path, HEADER + "Bob,B,bob@example.org\n")

    assert job["counts"] == counts(failed=1)
    assert job["errors"][0]["code"] == "CONFLICT"
    assert "was deleted, and an import does not bring it back" in job["errors"][0]["message"]
    assert (await contacts(api.workspace))["bob@example.org"]["first_name"] is None


async def test_behind_a_day_the_address_of_a_deleted_contact_is_free(
    api: Api, tmp_path: Path
) -> None:
    own = await a_contact(api.workspace, "bob", email="bob@example.org")
    await change_contact(api.workspace.database, own, deleted_at=NOW - DAY)

    tried = await imported(api, tmp_path, HEADER + "Bob,B,bob@example.org\n", dryRun=True)
    job = await imported(api, tmp_path, HEADER + "Bob,B,bob@example.org\n")

    assert tried["counts"] == job["counts"] == counts(created=1)
    new, old = sorted(
        await api.workspace.rows(tables.contacts, email="bob@example.org"),
        key=lambda row: row["deleted_at"] is not None,
    )
    assert (new["first_name"], new["email_key"]) == ("Bob", "bob@example.org")
    assert (old["id"], old["first_name"], old["email_key"]) == (own, None, None)


async def change_contact(database: Database, own: bytes, **values: Any) -> None:
    async with database.write() as connection:
        table = tables.contacts
        await connection.execute(update(table).where(table.c.id == own).values(**values))


async def test_another_workspace_has_contacts_of_its_own(api: Api, tmp_path: Path) -> None:
    neighbour = await a_workspace(api.workspace.database)
    await a_contact(neighbour, "bob", email="bob@example.org", first_name="Theirs")

    job = await imported(api, tmp_path, HEADER + "Ours,,bob@example.org\n")

    assert job["counts"] == counts(created=1)
    theirs = await contacts(neighbour)
    assert theirs["bob@example.org"]["first_name"] == "Theirs"


async def test_two_imports_of_one_list_at_once_make_each_contact_once(
    api: Api, tmp_path: Path
) -> None:
    text = HEADER + "\n".join(f"P,,p{number}@example.org" for number in range(1_500))

    async with a_worker(api, files=tmp_path), a_worker(api, files=tmp_path):
        handed_in = [await hand_in(api, tmp_path, text) for _ in range(2)]
        jobs = await asyncio.gather(*(finished(api, one["job"]["id"]) for one in handed_in))

    assert [job["state"] for job in jobs] == ["COMPLETED"] * 2
    assert sum(job["counts"]["created"] for job in jobs) == 1_500
    assert sum(job["counts"]["unchanged"] for job in jobs) == 1_500
    assert len(await contacts(api.workspace)) == 1_501


async def test_the_same_key_makes_one_import(api: Api, tmp_path: Path) -> None:
    text = HEADER + "Bob,B,bob@example.org\n"
    first = await hand_in(api, tmp_path, text, idempotencyKey="k")

    again = await hand_in(api, tmp_path, text, idempotencyKey="k")
    other = await hand_in(api, tmp_path, text + "x", idempotencyKey="k")

    assert again["job"]["id"] == first["job"]["id"]
    assert [one["code"] for one in other["userErrors"]] == ["KEY_REUSED"]
    assert len(kept(tmp_path)) == 1


async def test_nothing_is_kept_of_a_file_once_its_job_is_over(api: Api, tmp_path: Path) -> None:
    await imported(api, tmp_path, HEADER + "Bob,B,bob@example.org\n")

    assert kept(tmp_path) == []


async def test_an_import_that_is_cancelled_keeps_what_it_did(api: Api, tmp_path: Path) -> None:
    text = HEADER + "\n".join(f"P,,p{number}@example.org" for number in range(20_000))
    payload = await hand_in(api, tmp_path, text)
    job_id = payload["job"]["id"]
    cancel = "mutation ($id: ID!) { cancelJob(input: {id: $id}) { job { state } } }"
    async with a_worker(api, files=tmp_path):
        async for _ in steps(api, job_id):
            await api.ask(cancel, id=job_id)
            break
        job = await finished(api, job_id)

    assert job["state"] == "CANCELED"
    assert job["counts"]["created"] == len(await contacts(api.workspace)) - 1
    assert job["done"] < 20_000
    assert kept(tmp_path) == []


async def steps(api: Api, job_id: str) -> Any:
    """The job whenever it has done something."""
    while True:
        data = await api.ask("query ($id: ID!) { job(id: $id) { done } }", id=job_id)
        if data["job"]["done"]:
            yield data["job"]["done"]


async def test_a_file_that_is_gone_is_said(api: Api, tmp_path: Path) -> None:
    payload = await hand_in(api, tmp_path, HEADER + "Bob,B,bob@example.org\n")
    for path in kept(tmp_path):
        path.unlink()
    async with a_worker(api, files=tmp_path):
        job = await finished(api, payload["job"]["id"])

    assert (job["state"], job["failureReason"]) == (
        "FAILED",
        "The uploaded file is gone: import it again. Rows that are done will not change again.",
    )


@pytest.mark.parametrize("asked", [{}, {"text": HEADER, "file": None}, {"text": None}])
async def test_a_list_is_a_file_or_a_text(api: Api, asked: dict[str, Any]) -> None:
    data = await api.ask(IMPORT, input={"status": "LEAD", **asked})

    codes = [one["code"] for one in data["importContacts"]["userErrors"]]
    assert codes == ["INVALID"]


async def test_a_file_that_is_no_upload_is_refused(api: Api) -> None:
    _, errors = await api.run(IMPORT, input={"status": "LEAD", "file": "list.csv"})

    assert "send the file in a multipart request" in errors[0].message


async def test_importing_needs_the_scope_operate(api: Api, tmp_path: Path) -> None:
    reader = Api(api.workspace, (Scope.READ,))

    _, errors = await reader.run(IMPORT, input={"status": "LEAD", "text": HEADER})

    assert "scope operate" in errors[0].message
    assert kept(tmp_path) == []
