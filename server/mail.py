"""Mail: over SMTP, or into a folder where a developer sees it."""

import asyncio
import os
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from enum import StrEnum
from pathlib import Path
from secrets import token_hex
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib

from resolvers.mail import MailDelayed, MailRefused, Message
from store.types import SECOND, Instant

PATIENCE_S = 30.0
"""For each answer of the mail server."""

# Without what would have to be quoted (RFC 5322), which nobody has and much goes wrong with.
_ADDRESS = re.compile(
    r"""([^\s@<>()\[\],;:\\"\x00-\x1f\x7f]+)@([^\s@<>()\[\],;:\\"\x00-\x1f\x7f]+)"""
)
_PORTS = {"smtp": 587, "smtps": 465}


class StartTls(StrEnum):
    """Whether a connection that begins in the clear is encrypted before anything is said."""

    REQUIRED = "required"
    OFFERED = "offered"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails are handed in, as TRACKSIDE_SMTP_URL says."""

    host: str
    port: int
    username: str | None
    password: str | None
    is_encrypted: bool
    start_tls: StartTls

    @classmethod
    def of(cls, url: str) -> "MailServer":
        """smtp://user:password@host:port?starttls=required, or smtps://…; raises ValueError.

        A password never goes over a connection in the clear unless starttls=never says so.
        """
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/"):
            raise ValueError("write smtp://user:password@host:port or smtps://…")
        options = parse_qs(parts.query, keep_blank_values=True)
        default = StartTls.REQUIRED if parts.username else StartTls.OFFERED
        wanted = options.pop("starttls", [default])[-1]
        if options:
            raise ValueError(f"the option {next(iter(options))!r} is not known, only starttls is")
        if wanted not in set(StartTls):
            raise ValueError(f"starttls is {wanted!r}: required, offered or never")
        return cls(
            host=parts.hostname,
            port=parts.port or _PORTS[parts.scheme],
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            is_encrypted=parts.scheme == "smtps",
            start_tls=StartTls(wanted),
        )


class Smtp:
    """Hands each mail to the server in a connection of its own."""

    def __init__(
        self,
        server: MailServer,
        sender: str,
        now: Callable[[], Instant],
        *,
        tls: ssl.SSLContext | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._server, self._sender, self._now = server, sender, now
        self._tls, self._patience_s = tls, patience_s

    async def send(self, message: Message) -> None:
        mail = written(message, self._sender, self._now())
        server, tls = self._server, self._tls
        if tls is None and (server.is_encrypted or server.start_tls is not StartTls.NEVER):
            tls = self._tls = await asyncio.to_thread(ssl.create_default_context)
        start_tls = {StartTls.REQUIRED: True, StartTls.OFFERED: None, StartTls.NEVER: False}
        try:
            await aiosmtplib.send(
                mail,
                sender=self._sender,
                recipients=["@".join(_address(message.to))],
                hostname=server.host,
                port=server.port,
                username=server.username,
                password=server.password,
                use_tls=server.is_encrypted,
                start_tls=False if server.is_encrypted else start_tls[server.start_tls],
                tls_context=tls,
                timeout=self._patience_s,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _failed(message, error.recipients[0].code, error.recipients[0].message) from error
        except aiosmtplib.SMTPAuthenticationError as error:
            # Of our settings, not of the mail: it can be put right while the job waits.
            raise MailDelayed(f"The mail server refused our password: {error.message}") from error
        except aiosmtplib.SMTPResponseException as error:
            raise _failed(message, error.code, error.message) from error
        except aiosmtplib.SMTPNotSupported as error:
            raise MailRefused(f"The mail server cannot write to {message.to}: {error}") from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise MailDelayed(f"The mail server did not take the mail: {error}") from error


class Outbox:
    """Keeps each mail as a file, the latest last: mail programs open them."""

    def __init__(self, folder: Path, sender: str, now: Callable[[], Instant]) -> None:
        self._folder, self._sender, self._now = folder, sender, now

    async def send(self, message: Message) -> None:
        now = self._now()
        mail = written(message, self._sender, now)
        to = re.sub(r"[^a-z0-9@.+-]+", "_", message.to.lower())[:80].lstrip(".")
        name = f"{_utc(now):%Y%m%dT%H%M%S%f}-{to}-{token_hex(2)}.eml"
        await asyncio.to_thread(self._keep, name, mail.as_bytes())

    def _keep(self, name: str, content: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self._folder / f".{name}"
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(content)
        draft.replace(self._folder / name)


def written(message: Message, sender: str, now: Instant) -> EmailMessage:
    """The mail as RFC 5322 and MIME have it; raises MailRefused where it cannot be addressed."""
    mail = EmailMessage(policy=SMTP)
    domain = sender.rpartition("@")[2]
    mail["From"] = Address("trackside", *_address(sender))
    mail["To"] = Address("", *_address(message.to))
    mail["Subject"] = " ".join(message.subject.split())
    mail["Date"] = format_datetime(_utc(now))
    mail["Message-ID"] = f"<{message.id or token_hex(16)}@{domain}>"
    # RFC 3834: no answers of holiday programs.
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    for one in message.attachments:
        kind, _, subtype = one.content_type.partition("/")
        mail.add_attachment(
            one.content, kind, subtype, filename=one.name, params={"charset": "utf-8"}
        )
    return mail


def _address(text: str) -> tuple[str, str]:
    """The part before the @, which its own server alone understands, and the domain in ASCII."""
    parts = _ADDRESS.fullmatch(text)
    try:
        if parts is not None:
            return parts[1], parts[2].encode("idna").decode()
    except UnicodeError:
        pass
    raise MailRefused(f'"{text}" is not an address that mail can be sent to.')


def _failed(message: Message, code: int, said: str) -> MailRefused | MailDelayed:
    """RFC 5321: 5yz is for good, 4yz for now."""
    if code >= 500:
        return MailRefused(f"The mail server refused the mail to {message.to}: {code} {said}")
    return MailDelayed(f"The mail server did not take the mail to {message.to}: {code} {said}")


def _utc(at: Instant) -> datetime:
    return datetime.fromtimestamp(at // SECOND, UTC) + timedelta(microseconds=at % SECOND)
