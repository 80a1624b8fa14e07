"""The log: its head, marks by which cursors are recognised, and reading it forwards."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import BindParameter, Select, bindparam, case, delete, func, select, update

from store import bulk, rows
from store.conditions import terms
from store.database import Connection
from store.entities import ACTIVITY, DELIVERY_EVENT, Entity
from store.filters import ActivityFilter, DeliveryEventFilter
from store.reading import alias, selected
from store.tables import heads, log
from store.types import Id, Instant
from store.want import Want

R = TypeVar("R")

Asked = DeliveryEventFilter | ActivityFilter | None


@dataclass(frozen=True, slots=True)
class Head:
    """The newest row of a workspace's log (seq 0 before the first) and the oldest kept."""

    epoch: bytes
    seq: int
    recorded_at: Instant
    nonce: bytes
    oldest_seq: int


# Built once: streams ask these for every batch.
_OF_WORKSPACE: BindParameter[int] = bindparam("workspace")
_HEAD = select(
    heads.c.epoch, heads.c.seq, heads.c.recorded_at, heads.c.nonce, heads.c.oldest_seq
).where(heads.c.workspace_id == _OF_WORKSPACE)
_MARK = select(log.c.recorded_at, log.c.nonce).where(
    log.c.workspace_id == _OF_WORKSPACE, log.c.seq == bindparam("seq")
)


async def head(connection: Connection, workspace_id: int) -> Head:
    return Head(*(await connection.execute(_HEAD, {"workspace": workspace_id})).one())


async def mark(connection: Connection, workspace_id: int, seq: int) -> tuple[Instant, bytes] | None:
    """When the row at `seq` was recorded, and its nonce; None when the log does not hold it."""
    row = (await connection.execute(_MARK, {"workspace": workspace_id, "seq": seq})).first()
    return None if row is None else (row[0], row[1])


class Fact(NamedTuple):
    """What a row of the log is about, without what it says; none of it ever changes."""

    seq: int
    recorded_at: Instant
    nonce: bytes
    activity: str | None
    delivery: str | None
    journey_id: Id | None
    entry_id: Id | None
    contact_id: Id | None
    communication_id: Id | None
    step_id: Id | None
    channel: str | None


_FACTS = (
    select(*(log.c[name] for name in Fact._fields))
    .where(
        log.c.workspace_id == _OF_WORKSPACE,
        log.c.seq >= bindparam("first"),
        log.c.seq <= bindparam("until"),
    )
    .order_by(log.c.seq)
)


async def facts(
    connection: Connection, workspace_id: int, first_seq: int, until_seq: int
) -> list[Fact]:
    """first_seq <= seq <= until_seq, in order; those that are not kept are left out."""
    found = await connection.execute(
        _FACTS, {"workspace": workspace_id, "first": first_seq, "until": until_seq}
    )
    return [Fact._make(row) for row in found.all()]


def may_be(entity: Entity[Any], asked: Asked, workspace_id: int) -> Callable[[Fact], bool]:
    """Whether a fact may be among the rows that are asked for: only what SQL alone can say is open.

    So a reader knows without a statement that a stretch of the log holds nothing for it.
    """
    kind = Fact._fields.index("activity" if entity is ACTIVITY else "delivery")
    tests = []
    for term in terms(entity, asked, workspace_id):
        values = (term.value,) if term.is_equality else term.values
        if term.column in Fact._fields and values:
            wanted = frozenset(one.value if isinstance(one, Enum) else one for one in values)
            tests.append((Fact._fields.index(term.column), wanted))

    def holds(fact: Fact) -> bool:
        return fact[kind] is not None and all(fact[place] in wanted for place, wanted in tests)

    return holds


async def delivery_events(
    connection: Connection,
    workspace_id: int,
    asked: DeliveryEventFilter | None,
    after_seq: int,
    until_seq: int,
    limit: int,
    wanted: Want,
) -> list[rows.DeliveryEvent]:
    """At most `limit` events of messages, after_seq < seq <= until_seq, in the log's order."""
    return await _read(
        connection, DELIVERY_EVENT, workspace_id, asked, after_seq, until_seq, limit, wanted
    )


async def activities(
    connection: Connection,
    workspace_id: int,
    asked: ActivityFilter | None,
    after_seq: int,
    until_seq: int,
    limit: int,
    wanted: Want,
) -> list[rows.Activity]:
    """At most `limit` activities of entries, after_seq < seq <= until_seq, in the log's order."""
    return await _read(
        connection, ACTIVITY, workspace_id, asked, after_seq, until_seq, limit, wanted
    )


async def _read(
    connection: Connection,
    entity: Entity[R],
    workspace_id: int,
    asked: Asked,
    after_seq: int,
    until_seq: int,
    limit: int,
    wanted: Want,
) -> list[R]:
    statement, build = _reading(entity, workspace_id, asked, wanted)
    stretch = {"after": after_seq, "until": until_seq, "most": limit}
    return [build(row) for row in (await connection.execute(statement, stretch)).all()]


@lru_cache(maxsize=500)
def _reading(
    entity: Entity[R], workspace_id: int, asked: Asked, wanted: Want
) -> tuple[Select[Any], Callable[[Any], R]]:
    """The statement for stretches of the log, and what makes rows of what it finds."""
    base = alias(entity)
    reading = selected(entity, wanted, base)
    statement = (
        select(*reading.columns)
        .select_from(reading.source)
        .where(
            base.c.workspace_id == workspace_id,
            base.c.seq > bindparam("after"),
            base.c.seq <= bindparam("until"),
            *(term.clause(base) for term in terms(entity, asked, workspace_id)),
        )
        .order_by(base.c.seq)
        .limit(bindparam("most"))
    )
    return statement, reading.build


_NOW: BindParameter[int] = bindparam("now")
_ADVANCE = (
    update(heads)
    .where(heads.c.workspace_id == bindparam("workspace"))
    .values(
        seq=heads.c.seq + bindparam("count"),
        # A clock that is set back does not make the log run backwards.
        recorded_at=case((heads.c.recorded_at > _NOW, heads.c.recorded_at), else_=_NOW),
        nonce=bindparam("last_nonce"),
    )
    .returning(heads.c.epoch, heads.c.seq, heads.c.recorded_at, heads.c.nonce, heads.c.oldest_seq)
)


async def advance(
    connection: Connection, workspace_id: int, places: int, last_nonce: bytes, now: Instant
) -> Head:
    """Take the next places of the log, which the caller fills. Locks the head until the commit."""
    advanced = await connection.execute(
        _ADVANCE,
        {"workspace": workspace_id, "count": places, "now": now, "last_nonce": last_nonce},
    )
    return Head(*advanced.one())


_WORTH_BULK = 50
_PLAIN = [column.name for column in log.c if column.name not in ("detail", "bot_signals")]
_PLAIN_OF = itemgetter(*_PLAIN)


async def append(
    connection: Connection,
    workspace_id: int,
    facts: Sequence[dict[str, Any]],
    now: Instant,
) -> Head:
    """Give the facts the next places of the log, and write them. Locks the head until the commit.

    Each fact holds the columns of a log row but seq and recorded_at, nonce included. Returns the
    head behind them.
    """
    behind = await advance(connection, workspace_id, len(facts), facts[-1]["nonce"], now)
    first = behind.seq - len(facts) + 1
    added = [
        {**fact, "workspace_id": workspace_id, "seq": seq, "recorded_at": behind.recorded_at}
        for seq, fact in enumerate(facts, first)
    ]
    plain = [row for row in added if row["detail"] is None and row["bot_signals"] is None]
    if len(plain) >= _WORTH_BULK:
        # Past SQLAlchemy's handling of the parameters, which a profile of ingest showed first.
        await bulk.insert(connection, log, _PLAIN, [*map(_PLAIN_OF, plain)])
        added = [
            row for row in added if row["detail"] is not None or row["bot_signals"] is not None
        ]
    if added:
        await connection.execute(log.insert(), added)
    return behind


async def last_before(
    connection: Connection, workspace_id: int, before: Instant, limit: int
) -> int | None:
    """The seq up to which the oldest `limit` rows were recorded before then; None for none."""
    start = (await head(connection, workspace_id)).oldest_seq
    oldest = (
        select(log.c.seq, log.c.recorded_at)
        .where(log.c.workspace_id == workspace_id, log.c.seq >= start)
        .order_by(log.c.seq)
        .limit(limit)
        .subquery()
    )
    last: int | None = (
        await connection.execute(
            select(func.max(oldest.c.seq)).where(oldest.c.recorded_at < before)
        )
    ).scalar()
    return last


async def forget(connection: Connection, workspace_id: int, until_seq: int) -> int:
    """Delete the log up to there, and say in its head from where on it is kept.

    The head last, as all who append do: ingest waits for this no longer than for each other.
    """
    start = (await head(connection, workspace_id)).oldest_seq
    gone = await connection.execute(
        delete(log).where(
            log.c.workspace_id == workspace_id, log.c.seq >= start, log.c.seq <= until_seq
        )
    )
    await connection.execute(
        update(heads)
        .where(heads.c.workspace_id == workspace_id, heads.c.oldest_seq <= until_seq)
        .values(oldest_seq=until_seq + 1)
    )
    return gone.rowcount
