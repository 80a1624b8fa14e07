"""Retention: what is deleted for its age, a bounded number of rows a transaction.

The log goes from its oldest row on, since its order is that of time. Every other table is walked
along its primary key, a stretch a step, so that none needs an index of ages which each insert would
pay for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, delete, false, func, literal, or_, select, tuple_

from store import jobs, log, tables, webhooks
from store.database import Connection
from store.idempotency import KEPT_FOR as KEYS_OF_CALLS_KEPT_FOR
from store.types import DAY, Instant
from store.words import OPEN_JOBS

KIND = "RETENTION"
_JOB = KIND.encode().ljust(16, b"\0")

DELETED_AT_ONCE = 1_000
EXAMINED_AT_ONCE = 5_000

LOG_AT_LEAST = 30 * DAY
"""An undo folds what the log holds of a day, and a robot is judged by all clicks of a message."""

KEYS_LONGER = 30 * DAY
"""So much longer than the log is known which events came: some waited as long for their message."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long what is kept; None: for ever. `finished`: what is done with."""

    log: Instant | None = None
    audit: Instant | None = None
    finished: Instant = 90 * DAY


@dataclass(frozen=True, slots=True)
class Place:
    """Where a round is: in which table, and behind which row of it. `deleted`: how many so far."""

    table: str = "log"
    behind: tuple[Any, ...] | None = None
    deleted: Mapping[str, int] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """As JSON, which has no bytes: they stand as a list of their hex digits."""
        behind = self.behind and [
            [each.hex()] if isinstance(each, bytes) else each for each in self.behind
        ]
        return {"table": self.table, "behind": behind, "deleted": dict(self.deleted)}

    @classmethod
    def read(cls, plain: Mapping[str, Any] | None) -> "Place":
        if plain is None or plain["table"] not in TABLES:
            return cls()
        behind = plain["behind"] and tuple(
            bytes.fromhex(each[0]) if isinstance(each, list) else each for each in plain["behind"]
        )
        return cls(plain["table"], behind or None, plain["deleted"])


async def begin(connection: Connection, now: Instant) -> None:
    """Let every workspace have its standing job."""
    mine = select(tables.jobs.c.id).where(
        tables.jobs.c.workspace_id == tables.workspaces.c.workspace_id, tables.jobs.c.id == _JOB
    )
    without = await connection.execute(
        select(tables.workspaces.c.workspace_id).where(~mine.exists())
    )
    for (workspace_id,) in without.all():
        await jobs.enqueue(connection, workspace_id, KIND, {}, by="trackside", now=now, id=_JOB)


async def prune(
    connection: Connection, workspace_id: int, keeping: Keeping, now: Instant, place: Place
) -> tuple[Place, bool]:
    """Delete the next rows that are too old; where the round then is, and whether it is over."""
    deleted, room, examined = dict(place.deleted), DELETED_AT_ONCE, 0
    table, behind = place.table, place.behind
    while True:
        if table == "log":
            gone = await _log(connection, workspace_id, keeping, now)
            is_through, seen = gone < DELETED_AT_ONCE, gone
        else:
            gone, behind, seen = await _stretch(
                connection, workspace_id, table, keeping, now, behind, room
            )
            is_through = behind is None
        room, examined = room - gone, examined + seen
        if gone:
            deleted[table] = deleted.get(table, 0) + gone
        if is_through:
            number = TABLES.index(table) + 1
            if number == len(TABLES):
                return Place(deleted=deleted), True
            table, behind = TABLES[number], None
        if room <= 0 or examined >= EXAMINED_AT_ONCE:
            return Place(table, behind, deleted), False


async def _log(connection: Connection, workspace_id: int, keeping: Keeping, now: Instant) -> int:
    if keeping.log is None:
        return 0
    before = now - max(keeping.log, LOG_AT_LEAST)
    until = await log.last_before(connection, workspace_id, before, DELETED_AT_ONCE)
    if until is None:
        return 0
    await webhooks.note_missed(connection, workspace_id, until, now)
    return await log.forget(connection, workspace_id, until)


async def _stretch(
    connection: Connection,
    workspace_id: int,
    name: str,
    keeping: Keeping,
    now: Instant,
    behind: Sequence[Any] | None,
    room: int,
) -> tuple[int, tuple[Any, ...] | None, int]:
    """How many of the next rows were deleted, behind which row to go on (None: there is none), and
    how many were looked at."""
    table, is_old = _OLD[name]
    condition = is_old(keeping, now)
    if condition is None:
        return 0, None, 0
    keys = [column for column in table.primary_key if column.name != "workspace_id"]
    here = keys[0] if len(keys) == 1 else tuple_(*keys)
    own = [table.c.workspace_id == workspace_id]
    if behind is not None:
        own.append(here > _there(keys, behind))
    # Ages are told row by row, so that no planner walks along anything but the key.
    found = await connection.execute(
        select(*keys, condition).where(*own).order_by(*keys).limit(EXAMINED_AT_ONCE)
    )
    rows = found.all()
    old = [index for index, row in enumerate(rows) if row[-1]][:room]
    is_last = len(rows) < EXAMINED_AT_ONCE and len(old) < room
    if old:
        reached = rows[old[-1]][:-1]
        own.append(here <= _there(keys, reached))
        # What is old stays so, unless somebody has begun to use it again.
        await connection.execute(delete(table).where(*own, condition))
    if is_last:
        return len(old), None, len(rows)
    last = rows[old[-1]] if len(old) == room else rows[-1]
    return len(old), tuple(last[:-1]), len(rows)


def _there(keys: Sequence[ColumnElement[Any]], values: Sequence[Any]) -> ColumnElement[Any]:
    bound = [literal(value, key.type) for value, key in zip(values, keys, strict=True)]
    return bound[0] if len(bound) == 1 else tuple_(*bound)


IsOld = Callable[[Keeping, Instant], ColumnElement[bool] | None]


def _keys_of_events(keeping: Keeping, now: Instant) -> ColumnElement[bool] | None:
    if keeping.log is None:
        return None
    kept_for = max(keeping.log, LOG_AT_LEAST) + KEYS_LONGER
    return tables.event_keys.c.recorded_at < now - kept_for


def _pending(_: Keeping, now: Instant) -> ColumnElement[bool]:
    return tables.pending_events.c.expires_at <= now


def _keys_of_calls(_: Keeping, now: Instant) -> ColumnElement[bool]:
    return tables.idempotency_keys.c.at <= now - KEYS_OF_CALLS_KEPT_FOR


def _letters(keeping: Keeping, now: Instant) -> ColumnElement[bool]:
    return tables.dead_letters.c.received_at < now - keeping.finished


def _deliveries(keeping: Keeping, now: Instant) -> ColumnElement[bool]:
    deliveries = tables.webhook_deliveries
    is_settled = deliveries.c.next_attempt_at.is_(None)
    return and_(is_settled, deliveries.c.created_at < now - keeping.finished)


def _finished_jobs(keeping: Keeping, now: Instant) -> ColumnElement[bool]:
    rows = tables.jobs
    return and_(
        rows.c.state.not_in(OPEN_JOBS),
        rows.c.kind.not_in(jobs.STANDING),
        func.coalesce(rows.c.finished_at < now - keeping.finished, false()),
    )


def _errors(keeping: Keeping, now: Instant) -> ColumnElement[bool]:
    return ~_is_of(tables.job_errors, "job_id", tables.jobs, _finished_jobs(keeping, now))


def _stops(keeping: Keeping, now: Instant) -> ColumnElement[bool]:
    return tables.stops.c.undoable_until < now - keeping.finished


def _deletions(keeping: Keeping, now: Instant) -> ColumnElement[bool]:
    return tables.contact_deletions.c.undoable_until < now - keeping.finished


def _stopped(keeping: Keeping, now: Instant) -> ColumnElement[bool]:
    """Which entries a stop stopped, that of a deletion as well: for its undo alone."""
    lines = tables.stop_entries
    return and_(
        ~_is_of(lines, "stop_id", tables.stops, _stops(keeping, now)),
        ~_is_of(lines, "stop_id", tables.contact_deletions, _deletions(keeping, now)),
    )


def _deleted(keeping: Keeping, now: Instant) -> ColumnElement[bool]:
    lines, deletions = tables.deleted_contacts, tables.contact_deletions
    return ~_is_of(lines, "deletion_id", deletions, _deletions(keeping, now))


def _is_of(
    lines: Table, column: str, parents: Table, is_old: ColumnElement[bool]
) -> ColumnElement[bool]:
    """Whether the line's parent is there, and not old."""
    # No EXISTS: PostgreSQL would make a hash of all parents that there are.
    is_young = (
        select(~is_old)
        .where(parents.c.workspace_id == lines.c.workspace_id, parents.c.id == lines.c[column])
        .correlate(lines)
        .scalar_subquery()
    )
    return func.coalesce(is_young, false())


def _ended_tokens(keeping: Keeping, now: Instant) -> ColumnElement[bool]:
    ended, tokens = now - keeping.finished, tables.tokens
    return func.coalesce(or_(tokens.c.revoked_at < ended, tokens.c.expires_at < ended), false())


def _audit(keeping: Keeping, now: Instant) -> ColumnElement[bool] | None:
    return None if keeping.audit is None else tables.audit_log.c.at < now - keeping.audit


# Lines ahead of what they belong to: a line whose parent is gone is of no use.
_OLD: dict[str, tuple[Table, IsOld]] = {
    str(table.name): (table, is_old)
    for table, is_old in (
        (tables.event_keys, _keys_of_events),
        (tables.pending_events, _pending),
        (tables.idempotency_keys, _keys_of_calls),
        (tables.dead_letters, _letters),
        (tables.webhook_deliveries, _deliveries),
        (tables.job_errors, _errors),
        (tables.jobs, _finished_jobs),
        (tables.stop_entries, _stopped),
        (tables.deleted_contacts, _deleted),
        (tables.stops, _stops),
        (tables.contact_deletions, _deletions),
        (tables.tokens, _ended_tokens),
        (tables.audit_log, _audit),
    )
}

TABLES = ("log", *_OLD)
