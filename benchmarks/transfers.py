"""Transfers: lists of contacts in and out of a server, beside the bare writing of the same rows."""

import asyncio
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx

from benchmarks import dataset, servers
from benchmarks.bulk import Bulk
from benchmarks.figures import Spread, ratios, short
from benchmarks.report import section, table
from benchmarks.requests import UnexpectedAnswer
from benchmarks.run import Run
from benchmarks.servers import Server
from benchmarks.stores import Kind
from store import Database, tables, workspaces

_COLUMNS = tuple(column.name for column in tables.contacts.c)
_LETTERS = "anarbecodaelfigahoinjokalimoneorparasatiurwi"
_SYLLABLES = [_LETTERS[place : place + 2] for place in range(0, len(_LETTERS), 2)]
_EXPORT = "mutation { exportContacts(input: {}) { job { id } } }"
_JOB = """query ($id: ID!) { job(id: $id) { state done startedAt finishedAt failureReason
    downloadUrl counts { created } } }"""
_WANTED = {Kind.SQLITE: "1/3", Kind.POSTGRESQL: "1/2"}
_ROUNDS = 3
_MIB = 1 << 20


@dataclass(slots=True)
class _Watch:
    """The most memory that a server was seen to hold while something went on."""

    server: Server
    most_bytes: int = 0
    _is_over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self._is_over.wait(0.1):
            self.most_bytes = max(self.most_bytes, self.server.usage().resident_bytes)

    @contextmanager
    def watching(self) -> Iterator["_Watch"]:
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            yield self
        finally:
            self._is_over.set()
            thread.join()


@dataclass(frozen=True, slots=True)
class _Passed:
    """A job of so many rows: its seconds, those to its first rows, and the most memory."""

    rows: int
    seconds: float
    first_s: float
    most_bytes: int


def measure(run: Run) -> None:
    """Print the figures of both databases."""
    number = 100_000 if run.is_quick else 1_000_000
    run.say(
        section(
            f"transfers: {number:,} contacts as a CSV file, in and out",
            "In: POST /imports to a server in production, from the first byte sent to the end of "
            "the job; every row is new.",
            "Out: exportContacts of all with its default columns, from the call to the last byte "
            "of a download that follows the job.",
            "Bare: the rows that the import left in `contacts`, again into the same table for "
            "another workspace, by COPY or executemany,",
            "20,000 rows a transaction. The import writes 1,000 a transaction, and a log row and a "
            "status of each contact besides.",
            f"In and bare take turns, up to {_ROUNDS} times, each for workspaces of their own.",
            "MiB: the most that the server's process held, sampled every 0.1 s.",
        )
    )
    for kind in Kind:
        _measure(run, kind, number)


def _measure(run: Run, kind: Kind, number: int) -> None:
    with ExitStack() as ending:
        url = ending.enter_context(run.stores.fresh(kind))
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="trackside-")))
        server = ending.enter_context(servers.trackside(url, files=folder / "files"))
        path = folder / "list.csv"
        write_list(path, number)
        idle = server.usage().resident_bytes
        houses: list[_House] = []
        came_in: list[_Passed] = []
        bare_s: list[float] = []
        for one in run.rounds(seconds=400, number=_ROUNDS):
            workspace_id, token = asyncio.run(_a_workspace(url, f"list {one}"))
            houses.append(_House(server, token))
            came_in.append(houses[-1].take_in(path, number))
            bare_s.append(asyncio.run(_bare(url, workspace_id, f"bare {one}")))
        # Those of the other workspaces are not meant.
        went_out = houses[-1].hand_out(number)
    taken = [one.seconds for one in came_in]
    rows = [
        ["in", *_figures(came_in), str(ratios(bare_s, taken))],
        ["bare", _figure([number / one for one in bare_s]), _figure(bare_s), "", "", "1"],
        ["out", *_figures([went_out]), ""],
    ]
    headers = ["", "rows/s", "s", "s to first rows", "MiB", f"bare = 1, wanted {_WANTED[kind]}"]
    run.say(f"\n{kind}, {idle / _MIB:.0f} MiB when idle\n" + table(headers, rows))


def write_list(path: Path, number: int) -> None:
    """People with names that repeat as names do, and addresses of their own."""
    random = Random(1)
    names = ["".join(random.choices(_SYLLABLES, k=random.randint(2, 4))) for _ in range(4_000)]
    with path.open("w") as file:
        file.write("firstname,lastname,email\n")
        for one in range(number):
            first, last = random.choice(names), random.choice(names)
            host = names[one % 97]
            file.write(f"{first.title()},{last.title()},{first}.{last}{one}@{host}.example\n")


class _House:
    """A workspace of a server, asked over HTTP."""

    def __init__(self, server: Server, token: str) -> None:
        self._server = server
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{server.port}",
            headers={"Authorization": f"Bearer {token}"},
            timeout=600,
        )

    def take_in(self, path: Path, number: int) -> _Passed:
        """What an import of the list takes; its first rows are those of the first progress."""
        with _Watch(self._server).watching() as watch:
            begun = time.perf_counter()
            with path.open("rb") as file:
                answer = self._client.post("/imports?status=LEAD", content=file)
            if answer.status_code != 202:
                raise UnexpectedAnswer(answer.text)
            first_s = 0.0
            while True:
                job = self._job(answer.json()["id"])
                if job["done"] and not first_s:
                    first_s = time.perf_counter() - begun
                if job["state"] not in ("QUEUED", "RUNNING"):
                    break
                time.sleep(0.1)
            seconds = time.perf_counter() - begun
        if job["state"] != "COMPLETED" or job["counts"]["created"] != number:
            raise UnexpectedAnswer(f"{job}")
        return _Passed(number, seconds, first_s, watch.most_bytes)

    def hand_out(self, number: int) -> _Passed:
        """What an export of all takes until it is downloaded."""
        with _Watch(self._server).watching() as watch:
            begun = time.perf_counter()
            job_id = self._ask(_EXPORT)["exportContacts"]["job"]["id"]
            while not (url := self._job(job_id)["downloadUrl"]):
                time.sleep(0.02)
            lines, first_s = 0, 0.0
            with self._client.stream("GET", httpx.URL(url).path) as answer:
                for piece in answer.iter_raw():
                    lines += piece.count(b"\n")
                    if lines > 1 and not first_s:
                        first_s = time.perf_counter() - begun
            seconds = time.perf_counter() - begun
        if lines != number + 1:
            raise UnexpectedAnswer(f"{lines:,} lines of {number:,} contacts and a header")
        return _Passed(number, seconds, first_s, watch.most_bytes)

    def _job(self, job_id: str) -> Any:
        return self._ask(_JOB, id=job_id)["job"]

    def _ask(self, query: str, **variables: Any) -> Any:
        answer = self._client.post("/graphql", json={"query": query, "variables": variables})
        return answer.json()["data"]


def _figures(passed: Sequence[_Passed]) -> list[str]:
    rounds = [
        [one.rows / one.seconds for one in passed],
        [one.seconds for one in passed],
        [one.first_s for one in passed],
    ]
    return [*map(_figure, rounds), f"{max(one.most_bytes for one in passed) / _MIB:.0f}"]


def _figure(rounds: Sequence[float]) -> str:
    return str(Spread.of(rounds)) if len(rounds) > 1 else short(rounds[0])


async def _a_workspace(url: str, name: str) -> tuple[int, str]:
    database = Database(url)
    try:
        workspace_id, token, *_ = await dataset.begin(database, time.time_ns() // 1_000, 1, name)
    finally:
        await database.dispose()
    return workspace_id, token


async def _bare(url: str, workspace_id: int, name: str) -> float:
    """The seconds that the same rows take alone."""
    database = Database(url)
    async with database.write() as connection:
        other = await workspaces.create(connection, name, time.time_ns() // 1_000)
    await database.dispose()
    bulk = await Bulk(url, is_lasting=True).open()
    try:
        where = f"workspace_id = {workspace_id} ORDER BY id"
        place = _COLUMNS.index("workspace_id")
        rows = [
            (*row[:place], other, *row[place + 1 :])
            for row in await bulk.read(tables.contacts, _COLUMNS, where)
        ]
        begun = time.perf_counter()
        await bulk.write(tables.contacts, _COLUMNS, rows)
        return time.perf_counter() - begun
    finally:
        await bulk.close()
