"""Mail: handed to a real mail server, or kept where it is seen."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from resolvers.mail import Attachment, MailDelayed, MailRefused, Message
from server.mail import MailServer as At
from server.mail import Outbox, Smtp, StartTls
from tests.support.factories import NOW
from tests.support.mail_server import MailServer, a_mail_server
from tests.support.ports import free_port

HELLO = Message("ada@example.org", "Grüße", "Hällo Ada\n", id="a1")
SENDER = "trackside@track.example"


def smtp(url: str, server: MailServer | None = None, **options: float) -> Smtp:
    return Smtp(At.of(url), SENDER, lambda: NOW, tls=server.tls if server else None, **options)


async def test_a_mail_arrives_as_it_was_written() -> None:
    list_ = Attachment("links.csv", "Größe,url\r\n".encode())
    message = Message("Ada.Müller@example.org", "Grüße", "Hällo Ada\n", (list_,), id="a1")

    async with a_mail_server() as server:
        await smtp(f"smtp://127.0.0.1:{server.port}").send(message)

    (mail,) = server.mails
    assert server.envelopes[0].rcpt_tos == ["Ada.Müller@example.org"]
    assert server.envelopes[0].mail_from == SENDER
    assert (mail["From"], mail["To"]) == (f"trackside <{SENDER}>", "Ada.Müller@example.org")
    assert mail["Subject"] == "Grüße"
    assert mail["Date"] == "Sun, 22 Nov 2026 00:00:00 +0000"
    assert mail["Message-ID"] == "<a1@track.example>"
    body = mail.get_body()
    assert body is not None
    assert body.get_content() == "Hällo Ada\r\n"
    (file,) = mail.iter_attachments()
    assert (file.get_filename(), file.get_content_type()) == ("links.csv", "text/csv")
    assert file.get_content() == "Größe,url\r\n"


async def test_a_password_goes_over_an_encrypted_connection_alone() -> None:
    async with a_mail_server(password="s3cret:/", starts_tls=True) as server:
        await smtp(f"smtp://ops:s3cret%3A%2F@localhost:{server.port}", server).send(HELLO)

    assert server.were_encrypted == [True]


async def test_a_server_that_does_not_encrypt_never_hears_the_password() -> None:
    async with a_mail_server(password="s3cret") as server:
        with pytest.raises(MailDelayed, match="STARTTLS"):
            await smtp(f"smtp://ops:s3cret@127.0.0.1:{server.port}", server).send(HELLO)

    assert server.mails == []


async def test_inside_our_own_walls_the_password_may_be_said_in_the_clear() -> None:
    async with a_mail_server(password="s3cret") as server:
        await smtp(f"smtp://ops:s3cret@127.0.0.1:{server.port}?starttls=never").send(HELLO)

    assert len(server.mails) == 1


async def test_a_connection_may_be_encrypted_from_its_first_byte() -> None:
    async with a_mail_server(is_encrypted=True) as server:
        await smtp(f"smtps://localhost:{server.port}", server).send(HELLO)

    assert len(server.mails) == 1


async def test_a_certificate_of_nobody_we_trust_is_not_taken() -> None:
    async with a_mail_server(starts_tls=True) as server:
        with pytest.raises(MailDelayed, match=r"(?i)certificate"):
            await smtp(f"smtp://localhost:{server.port}").send(HELLO)

    assert server.mails == []


async def test_a_wrong_password_is_told_and_can_be_put_right() -> None:
    async with a_mail_server(password="s3cret", starts_tls=True) as server:
        with pytest.raises(MailDelayed, match="refused our password"):
            await smtp(f"smtp://ops:other@localhost:{server.port}", server).send(HELLO)


async def test_a_mail_that_is_refused_for_good_is_told_so() -> None:
    async with a_mail_server("554 no such mailbox") as server:
        with pytest.raises(MailRefused, match=r"refused the mail to .*: 554 no such"):
            await smtp(f"smtp://127.0.0.1:{server.port}").send(HELLO)


async def test_a_mail_that_is_refused_for_now_may_be_sent_again() -> None:
    async with a_mail_server("451 try later") as server:
        mail = smtp(f"smtp://127.0.0.1:{server.port}")

        with pytest.raises(MailDelayed, match="451 try later"):
            await mail.send(HELLO)
        await mail.send(HELLO)

    assert [one["Message-ID"] for one in server.mails] == ["<a1@track.example>"]


async def test_a_server_that_hangs_is_given_up() -> None:
    async with a_mail_server(hangs=True) as server:
        with pytest.raises(MailDelayed, match="did not take the mail"):
            await smtp(f"smtp://127.0.0.1:{server.port}", patience_s=0.2).send(HELLO)


async def test_a_server_that_is_away_is_told() -> None:
    with pytest.raises(MailDelayed, match="did not take the mail"):
        await smtp(f"smtp://127.0.0.1:{free_port()}").send(HELLO)


@pytest.mark.parametrize("to", ["ada", "a b@c.d", "a@b, c@d", "a@b\r\nBcc: c@d", "@", ""])
async def test_what_is_no_address_is_not_written_to(to: str) -> None:
    with pytest.raises(MailRefused, match="is not an address"):
        await smtp(f"smtp://127.0.0.1:{free_port()}").send(Message(to, "Hello", "Hello\n"))


async def test_the_outbox_keeps_every_mail_for_us_alone(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox", SENDER, lambda: NOW)

    await outbox.send(HELLO)
    await outbox.send(Message("/etc/ada@example.org", "Hello", "Hello\n"))

    kept = sorted((tmp_path / "outbox").iterdir())
    assert all(path.name.startswith("20261122T000000000000-") for path in kept)
    assert all(path.suffix == ".eml" for path in kept)
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in kept)
    mails = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in kept]
    greeting = next(one for one in mails if one["Subject"] == "Grüße")
    assert isinstance(greeting, EmailMessage)
    assert greeting["To"] == "ada@example.org"
    assert greeting.get_content() == "Hällo Ada\r\n"
    assert len(mails) == 2


def test_the_ports_are_those_for_handing_mail_in() -> None:
    assert At.of("smtp://mail.example").port == 587
    assert At.of("smtps://mail.example").port == 465
    assert At.of("smtp://mail.example").start_tls is StartTls.OFFERED
    assert At.of("smtp://ops:s@mail.example:25").start_tls is StartTls.REQUIRED
