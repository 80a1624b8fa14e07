"""Exports by mail: to the token's own e-mail and to those allowed, to nobody else."""

from pathlib import Path
from typing import Any

from store.types import HOUR, MINUTE
from tests.schema.conftest import Api
from tests.schema.mailing import mailing
from tests.schema.test_export_journey import download, export
from tests.schema.working import a_worker, finished
from tests.support.factories import a_contact, entered

SUBJECT = "welcome-users-2026-11-22.csv is ready"


async def error(api: Api, email: str) -> dict[str, Any]:
    payload = await export(api, users={}, email=email)
    assert payload["job"] is None
    (only,) = payload["userErrors"]
    found: dict[str, Any] = only
    return found


async def test_the_file_is_mailed_to_the_tokens_own_address(api: Api, tmp_path: Path) -> None:
    async with mailing(api) as server, a_worker(api, files=tmp_path):
        payload = await export(api, users={}, email="OPS@example.org")
        job = await finished(api, payload["job"]["id"])

    (mail,) = server.mails
    assert (mail["To"], mail["Subject"]) == ("OPS@example.org", SUBJECT)
    (file,) = mail.iter_attachments()
    content = file.get_payload(decode=True)
    answer = await download(api, tmp_path, job["downloadUrl"])
    assert content == answer.content
    body = mail.get_body()
    assert body is not None
    (link,) = [line for line in body.get_content().split() if "/files/" in line]
    assert (await download(api, tmp_path, link)).content == content


async def test_the_file_is_mailed_to_an_allowed_recipient(api: Api, tmp_path: Path) -> None:
    async with mailing(api, allowed=("team@example.org",)) as server, a_worker(api, files=tmp_path):
        payload = await export(api, users={}, email="team@example.org")
        await finished(api, payload["job"]["id"])

    assert [mail["To"] for mail in server.mails] == ["team@example.org"]


async def test_a_file_is_mailed_to_nobody_else(api: Api) -> None:
    async with mailing(api, allowed=("team@example.org",)) as server:
        refused = await error(api, "eve@example.org")

    assert (refused["code"], refused["field"]) == ("RECIPIENT_NOT_ALLOWED", ["email"])
    assert refused["message"] == (
        'Files of this workspace are not sent to "eve@example.org": give the token\'s own, '
        "ops@example.org, or one of viewer.allowedRecipients, or leave email out and download the "
        "file."
    )
    assert server.mails == []


async def test_a_server_without_mail_says_so(api: Api) -> None:
    async with mailing(api):
        api.context.mail = None
        refused = await error(api, "ops@example.org")

    assert (refused["code"], refused["field"]) == ("NO_MAIL_SERVER", ["email"])


async def test_without_an_address_nothing_is_mailed(api: Api, tmp_path: Path) -> None:
    async with mailing(api) as server, a_worker(api, files=tmp_path):
        payload = await export(api, users={})
        job = await finished(api, payload["job"]["id"])

    assert (job["state"], server.mails) == ("COMPLETED", [])


async def test_a_mail_that_is_refused_for_good_fails_the_job(api: Api, tmp_path: Path) -> None:
    async with mailing(api, "552 too much mail") as server, a_worker(api, files=tmp_path):
        payload = await export(api, users={}, email="ops@example.org")
        job = await finished(api, payload["job"]["id"])

    assert (job["state"], server.mails) == ("FAILED", [])
    assert job["failureReason"] == (
        "The mail server refused the mail to ops@example.org: 552 too much mail"
    )


async def test_a_mail_that_is_refused_for_now_is_sent_later(api: Api, tmp_path: Path) -> None:
    async with mailing(api, "451 busy") as server:
        payload = await export(api, users={}, email="ops@example.org")
        async with a_worker(api, files=tmp_path):
            await server.until_refused(1)
        api.now += MINUTE
        async with a_worker(api, files=tmp_path):
            job = await finished(api, payload["job"]["id"])

    assert job["state"] == "COMPLETED"
    assert [mail["Subject"] for mail in server.mails] == [SUBJECT]


async def test_the_file_can_be_downloaded_before_its_mail_is_taken(
    api: Api, tmp_path: Path
) -> None:
    async with mailing(api, "451 busy") as server, a_worker(api, files=tmp_path):
        payload = await export(api, users={}, email="ops@example.org")
        await server.until_refused(1)
        data = await api.ask(
            "query ($id: ID!) { job(id: $id) { state downloadUrl } }", id=payload["job"]["id"]
        )
        answer = await download(api, tmp_path, data["job"]["downloadUrl"])

    assert data["job"]["state"] in ("RUNNING", "QUEUED")
    assert (answer.status_code, answer.content.count(b"\r\n")) == (200, 2)
    assert "content-length" in answer.headers


async def test_a_mail_that_is_always_refused_for_now_fails_the_job_in_the_end(
    api: Api, tmp_path: Path
) -> None:
    async with mailing(api, *6 * ["451 busy"]) as server:
        payload = await export(api, users={}, email="ops@example.org")
        for tries in range(1, 7):
            async with a_worker(api, files=tmp_path):
                await server.until_refused(tries)
            api.now += HOUR
        async with a_worker(api, files=tmp_path):
            job = await finished(api, payload["job"]["id"])

    assert (job["state"], server.mails) == ("FAILED", [])
    assert job["failureReason"] == (
        "The mail server did not take the mail to ops@example.org: 451 busy"
    )


async def test_a_large_file_is_mailed_as_its_link_alone(api: Api, tmp_path: Path) -> None:
    for number in range(200):
        await a_contact(api.workspace, f"c{number}", first_name="x" * 200, last_name="y" * 200)
    await api.workspace.record(*[entered(f"c{n}", f"c{n}") for n in range(200)])

    async with mailing(api) as server, a_worker(api, files=tmp_path, attached_at_most=50_000):
        payload = await export(api, users={}, email="ops@example.org")
        await finished(api, payload["job"]["id"])

    (mail,) = server.mails
    assert list(mail.iter_attachments()) == []
    text = mail.get_content()
    assert "It is too large for a mail." in text
    (link,) = [line for line in text.split() if "/files/" in line]
    assert len((await download(api, tmp_path, link)).content) > 50_000
