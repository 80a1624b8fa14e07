"""Settings: what the environment says, read once at the start."""

import contextlib
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path
from urllib.parse import urlsplit

from server.mail import MailServer
from store.retention import LOG_AT_LEAST, Keeping
from store.types import DAY, Instant
from subscriptions.signing import Signer

VAR = Path("var")
"""Where a development server keeps what is its own: the database, the key, the sample's token."""

_DAYS_AT_MOST = 36_500
_BROADCAST_SCHEMES = ("memory", "postgres", "postgresql", "redis", "rediss")


class WrongSetting(Exception):
    """A setting is missing or cannot be meant; the message says which, and what to do."""


class Profile(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class Settings:
    """`secret_keys`: the newest first; it seals, all of them open.

    Without `mail_server`, mails are kept in `outbox_dir`; without both, there is no mail.
    """

    profile: Profile
    database_url: str
    broadcast_url: str
    public_url: str
    secret_keys: tuple[bytes, ...]
    allowed_origins: frozenset[str]
    files_dir: Path
    mail_server: MailServer | None
    mail_from: str
    outbox_dir: Path | None
    upload_bytes_at_most: int
    keeping: Keeping

    @classmethod
    def read(cls, environment: Mapping[str, str], *, var: Path = VAR) -> "Settings":
        """From TRACKSIDE_...; raises WrongSetting."""
        profile = _profile(environment)
        public_url = _public_url(environment, profile)
        mail_server = _mail_server(environment)
        keeps_mail = mail_server is None and profile is Profile.DEVELOPMENT
        return cls(
            profile=profile,
            database_url=_database_url(environment, var),
            broadcast_url=_broadcast_url(environment),
            public_url=public_url,
            secret_keys=_secret_keys(environment, profile, var),
            allowed_origins=frozenset(
                environment.get("TRACKSIDE_ALLOWED_ORIGINS", "").replace(",", " ").split()
            ),
            files_dir=Path(environment.get("TRACKSIDE_FILES_DIR", "") or var / "files"),
            mail_server=mail_server,
            mail_from=_mail_from(environment, public_url),
            outbox_dir=var / "outbox" if keeps_mail else None,
            upload_bytes_at_most=_upload_bytes_at_most(environment),
            keeping=_keeping(environment),
        )

    @property
    def is_production(self) -> bool:
        return self.profile is Profile.PRODUCTION

    @property
    def why_one_process(self) -> str | None:
        """Why only one server process may run, in words; None where several may."""
        if self.database_url.startswith("sqlite"):
            return "SQLite is for one server process: use PostgreSQL"
        if self.broadcast_url.startswith("memory"):
            return (
                "The doorbell memory:// rings in one process only: set TRACKSIDE_BROADCAST_URL to "
                "postgres://… or redis://…"
            )
        return None

    def signer(self) -> Signer:
        """A key's id is taken from the key, so that a change of keys needs no numbering."""
        by_id = {blake2b(key, digest_size=1).digest()[0]: key for key in self.secret_keys}
        if len(by_id) < len(self.secret_keys):
            raise WrongSetting("TRACKSIDE_SECRET_KEY names two keys of the same id: make another.")
        (newest, key), *retired = by_id.items()
        return Signer(key, newest, retired=dict(retired))


def _profile(environment: Mapping[str, str]) -> Profile:
    name = environment.get("TRACKSIDE_PROFILE", "") or Profile.DEVELOPMENT
    try:
        return Profile(name)
    except ValueError:
        raise WrongSetting(
            f"TRACKSIDE_PROFILE is {name!r}: set it to development or production."
        ) from None


def _database_url(environment: Mapping[str, str], var: Path) -> str:
    url = environment.get("TRACKSIDE_DATABASE_URL", "") or f"sqlite+aiosqlite:///{var}/trackside.db"
    if not url.startswith(("sqlite+aiosqlite:///", "postgresql+asyncpg://")):
        raise WrongSetting(
            "TRACKSIDE_DATABASE_URL must begin with sqlite+aiosqlite:/// or postgresql+asyncpg://, "
            f"not {url.partition(':')[0]!r}."
        )
    try:
        _ = urlsplit(url).port
    except ValueError:
        raise WrongSetting("The port in TRACKSIDE_DATABASE_URL is not a number.") from None
    return url


def _broadcast_url(environment: Mapping[str, str]) -> str:
    url = environment.get("TRACKSIDE_BROADCAST_URL", "") or "memory://"
    if urlsplit(url).scheme not in _BROADCAST_SCHEMES:
        raise WrongSetting(
            "TRACKSIDE_BROADCAST_URL must begin with memory://, postgres:// or redis://, "
            f"not {url.partition(':')[0]!r}."
        )
    return url


def _public_url(environment: Mapping[str, str], profile: Profile) -> str:
    url = environment.get("TRACKSIDE_PUBLIC_URL", "")
    if not url and profile is Profile.PRODUCTION:
        raise WrongSetting(
            "TRACKSIDE_PUBLIC_URL is not set: tracked links need the address that contacts reach."
        )
    url = url or "http://127.0.0.1:8000"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise WrongSetting(f"TRACKSIDE_PUBLIC_URL is {url!r}: write http://… or https://…")
    return url.rstrip("/")


def _mail_server(environment: Mapping[str, str]) -> MailServer | None:
    url = environment.get("TRACKSIDE_SMTP_URL", "")
    try:
        return MailServer.of(url) if url else None
    except ValueError as error:
        raise WrongSetting(f"TRACKSIDE_SMTP_URL cannot be meant: {error}.") from None


def _mail_from(environment: Mapping[str, str], public_url: str) -> str:
    address = environment.get("TRACKSIDE_MAIL_FROM", "")
    if not address:
        host = urlsplit(public_url).hostname or ""
        return f"trackside@{host if re.search('[a-z]', host) and ':' not in host else 'localhost'}"
    if not re.fullmatch(r"[^\s@<>]+@[^\s@<>]+", address):
        raise WrongSetting(f"TRACKSIDE_MAIL_FROM is {address!r}: write an address alone, as a@b.c.")
    return address


def _upload_bytes_at_most(environment: Mapping[str, str]) -> int:
    text = environment.get("TRACKSIDE_UPLOAD_BYTES_AT_MOST", "") or "1000000000"
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise WrongSetting(
            f"TRACKSIDE_UPLOAD_BYTES_AT_MOST is {text!r}: write a whole number above 0, such as "
            "1000000000."
        )
    return int(text)


def _keeping(environment: Mapping[str, str]) -> Keeping:
    return Keeping(
        log=_days(environment, "TRACKSIDE_LOG_DAYS", LOG_AT_LEAST // DAY),
        audit=_days(environment, "TRACKSIDE_AUDIT_DAYS", 30),
        finished=_days(environment, "TRACKSIDE_FINISHED_DAYS", 7) or Keeping().finished,
    )


def _days(environment: Mapping[str, str], name: str, at_least: int) -> Instant | None:
    text = environment.get(name, "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or not at_least <= int(text) <= _DAYS_AT_MOST:
        raise WrongSetting(
            f"{name} is {text!r}: write a whole number of days, at least {at_least} and at most "
            f"{_DAYS_AT_MOST:,}, or leave it out."
        )
    return int(text) * DAY


def _secret_keys(environment: Mapping[str, str], profile: Profile, var: Path) -> tuple[bytes, ...]:
    keys = environment.get("TRACKSIDE_SECRET_KEY", "").split()
    if not keys and profile is Profile.PRODUCTION:
        raise WrongSetting(
            "TRACKSIDE_SECRET_KEY is not set: cursors and links are sealed with it. Set it to "
            "32 random characters or more and keep it; to change it, put the new one before the "
            "old one, with a blank between."
        )
    if any(len(key) < 32 for key in keys):
        raise WrongSetting("TRACKSIDE_SECRET_KEY is too short: 32 characters or more.")
    return tuple(key.encode() for key in keys) or (_kept_key(var / "secret.key"),)


def _kept_key(path: Path) -> bytes:
    """Made once, so that cursors and links survive a restart."""
    with contextlib.suppress(FileExistsError):
        write_secret(path, secrets.token_urlsafe(32))
    return path.read_bytes().strip()


def write_secret(path: Path, text: str) -> None:
    """A file that only we may read, complete from its first moment; raises FileExistsError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(text + "\n")
        path.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)
