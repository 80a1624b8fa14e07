"""The audience: subscribers in another process, asked when they have heard everything."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import orjson

from benchmarks import documents
from benchmarks.dataset import Dataset
from benchmarks.servers import Server
from benchmarks.subscribers import PATIENCE_S


class AudienceLost(Exception):
    """The subscribers ended or did not hear everything in time; their own words are on stderr."""


@dataclass(frozen=True, slots=True)
class Heard:
    """When the last subscriber had all (seconds since 1970), by how many messages in all, and for
    each event that one in twenty subscribers read how long after receivedAt it came.
    """

    finished_at: float
    messages: int
    latencies_ms: list[float]


class Audience:
    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def hear(self, events: int) -> Heard:
        """Wait until every subscriber has had that many events more, neither fewer nor more."""
        self._write(b"%d\n" % events)
        told = orjson.loads(self._line())
        return Heard(told["finished_at"], told["messages"], told["latencies_ms"])

    def ask(self, asked: dict[str, object]) -> None:
        self._write(orjson.dumps(asked) + b"\n")
        self._line()

    def _write(self, line: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line)
        self._process.stdin.flush()

    def _line(self) -> bytes:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise AudienceLost(f"The subscribers ended with {self._process.wait(PATIENCE_S)}.")
        return line


@contextmanager
def attached(server: Server, loaded: Dataset, subscribers: int) -> Iterator[Audience]:
    """So many subscribers of the events of the first journey, each on a connection of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.subscribers"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            audience = Audience(process)
            audience.ask(
                {
                    "port": server.port,
                    "token": loaded.token,
                    "subscribers": subscribers,
                    "document": documents.LIVE,
                    "variables": {"journey": [f"jrn_{loaded.journeys[0].hex()}"]},
                }
            )
            yield audience
        finally:
            process.terminate()
