"""Servers: trackside and its peers as processes of their own, ended by the id that was started."""

import secrets
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import Usage, usage
from tests.support.ports import free_port
from tests.support.process import Process

_ROOT = Path(__file__).parent.parent
_PROGRAMS = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Server:
    """A server on the loopback that answers."""

    port: int
    pid: int

    def usage(self) -> Usage:
        """What it and its children have spent and hold."""
        return usage(self.pid)


@contextmanager
def trackside(
    database_url: str,
    *,
    files: Path | None = None,
    port: int | None = None,
    secret: str | None = None,
) -> Iterator[Server]:
    """`trackside serve` as in production, on the migrated database; jobs write into `files`.

    Port and secret are new ones where none are given: those of an earlier server take its place.
    """
    port = port or free_port()
    command = [str(_PROGRAMS / "trackside"), "serve", "--host", "127.0.0.1", "--port", str(port)]
    environment = {
        "TRACKSIDE_PROFILE": "production",
        "TRACKSIDE_DATABASE_URL": database_url,
        "TRACKSIDE_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "TRACKSIDE_SECRET_KEY": secret or secrets.token_urlsafe(32),
        "TRACKSIDE_FILES_DIR": "" if files is None else str(files),
    }
    with _running(command, environment, port, "/readyz") as server:
        yield server


@contextmanager
def peer(database_url: str) -> Iterator[Server]:
    """The routes of peers.py, on the same uvicorn with the same settings."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.peers", str(port)]
    environment = {"PEER_DATABASE_URL": database_url}
    with _running(command, environment, port, "/empty") as server:
        yield server


@contextmanager
def node(program: Path) -> Iterator[Server]:
    """A program of ours for Node, which is given its port."""
    port = free_port()
    command = ["node", str(program), str(port)]
    with _running(command, {"NODE_ENV": "production"}, port, "/") as server:
        yield server


@contextmanager
def _running(
    command: Sequence[str], environment: Mapping[str, str], port: int, path: str
) -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="trackside-bench-server-"))
    try:
        # env(1) becomes the server, under the same process id.
        settings = [f"{name}={value}" for name, value in environment.items()]
        process = Process(["env", f"PYTHONPATH={_ROOT}", *settings, *command], folder=folder)
        try:
            process.wait_until(lambda: _answers(f"http://127.0.0.1:{port}{path}"))
            yield Server(port, process.pid)
        finally:
            process.stop()
    finally:
        (folder / "log").unlink(missing_ok=True)
        folder.rmdir()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310  Our own address.
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False
