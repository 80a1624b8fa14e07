"""Webhooks: endpoints that follow the log by a cursor of their own, and what is sent to them.

An endpoint is kept by a standing job with its own id, whose lease makes sure that one process at a
time feeds and serves it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, select, update

from store import jobs, log, rows, tables
from store.database import Connection
from store.filters import ActivityFilter
from store.types import HOUR, MINUTE, SECOND, Id, Instant, new_id
from store.want import Want, want
from store.words import ActivityKind

KIND = "WEBHOOK"

RETRIES: tuple[Instant, ...] = (
    5 * SECOND,
    MINUTE,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    4 * HOUR,
    8 * HOUR,
    10 * HOUR,
)
"""The pauses between attempts, a day in all; behind the last one a delivery is given up."""

FED_AT_ONCE = 300
_EXAMINED_AT_ONCE = 20_000
_KEPT_BEHIND = 10_000
"""How far the stored cursor may lag behind a log that holds nothing for the endpoint."""

ACTIVITY: Want = want(
    [
        "seq",
        "nonce",
        "recorded_at",
        "activity",
        "occurred_at",
        "url",
        "reason",
        "source",
        "is_ignored",
        "is_suspected_bot",
        "detail",
    ],
    {
        "entry": want(
            ["id", "external_id"],
            {
                "journey": want(["id", "external_id"]),
                "contact": want(["id", "external_username"]),
            },
        ),
        "step": want(["key"]),
        "communication": want(["id", "external_id"]),
    },
)
"""What a body is written from."""

Body = Callable[[rows.Activity], str]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`seq`: all of the log up to there is fed."""

    url: str
    kinds: tuple[ActivityKind, ...]
    secret: str
    seq: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is to be sent; its id is the same in every attempt."""

    id: Id
    body: str
    attempts: int


async def create(
    connection: Connection,
    workspace_id: int,
    *,
    url: str,
    kinds: Sequence[ActivityKind],
    secret: str,
    by: str,
    now: Instant,
) -> Id:
    """An endpoint that is told of what is recorded from now on."""
    endpoint_id = new_id()
    head = await log.head(connection, workspace_id)
    await connection.execute(
        tables.webhook_endpoints.insert(),
        {
            "workspace_id": workspace_id,
            "id": endpoint_id,
            "url": url,
            "kinds": list(kinds),
            "secret": secret,
            "seq": head.seq,
            "created_at": now,
        },
    )
    await jobs.enqueue(connection, workspace_id, KIND, {}, by=by, now=now, id=endpoint_id)
    return endpoint_id


async def remove(connection: Connection, workspace_id: int, endpoint_id: Id, now: Instant) -> bool:
    """End an endpoint and what is still to be sent to it; False when there is none."""
    endpoints, deliveries = tables.webhook_endpoints, tables.webhook_deliveries
    # The lease's row first, as who serves the endpoint does.
    await jobs.close(connection, workspace_id, [endpoint_id])
    removed = await connection.execute(
        update(endpoints).where(_is(workspace_id, endpoint_id)).values(removed_at=now)
    )
    if removed.rowcount == 0:
        return False
    await connection.execute(
        update(deliveries)
        .where(
            deliveries.c.workspace_id == workspace_id,
            deliveries.c.endpoint_id == endpoint_id,
            deliveries.c.next_attempt_at.is_not(None),
        )
        .values(next_attempt_at=None)
    )
    return True


async def count(connection: Connection, workspace_id: int) -> int:
    endpoints = tables.webhook_endpoints
    counted = select(func.count()).where(
        endpoints.c.workspace_id == workspace_id, endpoints.c.removed_at.is_(None)
    )
    return int((await connection.execute(counted)).scalar_one())


async def find(connection: Connection, workspace_id: int, endpoint_id: Id) -> Endpoint | None:
    endpoints = tables.webhook_endpoints
    row = (
        await connection.execute(
            select(endpoints.c.url, endpoints.c.kinds, endpoints.c.secret, endpoints.c.seq).where(
                _is(workspace_id, endpoint_id)
            )
        )
    ).first()
    if row is None:
        return None
    return Endpoint(row[0], tuple(map(ActivityKind, row[1])), row[2], row[3])


async def has_news(
    connection: Connection, workspace_id: int, endpoint_id: Id, now: Instant, examined: int
) -> tuple[bool, int]:
    """Whether there is something to do for the endpoint, and up to where the log was examined.

    `examined` is what the last look returned, 0 before it: an endpoint which has nothing to hear
    costs a few reads, and no write until its cursor lies far behind.
    """
    endpoint = await find(connection, workspace_id, endpoint_id)
    if endpoint is None:
        return True, examined
    if await _is_due(connection, workspace_id, endpoint_id, now):
        return True, examined
    head = await log.head(connection, workspace_id)
    if head.seq - endpoint.seq > _KEPT_BEHIND or head.seq < endpoint.seq:
        return True, examined
    behind = max(endpoint.seq, examined)
    if behind >= head.seq:
        return False, head.seq
    found = await log.activities(
        connection,
        workspace_id,
        ActivityFilter(kind=endpoint.kinds),
        behind,
        head.seq,
        1,
        want(["seq"]),
    )
    return bool(found), behind if found else head.seq


async def feed(
    connection: Connection, workspace_id: int, endpoint_id: Id, write: Body, now: Instant
) -> bool:
    """Turn the next rows of the log into deliveries; True when the log holds no more."""
    endpoint = await find(connection, workspace_id, endpoint_id)
    if endpoint is None:
        return True
    head = await log.head(connection, workspace_id)
    # A log that was restored from a backup may end before the cursor: then it counts from there.
    start = min(endpoint.seq, head.seq)
    until = min(head.seq, start + _EXAMINED_AT_ONCE)
    found = await log.activities(
        connection,
        workspace_id,
        ActivityFilter(kind=endpoint.kinds),
        start,
        until,
        FED_AT_ONCE,
        ACTIVITY,
    )
    if found:
        await connection.execute(
            tables.webhook_deliveries.insert(),
            [
                {
                    "workspace_id": workspace_id,
                    "endpoint_id": endpoint_id,
                    "id": new_id(),
                    "kind": row.activity,
                    "body": write(row),
                    "created_at": now,
                    "attempts": 0,
                    "next_attempt_at": now,
                }
                for row in found
            ],
        )
    reached = found[-1].seq if len(found) == FED_AT_ONCE else until
    endpoints = tables.webhook_endpoints
    await connection.execute(
        update(endpoints).where(_is(workspace_id, endpoint_id)).values(seq=reached)
    )
    return reached == head.seq


async def note_missed(
    connection: Connection, workspace_id: int, until_seq: int, now: Instant
) -> None:
    """Say of endpoints that the log up to there is deleted before they were told of it.

    Of the transaction that deletes it. An endpoint which it held nothing for has missed nothing.
    """
    endpoints = tables.webhook_endpoints
    behind = await connection.execute(
        select(endpoints.c.id, endpoints.c.kinds, endpoints.c.seq)
        .where(
            endpoints.c.workspace_id == workspace_id,
            endpoints.c.removed_at.is_(None),
            endpoints.c.seq < until_seq,
        )
        .order_by(endpoints.c.id)
    )
    for endpoint_id, kinds, seq in behind.all():
        missed = await log.activities(
            connection,
            workspace_id,
            ActivityFilter(kind=tuple(map(ActivityKind, kinds))),
            seq,
            until_seq,
            1,
            want(["seq"]),
        )
        if missed:
            await connection.execute(
                update(endpoints).where(_is(workspace_id, endpoint_id)).values(missed_at=now)
            )


async def due(
    connection: Connection, workspace_id: int, endpoint_id: Id, now: Instant, limit: int
) -> list[Delivery]:
    """What is to be sent by now, the longest due first."""
    deliveries = tables.webhook_deliveries
    found = await connection.execute(
        select(deliveries.c.id, deliveries.c.body, deliveries.c.attempts)
        .where(
            deliveries.c.workspace_id == workspace_id,
            deliveries.c.endpoint_id == endpoint_id,
            deliveries.c.next_attempt_at <= now,
        )
        .order_by(deliveries.c.next_attempt_at, deliveries.c.id)
        .limit(limit)
    )
    return [Delivery(*row) for row in found]


async def settle(
    connection: Connection,
    workspace_id: int,
    endpoint_id: Id,
    delivery: Delivery,
    *,
    status: int | None,
    error: str | None,
    now: Instant,
) -> None:
    """Keep what came of an attempt: it arrived (no error), is tried again, or is given up."""
    deliveries = tables.webhook_deliveries
    again = None
    if error is not None and delivery.attempts < len(RETRIES):
        again = now + RETRIES[delivery.attempts]
    await connection.execute(
        update(deliveries)
        .where(
            deliveries.c.workspace_id == workspace_id,
            deliveries.c.endpoint_id == endpoint_id,
            deliveries.c.id == delivery.id,
        )
        .values(
            attempts=delivery.attempts + 1,
            last_status=status,
            last_error=error,
            delivered_at=None if error is not None else now,
            next_attempt_at=again,
        )
    )


async def _is_due(connection: Connection, workspace_id: int, endpoint_id: Id, now: Instant) -> bool:
    return bool(await due(connection, workspace_id, endpoint_id, now, 1))


def _is(workspace_id: int, endpoint_id: Id) -> ColumnElement[bool]:
    endpoints = tables.webhook_endpoints
    return and_(
        endpoints.c.workspace_id == workspace_id,
        endpoints.c.id == endpoint_id,
        endpoints.c.removed_at.is_(None),
    )
