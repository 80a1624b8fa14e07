"""Growth: what recording costs when the log is twenty times as long."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack

import asyncpg
import uvloop

from benchmarks import dataset, servers
from benchmarks.dataset import Dataset
from benchmarks.figures import Spread, ratios
from benchmarks.hooks import BATCH, Ways
from benchmarks.report import section, table
from benchmarks.run import ROUNDS, Run
from benchmarks.stores import Kind, dsn, settle
from benchmarks.ways import Way
from store.types import DAY

_MESSAGES, _ENTRIES = 50_000, 10_000

# Each row is of one of the messages, as if a few events of it had come; keys are as random as ours.
_FILL = (
    "CREATE TEMP TABLE told AS SELECT row_number() OVER () - 1 AS place, workspace_id, id,"
    " entry_id, journey_id, contact_id, resource_id, channel FROM communications",
    "CREATE UNIQUE INDEX ON told (place)",
    "INSERT INTO log (workspace_id, seq, recorded_at, nonce, activity, delivery, journey_id,"
    " entry_id, contact_id, communication_id, resource_id, channel, occurred_at, source,"
    " is_suspected_bot, is_ignored)"
    " SELECT workspace_id, n, $2::bigint + n, int4send(n::int), 'MESSAGE_SENT', 'SENT', journey_id,"
    " entry_id, contact_id, id, resource_id, channel, $2::bigint + n, 'partner', false, false"
    " FROM generate_series(1, $1::bigint) AS n JOIN told ON place = n % (SELECT count(*) FROM told)"
    " ORDER BY n",
    "INSERT INTO event_keys (workspace_id, digest, content, recorded_at)"
    " SELECT (SELECT min(workspace_id) FROM told), decode(md5(n::text), 'hex'), int8send(n),"
    " $2::bigint + n FROM generate_series(1, $1::bigint) AS n ORDER BY 2",
    "UPDATE heads SET seq = $1::bigint, recorded_at = $2::bigint + $1::bigint,"
    " nonce = int4send($1::int)",
)


def measure(run: Run) -> None:
    """Print the figures of PostgreSQL."""
    sizes = (20_000, 400_000) if run.is_quick else (1_000_000, 20_000_000)
    number = 2 if run.is_quick else 30
    run.say(
        section(
            f"growth: batches of {BATCH} behind a log of {sizes[0]:,} and of {sizes[1]:,} rows",
            f"SendGrid's, on PostgreSQL. Each size has as many keys of events, and {_MESSAGES:,} "
            "messages. In each of",
            f"{ROUNDS} rounds both are written {number} batches in turn, over HTTP by one "
            "connection and by the recorder alone.",
            "Wanted: the same.",
        )
    )
    with ExitStack() as ending:
        runner = ending.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
        both = [_at(run, ending, runner, size) for size in sizes]
        for ways in both:
            ways.round(2)
            ways.forget()
        for _ in run.rounds(seconds=240):
            for ways in both:
                ways.round(number)
        run.say("\n" + _table(sizes, [(ways.one, ways.alone) for ways in both]))


def _at(run: Run, ending: ExitStack, runner: asyncio.Runner, size: int) -> Ways:
    url = ending.enter_context(run.stores.fresh(Kind.POSTGRESQL))
    loaded = runner.run(dataset.make(url, messages=_MESSAGES, entries=_ENTRIES))
    runner.run(_fill(loaded, size))
    server = ending.enter_context(servers.trackside(url))
    ways = Ways(loaded, server, runner)
    ending.callback(ways.close)
    return ways


async def _fill(loaded: Dataset, size: int) -> None:
    """The log and the keys of so many events, written by the database itself."""
    connection = await asyncpg.connect(dsn(loaded.url), command_timeout=1_200)
    try:
        await connection.execute("SET synchronous_commit = off")
        await connection.execute("SET maintenance_work_mem = '512MB'")
        begins = await connection.fetchval("SELECT max(recorded_at) FROM heads") - DAY
        indexes = await connection.fetch(
            "SELECT indexname, indexdef FROM pg_indexes "
            "WHERE tablename = 'log' AND indexname NOT LIKE '%_pkey'"
        )
        for name, _ in indexes:
            await connection.execute(f"DROP INDEX {name}")
        for statement in _FILL:
            arguments = (size, begins) if "$1" in statement else ()
            await connection.execute(statement, *arguments)
        for _, definition in indexes:
            await connection.execute(definition)
    finally:
        await connection.close()
    await settle(loaded.url)
    await _warm(loaded.url)


async def _warm(url: str) -> None:
    """Read the keys' index: who has grown so far has in memory what each event looks up."""
    connection = await asyncpg.connect(dsn(url), command_timeout=600)
    try:
        await connection.execute(
            "SET enable_seqscan = off; SET max_parallel_workers_per_gather = 0"
        )
        await connection.fetchval("SELECT count(digest) FROM event_keys")
    finally:
        await connection.close()


def _table(sizes: Sequence[int], ways: Sequence[tuple[Way, ...]]) -> str:
    rows = []
    for small, large in zip(*ways, strict=True):
        for size, way in zip(sizes, (small, large), strict=True):
            rows.append(
                [
                    f"{way.name}, {size:,}",
                    str(Spread.of(way.rates)),
                    str(Spread.of(way.cpu_us)),
                    "" if way is small else str(ratios(way.rates, small.rates)),
                ]
            )
    return table(["", "events/s", "CPU µs an event", "rate, times the small one's"], rows)
