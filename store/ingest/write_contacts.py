"""Writing what a batch says of contacts: what they did, said, chose and earned."""

from collections.abc import Iterator
from typing import Any

import orjson
from sqlalchemy import Table, and_, bindparam, or_, select, update

from store import earnings, labels, tables
from store.database import Connection
from store.dialects import insert
from store.ingest.batch import Batch
from store.ingest.writer import Writer
from store.types import Id


async def write_contacts(connection: Connection, workspace_id: int, batch: Batch) -> None:
    """Behind the rows of entries and messages; what is earned becomes facts of the batch."""
    writer = _ContactWriter(connection, workspace_id, batch)
    await writer.contacts()
    await writer.earned()


class _ContactWriter(Writer):
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
        await self.insert(tables.contact_events, batch.contact_events)
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
                self.own(batch.redemptions),
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
                self.own([latest[name] for name in sorted(latest)]),
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
            self.own([{"contact_id": one, **parts} for one, parts in merged.items()]),
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


def _rank(row: dict[str, Any], at: str) -> tuple[Any, str]:
    # The names of a result's columns are a kind of str that orjson does not take.
    rest = {str(name): value for name, value in row.items() if name not in (at, "workspace_id")}
    return row[at], orjson.dumps(
        rest, option=orjson.OPT_SORT_KEYS, default=lambda value: bytes(value).hex()
    ).decode()
