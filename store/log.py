"""The log: its head, marks by which cursors are recognised, and reading it forwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import BindParameter, bindparam, case, select, update

from store import rows
from store.conditions import terms
from store.database import Connection
from store.entities import ACTIVITY, DELIVERY_EVENT, Entity
from store.filters import ActivityFilter, DeliveryEventFilter
from store.reading import alias, selected
from store.tables import heads, log
from store.types import Instant
from store.want import Want

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Head:
    """The newest row of a workspace's log (seq 0 before the first) and the oldest kept."""

    epoch: bytes
    seq: int
    recorded_at: Instant
    nonce: bytes
    oldest_seq: int


async def head(connection: Connection, workspace_id: int) -> Head:
    row = (
        await connection.execute(
            select(
                heads.c.epoch, heads.c.seq, heads.c.recorded_at, heads.c.nonce, heads.c.oldest_seq
            ).where(heads.c.workspace_id == workspace_id)
        )
    ).one()
    return Head(*row)


async def mark(connection: Connection, workspace_id: int, seq: int) -> tuple[Instant, bytes] | None:
    """When the row at `seq` was recorded, and its nonce; None when the log does not hold it."""
    row = (
        await connection.execute(
            select(log.c.recorded_at, log.c.nonce).where(
                log.c.workspace_id == workspace_id, log.c.seq == seq
            )
        )
    ).first()
    return None if row is None else (row[0], row[1])


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
    asked: DeliveryEventFilter | ActivityFilter | None,
    after_seq: int,
    until_seq: int,
    limit: int,
    wanted: Want,
) -> list[R]:
    base = alias(entity)
    reading = selected(entity, wanted, base)
    statement = (
        select(*reading.columns)
        .select_from(reading.source)
        .where(
            base.c.workspace_id == workspace_id,
            base.c.seq > after_seq,
            base.c.seq <= until_seq,
            *(term.clause(base) for term in terms(entity, asked, workspace_id)),
        )
        .order_by(base.c.seq)
        .limit(limit)
    )
    return [reading.build(row) for row in (await connection.execute(statement)).all()]


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
    await connection.execute(
        log.insert(),
        [
            {
                **fact,
                "workspace_id": workspace_id,
                "seq": first + index,
                "recorded_at": behind.recorded_at,
            }
            for index, fact in enumerate(facts)
        ],
    )
    return behind
