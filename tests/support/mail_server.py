"""A mail server: takes mails, refuses them, asks for passwords, encrypts."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.waiting import SOON


@dataclass
class MailServer:
    """Answers mails with `answers` in turn, then takes them."""

    port: int = 0
    password: str | None = None
    answers: list[str] = field(default_factory=list)
    hangs: bool = False
    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)
    were_encrypted: list[bool] = field(default_factory=list)
    refused: int = 0
    tls: ssl.SSLContext | None = None
    """What a client that trusts the server's certificate uses."""
    _has_mail: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def until_mailed(self, number: int) -> list[EmailMessage]:
        """All mails, as soon as they are so many."""
        async with asyncio.timeout(SOON), self._has_mail:
            await self._has_mail.wait_for(lambda: len(self.mails) >= number)
        return self.mails

    async def until_refused(self, number: int) -> None:
        """Until so many mails were."""
        async with asyncio.timeout(SOON), self._has_mail:
            await self._has_mail.wait_for(lambda: self.refused >= number)

    async def handle_DATA(self, _: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name.
        if self.hangs:
            await asyncio.Event().wait()
        if self.answers:
            async with self._has_mail:
                self.refused += 1
                self._has_mail.notify_all()
            return self.answers.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        async with self._has_mail:
            self.mails.append(mail)
            self.envelopes.append(envelope)
            self.were_encrypted.append(session.ssl is not None)
            self._has_mail.notify_all()
        return "250 OK"

    def authenticate(self, *said: object) -> AuthResult:
        login = said[-1]
        assert isinstance(login, LoginPassword)
        is_right = login.password.decode() == self.password
        return AuthResult(success=is_right, handled=False)


@asynccontextmanager
async def a_mail_server(
    *answers: str,
    password: str | None = None,
    starts_tls: bool = False,
    is_encrypted: bool = False,
    hangs: bool = False,
) -> AsyncIterator[MailServer]:
    """On a free port of this machine, until the end of the block."""
    server = MailServer(answers=list(answers), password=password, hangs=hangs)
    certificate: ssl.SSLContext | None = None
    if starts_tls or is_encrypted:
        authority = trustme.CA()
        certificate = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost", "127.0.0.1").configure_cert(certificate)
        server.tls = ssl.create_default_context()
        authority.configure_trust(server.tls)

    def connected() -> SMTP:
        return SMTP(
            server,
            hostname="mail.test",
            enable_SMTPUTF8=True,
            tls_context=certificate if starts_tls else None,
            authenticator=server.authenticate if password is not None else None,
            # Without encryption aiosmtpd only warns of it.
            auth_required=password is not None and starts_tls,
            auth_require_tls=starts_tls,
        )

    listening = await asyncio.get_running_loop().create_server(
        connected, "127.0.0.1", 0, ssl=certificate if is_encrypted else None
    )
    server.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield server
        listening.close()
