"""Writing a batch: rows by id, then the head and the log, then the counters."""

from collections import defaultdict
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import Table, bindparam, delete, update

from store import bulk, tables
from store.buckets import buckets_of
from store.database import Connection
from store.dialects import insert
from store.ingest import misdirected, statements
from store.ingest.batch import Batch, visit_tally, waiting_step
from store.ingest.encoding import encode
from store.ingest.statements import ForEach
from store.ingest.write_contacts import write_contacts
from store.ingest.writer import Writer
from store.log import Head, append
from store.merge import Message, Passage, Visit
from store.tables.communications import MARKS, MILESTONES
from store.tables.journeys import ENTRY_COUNTS, STEP_COUNTS
from store.types import DAY, new_id

WAITS_AT_MOST = 30 * DAY
_NO_MARKS = (False,) * len(MARKS)

# What a merge never changes stays out of the UPDATE.
_FIXED = {"id", "external_id", "journey_id", "contact_id", "entry_id", "created_at", "entered_at"}


async def write(connection: Connection, workspace_id: int, batch: Batch) -> Head | None:
    """Write all of the batch but its keys. Returns the head behind its facts, None without any."""
    writer = _Writer(connection, workspace_id, batch)
    await writer.entries()
    await writer.messages()
    await writer.waiting()
    await misdirected.write(connection, workspace_id, batch)
    await write_contacts(connection, workspace_id, batch)
    behind = None
    if batch.facts:
        batch.sign_facts()
        behind = await append(connection, workspace_id, batch.facts, batch.now)
    await writer.counters()
    return behind


_NEW_ENTRIES = statements.making(tables.entries, Passage)
_CHANGED_ENTRIES = statements.changing(tables.entries, Passage, _FIXED)
_NEW_MESSAGES = statements.making(tables.communications, Message)
_CHANGED_MESSAGES = statements.changing(tables.communications, Message, _FIXED)


class _Writer(Writer):
    async def _each(self, one: ForEach, states: Sequence[Message | Passage]) -> None:
        own = self.workspace_id
        await bulk.execute(
            self.connection,
            one.statement,
            one.names,
            # In the order of their ids, in which everybody takes them.
            [(own, *one.values(state)) for state in sorted(states, key=attrgetter("id"))],
        )

    async def entries(self) -> None:
        batch, keys = self.batch, tables.entry_keys
        new = list(batch.new_entries.values())
        await self._each(_NEW_ENTRIES, new)
        if new:
            await self.connection.execute(
                update(keys)
                .where(
                    keys.c.workspace_id == self.workspace_id,
                    keys.c.external_id == bindparam("b_name"),
                )
                .values(entry_id=bindparam("b_id")),
                [{"b_name": entry.external_id, "b_id": entry.id} for entry in new],
            )
        changed = [batch.known.entries_by_id[one] for one in batch.entries_before]
        await self._each(_CHANGED_ENTRIES, changed)
        visits = [batch.known.visits[key] for key in batch.new_visits | batch.changed_visits]
        if visits:
            statement = insert(self.connection, tables.entry_steps)
            facts = [name for name in Visit.__dataclass_fields__ if name.endswith("_at")]
            await self.connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["workspace_id", "entry_id", "step_id"],
                    set_={name: statement.excluded[name] for name in facts},
                ),
                self.own([visit.columns() for visit in visits]),
            )

    async def messages(self) -> None:
        batch, keys = self.batch, tables.communication_keys
        new = list(batch.new_messages.values())
        await self._each(_NEW_MESSAGES, new)
        named = [(message.external_id, message.id, True) for message in new]
        known = {message.external_id for message in new}
        named += [(name, one, False) for name, one in batch.announced.items() if name not in known]
        if named:
            await self.connection.execute(
                update(keys)
                .where(
                    keys.c.workspace_id == self.workspace_id,
                    keys.c.external_id == bindparam("b_name"),
                )
                .values(communication_id=bindparam("b_id"), is_known=bindparam("b_known")),
                [
                    {"b_name": name, "b_id": one, "b_known": is_known}
                    for name, one, is_known in named
                ],
            )
        by_id = {message.id: message for message in batch.known.messages.values()}
        changed = [by_id[one] for one in batch.messages_before]
        await self._each(_CHANGED_MESSAGES, changed)
        await self._marks([*new, *(by_id[one] for one in batch.messages_before)])
        await self.insert(tables.links, batch.links)
        if batch.provider_messages:
            # The rows were written, and locked, when the batch was loaded.
            provider_keys = tables.provider_message_keys
            await self.connection.execute(
                update(provider_keys)
                .where(
                    provider_keys.c.workspace_id == self.workspace_id,
                    provider_keys.c.provider_message_id == bindparam("b_name"),
                )
                .values(communication_id=bindparam("b_id")),
                [
                    {"b_name": name, "b_id": one}
                    for name, one in sorted(batch.provider_messages.items())
                ],
            )

    async def _marks(self, messages: Sequence[Message]) -> None:
        """List the messages under the marks that they reached now, and no more under lost ones."""
        reached: list[tuple[str, Message]] = []
        lost: list[tuple[str, Message]] = []
        for message in messages:
            before = self.batch.marks_before.get(message.id, _NO_MARKS)
            for mark, was, is_ in zip(MARKS, before, message.marks(), strict=True):
                if was != is_:
                    (reached if is_ else lost).append((mark, message))
        await self.insert(
            tables.communication_marks,
            [
                {
                    "journey_id": message.journey_id,
                    "mark": mark,
                    "created_at": message.created_at,
                    "id": message.id,
                }
                for mark, message in reached
            ],
        )
        if lost:
            marks = tables.communication_marks
            await self.connection.execute(
                delete(marks).where(
                    marks.c.workspace_id == self.workspace_id,
                    marks.c.journey_id == bindparam("b_journey_id"),
                    marks.c.mark == bindparam("b_mark"),
                    marks.c.created_at == bindparam("b_at"),
                    marks.c.id == bindparam("b_id"),
                ),
                [
                    {
                        "b_journey_id": message.journey_id,
                        "b_mark": mark,
                        "b_at": message.created_at,
                        "b_id": message.id,
                    }
                    for mark, message in lost
                ],
            )

    async def waiting(self) -> None:
        now = self.batch.now
        await self.insert(
            tables.pending_events,
            [
                {
                    "id": new_id(),
                    "awaits": one.awaits,
                    "external_id": one.name,
                    "event": encode(one.event),
                    "source": one.source,
                    "connector_id": None if one.via is None else one.via.connector_id,
                    "channel": None if one.via is None else one.via.channel,
                    "received_at": one.received_at,
                    "expires_at": now + WAITS_AT_MOST,
                    "refusal": None
                    if one.refusal is None
                    else {"code": one.refusal.code, "message": one.refusal.message},
                }
                for one in self.batch.waiting
            ],
        )

    async def counters(self) -> None:
        await self._add(
            tables.communication_counters,
            ("journey_id", "bucket_seconds", "at", "resource_id", "channel"),
            MILESTONES,
            self._message_changes(),
        )
        await self._add(
            tables.entry_counters,
            ("journey_id", "bucket_seconds", "at", "in_control_group"),
            ENTRY_COUNTS,
            self._entry_changes(),
        )
        await self._add(
            tables.step_counters, ("journey_id", "step_id"), STEP_COUNTS, self._step_changes()
        )

    def _message_changes(self) -> "_Changes":
        changes = _changes(len(MILESTONES))
        before_of = self.batch.messages_before
        for message in self.batch.known.messages.values():
            is_new = message.id in self.batch.new_messages
            if is_new or message.id in before_of:
                before = before_of.get(message.id, (0,) * len(MILESTONES))
                for seconds, at in buckets_of(message.created_at):
                    _add_to(
                        changes[
                            message.journey_id, seconds, at, message.resource_id, message.channel
                        ],
                        before,
                        message.milestones(),
                    )
        return changes

    def _entry_changes(self) -> "_Changes":
        changes = _changes(len(ENTRY_COUNTS))
        for entry in self.batch.known.entries_by_id.values():
            if entry.id in self.batch.new_entries:
                before: tuple[int, ...] = (0,) * len(ENTRY_COUNTS)
            elif entry.id in self.batch.entries_before:
                before = self.batch.entries_before[entry.id][0]
            else:
                continue
            for seconds, at in buckets_of(entry.entered_at):
                _add_to(
                    changes[entry.journey_id, seconds, at, entry.in_control_group],
                    before,
                    entry.tally(),
                )
        return changes

    def _step_changes(self) -> "_Changes":
        changes = _changes(len(STEP_COUNTS))
        batch = self.batch
        for key in batch.new_visits | batch.changed_visits:
            visit = batch.known.visits[key]
            entered, completed, failed = (
                after - before
                for after, before in zip(
                    visit_tally(visit), batch.visits_before.get(key, (0, 0, 0)), strict=True
                )
            )
            _add_to(
                changes[visit.journey_id, visit.step_id],
                (0, 0, 0, 0),
                (entered, 0, completed, failed),
            )
        for entry_id in batch.entries_before.keys() | batch.new_entries.keys():
            entry = batch.known.entries_by_id[entry_id]
            was = batch.entries_before[entry_id][1] if entry_id in batch.entries_before else None
            for step_id, by in ((was, -1), (waiting_step(entry), 1)):
                if step_id is not None:
                    changes[entry.journey_id, step_id][1] += by
        return changes

    async def _add(
        self, table: Table, key: tuple[str, ...], names: tuple[str, ...], changes: "_Changes"
    ) -> None:
        rows = [
            {**dict(zip(key, one, strict=True)), **dict(zip(names, counts, strict=True))}
            for one, counts in sorted(changes.items())
            if any(counts)
        ]
        if rows:
            adding = statements.adding(self.connection.dialect.name, table, key, names)
            await self.connection.execute(adding, self.own(rows))


_Changes = dict[tuple[Any, ...], list[int]]


def _changes(width: int) -> _Changes:
    return defaultdict(lambda: [0] * width)


def _add_to(counts: list[int], before: tuple[int, ...], after: tuple[int, ...]) -> None:
    for index, (was, is_) in enumerate(zip(before, after, strict=True)):
        counts[index] += is_ - was
