"""exportContacts: chosen contacts as a file, on both databases."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from store import tables
from store.types import new_id
from store.words import ContactStatus, Scope
from tests.schema.conftest import Api
from tests.schema.importing import HEADER, imported
from tests.schema.mailing import mailing
from tests.schema.test_export_journey import download, table
from tests.schema.working import a_worker, finished
from tests.support.factories import NOW, a_contact, a_journey, a_workspace, after

EXPORT = """mutation ($input: ExportContactsInput!) { exportContacts(input: $input) {
    job { id kind } userErrors { code field message } } }"""


async def export(api: Api, **asked: Any) -> dict[str, Any]:
    data = await api.ask(EXPORT, input=asked)
    payload: dict[str, Any] = data["exportContacts"]
    return payload


async def exported(api: Api, files: Path, **asked: Any) -> tuple[dict[str, Any], bytes]:
    """The job when it is over, and what its link gives."""
    async with a_worker(api, files=files):
        payload = await export(api, **asked)
        assert payload["userErrors"] == []
        job = await finished(api, payload["job"]["id"])
    answer = await download(api, files, job["downloadUrl"])
    assert answer.status_code == 200, answer.text
    assert f'filename="contacts-{"2026-11-22"}.csv"' in answer.headers["content-disposition"]
    return job, answer.content


async def names(api: Api, files: Path, **asked: Any) -> list[str]:
    """The usernames in the file, in its order."""
    _, content = await exported(api, files, columns=["EXTERNAL_USERNAME"], **asked)
    return [row["externalUsername"] for row in table(content)]


async def test_all_contacts_are_exported_with_all_columns_but_links(
    api: Api, tmp_path: Path
) -> None:
    bob = await a_contact(
        api.workspace,
        "bob",
        email="bob@example.org",
        first_name="=1+1",
        last_name='B, "B"',
        phone="+44 1",
        status=ContactStatus.CUSTOMER,
        now=after(1),
    )

    job, content = await exported(api, tmp_path)

    assert (job["kind"], job["state"], job["done"], job["total"]) == (
        "CONTACT_EXPORT",
        "COMPLETED",
        2,
        2,
    )
    ada, found = table(content)
    assert ada["externalUsername"] == "ada"
    assert found == {
        "id": f"ctc_{bob.hex()}",
        "externalUsername": "bob",
        "username": "",
        "email": "bob@example.org",
        "firstName": "'=1+1",
        "lastName": 'B, "B"',
        "phone": "'+44 1",
        "status": "CUSTOMER",
        "source": "CREATED",
        "importedAs": "",
        "importedAt": "",
        "createdAt": "2026-11-22T00:00:01Z",
        "convertedAt": "",
        "lastInteractionAt": "",
        "preferredReward": "",
        "rewardBalance": "0",
    }


async def test_columns_are_those_chosen_in_their_order(api: Api, tmp_path: Path) -> None:
    await imported(api, tmp_path, HEADER + "Bob,B,bob@example.org\n")

    _, content = await exported(
        api, tmp_path, columns=["IMPORTED_AS", "EMAIL", "IMPORTED_AT", "FIRST_NAME"]
    )

    assert content.decode("utf-8-sig") == (
        "importedAs,email,importedAt,firstName\r\n,,,\r\n"
        "LEAD,bob@example.org,2026-11-22T00:00:00Z,Bob\r\n"
    )


async def test_links_rewards_and_balances_can_be_columns(api: Api, tmp_path: Path) -> None:
    ada = (await api.workspace.rows(tables.contacts))[0]["id"]
    await a_contact(api.workspace, "bob", now=after(1))
    welcome, later = await a_journey(api.workspace), await a_journey(api.workspace, "later")
    reward = new_id()
    mug = {"key": "mug", "name": "A mug", "value": Decimal(5), "position": 0, "is_archived": False}
    await api.workspace.insert(tables.rewards, id=reward, journey_id=welcome, **mug)
    for code, journey, kind, seconds in (
        ("older", welcome, "REFERRAL", 1),
        ("newer", later, "REFERRAL", 2),
        ("own", welcome, "FLOW", 1),
    ):
        await api.workspace.insert(
            tables.referral_links,
            code=code,
            id=new_id(),
            contact_id=ada,
            journey_id=journey,
            kind=kind,
            visits=0,
            sign_ups=0,
            created_at=after(seconds),
        )
    contacts = tables.contacts
    async with api.workspace.database.write() as connection:
        await connection.execute(
            update(contacts)
            .where(contacts.c.id == ada)
            .values(preferred_reward_id=reward, reward_balance=Decimal("12.50"))
        )

    _, content = await exported(
        api,
        tmp_path,
        columns=["REFERRAL_LINK", "FLOW_LINK", "PREFERRED_REWARD", "REWARD_BALANCE"],
    )

    assert table(content) == [
        {
            "referralLink": "https://track.example/r/newer",
            "flowLink": "https://track.example/f/own",
            "preferredReward": "A mug",
            "rewardBalance": "12.5",
        },
        {"referralLink": "", "flowLink": "", "preferredReward": "", "rewardBalance": "0"},
    ]


async def test_chosen_are_ids_a_filter_or_all(api: Api, tmp_path: Path) -> None:
    bob = await a_contact(api.workspace, "bob", status=ContactStatus.LOST, now=after(1))
    await a_contact(api.workspace, "eve", now=after(2))

    by_ids = await names(api, tmp_path, contacts={"ids": [f"ctc_{bob.hex()}"]})
    by_filter = await names(api, tmp_path, contacts={"filter": {"status": ["LEAD"]}})
    by_all = await names(api, tmp_path, contacts={"all": True})

    assert (by_ids, by_filter, by_all) == (["bob"], ["ada", "eve"], ["ada", "bob", "eve"])


async def test_what_is_foreign_or_deleted_is_in_no_file(api: Api, tmp_path: Path) -> None:
    neighbour = await a_workspace(api.workspace.database)
    theirs = await a_contact(neighbour, "theirs")
    gone = await a_contact(api.workspace, "gone", now=after(1))
    contacts = tables.contacts
    async with api.workspace.database.write() as connection:
        await connection.execute(
            update(contacts).where(contacts.c.id == gone).values(deleted_at=NOW)
        )

    by_ids = await names(
        api, tmp_path, contacts={"ids": [f"ctc_{theirs.hex()}", f"ctc_{gone.hex()}"]}
    )
    by_all = await names(api, tmp_path)

    assert (by_ids, by_all) == ([], ["ada"])


async def test_a_long_list_is_exported_whole_and_in_order(api: Api, tmp_path: Path) -> None:
    rows = "\n".join(f"P,,p{number:04}@example.org" for number in range(2_500))
    await imported(api, tmp_path, HEADER + rows)

    job, content = await exported(api, tmp_path, columns=["EMAIL"], contacts={"all": True})

    emails = [row["email"] for row in table(content)]
    assert emails == ["", *(f"p{number:04}@example.org" for number in range(2_500))]
    assert job["done"] == job["total"] == 2_501


async def test_who_is_made_after_the_request_is_left_out(api: Api, tmp_path: Path) -> None:
    payload = await export(api)
    await a_contact(api.workspace, "late", now=after(1))
    async with a_worker(api, files=tmp_path):
        job = await finished(api, payload["job"]["id"])

    rows = table((await download(api, tmp_path, job["downloadUrl"])).content)

    assert [row["externalUsername"] for row in rows] == ["ada"]


async def test_the_file_is_mailed(api: Api, tmp_path: Path) -> None:
    async with mailing(api) as server, a_worker(api, files=tmp_path):
        payload = await export(api, columns=["EXTERNAL_USERNAME"], email="ops@example.org")
        await finished(api, payload["job"]["id"])

    (mail,) = server.mails
    assert mail["Subject"] == "contacts-2026-11-22.csv is ready"
    (file,) = mail.iter_attachments()
    assert file.get_payload(decode=True) == b"\xef\xbb\xbfexternalUsername\r\nada\r\n"


async def test_the_file_is_mailed_to_nobody_else(api: Api) -> None:
    async with mailing(api):
        payload = await export(api, email="eve@example.org")

    assert [one["code"] for one in payload["userErrors"]] == ["RECIPIENT_NOT_ALLOWED"]


@pytest.mark.parametrize(
    ("asked", "code", "field"),
    [
        ({"columns": []}, "INVALID", ["columns"]),
        ({"columns": ["EMAIL", "ID", "EMAIL"]}, "INVALID", ["columns"]),
        ({"contacts": {"ids": []}}, "EMPTY_SELECTION", ["contacts", "ids"]),
        ({"contacts": {"filter": {}}}, "EMPTY_SELECTION", ["contacts"]),
        (
            {"contacts": {"ids": [f"ctc_{new_id().hex()}"] * 1_001}},
            "TOO_MANY",
            ["contacts", "ids"],
        ),
        ({"idempotencyKey": "k" * 201}, "TOO_LONG", ["idempotencyKey"]),
    ],
)
async def test_what_cannot_be_meant_is_refused(
    api: Api, asked: dict[str, Any], code: str, field: list[str]
) -> None:
    payload = await export(api, **asked)

    assert payload["job"] is None
    assert [(one["code"], one["field"]) for one in payload["userErrors"]] == [(code, field)]


async def test_the_same_key_makes_one_export(api: Api) -> None:
    first = await export(api, columns=["ID"], idempotencyKey="k")

    again = await export(api, columns=["ID"], idempotencyKey="k")
    other = await export(api, columns=["EMAIL"], idempotencyKey="k")

    assert again["job"]["id"] == first["job"]["id"]
    assert [one["code"] for one in other["userErrors"]] == ["KEY_REUSED"]


async def test_exporting_contacts_needs_the_scope_operate(api: Api) -> None:
    reader = Api(api.workspace, (Scope.READ,))

    _, errors = await reader.run(EXPORT, input={})

    assert "scope operate" in errors[0].message
