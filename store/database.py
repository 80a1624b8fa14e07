"""The database: engines for reading and for writing, and what the two databases differ in."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import orjson
import sqlalchemy
from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

Connection = AsyncConnection
DatabaseError = DBAPIError
"""What a statement raises when the database refuses it; `orig` says why in the driver's words."""

R = TypeVar("R")

CONFLICTS = frozenset(
    ["40001", "40P01", "23505", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"]
)
"""SQLSTATE: serialization failure, deadlock; a unique name that another took; SQLite's for that."""

_TRIES = 5
_RETURNED_WITHIN_S = 5.0
_PATIENCE_S = 15.0

_SQLITE_PRAGMAS = (
    # A commit that was acknowledged survives a power cut; group commit pays for the fsync.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 15000",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -65536",
)


class Conflict(Exception):
    """The transaction met another and was rolled back whole: the same work may be tried again."""


class Database:
    """One database of trackside. Make it in the process that uses it, dispose of it at the end."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = url
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        if self.is_sqlite:
            _make_folder(url)
            # SQLite has one writer: the others wait in the pool, not in busy loops.
            self._writer = _sqlite_engine(url, pool_size=1, is_writer=True)
            self._reader = _sqlite_engine(url, pool_size=pool_size, is_writer=False)
        else:
            self._writer = _postgres_engine(url, pool_size=pool_size)
            self._reader = _postgres_engine(url, pool_size=pool_size, isolation_level="AUTOCOMMIT")
        self._watcher: Connection | None = None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """A connection for statements that each see the latest commit. It cannot write."""
        async with self._reader.connect() as connection:
            yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """A connection whose statements all see the same commit."""
        if self.is_sqlite:
            async with self._reader.connect() as connection:
                await connection.exec_driver_sql("BEGIN")
                try:
                    yield connection
                finally:
                    await connection.exec_driver_sql("ROLLBACK")
        else:
            async with self._writer.connect() as connection:
                await connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Connection]:
        """One transaction, committed at the end of the block or rolled back; raises Conflict."""
        try:
            async with self._writer.begin() as connection:
                yield connection
        except DBAPIError as error:
            name = "sqlite_errorname" if self.is_sqlite else "sqlstate"
            if str(getattr(error.orig, name, "")) in CONFLICTS:
                raise Conflict from error
            raise

    async def transact(self, work: Callable[[Connection], Awaitable[R]]) -> R:
        """Do `work` in a transaction, and again from its start when it met another."""
        for attempt in range(_TRIES):
            try:
                async with self.write() as connection:
                    return await work(connection)
            except Conflict:
                if attempt + 1 == _TRIES:
                    raise
                await asyncio.sleep(0.01 * 2**attempt)
        raise AssertionError

    async def data_version(self) -> int | None:
        """A number that changes when another connection commits; None on PostgreSQL.

        Asked of one connection kept for it, by one task at a time: 4 µs and a thread hop.
        """
        if not self.is_sqlite:
            return None
        if self._watcher is None:
            self._watcher = await self._reader.connect()
        return int((await self._watcher.exec_driver_sql("PRAGMA data_version")).scalar_one())

    async def is_reachable(self) -> bool:
        """Whether a trivial statement is answered; raises nothing about why it is not."""
        try:
            async with self.read() as connection:
                await connection.execute(text("SELECT 1"))
        except (OSError, Exception):  # noqa: BLE001  Drivers raise what they like here; "no" is the answer.
            return False
        return True

    async def dispose(self) -> None:
        """Close every connection, those too that are just being given back."""
        if self._watcher is not None:
            await self._watcher.close()
            self._watcher = None
        for engine in (self._reader, self._writer):
            await _until_returned(engine)
            await engine.dispose()


async def _until_returned(engine: AsyncEngine) -> None:
    """What is out now would go back to a pool that nobody closes any more.

    A task that was cancelled gives its connection back in the background: soon, but later.
    """
    pool = engine.pool
    assert isinstance(pool, AsyncAdaptedQueuePool)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_RETURNED_WITHIN_S):
            while pool.checkedout():  # noqa: ASYNC110  The pool tells nobody.
                await asyncio.sleep(0.005)


def _make_folder(url: str) -> None:
    path = make_url(url).database
    if not path or path == ":memory:":
        message = f"{url!r} names no file: trackside keeps its SQLite database in a file."
        raise ValueError(message)
    Path(path).parent.mkdir(parents=True, exist_ok=True)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _sqlite_engine(url: str, *, pool_size: int, is_writer: bool) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=60,
        # Each has a cache of 64 MB: the one used last is used next, so that not all of them fill.
        pool_use_lifo=True,
        json_serializer=_json,
        json_deserializer=orjson.loads,
        skip_autocommit_rollback=not is_writer,
        pool_reset_on_return="rollback" if is_writer else None,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # The driver's own transactions begin late and without a lock: begin them ourselves.
        connection.isolation_level = None
        cursor = connection.cursor()
        _write_ahead(cursor)
        for pragma in _SQLITE_PRAGMAS:
            cursor.execute(pragma)
        if not is_writer:
            cursor.execute("PRAGMA query_only = ON")
        cursor.close()

    if is_writer:

        @event.listens_for(engine.sync_engine, "begin")
        def begin(connection: Any) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _write_ahead(cursor: Any) -> None:
    """Put the file into WAL mode, in which it stays.

    Of several that open a new file at once SQLite lets one do so, and may tell the others that the
    database is locked.
    """
    patient_until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except Exception as error:
            is_locked = getattr(error, "sqlite_errorname", "") == "SQLITE_BUSY"
            if not is_locked or time.monotonic() > patient_until:
                raise
            time.sleep(0.005)
        else:
            return


def _postgres_engine(
    url: str, *, pool_size: int, isolation_level: str | None = None
) -> AsyncEngine:
    options: dict[str, Any] = {}
    # Pages are short statements: compiling them to machine code costs more than running them.
    server_settings = {"jit": "off", "application_name": "trackside"}
    if isolation_level is not None:
        options = {"isolation_level": isolation_level, "skip_autocommit_rollback": True}
        server_settings["default_transaction_read_only"] = "on"
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=60,
        json_serializer=_json,
        json_deserializer=orjson.loads,
        connect_args={"server_settings": server_settings},
        **options,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        async def bytes_for_uuid(driver: Any) -> None:
            await driver.set_type_codec(
                "uuid", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary"
            )

        connection.run_async(bytes_for_uuid)

    event.listen(engine.sync_engine, "begin", _plan_anew)
    return engine


def _plan_anew(connection: sqlalchemy.Connection) -> None:
    """Drop the connection's plans at its 1st, 2nd, 4th, 8th … transaction.

    A plan that is kept is one for the table as it was: of a few pages PostgreSQL reads all of
    them, or takes any index that has the column somewhere, and it would go on doing so until
    autovacuum looks at the table, a minute and a hundred thousand rows later. Tables grow by our
    transactions, so no plan outlives two doublings, and a thousand transactions pay for ten.
    """
    info = connection.connection.info
    number = info["transactions"] = info.get("transactions", 0) + 1
    if number & (number - 1) == 0:
        cursor = connection.connection.cursor()
        cursor.execute("DISCARD PLANS")
        cursor.close()
