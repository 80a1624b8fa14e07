"""Burst: what queries take while events pour in, and what becomes of more than can be taken."""

import asyncio
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import uvloop

from benchmarks import dataset, servers
from benchmarks.documents import PAGE
from benchmarks.figures import percentile, short
from benchmarks.hooks import BATCH, Ways
from benchmarks.report import section, table
from benchmarks.requests import Connection, Load, UnexpectedAnswer, graphql
from benchmarks.run import Run
from benchmarks.servers import Server
from benchmarks.stores import Kind
from resolvers.recorder import WAITING_AT_MOST

_MESSAGES = 20_000
_STEADY = 4
_STORM = 60
"""Connections; a batch of each is half as much again as a process takes at once."""

_MIB = 1 << 20


def measure(run: Run) -> None:
    """Print the figures of PostgreSQL."""
    steady, storm = (4, 1) if run.is_quick else (40, 4)
    run.say(
        section(
            f"burst: a page of 50 messages while SendGrid's batches of {BATCH} come in",
            "One connection asks for the page again and again: p50 and p99, alone and meanwhile. "
            f"{_STEADY} connections send",
            f"{steady} batches each, one after another; then {_STORM} send {storm} each, of which "
            f"the process takes {WAITING_AT_MOST:,}",
            "events at a time: what it refuses is sent again when Retry-After says. MiB: the most "
            "that it held. Events: in",
            "the log in the end, of those that were sent.",
        )
    )
    with ExitStack() as ending:
        url = ending.enter_context(run.stores.fresh(Kind.POSTGRESQL))
        runner = ending.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
        loaded = runner.run(dataset.make(url, messages=_MESSAGES, entries=10_000))
        server = ending.enter_context(servers.trackside(url))
        ways = Ways(loaded, server, runner)
        ending.callback(ways.close)
        page = graphql(loaded.token, PAGE, {})
        rows = [_alone(server, page)]
        for name, connections, number in (
            (f"{_STEADY} connections", _STEADY, steady),
            (f"{_STORM} connections", _STORM, storm),
        ):
            work = [ways.requests(number) for _ in range(connections)]
            before = ways.recorded()
            burst = _Burst(server, work)
            burst.run(page)
            rows.append(burst.cells(name, ways.recorded() - before))
        headers = ["", "p50 ms", "p99 ms", "queries", "events/s", "refused", "MiB", "events"]
        run.say("\n" + table(headers, rows))


def _alone(server: Server, page: bytes) -> list[str]:
    with Connection(server.port) as connection:
        taken = [_asked(connection, page) for _ in range(300)]
    # The first ones warm the server.
    told = [short(percentile(taken[100:], each)) for each in (50, 99)]
    held = short(server.usage().resident_bytes / _MIB)
    return ["alone", *told, str(len(taken) - 100), "", "", held, ""]


@dataclass(slots=True)
class _Burst:
    server: Server
    work: Sequence[Sequence[bytes]]
    refused: int = 0
    most_bytes: int = 0
    load: Load | None = None
    taken: list[float] = field(default_factory=list)
    _failures: list[BaseException] = field(default_factory=list)

    def run(self, page: bytes) -> None:
        """Send all of it, and ask for the page until it is in."""
        senders = [threading.Thread(target=self._send, args=(own,)) for own in self.work]
        begun = time.perf_counter()
        for each in senders:
            each.start()
        with Connection(self.server.port) as connection:
            while any(each.is_alive() for each in senders):
                self.taken.append(_asked(connection, page))
                self.most_bytes = max(self.most_bytes, self.server.usage().resident_bytes)
        if self._failures:
            raise self._failures[0]
        self.load = Load(sum(map(len, self.work)), time.perf_counter() - begun)

    def cells(self, name: str, recorded: int) -> list[str]:
        assert self.load is not None
        return [
            name,
            *(short(percentile(self.taken, each)) for each in (50, 99)),
            f"{len(self.taken):,}",
            short(self.load.rate * BATCH),
            f"{self.refused:,}",
            short(self.most_bytes / _MIB),
            f"{recorded:,} of {self.load.requests * BATCH:,}",
        ]

    def _send(self, own: Sequence[bytes]) -> None:
        try:
            for request in own:
                while not self._was_taken(request):
                    self.refused += 1
        except (OSError, UnexpectedAnswer) as failure:
            self._failures.append(failure)

    def _was_taken(self, request: bytes) -> bool:
        # As a provider does: a connection for each batch.
        with Connection(self.server.port) as connection:
            try:
                connection.ask(request)
            except UnexpectedAnswer as answer:
                head = str(answer).lower()
                if not head.startswith("http/1.1 503 "):
                    raise
                time.sleep(float(head.partition("retry-after: ")[2].split("\r\n")[0]))
                return False
        return True


def _asked(connection: Connection, page: bytes) -> float:
    begun = time.perf_counter()
    connection.ask(page)
    return (time.perf_counter() - begun) * 1_000
