"""Settings: sensible alone in development, complete in production, and wrong ones told."""

from pathlib import Path

import pytest

from server.settings import Settings, WrongSetting, write_secret
from store.retention import Keeping
from store.types import DAY

KEY = "k" * 32
OTHER_KEY = "o" * 32
PRODUCTION = {
    "TRACKSIDE_PROFILE": "production",
    "TRACKSIDE_SECRET_KEY": KEY,
    "TRACKSIDE_PUBLIC_URL": "https://track.example/",
}


def test_in_development_nothing_needs_to_be_set(tmp_path: Path) -> None:
    settings = Settings.read({}, var=tmp_path)

    assert settings.database_url == f"sqlite+aiosqlite:///{tmp_path}/trackside.db"
    assert settings.broadcast_url == "memory://"
    assert settings.public_url == "http://127.0.0.1:8000"
    assert not settings.is_production


def test_in_development_the_key_is_made_once_and_kept_for_us_alone(tmp_path: Path) -> None:
    first = Settings.read({}, var=tmp_path / "var")
    second = Settings.read({}, var=tmp_path / "var")

    assert first.secret_keys == second.secret_keys
    assert len(first.secret_keys[0]) >= 32
    assert (tmp_path / "var" / "secret.key").stat().st_mode & 0o777 == 0o600


def test_a_secret_is_never_written_over(tmp_path: Path) -> None:
    write_secret(tmp_path / "key", "first")

    with pytest.raises(FileExistsError):
        write_secret(tmp_path / "key", "second")
    assert (tmp_path / "key").read_text() == "first\n"
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_production_makes_no_key_of_its_own(tmp_path: Path) -> None:
    environment = {**PRODUCTION, "TRACKSIDE_SECRET_KEY": ""}

    with pytest.raises(WrongSetting, match="TRACKSIDE_SECRET_KEY is not set"):
        Settings.read(environment, var=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_production_needs_the_address_that_links_lead_to() -> None:
    with pytest.raises(WrongSetting, match="TRACKSIDE_PUBLIC_URL is not set"):
        Settings.read({**PRODUCTION, "TRACKSIDE_PUBLIC_URL": ""})


def test_production_with_all_it_needs() -> None:
    settings = Settings.read(PRODUCTION)

    assert settings.is_production
    assert settings.public_url == "https://track.example"
    assert settings.secret_keys == (KEY.encode(),)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRACKSIDE_PROFILE", "prod"),
        ("TRACKSIDE_DATABASE_URL", "mysql://localhost/x"),
        ("TRACKSIDE_DATABASE_URL", "postgresql://localhost/x"),
        ("TRACKSIDE_BROADCAST_URL", "kafka://localhost"),
        ("TRACKSIDE_PUBLIC_URL", "track.example"),
        ("TRACKSIDE_PUBLIC_URL", "ftp://track.example"),
        ("TRACKSIDE_SECRET_KEY", "short"),
        ("TRACKSIDE_SECRET_KEY", f"{KEY} short"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(WrongSetting, match=name):
        Settings.read({name: value}, var=tmp_path)


def test_a_wrong_database_url_does_not_show_its_password() -> None:
    with pytest.raises(WrongSetting) as wrong:
        Settings.read({"TRACKSIDE_DATABASE_URL": "postgresql://ada:swordfish@localhost/x"})

    assert "swordfish" not in str(wrong.value)


def test_after_a_change_of_keys_the_old_one_still_opens() -> None:
    before = Settings.read({**PRODUCTION, "TRACKSIDE_SECRET_KEY": KEY}).signer()
    after = Settings.read({**PRODUCTION, "TRACKSIDE_SECRET_KEY": f"{OTHER_KEY} {KEY}"}).signer()
    alone = Settings.read({**PRODUCTION, "TRACKSIDE_SECRET_KEY": OTHER_KEY}).signer()

    assert after.open("cursor", before.seal("cursor", b"42")) == b"42"
    assert alone.open("cursor", after.seal("cursor", b"42")) == b"42"


@pytest.mark.parametrize(
    ("database", "broadcast", "words"),
    [
        ("sqlite+aiosqlite:///x.db", "redis://localhost", "SQLite"),
        ("postgresql+asyncpg://localhost/x", "memory://", "memory://"),
        ("postgresql+asyncpg://localhost/x", "redis://localhost", None),
    ],
)
def test_who_may_have_several_processes(database: str, broadcast: str, words: str | None) -> None:
    settings = Settings.read(
        {
            **PRODUCTION,
            "TRACKSIDE_DATABASE_URL": database,
            "TRACKSIDE_BROADCAST_URL": broadcast,
        }
    )

    reason = settings.why_one_process
    assert reason is None if words is None else words in (reason or "")


def test_origins_are_listed_with_blanks_or_commas() -> None:
    origins = "https://a.example, https://b.example"

    settings = Settings.read({**PRODUCTION, "TRACKSIDE_ALLOWED_ORIGINS": origins})

    assert settings.allowed_origins == {"https://a.example", "https://b.example"}


def test_a_developer_sees_mails_in_the_outbox(tmp_path: Path) -> None:
    settings = Settings.read({}, var=tmp_path)

    assert (settings.mail_server, settings.outbox_dir) == (None, tmp_path / "outbox")
    assert settings.mail_from == "trackside@localhost"


def test_production_has_no_outbox() -> None:
    settings = Settings.read(PRODUCTION)

    assert (settings.mail_server, settings.outbox_dir) == (None, None)
    assert settings.mail_from == "trackside@track.example"


def test_a_mail_server_takes_the_place_of_the_outbox(tmp_path: Path) -> None:
    environment = {"TRACKSIDE_SMTP_URL": "smtp://mail.example", "TRACKSIDE_MAIL_FROM": "a@b.c"}

    settings = Settings.read(environment, var=tmp_path)

    assert settings.mail_server is not None
    assert (settings.mail_server.host, settings.mail_from) == ("mail.example", "a@b.c")
    assert settings.outbox_dir is None


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("TRACKSIDE_SMTP_URL", "mail.example:25", "write smtp://user:password@host:port"),
        ("TRACKSIDE_SMTP_URL", "smtp://", "write smtp://user:password@host:port"),
        ("TRACKSIDE_SMTP_URL", "smtp://mail.example/x", "write smtp://"),
        ("TRACKSIDE_SMTP_URL", "smtp://mail.example:abc", "cannot be meant"),
        ("TRACKSIDE_SMTP_URL", "smtp://mail.example?starttls=no", "required, offered or never"),
        ("TRACKSIDE_SMTP_URL", "smtp://mail.example?tls=1", "'tls' is not known"),
        ("TRACKSIDE_MAIL_FROM", "Ada <ada@example.org>", "write an address alone"),
    ],
)
def test_a_wrong_mail_setting_is_told(name: str, value: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(WrongSetting, match=told):
        Settings.read({name: value}, var=tmp_path)


def test_what_is_kept_for_how_long(tmp_path: Path) -> None:
    usual = Settings.read({}, var=tmp_path)
    asked = Settings.read({"TRACKSIDE_LOG_DAYS": "400", "TRACKSIDE_FINISHED_DAYS": "7"})

    assert usual.keeping == Keeping(log=None, audit=None, finished=90 * DAY)
    assert asked.keeping == Keeping(log=400 * DAY, audit=None, finished=7 * DAY)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("TRACKSIDE_LOG_DAYS", "29"),
        ("TRACKSIDE_LOG_DAYS", "a year"),
        ("TRACKSIDE_LOG_DAYS", "36501"),
        ("TRACKSIDE_AUDIT_DAYS", "-1"),
        ("TRACKSIDE_FINISHED_DAYS", "6"),
    ],
)
def test_a_retention_that_is_not_safe_is_told(name: str, text: str) -> None:
    with pytest.raises(WrongSetting, match=f"{name} is '{text}': write a whole number of days"):
        Settings.read({name: text})
