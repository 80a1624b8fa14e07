"""`trackside import` and `trackside export`, as processes."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from store import Database, tables
from tests.server.test_cli import trackside
from tests.support.factories import Workspace, a_database, a_workspace

_ROOT = Path(__file__).parent.parent.parent
_SOON = 60
LIST = "firstname,lastname,email\nBob,Builder,bob@example.org\nx,y,bad@\nEve,,eve@example.org\n"


@pytest.fixture
def environment(sqlite_url: str) -> dict[str, str]:
    return over(sqlite_url)


def over(url: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if "TRACKSIDE" not in name}
    return {**kept, "PYTHONPATH": str(_ROOT), "TRACKSIDE_DATABASE_URL": url}


@pytest.fixture
async def folder(environment: dict[str, str], tmp_path: Path) -> Path:
    """Where the commands run; there is a workspace acme, and the list."""
    await an_acme(environment["TRACKSIDE_DATABASE_URL"])
    (tmp_path / "list.csv").write_text(LIST)
    return tmp_path


async def an_acme(url: str) -> None:
    async with a_database(url) as database:
        await a_workspace(database, "acme")


async def test_a_list_is_imported_told_and_exported(
    database_url: str, folder: Path, sqlite_url: str
) -> None:
    environment = over(database_url)
    if database_url != sqlite_url:
        await an_acme(database_url)
    arguments = ["import", "list.csv", "--workspace", "acme", "--status", "lead"]
    done = trackside(
        *arguments, "--rejected", "rejected.csv", environment=environment, folder=folder
    )
    exported = trackside(
        "export", "--workspace", "acme", "--column", "email", "--column", "status",
        environment=environment, folder=folder,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (0, "")
    assert "Importing list.csv" in done.stderr
    assert "3/3" in done.stderr
    assert "3 rows: 2 created, 0 updated, 0 unchanged, 0 blank, 1 rejected.\n" in done.stderr
    assert 'Row 3: "bad@" is not an e-mail address' in done.stderr
    assert "The rejected rows are in rejected.csv.\n" in done.stderr
    assert (folder / "rejected.csv").read_text("utf-8-sig").splitlines()[1].startswith("3,x,y,bad@")
    assert exported.stdout == "\ufeffemail,status\nbob@example.org,LEAD\neve@example.org,LEAD\n"
    assert "contacts exported: 2\n" in exported.stderr


def test_a_list_that_changes_nothing_is_told(environment: dict[str, str], folder: Path) -> None:
    arguments = ["import", "list.csv", "--workspace", "acme", "--status", "LEAD"]
    trackside(*arguments, environment=environment, folder=folder)

    again = trackside(*arguments, environment=environment, folder=folder)

    assert "3 rows: 0 created, 0 updated, 2 unchanged, 0 blank, 1 rejected.\n" in again.stderr
    assert "The list changes nothing: nobody in it is new or named otherwise.\n" in again.stderr


def test_a_dry_run_imports_nobody(environment: dict[str, str], folder: Path) -> None:
    arguments = ["import", "list.csv", "--workspace", "acme", "--status", "LEAD", "--dry-run"]

    done = trackside(*arguments, environment=environment, folder=folder)
    exported = trackside(
        "export", "--workspace", "acme", "--output", "all.csv",
        environment=environment, folder=folder,
    )  # fmt: skip

    assert "3 rows in a dry run: 2 created" in done.stderr
    assert (exported.returncode, exported.stdout) == (0, "")
    assert (folder / "all.csv").read_text("utf-8-sig").count("\n") == 1


def test_ten_gigabytes_of_zeros_are_refused_at_once(
    environment: dict[str, str], folder: Path
) -> None:
    """A file with holes: it takes no room, and reading all of it would take minutes."""
    for name, beginning in (("zeros", b""), ("list", LIST.encode())):
        with (folder / name).open("wb") as file:
            file.write(beginning)
            file.truncate(10_000_000_000)
    arguments = ["--workspace", "acme", "--status", "LEAD"]
    small = {**environment, "TRACKSIDE_UPLOAD_BYTES_AT_MOST": "20000000"}

    zeros = trackside("import", "zeros", *arguments, environment=environment, folder=folder)
    large = trackside("import", "list", *arguments, environment=small, folder=folder)

    assert (zeros.returncode, large.returncode) == (1, 1)
    assert zeros.stderr.startswith("The file begins with null bytes: its first line must be")
    assert large.stderr == (
        "The file has more than 20,000,000 bytes: split it, and begin each part with the header.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["import", "list.csv", "--workspace", "nobody", "--status", "LEAD"], 1, "no workspace"),
        (["import", "none.csv", "--workspace", "acme", "--status", "LEAD"], 2, "does not exist"),
        (["import", "list.csv", "--workspace", "acme", "--status", "VIP"], 2, "is not one of"),
        (["export", "--workspace", "nobody"], 1, "There is no workspace 'nobody'"),
        (["export", "--workspace", "acme", "--column", "AGE"], 2, "is not one of"),
        (
            ["export", "--workspace", "acme", "--column", "ID", "--column", "ID"],
            1,
            "The column ID is there twice",
        ),
    ],
)
def test_what_cannot_be_meant_is_told_in_words(
    environment: dict[str, str], folder: Path, arguments: list[str], code: int, words: str
) -> None:
    refused = trackside(*arguments, environment=environment, folder=folder)

    assert (refused.returncode, refused.stdout) == (code, "")
    assert words in refused.stderr
    assert "Traceback" not in refused.stderr


async def test_ctrl_c_cancels_the_import_and_keeps_what_it_did(
    environment: dict[str, str], folder: Path, sqlite_url: str
) -> None:
    lines = "".join(f"P,,p{number}@example.org\n" for number in range(300_000))
    (folder / "long.csv").write_text("firstname,lastname,email\n" + lines)
    arguments = ["import", "long.csv", "--workspace", "acme", "--status", "LEAD"]
    database = Database(sqlite_url)
    workspace = Workspace(database, 1)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server.cli", *arguments,
        env=environment, cwd=folder, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(_SOON):
        while not any(row["done"] for row in await workspace.rows(tables.jobs)):
            pass

    process.send_signal(signal.SIGINT)
    _, told = await process.communicate()

    (job,) = await workspace.rows(tables.jobs)
    contacts = await workspace.rows(tables.contacts)
    await database.dispose()
    assert process.returncode == 130
    assert "It was cancelled: what was done stays done." in told.decode()
    assert (job["state"], len(contacts)) == ("CANCELED", job["done"])
    assert 0 < job["done"] < 300_000
