"""Survival: subscribers over two servers, while everything under them dies and comes back.

`python -m tests.live.survival` does at full size what test_survival.py does at a small one.
"""

import argparse
import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from benchmarks.processes import usage
from tests.live import truth, watching
from tests.live.crowd import Crowd, a_crowd
from tests.live.house import A_MESSAGE, BATCH, Partner, a_client, a_house
from tests.live.truth import Verdict
from tests.support.databases import PostgresDatabases
from tests.support.postgres import PostgresServer
from tests.support.trackside import TracksideServer
from tests.support.valkey import ValkeyServer
from tests.support.waiting import SOON

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How many subscribers hear of how many events, how fast these are written (as fast as it goes
    for None), and how often a subscriber is cut off on average, for two seconds."""

    subscribers: int
    events: int
    a_second: float | None
    leave_every_s: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """`seen`: how often what happened to the subscribers' connections; CPU of both servers."""

    verdict: Verdict
    is_written_once: bool
    seen: "Counter[str]"
    seconds: float
    servers_cpu_s: float
    crowd_cpu_s: float

    def __str__(self) -> str:
        verdict, messages = self.verdict, self.seen["messages"]
        happened = ", ".join(f"{what}: {often:,}" for what, often in self.seen.most_common())
        return "\n".join(
            [
                f"{verdict.expected:,} deliveries, {verdict.lost:,} lost, "
                f"{verdict.repeated:,} repeated, {len(verdict.wrong):,} subscribers wrong, "
                f"{verdict.gaps:,} gaps; each event written once: {self.is_written_once}",
                f"{self.seconds:.0f} s; CPU of the servers {self.servers_cpu_s:.1f} s, "
                f"{self.servers_cpu_s * 1e6 / max(1, messages):.0f} µs a message of "
                f"{verdict.expected / max(1, messages):.0f} events, "
                f"{self.servers_cpu_s * 1e6 / max(1, verdict.expected):.1f} µs a delivery; "
                f"of the subscribers {self.crowd_cpu_s:.1f} s",
                happened,
                *verdict.wrong[:10],
            ]
        )


@dataclass(slots=True)
class _Machines:
    """What is ended and begun again; `cpu_s` is what ended servers had spent."""

    postgres: PostgresServer
    valkey: ValkeyServer
    servers: Sequence[TracksideServer]
    cpu_s: float = field(default=0)

    async def end(self, server: TracksideServer, *, suddenly: bool) -> None:
        self.cpu_s += usage(server.pid).cpu_s
        await asyncio.to_thread(server.kill if suddenly else server.stop)

    def spent_s(self) -> float:
        return self.cpu_s + sum(usage(server.pid).cpu_s for server in self.servers)


async def survive(
    plan: Plan,
    postgres: PostgresServer,
    database_url: str,
    valkey: ValkeyServer,
    say: Say = lambda _: None,
) -> Outcome:
    """Write, break, and judge. The servers' database is migrated, on this PostgreSQL."""
    servers = [TracksideServer(database_url, broadcast_url=valkey.url) for _ in range(2)]
    machines = _Machines(postgres, valkey, servers)
    begun = time.monotonic()
    try:
        for server in servers:
            await asyncio.to_thread(server.start)
        house = await a_house(*servers)
        kinds = watching.mixed(plan.subscribers, house)
        async with a_crowd(
            *(one.watchers for one in kinds),
            ports=house.ports,
            token=house.home.token,
            after=house.start,
            leave_every_s=plan.leave_every_s,
        ) as crowd:
            say(f"{plan.subscribers:,} subscribers are served.")
            partner = Partner(house)
            async with _progress(partner, crowd, say):
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(partner.write(plan.events, a_second=plan.a_second))
                    tasks.create_task(_break(machines, partner, plan.events, say))
                say(f"{partner.written:,} events are acknowledged.")
                rows = await truth.rows_of(house)
                verdict = await truth.judge(crowd, [one.expected(rows) for one in kinds])
            seen, crowd_cpu_s = await crowd.seen(), await crowd.cpu_s()
        spent_s = machines.spent_s()
    finally:
        for server in servers:
            await asyncio.to_thread(server.stop)
    return Outcome(
        verdict=verdict,
        is_written_once=truth.written_once(rows, partner.written // A_MESSAGE),
        seen=seen,
        seconds=time.monotonic() - begun,
        servers_cpu_s=spent_s,
        crowd_cpu_s=crowd_cpu_s,
    )


async def _break(machines: _Machines, partner: Partner, events: int, say: Say) -> None:
    """One thing after the other, each when a part of the events is written."""

    async def when(part: float, what: str) -> None:
        await partner.until(int(events * part) // BATCH * BATCH)
        say(f"{what} ({partner.written:,} events written)")

    one, other = machines.servers
    await when(0.10, "Valkey is killed")
    await asyncio.to_thread(machines.valkey.kill)
    await when(0.20, "Valkey is back")
    await asyncio.to_thread(machines.valkey.start)
    await when(0.30, "PostgreSQL is restarted")
    await asyncio.to_thread(machines.postgres.stop)
    await _until_not_ready(machines.servers)
    await asyncio.to_thread(machines.postgres.start)
    await when(0.45, "a server is killed with -9")
    await machines.end(one, suddenly=True)
    await when(0.55, "and replaced")
    await asyncio.to_thread(one.start)
    await when(0.65, "PostgreSQL is killed with -9, and started")
    await asyncio.to_thread(machines.postgres.kill)
    await asyncio.to_thread(machines.postgres.start)
    await when(0.75, "the other server is upgraded")
    await machines.end(other, suddenly=False)
    await asyncio.to_thread(other.start)
    await when(0.85, "all at once: Valkey, PostgreSQL and a server are killed")
    await asyncio.to_thread(machines.valkey.kill)
    await asyncio.to_thread(machines.postgres.kill)
    await machines.end(one, suddenly=True)
    for back in (machines.postgres, machines.valkey, one):
        await asyncio.to_thread(back.start)


async def _until_not_ready(servers: Sequence[TracksideServer]) -> None:
    """Returns when all of them have noticed."""
    async with asyncio.timeout(SOON), a_client() as client:
        for server in servers:
            while (await client.get(f"{server.url}/readyz")).status_code == 200:  # noqa: ASYNC110
                await asyncio.sleep(0.05)  # Another process tells only what it is asked.


@asynccontextmanager
async def _progress(partner: Partner, crowd: Crowd, say: Say) -> AsyncIterator[None]:
    async def tell() -> None:
        while True:
            await asyncio.sleep(5)
            had, behind = await crowd.behind()
            say(f"  {partner.written:,} written, {had:,} delivered, all are behind {behind:,}")

    telling = asyncio.create_task(tell())
    try:
        yield
    finally:
        telling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await telling


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.live.survival",
        description="Break everything under many subscribers, and count what each was told.",
    )
    parser.add_argument("--subscribers", type=int, default=1_000)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--a-second", type=float, help="as fast as it goes where left out")
    parser.add_argument("--leave-every", type=float, default=60, metavar="SECONDS")
    asked = parser.parse_args()
    plan = Plan(asked.subscribers, asked.events, asked.a_second, asked.leave_every)
    begun = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - begun:6.1f} s  {text}", flush=True)

    postgres, valkey = PostgresServer(), ValkeyServer()
    try:
        url = PostgresDatabases(postgres.url).create()
        outcome = asyncio.run(survive(plan, postgres, url, valkey, say))
    finally:
        valkey.remove()
        postgres.remove()
    say(str(outcome))
    raise SystemExit(not (outcome.verdict.is_exact and outcome.is_written_once))


if __name__ == "__main__":
    main()
