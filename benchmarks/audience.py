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
    """The subscribers did not hear everything in time, or ended: their own words are on stderr."""


@dataclass(frozen=True, slots=True)
class Heard:
    """When the last subscriber had all (seconds since 1970), by how many messages in all, and for
    each event that one in twenty subscribers read how long after receivedAt it came.

    behind: how many had not had all when there was no more time. again: how often somebody was
    failed or closed while coming back, and came back again.
    """

    finished_at: float
    behind: int
    again: int
    messages: int
    latencies_ms: list[float]


class Audience:
    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def hear(self, events: int) -> Heard:
        """Wait until every subscriber has had that many events more, neither fewer nor more."""
        heard = self._heard(f"hear {events}")
        if heard.behind:
            raise AudienceLost(f"{heard.behind} subscribers did not hear {events} events in time.")
        return heard

    def leave(self) -> None:
        """End every connection, without a word."""
        self.ask("leave")

    def come_back(self, events: int) -> Heard:
        """Connect all at once behind what each had, and hear so many more, in time or not."""
        return self._heard(f"return {events}")

    def ask(self, line: str) -> bytes:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise AudienceLost(f"The subscribers ended with {self._process.wait(PATIENCE_S)}.")
        return answer

    def _heard(self, line: str) -> Heard:
        return Heard(**orjson.loads(self.ask(line)))


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
            asked = {
                "port": server.port,
                "token": loaded.token,
                "subscribers": subscribers,
                "document": documents.LIVE,
                "variables": {"journey": [f"jrn_{loaded.journeys[0].hex()}"]},
            }
            audience.ask(orjson.dumps(asked).decode())
            yield audience
        finally:
            process.terminate()
