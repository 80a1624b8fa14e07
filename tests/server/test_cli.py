"""The command line, as a process: what it prints, and what it says when it cannot."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from resolvers.token_secrets import hash_of
from schema import sdl
from store import Database, tokens
from store.words import Scope
from tests.support.ports import free_port

_ROOT = Path(__file__).parent.parent.parent
_SOON = 60


@pytest.fixture
def environment(sqlite_url: str, tmp_path: Path) -> dict[str, str]:
    """A development server's, in a folder of its own."""
    kept = {name: value for name, value in os.environ.items() if "TRACKSIDE" not in name}
    return {**kept, "PYTHONPATH": str(_ROOT), "TRACKSIDE_DATABASE_URL": sqlite_url}


def trackside(
    *arguments: str, environment: dict[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "server.cli", *arguments],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=_SOON,
        check=False,
    )


@contextmanager
def running(
    *arguments: str, environment: dict[str, str], folder: Path
) -> Iterator[subprocess.Popen[str]]:
    """The command as long as the block lasts."""
    with subprocess.Popen(
        [sys.executable, "-m", "server.cli", *arguments],
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str], name: str) -> str:
    """The value of a line such as `address: http://…`."""
    assert process.stdout is not None
    for line in process.stdout:
        key, _, value = line.strip().partition(": ")
        if key == name:
            return value
    raise AssertionError(f"The server ended without saying its {name}.")


async def test_token_create_prints_the_token_alone_and_makes_the_workspace(
    environment: dict[str, str], tmp_path: Path, sqlite_url: str
) -> None:
    arguments = ["token", "create", "--workspace", "acme", "--name", "crm"]
    arguments += ["--email", "ada@example.org", "--scope", "read, integrate"]

    made = trackside(*arguments, environment=environment, folder=tmp_path)

    assert made.returncode == 0, made.stderr
    secret = made.stdout.removesuffix("\n")
    workspace_id = int(secret.split("_")[1])
    database = Database(sqlite_url)
    async with database.read() as connection:
        token = await tokens.find(connection, workspace_id, hash_of(secret))
    await database.dispose()
    assert token is not None
    assert (token.workspace, token.name, token.email) == ("acme", "crm", "ada@example.org")
    assert token.scopes == {Scope.READ, Scope.INTEGRATE}


def test_a_second_token_is_for_the_same_workspace(
    environment: dict[str, str], tmp_path: Path
) -> None:
    arguments = ["token", "create", "--workspace", "acme", "--scope", "read"]

    first, second = (
        trackside(*arguments, environment=environment, folder=tmp_path).stdout for _ in range(2)
    )

    assert first.split("_")[1] == second.split("_")[1]
    assert first != second


def test_token_create_works_before_anything_else_did(tmp_path: Path) -> None:
    """Without a setting, in an empty folder: the database is made as the server would."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(_ROOT)}

    made = trackside(
        "token", "create", "--workspace", "acme", "--scope", "read",
        environment=environment, folder=tmp_path,
    )  # fmt: skip

    assert made.stdout.startswith("ts_1_")
    assert (tmp_path / "var" / "trackside.db").exists()


def audited(environment: dict[str, str]) -> list[tuple[str, str]]:
    """What the audit log holds, and by whom, in the order of the acts."""
    path = environment["TRACKSIDE_DATABASE_URL"].partition("///")[2]
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT action, by FROM audit_log ORDER BY id").fetchall()


def channels(environment: dict[str, str]) -> dict[str, str | None]:
    """Of the connectors, by name."""
    path = environment["TRACKSIDE_DATABASE_URL"].partition("///")[2]
    with closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT name, channel FROM connectors").fetchall())


def test_recipients_are_added_listed_and_removed(
    environment: dict[str, str], tmp_path: Path
) -> None:
    def recipients(*arguments: str) -> subprocess.CompletedProcess[str]:
        where = ("--workspace", "acme")
        return trackside("recipients", *arguments, *where, environment=environment, folder=tmp_path)

    making = ("token", "create", "--workspace", "acme", "--scope", "read")
    trackside(*making, environment=environment, folder=tmp_path)

    assert recipients("list").stdout == ""
    assert recipients("add", "Ada@Example.org").stdout == "Ada@Example.org\n"
    assert recipients("add", "ada@example.org").stdout == "ada@example.org\n"
    assert recipients("add", "bob@example.org").stdout == "ada@example.org\nbob@example.org\n"
    assert recipients("remove", "ADA@example.org").stdout == "bob@example.org\n"
    assert recipients("list").stdout == "bob@example.org\n"
    assert (
        audited(environment)
        == [("createToken", "command line")] + [("allowRecipients", "command line")] * 4
    )
    absent = recipients("remove", "ada@example.org")
    assert (absent.returncode, absent.stdout) == (1, "")
    assert "'ada@example.org' is not among the recipients of 'acme'" in absent.stderr
    wrong = recipients("add", "ada")
    assert (wrong.returncode, wrong.stderr) == (
        1,
        "'ada' is not an e-mail address: write it alone, as a@b.c.\n",
    )


async def test_the_currency_of_a_workspace_is_set(
    environment: dict[str, str], tmp_path: Path, sqlite_url: str
) -> None:
    making = ("token", "create", "--workspace", "acme", "--scope", "read")
    secret = trackside(*making, environment=environment, folder=tmp_path).stdout.strip()
    where = ("--workspace", "acme")

    done = trackside("currency", "CHF", *where, environment=environment, folder=tmp_path)
    wrong = trackside("currency", "francs", *where, environment=environment, folder=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert (wrong.returncode, wrong.stderr) == (
        1,
        "'francs' is no currency: write three capital letters, as EUR.\n",
    )
    database = Database(sqlite_url)
    async with database.read() as connection:
        token = await tokens.find(connection, int(secret.split("_")[1]), hash_of(secret))
    await database.dispose()
    assert token is not None
    assert token.currency == "CHF"
    assert audited(environment)[-1] == ("setCurrency", "command line")


def test_recipients_of_an_unknown_workspace_are_told(
    environment: dict[str, str], tmp_path: Path
) -> None:
    told = trackside(
        "recipients", "list", "--workspace", "acme", environment=environment, folder=tmp_path
    )

    assert told.returncode == 1
    assert told.stderr == "There is no workspace 'acme': token create makes one.\n"


def test_a_connector_is_made_and_its_path_printed_alone(
    environment: dict[str, str], tmp_path: Path
) -> None:
    def create(
        workspace: str, provider: str, secret: str, **more: str
    ) -> subprocess.CompletedProcess[str]:
        options = {"workspace": workspace, "provider": provider, "name": "X", "secret": secret}
        options |= more
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        return trackside(
            "connector", "create", *arguments, environment=environment, folder=tmp_path
        )

    making = ("token", "create", "--workspace", "acme", "--scope", "read")
    trackside(*making, environment=environment, folder=tmp_path)

    made = create("acme", "mailgun", "a signing key")

    assert made.returncode == 0
    assert audited(environment)[-1] == ("createConnector", "command line")
    assert re.fullmatch(r"/hooks/mailgun/[A-Za-z0-9_-]{32}\n", made.stdout)
    assert create("acme", "twilio", "k", name="Texts", channel="SMS").returncode == 0
    assert channels(environment) == {"X": "EMAIL", "Texts": "SMS"}
    for channel, message in (
        ("SMS", "mailgun sends over EMAIL, not over SMS: leave channel out."),
        ("PIGEON", "There is no channel 'PIGEON': there are EMAIL, SMS,"),
    ):
        told = create("acme", "mailgun", "k", channel=channel)
        assert (told.returncode, told.stdout) == (1, "")
        assert told.stderr.startswith(message)
    for workspace, provider, secret, message in (
        ("nobody", "mailgun", "k", "There is no workspace 'nobody': token create makes one."),
        ("acme", "pigeon", "k", 'There is no provider "pigeon": there are sendgrid,'),
        ("acme", "sendgrid", "k", "For sendgrid the secret is the verification key"),
        ("acme", "mailgun", "k", 'There is a connector "X": remove it first'),
    ):
        told = create(workspace, provider, secret)
        assert (told.returncode, told.stdout) == (1, "")
        assert told.stderr.startswith(message)


def test_an_unknown_scope_is_told_in_a_sentence(
    environment: dict[str, str], tmp_path: Path
) -> None:
    arguments = ["token", "create", "--workspace", "acme", "--scope", "read,write"]

    refused = trackside(*arguments, environment=environment, folder=tmp_path)

    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        "--scope 'read,write': name some of read, operate, integrate and admin, with commas.\n"
    )


def test_schema_prints_the_sdl(environment: dict[str, str], tmp_path: Path) -> None:
    printed = trackside("schema", environment=environment, folder=tmp_path)

    assert printed.stdout == sdl()


def test_migrate_may_be_repeated(environment: dict[str, str], tmp_path: Path) -> None:
    for _ in range(2):
        done = trackside("migrate", environment=environment, folder=tmp_path)

        assert (done.returncode, done.stdout) == (0, "")


def test_serve_answers_and_ends_in_order(environment: dict[str, str], tmp_path: Path) -> None:
    with running("serve", "--port", "0", environment=environment, folder=tmp_path) as server:
        address = said(server, "address")
        ready = httpx.get(f"{address}/readyz", timeout=_SOON)
        server.send_signal(signal.SIGTERM)
        server.wait(_SOON)

    assert ready.status_code == 200
    assert server.returncode in (0, -signal.SIGTERM)


def test_several_workers_share_the_port(postgres_url: str, valkey_url: str, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(_ROOT),
        "TRACKSIDE_DATABASE_URL": postgres_url,
        "TRACKSIDE_BROADCAST_URL": valkey_url,
    }
    arguments = ["serve", "--port", "0", "--workers", "2"]
    with running(*arguments, environment=environment, folder=tmp_path) as server:
        address = said(server, "address")
        ready = httpx.get(f"{address}/readyz", timeout=_SOON)
        server.send_signal(signal.SIGTERM)
        server.wait(_SOON)

    assert ready.status_code == 200


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_port_that_is_taken_is_told_in_a_sentence(
    environment: dict[str, str], tmp_path: Path, command: str
) -> None:
    with running("serve", "--port", "0", environment=environment, folder=tmp_path) as server:
        port = said(server, "address").rpartition(":")[2]

        refused = trackside(command, "--port", port, environment=environment, folder=tmp_path)

    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        f"trackside cannot listen on 127.0.0.1:{port} (Address already in use): "
        "end what listens there, or give another --port.\n"
    )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "SQLite is for one server process: use PostgreSQL, or --workers 1.\n"),
        (
            {"TRACKSIDE_DATABASE_URL": "postgresql+asyncpg://nobody@127.0.0.1:1/x"},
            "The doorbell memory:// rings in one process only: set TRACKSIDE_BROADCAST_URL to "
            "postgres://… or redis://…, or --workers 1.\n",
        ),
    ],
)
def test_several_workers_where_only_one_may_run_are_refused_in_a_sentence(
    environment: dict[str, str], tmp_path: Path, settings: dict[str, str], words: str
) -> None:
    refused = trackside(
        "serve", "--workers", "2", environment={**environment, **settings}, folder=tmp_path
    )

    assert (refused.returncode, refused.stdout, refused.stderr) == (1, "", words)


def test_production_without_a_key_is_refused_in_a_sentence(
    environment: dict[str, str], tmp_path: Path
) -> None:
    production = {**environment, "TRACKSIDE_PROFILE": "production"}
    production["TRACKSIDE_PUBLIC_URL"] = "https://track.example"

    refused = trackside("serve", environment=production, folder=tmp_path)

    assert refused.returncode == 1
    assert refused.stderr.startswith("TRACKSIDE_SECRET_KEY is not set")
    assert refused.stderr.count("\n") == 1


def test_a_database_that_does_not_answer_is_told_in_a_sentence(
    environment: dict[str, str], tmp_path: Path
) -> None:
    url = f"postgresql+asyncpg://nobody:swordfish@127.0.0.1:{free_port()}/x"

    refused = trackside(
        "migrate", environment={**environment, "TRACKSIDE_DATABASE_URL": url}, folder=tmp_path
    )

    assert refused.returncode == 1
    assert "is the database running" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert "swordfish" not in refused.stderr


def test_a_file_that_is_no_database_is_told_in_a_sentence(
    environment: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database, only some words " * 200)
    wrong = {**environment, "TRACKSIDE_DATABASE_URL": f"sqlite+aiosqlite:///{file}"}

    refused = trackside("migrate", environment=wrong, folder=tmp_path)

    assert refused.returncode == 1
    assert "file is not a database" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--workspace", ""),
        ("--workspace", "x" * 201),
        ("--workspace", "acme", "--name", " "),
        ("--workspace", "acme", "--email", "nonsense"),
    ],
)
def test_a_token_without_a_sensible_name_is_refused_in_a_sentence(
    environment: dict[str, str], tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    asked = ["token", "create", "--scope", "read", *arguments]

    refused = trackside(*asked, environment=environment, folder=tmp_path)

    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(arguments[-2])
