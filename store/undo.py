"""Undo: taking a stop back, so that what was ignored while it stood takes effect.

State is derived, so nothing was lost: the facts that arrived meanwhile are in the log, marked
is_ignored, and are folded now as they would have been then. That mark alone of the log is changed:
it says whether a fact has effect, and from now on these have.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, func, select, update

from store import tables
from store.database import Connection
from store.folding import search_text
from store.ingest.apply import apply
from store.ingest.batch import Batch
from store.ingest.encoding import decode
from store.ingest.events import Event
from store.ingest.known import KnownJourney
from store.ingest.loading import load, load_surveys, load_visits, lock_entries
from store.ingest.outcomes import Outcome
from store.ingest.record import apply_waiting
from store.ingest.write import write
from store.log import Head
from store.merge import Passage
from store.types import Id, Instant
from store.words import ActivityKind, StepKind

ENTRIES_A_TRANSACTION = 300
ROWS_A_TRANSACTION = 1_000
_STEPS = frozenset(map(str, StepKind))


@dataclass(frozen=True, slots=True)
class Undoing:
    """How many entries were restored, and the last one looked at; None when there are no more."""

    restored: int
    last: Id | None
    behind: Head | None
    journey_ids: frozenset[Id]


async def undo_chunk(
    connection: Connection,
    workspace_id: int,
    stop_id: Id,
    *,
    after: Id | None,
    actor: str,
    now: Instant,
    rows_at_most: int = ROWS_A_TRANSACTION,
) -> Undoing:
    """Restore the next entries of the stop, at least one, as many as bring so many rows."""
    ids, is_last = await _next(connection, workspace_id, stop_id, after, rows_at_most)
    return await _undo(connection, workspace_id, stop_id, ids, is_last, actor, now)


async def undo_all(
    connection: Connection, workspace_id: int, stop_id: Id, *, actor: str, now: Instant
) -> Undoing:
    """Restore all entries of a stop that is known to be small."""
    lines = tables.stop_entries
    found = await connection.execute(
        select(lines.c.entry_id).where(
            lines.c.workspace_id == workspace_id, lines.c.stop_id == stop_id
        )
    )
    ids = [row[0] for row in found]
    return await _undo(connection, workspace_id, stop_id, ids, True, actor, now)


async def count_rows(connection: Connection, workspace_id: int, stop_id: Id, at_most: int) -> int:
    """How many rows an undo has to look at: entries and, if they are fewer than `at_most`, what
    was ignored of them."""
    lines, log = tables.stop_entries, tables.log
    own = (lines.c.workspace_id == workspace_id, lines.c.stop_id == stop_id)
    entries = select(lines.c.entry_id).where(*own).limit(at_most).subquery()
    found = (await connection.execute(select(func.count()).select_from(entries))).scalar_one()
    if found >= at_most:
        return int(found)
    ignored = select(func.count()).where(
        log.c.workspace_id == workspace_id,
        log.c.entry_id.in_(select(lines.c.entry_id).where(*own)),
        log.c.is_ignored.is_(True),
    )
    return int(found) + int((await connection.execute(ignored)).scalar_one())


async def count_entries(connection: Connection, workspace_id: int, stop_id: Id) -> int:
    lines = tables.stop_entries
    counted = select(func.count()).where(
        lines.c.workspace_id == workspace_id, lines.c.stop_id == stop_id
    )
    return int((await connection.execute(counted)).scalar_one())


async def _undo(
    connection: Connection,
    workspace_id: int,
    stop_id: Id,
    ids: Sequence[Id],
    is_last: bool,
    actor: str,
    now: Instant,
) -> Undoing:
    batch = Batch(now)
    await lock_entries(connection, workspace_id, ids, batch.known)
    stopped = [
        entry
        for one in ids
        if (entry := batch.known.entries_by_id.get(one)) is not None and entry.stop_id == stop_id
    ]
    for entry in stopped:
        batch.touch_entry(entry)
        entry.undo_stop()
        batch.fact(actor, now, activity=ActivityKind.STOP_UNDONE, entry=entry)
    behind = None
    if stopped:
        await _Resumption(connection, workspace_id, batch).run(stopped)
        await apply_waiting(connection, workspace_id, batch)
        behind = await write(connection, workspace_id, batch)
    return Undoing(
        len(stopped),
        None if is_last else ids[-1],
        behind,
        frozenset(entry.journey_id for entry in stopped),
    )


async def _next(
    connection: Connection, workspace_id: int, stop_id: Id, after: Id | None, rows_at_most: int
) -> tuple[list[Id], bool]:
    """The next entries of the stop in the order of their ids, and whether they are the last."""
    lines, log = tables.stop_entries, tables.log
    ignored = (
        select(func.count())
        .where(
            log.c.workspace_id == workspace_id,
            log.c.entry_id == lines.c.entry_id,
            log.c.is_ignored.is_(True),
        )
        .correlate(lines)
        .scalar_subquery()
    )
    statement = (
        select(lines.c.entry_id, ignored)
        .where(lines.c.workspace_id == workspace_id, lines.c.stop_id == stop_id)
        .order_by(lines.c.entry_id)
        .limit(ENTRIES_A_TRANSACTION + 1)
    )
    if after is not None:
        statement = statement.where(lines.c.entry_id > after)
    found = (await connection.execute(statement)).all()
    ids: list[Id] = []
    rows = 0
    for entry_id, ignored_rows in found[:ENTRIES_A_TRANSACTION]:
        rows += 2 + ignored_rows
        if ids and rows > rows_at_most:
            break
        ids.append(entry_id)
    return ids, len(ids) == len(found)


class _Resumption:
    """Folds what was ignored of entries whose stop is undone."""

    def __init__(self, connection: Connection, workspace_id: int, batch: Batch) -> None:
        self.connection, self.workspace_id, self.batch = connection, workspace_id, batch
        self._effective: list[dict[str, Any]] = []

    async def run(self, entries: Sequence[Passage]) -> None:
        rows = await self._ignored(entries)
        messages = {
            row["seq"]: decode(row["detail"]["event"])
            for row in rows
            if row["activity"] == ActivityKind.MESSAGE_CREATED
        }
        known = self.batch.known
        await load(self.connection, self.workspace_id, list(messages.values()), known)
        if any(row["activity"] in _STEPS for row in rows):
            await load_visits(self.connection, self.workspace_id, known)
        if any(row["activity"] == ActivityKind.SURVEY_ANSWERED for row in rows):
            await load_surveys(self.connection, self.workspace_id, known)
        for row in rows:
            if row["seq"] in messages:
                self._message(row, messages[row["seq"]])
            else:
                self._fact(row, known.entries_by_id[row["entry_id"]])
        await self._mark()

    async def _ignored(self, entries: Sequence[Passage]) -> list[dict[str, Any]]:
        log = tables.log
        found = await self.connection.execute(
            select(log)
            .where(
                log.c.workspace_id == self.workspace_id,
                log.c.entry_id.in_([entry.id for entry in entries]),
                log.c.is_ignored.is_(True),
            )
            .order_by(log.c.seq)
        )
        return [dict(row) for row in found.mappings()]

    def _fact(self, row: dict[str, Any], entry: Passage) -> None:
        at, reason = row["occurred_at"], row["reason"]
        match ActivityKind(row["activity"]):
            case ActivityKind.CONVERTED:
                entry.convert(at)
            case ActivityKind.EXITED:
                entry.exit(at, reason)
            case ActivityKind.COMPLETED:
                entry.complete(at)
                self.batch.responded(entry, row["source"])
            case ActivityKind.ENTRY_FAILED:
                entry.fail(at, reason)
            case ActivityKind.SURVEY_ANSWERED:
                entry.answer(at)
                self.batch.responded(entry, row["source"])
                self._answer(row)
            case activity:
                self._step(row, entry, StepKind(activity))
        self._effective.append(_mark(row, None))

    def _step(self, row: dict[str, Any], entry: Passage, kind: StepKind) -> None:
        step_id, detail = row["step_id"], row["detail"] or {}
        position = None
        if step_id is not None:
            self.batch.visit(entry, step_id).fold(kind, row["occurred_at"])
            journey = self.batch.known.journeys_by_id[entry.journey_id]
            position = next(one.position for one in journey.steps.values() if one.id == step_id)
        entry.step(
            kind,
            row["occurred_at"],
            None if position is None else (step_id, position),
            waiting_for=detail.get("waitingFor"),
            waiting_until=detail.get("waitingUntil"),
            reason=row["reason"],
        )

    def _answer(self, row: dict[str, Any]) -> None:
        journey: KnownJourney = self.batch.known.journeys_by_id[row["journey_id"]]
        detail = row["detail"]
        question = journey.questions[detail["question"]]
        self.batch.answers.append(
            {
                "contact_id": row["contact_id"],
                "question_id": question.id,
                "journey_id": row["journey_id"],
                "entry_id": row["entry_id"],
                "choices": [question.choices[key].hex() for key in detail["choices"]],
                "text": detail["text"],
                "search": None if detail["text"] is None else search_text(detail["text"]),
                "answered_at": row["occurred_at"],
            }
        )
        self.batch.interacted(row["contact_id"], row["occurred_at"])

    def _message(self, row: dict[str, Any], event: Event) -> None:
        """Make the message that was announced meanwhile.

        Its QUEUED event is new to the log, and appended; its activity is there already.
        """
        outcome: Outcome = apply(self.batch, event, row["source"])
        if outcome.refusal is not None:
            self.batch.keep_refused(event, row["source"], outcome.refusal)
            return
        self.batch.facts[-1]["activity"] = None
        self._effective.append(_mark(row, outcome.communication_id))

    async def _mark(self) -> None:
        log = tables.log
        if self._effective:
            await self.connection.execute(
                update(log)
                .where(
                    log.c.workspace_id == self.workspace_id,
                    log.c.seq == bindparam("b_seq"),
                    log.c.recorded_at == bindparam("b_recorded_at"),
                )
                .values(is_ignored=False, communication_id=bindparam("b_communication_id")),
                self._effective,
            )


def _mark(row: dict[str, Any], communication_id: Id | None) -> dict[str, Any]:
    return {
        "b_seq": row["seq"],
        "b_recorded_at": row["recorded_at"],
        "b_communication_id": communication_id,
    }
