"""Ingest: recordEvents over HTTP, beside the recorder alone and the bare writing of the log."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack

import uvloop

from benchmarks import dataset, documents, servers
from benchmarks.dataset import Dataset
from benchmarks.recording import InProcess, LogAlone
from benchmarks.report import section
from benchmarks.requests import at_once, graphql
from benchmarks.run import ROUNDS, Run
from benchmarks.servers import Server
from benchmarks.stores import Kind
from benchmarks.traffic import Event, as_input, batches, traffic
from benchmarks.ways import Way, clocked, compared

BATCH = 500
CONNECTIONS = 4


def measure(run: Run) -> None:
    """Print the figures of both databases."""
    number = 4 if run.is_quick else 20
    run.say(
        section(
            f"ingest: recordEvents in batches of {BATCH} events",
            "Messages of known entries with one link each, and what becomes of them: about 3.4 "
            "events a message.",
            f"Each way writes {number} batches in turn in each of {ROUNDS} rounds; every "
            "connection has messages of its own.",
            "CPU: over HTTP the server's process alone; in process this one's. The recorder is the "
            "server's own,",
            "without HTTP, GraphQL or JSON. `log alone` is the floor: the rows that the first way "
            "left in the log,",
            "again into the same table by COPY or executemany, a transaction a batch.",
            "PostgreSQL from the wheel runs with fsync off; SQLite writes through at each commit.",
        )
    )
    for kind in Kind:
        with ExitStack() as ending:
            url = ending.enter_context(run.stores.fresh(kind))
            runner = ending.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
            loaded = runner.run(dataset.make(url, messages=0, entries=10_000))
            server = ending.enter_context(servers.trackside(url))
            ways = _Ways(loaded, server, runner)
            ending.callback(ways.close)
            ways.round(1)
            ways.forget()
            for _ in run.rounds(seconds=50):
                ways.round(number)
            run.say(f"\n{kind}\n" + ways.table())


class _Ways:
    def __init__(self, loaded: Dataset, server: Server, runner: asyncio.Runner) -> None:
        self._loaded, self._server, self._runner = loaded, server, runner
        self._streams = {
            name: [
                traffic(f"{name}-{number}", loaded.entry, loaded.entries)
                for number in range(CONNECTIONS)
            ]
            for name in ("http", "recorder")
        }
        self._recorder = InProcess(loaded)
        self._log = runner.run(LogAlone.open(loaded))
        self.forget()

    def forget(self) -> None:
        """Of the warm-up."""
        self._http = [Way("HTTP, 1 connection"), Way(f"HTTP, {CONNECTIONS} connections")]
        self._alone = [Way("recorder, 1 caller"), Way(f"recorder, {CONNECTIONS} callers")]
        self._rows = Way("log alone")

    def close(self) -> None:
        self._runner.run(self._recorder.close())
        self._runner.run(self._log.close())

    def round(self, number: int) -> None:
        before = self._runner.run(self._log.head())
        self._over_http(self._http[0], self._take("http", number, 1))
        after = self._runner.run(self._log.head())
        self._in_process(self._alone[0], self._take("recorder", number, 1))
        self._bare(before, after)
        self._over_http(self._http[1], self._take("http", number, CONNECTIONS))
        self._in_process(self._alone[1], self._take("recorder", number, CONNECTIONS))

    def table(self) -> str:
        return compared((*self._http, *self._alone, self._rows), self._alone[0])

    def _take(self, name: str, number: int, callers: int) -> list[list[list[Event]]]:
        """The next batches, shared among the callers."""
        share = max(1, number // callers)
        return [batches(stream, BATCH, share) for stream in self._streams[name][:callers]]

    def _over_http(self, way: Way, work: Sequence[Sequence[Sequence[Event]]]) -> None:
        requests = [
            [
                graphql(self._loaded.token, documents.RECORD, {"events": [*map(as_input, batch)]})
                for batch in own
            ]
            for own in work
        ]
        spent = self._server.usage().cpu_s
        load = at_once(self._server.port, requests, _is_accepted)
        cpu_s = self._server.usage().cpu_s - spent
        way.took(load.requests * BATCH, load.seconds, cpu_s)

    def _in_process(self, way: Way, work: Sequence[Sequence[Sequence[Event]]]) -> None:
        with clocked(way, sum(map(len, work)) * BATCH):
            self._runner.run(self._recorder.record(work))

    def _bare(self, before: int, after: int) -> None:
        rows = self._runner.run(self._log.rows(before, after))
        with clocked(self._rows, len(rows)):
            self._runner.run(self._log.write(rows, BATCH))


def _is_accepted(answer: bytes) -> bool:
    """Whether each of the batch's events was."""
    return answer.count(b'"outcome":"ACCEPTED"') == BATCH
