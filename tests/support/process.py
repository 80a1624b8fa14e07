"""Processes: a server under test, which never outlives the tests."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.accounts import OURS, Account

# Reads until the tests are gone, however they went (the pipe closes), then ends the server and
# removes its folder: $0 is the pid, $1 the signal, $2 the folder.
_LIFELINE = """
read -r _
kill -s "$1" "$0"
sleep 1
kill -s KILL "$0" 2>/dev/null
rm -rf -- "$2"
"""


class ServerDidNotStart(Exception):
    """The server ended, or did not answer in time; carries the end of its log."""


class Process:
    """A server's process and the lifeline that ends it when the tests are killed.

    The folder is its own, goes with it when the tests are killed, and holds its log.
    """

    def __init__(
        self,
        command: list[str],
        *,
        folder: Path,
        account: Account = OURS,
        end_with: signal.Signals = signal.SIGTERM,
    ) -> None:
        self._log = folder / "log"
        self._end_with = end_with
        with self._log.open("ab") as output:
            self._server = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
                # Ctrl-C is for pytest alone, which then stops its servers in order.
                start_new_session=True,
                user=account.uid,
                group=account.gid,
                extra_groups=account.groups,
            )
        self._lifeline = subprocess.Popen(
            ["/bin/sh", "-c", _LIFELINE, str(self._server.pid), end_with.name[3:], str(folder)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._server.pid

    @property
    def log(self) -> str:
        """All that it said so far."""
        return self._log.read_text(errors="replace")

    @property
    def is_running(self) -> bool:
        return self._server.poll() is None

    def wait_until(self, is_ready: Callable[[], bool], *, timeout_s: float = 30) -> None:
        """Raises ServerDidNotStart with the end of the log."""
        deadline = time.monotonic() + timeout_s
        while not is_ready():
            if not self.is_running or time.monotonic() > deadline:
                self.stop(signal.SIGKILL)
                raise ServerDidNotStart(self.log[-2000:])
            time.sleep(0.01)

    def stop(self, with_signal: signal.Signals | None = None, *, timeout_s: float = 20) -> None:
        """Ask it to end and wait; what does not end in time is killed."""
        self._server.send_signal(with_signal or self._end_with)
        try:
            self._server.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        # The lifeline goes last and at once: the server's pid may be somebody else's soon.
        self._lifeline.kill()
        self._lifeline.wait()
        if self._lifeline.stdin is not None:
            self._lifeline.stdin.close()

    def kill(self) -> None:
        """As a power cut: the process and its children end this instant, without a word."""
        # Held still, so that it has no child after they were counted.
        self._server.send_signal(signal.SIGSTOP)
        started = children(self.pid)
        self._server.kill()
        for child in started:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self.stop(signal.SIGKILL)


def children(pid: int) -> list[int]:
    """The processes that this one started and that have not gone."""
    # Linux tells without a program; a slim image has no ps.
    told = Path(f"/proc/{pid}/task/{pid}/children")
    if told.exists():
        return [int(child) for child in told.read_text().split()]
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], check=True, capture_output=True, text=True
    ).stdout
    return [
        int(child) for child, parent in map(str.split, listing.splitlines()) if int(parent) == pid
    ]


def is_alive(pid: int) -> bool:
    """Whether it runs; an orphan that ended may wait for init to collect it."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
