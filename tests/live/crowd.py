"""A crowd: subscribers in a process of their own, and what its parent asks of them.

`python -m tests.live.crowd` takes a line of JSON (`_Asked`), says when all were served, and then
answers each line with a line. It ends with its input.
"""

import asyncio
import contextlib
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
import uvloop

from tests.live.subscriber import Asked, Habits, Subscriber

ROOT = Path(__file__).parent.parent.parent
_LINE_AT_MOST = 1 << 28


@dataclass(frozen=True, slots=True)
class Watchers:
    """So many subscribers who ask for the same."""

    number: int
    asked: Asked


@dataclass(frozen=True, slots=True)
class Account:
    """What one subscriber had; `marks` are its number of ids and last seq behind each message."""

    watchers: int
    count: int
    last_seq: int
    digest: str
    gaps: list[str]


class Crowd:
    """The parent's end."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._turn = asyncio.Lock()

    async def begin(self, **asked: Any) -> None:
        await self._ask(asked)

    async def behind(self) -> tuple[int, int]:
        """How many ids all had in all, and the seq of who is furthest behind."""
        had, least = await self._ask({"do": "behind"})
        return had, least

    async def until(self, seqs: Sequence[int], *, quiet_s: float) -> None:
        """Nobody leaves any more; returns when all of watchers n had the seq n, or nobody was told
        anything for so long."""
        heard, heard_at = -1, 0.0
        loop = asyncio.get_running_loop()
        while True:
            is_done, had = await self._ask({"do": "wait", "seqs": list(seqs), "at_most_s": 1})
            if had > heard:
                heard, heard_at = had, loop.time()
            if is_done or loop.time() - heard_at > quiet_s:
                return

    async def accounts(self) -> list[Account]:
        return [Account(**one) for one in await self._ask({"do": "account"})]

    async def seen(self) -> "Counter[str]":
        """How often what happened to them, messages included."""
        return Counter(await self._ask({"do": "seen"}))

    async def cpu_s(self) -> float:
        """What it has spent."""
        return float(await self._ask({"do": "cpu"}))

    async def marks(self, number: int) -> list[tuple[int, int]]:
        """Of one subscriber: its number of ids and the last one's seq, behind each message."""
        flat = await self._ask({"do": "marks", "number": number})
        return list(zip(flat[::2], flat[1::2], strict=True))

    async def read(self, is_reading: bool) -> None:
        """Everybody stops reading from the connections, or goes on."""
        await self._ask({"do": "read", "is_reading": is_reading})

    async def _ask(self, question: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        async with self._turn:
            self._process.stdin.write(orjson.dumps(question) + b"\n")
            line = await self._process.stdout.readline()
        if not line:
            raise ConnectionError(f"The crowd ended with {await self._process.wait()}.")
        return orjson.loads(line)


@asynccontextmanager
async def a_crowd(
    *watchers: Watchers,
    ports: Sequence[int],
    token: str,
    after: str | None = None,
    leave_every_s: float | None = None,
    away_s: float = 2.0,
) -> AsyncIterator[Crowd]:
    """Subscribers who were all served their first batch; they end with the block.

    after: the cursor that all begin with. leave_every_s: how long one stays, on average.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.live.crowd"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        limit=_LINE_AT_MOST,
    )
    try:
        crowd = Crowd(process)
        habits = Habits(ports, token, leave_every_s, away_s)
        await crowd.begin(
            watchers=[asdict(one) for one in watchers], habits=asdict(habits), after=after
        )
        yield crowd
    finally:
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()


class _Members:
    def __init__(self, asked: dict[str, Any]) -> None:
        self._habits = Habits(**asked["habits"])
        self._changed = asyncio.Event()
        self._seen: Counter[str] = Counter()
        self._all: list[tuple[int, Subscriber]] = []
        for place, watchers in enumerate(asked["watchers"]):
            wanted = Asked(**watchers["asked"])
            for _ in range(watchers["number"]):
                subscriber = Subscriber(
                    wanted,
                    self._habits,
                    after=asked["after"],
                    seen=self._seen,
                    changed=self._changed,
                )
                self._all.append((place, subscriber))
        self._tasks = [asyncio.create_task(one.follow()) for _, one in self._all]

    async def until_served(self) -> None:
        while not all(one.was_served for _, one in self._all):
            self._changed.clear()
            await self._changed.wait()

    async def answer(self, question: dict[str, Any]) -> Any:
        match question["do"]:
            case "behind":
                had = sum(one.had.count for _, one in self._all)
                return had, min(one.had.last_seq for _, one in self._all)
            case "wait":
                return await self._wait(question["seqs"], question["at_most_s"])
            case "account":
                return [
                    asdict(
                        Account(place, one.had.count, one.had.last_seq, one.had.digest, one.gaps)
                    )
                    for place, one in self._all
                ]
            case "seen":
                return self._seen
            case "cpu":
                return time.process_time()
            case "marks":
                return self._all[question["number"]][1].had.marks.tolist()
            case "read":
                for _, one in self._all:
                    one.read(question["is_reading"])
                return None
            case unknown:
                raise ValueError(f"There is nothing to do called {unknown!r}.")

    async def _wait(self, seqs: Sequence[int], at_most_s: float) -> tuple[bool, int]:
        self._habits.is_leaving = False
        is_done = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(at_most_s):
                while any(one.had.last_seq < seqs[place] for place, one in self._all):
                    self._changed.clear()
                    await self._changed.wait()
                is_done = True
        return is_done, sum(one.had.count for _, one in self._all)

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _main() -> None:
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    random.seed(0)
    members = _Members(orjson.loads(await lines.readline()))
    await members.until_served()
    _say(None)
    while line := await lines.readline():
        _say(await members.answer(orjson.loads(line)))
    await members.end()


def _say(answer: Any) -> None:
    print(orjson.dumps(answer).decode(), flush=True)


if __name__ == "__main__":
    uvloop.run(_main())
