"""Writing a batch: rows by id, then the head and the log, then the counters."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from sqlalchemy import Table, and_, bindparam, delete, or_, select, update

from store import earnings, labels, tables
from store.buckets import buckets_of
from store.database import Connection
from store.dialects import insert
from store.ingest.batch import Batch, visit_tally, waiting_step
from store.ingest.encoding import encode
from store.log import Head, append
from store.merge import Message, Passage, Visit
from store.tables.communications import MARKS, MILESTONES
from store.tables.journeys import ENTRY_COUNTS, STEP_COUNTS
from store.types import DAY, Id, new_id

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
    await writer.contacts()
    await writer.earned()
    behind = None
    if batch.facts:
        batch.sign_facts()
        behind = await append(connection, workspace_id, batch.facts, batch.now)
    await writer.counters()
    return behind


def _update(table: Table, kind: type) -> Any:
    names = [name for name in kind.__dataclass_fields__ if name not in _FIXED]  # type: ignore[attr-defined]
    return (
        update(table)
        .where(
            table.c.workspace_id == bindparam("b_workspace_id"),
            table.c.id == bindparam("b_id"),
        )
        .values({name: bindparam(name) for name in names})
    )


_UPDATE_ENTRY = _update(tables.entries, Passage)
_UPDATE_MESSAGE = _update(tables.communications, Message)


class _Writer:
    def __init__(self, connection: Connection, workspace_id: int, batch: Batch) -> None:
        self.connection, self.workspace_id, self.batch = connection, workspace_id, batch

    def _own(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{"workspace_id": self.workspace_id, **row} for row in rows]

    async def _insert(self, table: Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            await self.connection.execute(table.insert(), self._own(rows))

    def _changes(self, states: list[Any]) -> list[dict[str, Any]]:
        changes = []
        for state in sorted(states, key=lambda one: bytes(one.id)):
            columns = {k: v for k, v in state.columns().items() if k not in _FIXED}
            changes.append({**columns, "b_workspace_id": self.workspace_id, "b_id": state.id})
        return changes

    async def entries(self) -> None:
        batch, keys = self.batch, tables.entry_keys
        new = list(batch.new_entries.values())
        await self._insert(tables.entries, [entry.columns() for entry in new])
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
        if changed:
            await self.connection.execute(_UPDATE_ENTRY, self._changes(changed))
        visits = [batch.known.visits[key] for key in batch.new_visits | batch.changed_visits]
        if visits:
            statement = insert(self.connection, tables.entry_steps)
            facts = [name for name in Visit.__dataclass_fields__ if name.endswith("_at")]
            await self.connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["workspace_id", "entry_id", "step_id"],
                    set_={name: statement.excluded[name] for name in facts},
                ),
                self._own([visit.columns() for visit in visits]),
            )

    async def messages(self) -> None:
        batch, keys = self.batch, tables.communication_keys
        new = list(batch.new_messages.values())
        await self._insert(tables.communications, [message.columns() for message in new])
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
        if changed:
            await self.connection.execute(_UPDATE_MESSAGE, self._changes(changed))
        await self._marks([*new, *(by_id[one] for one in batch.messages_before)])
        await self._insert(tables.links, batch.links)
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
        """List the messages under the marks that they reached now."""
        await self._insert(
            tables.communication_marks,
            [
                {
                    "journey_id": message.journey_id,
                    "mark": mark,
                    "created_at": message.created_at,
                    "id": message.id,
                }
                for message in messages
                for mark, was, is_ in zip(
                    MARKS,
                    self.batch.marks_before.get(message.id, _NO_MARKS),
                    message.marks(),
                    strict=True,
                )
                if is_ and not was
            ],
        )
        marks = tables.communication_marks
        gone = [
            {"b_mark": mark, "b_journey_id": one.journey_id, "b_at": one.created_at, "b_id": one.id}
            for one in messages
            for mark, was, is_ in zip(
                MARKS, self.batch.marks_before.get(one.id, _NO_MARKS), one.marks(), strict=True
            )
            if was and not is_
        ]
        if gone:
            await self.connection.execute(
                delete(marks).where(
                    marks.c.workspace_id == self.workspace_id,
                    marks.c.journey_id == bindparam("b_journey_id"),
                    marks.c.mark == bindparam("b_mark"),
                    marks.c.created_at == bindparam("b_at"),
                    marks.c.id == bindparam("b_id"),
                ),
                gone,
            )

    async def waiting(self) -> None:
        now = self.batch.now
        await self._insert(
            tables.pending_events,
            [
                {
                    "id": new_id(),
                    "awaits": one.awaits,
                    "external_id": one.name,
                    "event": encode(one.event),
                    "source": one.source,
                    "received_at": now,
                    "expires_at": now + WAITS_AT_MOST,
                    "refusal": None
                    if one.refusal is None
                    else {"code": one.refusal.code, "message": one.refusal.message},
                }
                for one in self.batch.waiting
            ],
        )

    async def contacts(self) -> None:
        """What is known about contacts, each in the order of their ids; a later moment wins."""
        batch, contacts = self.batch, tables.contacts
        await self._lock_contacts()
        if batch.interactions:
            at = bindparam("b_at", type_=contacts.c.active_at.type)
            own = (contacts.c.workspace_id == self.workspace_id, contacts.c.id == bindparam("b_id"))
            await self.connection.execute(
                update(contacts)
                .where(
                    *own,
                    or_(
                        contacts.c.last_interaction_at.is_(None),
                        contacts.c.last_interaction_at < at,
                    ),
                )
                .values(last_interaction_at=at, active_at=at),
                [{"b_id": one, "b_at": at_} for one, at_ in sorted(batch.interactions.items())],
            )
        await self._insert(tables.contact_events, batch.contact_events)
        await self._latest(
            tables.contact_facts, ("contact_id", "name"), "updated_at", batch.contact_facts
        )
        await self._latest(
            tables.survey_answers, ("contact_id", "question_id"), "answered_at", batch.answers
        )
        await self._latest(
            tables.contact_consents, ("contact_id", "channel"), "since", batch.consents
        )
        await self._profiles()
        await self._rewards()
        if batch.redemptions:
            statement = insert(self.connection, tables.promo_redemptions)
            earlier = statement.excluded["at"] < tables.promo_redemptions.c["at"]
            await self.connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["workspace_id", "contact_id", "promo_id", "kind"],
                    set_={"at": statement.excluded["at"]},
                    where=earlier,
                ),
                self._own(batch.redemptions),
            )
        await labels.add(self.connection, self.workspace_id, self._labels())

    def _labels(self) -> Iterator[tuple[labels.Label, Id]]:
        batch = self.batch
        for entry in batch.new_entries.values():
            yield entry.journey_id, entry.contact_id
        yield from batch.known.came_through
        for answer in batch.answers:
            yield answer["question_id"], answer["contact_id"]
            for one in answer["choices"]:
                yield bytes.fromhex(one), answer["contact_id"]
        for redemption in batch.redemptions:
            for label in labels.of_redemption(redemption["promo_id"], redemption["kind"]):
                yield label, redemption["contact_id"]

    async def _lock_contacts(self) -> None:
        """Lock those of whom more is read before it is written, so that no writer is overtaken."""
        batch, contacts = self.batch, tables.contacts
        ids = {one[0] for one in batch.profiles}
        told = (*batch.contact_events, *batch.contact_facts, *batch.answers, *batch.consents)
        ids |= {row["contact_id"] for row in told}
        ids |= batch.responses.keys()
        if ids:
            found = await self.connection.execute(
                select(contacts.c.id, contacts.c.erased_at.is_not(None))
                .where(
                    contacts.c.workspace_id == self.workspace_id,
                    contacts.c.id.in_(ids | batch.interactions.keys()),
                )
                .order_by(contacts.c.id)
                .with_for_update(key_share=True)
            )
            # They were named when the batch was read, and erased before this lock.
            batch.forget({one for one, is_erased in found if is_erased})

    async def _latest(
        self, table: Table, key: tuple[str, ...], at: str, rows: list[dict[str, Any]]
    ) -> None:
        """Keep the row of the latest moment for each key; of one moment, the greater text."""
        if not rows:
            return
        latest: dict[tuple[Any, ...], dict[str, Any]] = {}
        for row in rows:
            name = tuple(row[column] for column in key)
            if name not in latest or _rank(row, at) > _rank(latest[name], at):
                latest[name] = row
        condition = and_(
            table.c.workspace_id == self.workspace_id,
            table.c[key[0]].in_({name[0] for name in latest}),
        )
        found = await self.connection.execute(select(table).where(condition))
        for known in found.mappings():
            name = tuple(known[column] for column in key)
            if name in latest and _rank(dict(known), at) >= _rank(latest[name], at):
                del latest[name]
        if latest:
            statement = insert(self.connection, table)
            values = [name for name in next(iter(latest.values())) if name not in key]
            await self.connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["workspace_id", *key],
                    set_={name: statement.excluded[name] for name in values},
                ),
                self._own([latest[name] for name in sorted(latest)]),
            )

    async def _profiles(self) -> None:
        """Merge figures name by name: the later moment wins, of one moment the greater text."""
        table, profiles = tables.contact_profiles, self.batch.profiles
        if not profiles:
            return
        ids = sorted({one[0] for one in profiles})
        found = await self.connection.execute(
            select(table.c.contact_id, table.c.gamification, table.c.financials).where(
                table.c.workspace_id == self.workspace_id, table.c.contact_id.in_(ids)
            )
        )
        merged: dict[Id, dict[str, dict[str, Any]]] = {
            one: {"gamification": {}, "financials": {}} for one in ids
        }
        for contact_id, gamification, financials in found:
            merged[contact_id] = {"gamification": gamification, "financials": financials}
        for contact_id, part, values, at in profiles:
            figures = merged[contact_id][part]
            for name, value in values.items():
                figure = {"value": value, "at": at}
                if name not in figures or _rank(figure, "at") > _rank(figures[name], "at"):
                    figures[name] = figure
        statement = insert(self.connection, table)
        await self.connection.execute(
            statement.on_conflict_do_update(
                index_elements=["workspace_id", "contact_id"],
                set_={
                    "gamification": statement.excluded.gamification,
                    "financials": statement.excluded.financials,
                },
            ),
            self._own([{"contact_id": one, **parts} for one, parts in merged.items()]),
        )

    async def _rewards(self) -> None:
        contacts = tables.contacts
        if not self.batch.chosen_rewards:
            return
        at = bindparam("b_at", type_=contacts.c.active_at.type)
        reward = bindparam("b_reward", type_=contacts.c.preferred_reward_id.type)
        known_at, known = contacts.c.preferred_reward_at, contacts.c.preferred_reward_id
        await self.connection.execute(
            update(contacts)
            .where(
                contacts.c.workspace_id == self.workspace_id,
                contacts.c.id == bindparam("b_id"),
                or_(known_at.is_(None), known_at < at, and_(known_at == at, known < reward)),
            )
            .values(preferred_reward_id=reward, preferred_reward_at=at),
            [
                {"b_id": one.contact_id, "b_reward": one.reward_id, "b_at": one.at}
                for one in sorted(self.batch.chosen_rewards, key=lambda one: one.contact_id)
            ],
        )
        await earnings.keep_choices(self.connection, self.workspace_id, self.batch.chosen_rewards)

    async def earned(self) -> None:
        """What follows for rewards, behind the rows that it follows from."""
        await earnings.earn(self.connection, self.workspace_id, self.batch.responses, self.batch)

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
            statement = insert(self.connection, table)
            await self.connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["workspace_id", *key],
                    set_={name: table.c[name] + statement.excluded[name] for name in names},
                ),
                self._own(rows),
            )


_Changes = dict[tuple[Any, ...], list[int]]


def _changes(width: int) -> _Changes:
    return defaultdict(lambda: [0] * width)


def _add_to(counts: list[int], before: tuple[int, ...], after: tuple[int, ...]) -> None:
    for index, (was, is_) in enumerate(zip(before, after, strict=True)):
        counts[index] += is_ - was


def _rank(row: dict[str, Any], at: str) -> tuple[Any, str]:
    # The names of a result's columns are a kind of str that orjson does not take.
    rest = {str(name): value for name, value in row.items() if name not in (at, "workspace_id")}
    return row[at], orjson.dumps(
        rest, option=orjson.OPT_SORT_KEYS, default=lambda value: bytes(value).hex()
    ).decode()
