"""Erasure traces: what of contacts has come into tables that are about something else."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    Text,
    and_,
    cast,
    delete,
    false,
    func,
    or_,
    select,
    update,
)

from store import tables
from store.database import Connection
from store.idempotency import KEPT_FOR
from store.types import Id, Instant
from store.words import OPEN_JOBS, JobKind, JobState

SHORTEST = 4
"""Shorter names are in too many words: texts of others are not searched for them."""

WRITING_FILES = (JobKind.CONTACT_EXPORT, JobKind.JOURNEY_EXPORT, JobKind.REFERRAL_LINKS)
_INTERRUPTED = "Personal data were erased while it ran, and may be in its file: ask for it again."


async def end_files(connection: Connection, workspace_id: int, now: Instant) -> list[Id]:
    """Offer no file any more that was written before now, and write no further.

    Nobody knows who is in a file. First of a transaction: a job's row is locked before its work.
    Returns the jobs whose files are to be deleted.
    """
    jobs = tables.jobs
    own = jobs.c.workspace_id == workspace_id
    await connection.execute(
        update(jobs)
        .where(
            own,
            jobs.c.kind.in_(WRITING_FILES),
            or_(
                jobs.c.state == JobState.RUNNING,
                and_(jobs.c.state == JobState.QUEUED, jobs.c.checkpoint.is_not(None)),
            ),
        )
        .values(
            state=JobState.FAILED,
            failure_reason=_INTERRUPTED,
            finished_at=now,
            lease_owner=None,
            lease_until=None,
        )
    )
    ended = await connection.execute(
        update(jobs)
        .where(own, jobs.c.state.not_in(OPEN_JOBS), jobs.c.file_name.is_not(None))
        .values(file_name=None, expires_at=now)
        .returning(jobs.c.id)
    )
    files = [row[0] for row in ended]
    # What they were asked for may name somebody, and has been done.
    await connection.execute(
        update(jobs)
        .where(own, jobs.c.state.not_in(OPEN_JOBS), cast(jobs.c.input, Text) != "{}")
        .values(input={})
    )
    return files


async def forget(
    connection: Connection,
    workspace_id: int,
    contact_ids: Sequence[Id],
    names: Collection[str],
    now: Instant,
) -> None:
    """Take out what is said of these contacts; `names` are the texts by which they were known."""
    await _log(connection, workspace_id, contact_ids)
    await _links(connection, workspace_id, contact_ids)
    await _notes(connection, workspace_id, contact_ids)
    await _pending(connection, workspace_id, contact_ids, names)
    await _webhooks(connection, workspace_id, contact_ids)
    await _dead_letters(connection, workspace_id, contact_ids, names)
    keys, audit, errors = tables.idempotency_keys, tables.audit_log, tables.job_errors
    is_named = _is_named(names)
    is_of_them = _is_of(contact_ids)
    for table, condition in (
        (
            keys,
            or_(
                keys.c.at <= now - KEPT_FOR,
                is_named(keys.c.key),
                is_named(cast(keys.c.result, Text)),
                is_of_them(cast(keys.c.result, Text)),
            ),
        ),
        (errors, or_(is_named(errors.c.value), is_named(errors.c.message))),
    ):
        await connection.execute(
            delete(table).where(table.c.workspace_id == workspace_id, condition)
        )
    await connection.execute(
        update(audit)
        .where(audit.c.workspace_id == workspace_id, is_named(cast(audit.c.detail, Text)))
        .values(detail=None)
    )


def _of(table: Table, workspace_id: int, contact_ids: Sequence[Id]) -> Select[Any]:
    return select(table.c.id).where(
        table.c.workspace_id == workspace_id, table.c.contact_id.in_(contact_ids)
    )


async def _log(connection: Connection, workspace_id: int, contact_ids: Sequence[Id]) -> None:
    log = tables.log
    told = ("url", "reason", "detail")
    for whose in (
        log.c.entry_id.in_(_of(tables.entries, workspace_id, contact_ids)),
        and_(
            log.c.contact_id.in_(contact_ids), log.c.entry_id.is_(None), log.c.detail.is_not(None)
        ),
    ):
        await connection.execute(
            update(log)
            .where(
                log.c.workspace_id == workspace_id,
                whose,
                or_(*(log.c[name].is_not(None) for name in told)),
            )
            .values(dict.fromkeys(told))
        )


async def _links(connection: Connection, workspace_id: int, contact_ids: Sequence[Id]) -> None:
    links = tables.links
    await connection.execute(
        update(links)
        .where(
            links.c.workspace_id == workspace_id,
            links.c.communication_id.in_(_of(tables.communications, workspace_id, contact_ids)),
        )
        .values(target_url=None)
    )


async def _notes(connection: Connection, workspace_id: int, contact_ids: Sequence[Id]) -> None:
    stops, lines = tables.stops, tables.stop_entries
    theirs = select(lines.c.stop_id).where(
        lines.c.workspace_id == workspace_id,
        lines.c.entry_id.in_(_of(tables.entries, workspace_id, contact_ids)),
    )
    await connection.execute(
        update(stops)
        .where(stops.c.workspace_id == workspace_id, stops.c.id.in_(theirs))
        .values(note=None)
    )


async def _pending(
    connection: Connection, workspace_id: int, contact_ids: Sequence[Id], names: Collection[str]
) -> None:
    """Events that wait and name them, or were refused at one of their entries or messages."""
    pending = tables.pending_events
    awaited = []
    for awaits, table in (("entry", tables.entries), ("communication", tables.communications)):
        theirs = select(table.c.external_id).where(
            table.c.workspace_id == workspace_id, table.c.contact_id.in_(contact_ids)
        )
        awaited.append(and_(pending.c.awaits == awaits, pending.c.external_id.in_(theirs)))
    contact = pending.c.event["contact"]
    asked = {name.lower() for name in names}
    said = [
        func.lower(contact[name].as_string()).in_(asked) for name in ("external_username", "email")
    ]
    is_named = _is_named(names)
    await connection.execute(
        delete(pending).where(
            pending.c.workspace_id == workspace_id,
            or_(*awaited, *said, is_named(cast(pending.c.event, Text))),
        )
    )


async def _webhooks(connection: Connection, workspace_id: int, contact_ids: Sequence[Id]) -> None:
    """What was sent of them is forgotten; what is still to be sent says no more than what was."""
    deliveries = tables.webhook_deliveries
    key = (deliveries.c.endpoint_id, deliveries.c.id)
    found = await connection.execute(
        select(*key, deliveries.c.body).where(
            deliveries.c.workspace_id == workspace_id, _is_of(contact_ids)(deliveries.c.body)
        )
    )
    for endpoint_id, own, body in found.all():
        await connection.execute(
            update(deliveries)
            .where(
                deliveries.c.workspace_id == workspace_id,
                deliveries.c.endpoint_id == endpoint_id,
                deliveries.c.id == own,
            )
            .values(body=_blank(body))
        )


async def _dead_letters(
    connection: Connection, workspace_id: int, contact_ids: Sequence[Id], names: Collection[str]
) -> None:
    """Bodies of providers that nobody could read, and that name them; events of their messages."""
    letters = tables.dead_letters
    is_sqlite = connection.dialect.name == "sqlite"
    body = cast(letters.c.body, Text) if is_sqlite else func.encode(letters.c.body, "escape")
    is_named = _is_named(names)
    await connection.execute(
        delete(letters).where(
            letters.c.workspace_id == workspace_id,
            or_(
                is_named(body),
                is_named(letters.c.query),
                letters.c.communication_id.in_(
                    _of(tables.communications, workspace_id, contact_ids)
                ),
            ),
        )
    )


def _blank(body: str) -> str:
    told = orjson.loads(body)
    data = told["data"]
    data["contact"] = {**data["contact"], "externalUsername": None}
    for name in ("url", "reason", "detail"):
        if name in data:
            data[name] = None
    return orjson.dumps(told).decode()


Condition = Callable[[ColumnElement[Any]], ColumnElement[bool]]


def _is_named(names: Collection[str]) -> Condition:
    """Whether a text holds one of the names, whatever the case."""
    long = sorted({name for name in names if len(name) >= SHORTEST})

    def condition(text: ColumnElement[Any]) -> ColumnElement[bool]:
        return or_(
            false(),
            *(text.contains(name, autoescape=True) for name in long),
            *(func.lower(text).contains(name.lower(), autoescape=True) for name in long),
        )

    return condition


def _is_of(contact_ids: Collection[Id]) -> Condition:
    """Whether a text holds the id of one of the contacts."""
    return lambda text: or_(*(text.contains(one.hex()) for one in sorted(contact_ids)))
