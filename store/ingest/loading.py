"""Loading what a batch of events refers to, in a few statements and locked in one order."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Table, and_, or_, select

from store import tables
from store.database import Connection
from store.dialects import insert
from store.folding import fold_email, search_text
from store.ingest import events as e
from store.ingest import statements
from store.ingest.events import ContactRef, Event
from store.ingest.known import (
    Known,
    KnownContact,
    KnownJourney,
    KnownQuestion,
    KnownStep,
    contact_ref,
    entry_name,
    journey_name,
    message_name,
    provider_message_name,
)
from store.merge import Message, Passage, State, Visit, names_of
from store.types import Id, new_id
from store.words import OPEN_STATES, ContactStatus, JourneyStatus, LinkKind

S = TypeVar("S", bound=State)


async def load(
    connection: Connection, workspace_id: int, batch: Sequence[Event], known: Known
) -> None:
    """Add to `known` what the batch names.

    Names of entries and messages without a row are written as key rows, which locks them: the
    transaction that brings the row and the one that leaves an event waiting for it meet there.
    """
    reader = _Reader(connection, workspace_id, known)
    await reader.contacts({ref for event in batch if (ref := contact_ref(event)) is not None})
    await reader.promos({event.promo for event in batch if isinstance(event, e.PromoRedeemed)})
    await reader.entries({name for event in batch if (name := entry_name(event)) is not None})
    await reader.open_entries(batch)
    await reader.messages(
        {name for event in batch if (name := message_name(event)) is not None},
        {name for event in batch if (name := provider_message_name(event)) is not None},
    )
    await reader.erased()
    await reader.journeys({name for event in batch if (name := journey_name(event)) is not None})
    await reader.surveys({event.journey for event in batch if isinstance(event, e.SurveyAnswered)})
    await reader.rewards({event.journey for event in batch if isinstance(event, e.RewardChosen)})
    await reader.resources(
        {
            (event.channel.value, event.resource)
            for event in batch
            if isinstance(event, e.CommunicationCreated)
        }
    )
    if any(isinstance(event, e.StepReached) for event in batch):
        await reader.visits()


async def lock_entries(
    connection: Connection, workspace_id: int, ids: Iterable[Id], known: Known
) -> None:
    """Add to `known` the entries of these ids, locked in the order of ids, and their journeys."""
    reader = _Reader(connection, workspace_id, known)
    await reader.lock_entries(ids)
    await reader.journeys(set())


async def load_visits(connection: Connection, workspace_id: int, known: Known) -> None:
    """Add to `known` the steps at which its entries were."""
    await _Reader(connection, workspace_id, known).visits()


async def load_surveys(connection: Connection, workspace_id: int, known: Known) -> None:
    """Add to `known` the questions of its journeys."""
    await _Reader(connection, workspace_id, known).surveys(set(known.journeys))


class _Reader:
    def __init__(self, connection: Connection, workspace_id: int, known: Known) -> None:
        self.connection, self.workspace_id, self.known = connection, workspace_id, known

    async def contacts(self, refs: Iterable[ContactRef]) -> None:
        table, links = tables.contacts, tables.referral_links
        missing = [ref for ref in refs if ref not in self.known.contacts]
        if not missing:
            return
        usernames = [ref.external_username for ref in missing if ref.external_username]
        emails = {fold_email(ref.email) for ref in missing if ref.email}
        codes = [ref.link_code for ref in missing if ref.link_code]
        owners: dict[str, Id] = {}
        if codes:
            # A REFERRAL link is followed by friends: what they do is not its owner's.
            rows = await self.connection.execute(
                select(links.c.code, links.c.contact_id, links.c.journey_id).where(
                    links.c.workspace_id == self.workspace_id,
                    links.c.code.in_(codes),
                    links.c.kind == LinkKind.FLOW,
                )
            )
            for code, contact_id, journey_id in rows:
                owners[code] = contact_id
                self.known.came_through.add((journey_id, contact_id))
        found = await self.connection.execute(
            select(table.c.id, table.c.status, table.c.external_username, table.c.email_key).where(
                table.c.workspace_id == self.workspace_id,
                or_(
                    table.c.external_username.in_(usernames),
                    table.c.email_key.in_(emails),
                    table.c.id.in_(owners.values()),
                ),
                # A link of somebody who was erased leads to nobody.
                table.c.erased_at.is_(None),
            )
        )
        by_name: dict[tuple[str, str | Id | None], KnownContact] = {}
        for row in found:
            contact = KnownContact(row[0], ContactStatus(row[1]))
            by_name["username", row[2]] = contact
            by_name["email", row[3]] = contact
            by_name["id", contact.id] = contact
        for ref in missing:
            contact_or_none = (
                by_name.get(("username", ref.external_username))
                if ref.external_username
                else by_name.get(("email", fold_email(ref.email)))
                if ref.email
                else by_name.get(("id", owners.get(ref.link_code or "")))
            )
            if contact_or_none is not None:
                self.known.contacts[ref] = contact_or_none

    async def promos(self, names: set[str]) -> None:
        table = tables.promos
        if names - self.known.promos.keys():
            found = await self.connection.execute(
                select(table.c.external_id, table.c.id).where(
                    table.c.workspace_id == self.workspace_id, table.c.external_id.in_(names)
                )
            )
            self.known.promos.update({row[0]: row[1] for row in found})

    async def entries(self, names: set[str]) -> None:
        missing = sorted(names - self.known.entries.keys())
        table = tables.entry_keys
        ids = await self._ids(missing, table, table.c.entry_id, {})
        await self.lock_entries(ids.values())

    async def lock_entries(self, ids: Iterable[Id]) -> None:
        wanted = sorted(set(ids) - self.known.entries_by_id.keys())
        for entry in await self._locked(Passage, tables.entries, wanted):
            self.known.add_entry(entry)

    async def open_entries(self, batch: Sequence[Event]) -> None:
        """The open entries of contacts that an event names instead of an entry."""
        table, journeys = tables.entries, tables.journeys
        pairs = {
            (contact.id, event.journey)
            for event in batch
            if isinstance(event, e.CommunicationCreated | e.SurveyAnswered)
            and event.entry is None
            and event.contact is not None
            and (contact := self.known.contacts.get(event.contact)) is not None
        }
        if pairs:
            found = await self.connection.execute(
                select(table.c.id)
                .join(
                    journeys,
                    and_(
                        journeys.c.workspace_id == table.c.workspace_id,
                        journeys.c.id == table.c.journey_id,
                    ),
                )
                .where(
                    table.c.workspace_id == self.workspace_id,
                    table.c.contact_id.in_({one[0] for one in pairs}),
                    journeys.c.external_id.in_({one[1] for one in pairs}),
                    table.c.state.in_(OPEN_STATES),
                )
            )
            await self.lock_entries(row[0] for row in found)

    async def messages(self, names: set[str], provider_names: set[str]) -> None:
        """Messages by the partner's ids of them, and by their providers'."""
        known = self.known
        keys, provider_keys = tables.communication_keys, tables.provider_message_keys
        missing = sorted(names - known.messages.keys())
        ids = await self._ids(missing, keys, keys.c.communication_id, {"is_known": False})
        missing = sorted(provider_names - known.messages_by_provider.keys())
        by_provider = await self._ids(missing, provider_keys, provider_keys.c.communication_id, {})
        by_id: dict[Id, Message] = {}
        if by_provider:
            by_id = {message.id: message for message in known.messages.values()}
        wanted = {*ids.values(), *by_provider.values()} - by_id.keys()
        for message in await self._locked(Message, tables.communications, sorted(wanted)):
            known.messages[message.external_id] = by_id[message.id] = message
        for name, one in by_provider.items():
            known.messages_by_provider[name] = by_id[one]
        # The entries of messages are not locked: an event of a message does not change its entry.

    async def erased(self) -> None:
        """Whose data were erased, asked behind the locks of their entries and messages."""
        table = tables.contacts
        ids = {one.contact_id for one in self.known.entries.values()}
        ids |= {one.contact_id for one in self.known.messages.values()}
        own = (table.c.workspace_id == self.workspace_id, table.c.erased_at.is_not(None))
        # Mostly there is nobody, which is quickly said.
        if ids and (await self.connection.execute(select(table.c.id).where(*own).limit(1))).first():
            found = await self.connection.execute(
                select(table.c.id).where(*own, table.c.id.in_(ids))
            )
            self.known.erased.update(row[0] for row in found)

    async def _ids(
        self, names: Sequence[str], table: Table, id_column: Any, waiting: dict[str, Any]
    ) -> dict[str, Id]:
        """The ids behind names; a name without one gets (or keeps) its key row, locked."""
        if not names:
            return {}
        known, naming = statements.keyed(self.connection.dialect.name, table, id_column)
        asked = {"workspace": self.workspace_id, "names": names}
        ids = {row[0]: row[1] for row in await self.connection.execute(known, asked)}
        unknown = [name for name in names if name not in ids]
        if unknown:
            name_column = statements.name_column(table).name
            await self.connection.execute(
                naming,
                [
                    {"workspace_id": self.workspace_id, name_column: name, **waiting}
                    for name in unknown
                ],
            )
            # What another transaction brought while this one waited for its key rows.
            late = await self.connection.execute(known, {**asked, "names": unknown})
            ids.update({row[0]: row[1] for row in late})
        return ids

    async def _locked(self, kind: type[S], table: Table, ids: Sequence[Id]) -> list[S]:
        if not ids:
            return []
        found = await self.connection.execute(
            statements.locking(table, names_of(kind)), {"workspace": self.workspace_id, "ids": ids}
        )
        return [kind(*row) for row in found]

    async def journeys(self, names: set[str]) -> None:
        """The journeys that are named, and those of the entries that are."""
        table, steps = tables.journeys, tables.journey_steps
        missing = names - self.known.journeys.keys()
        ids = {entry.journey_id for entry in self.known.entries.values()}
        ids -= self.known.journeys_by_id.keys()
        if not missing and not ids:
            return
        rewards = tables.rewards
        is_rewarded = (
            select(rewards.c.id)
            .where(
                rewards.c.workspace_id == table.c.workspace_id, rewards.c.journey_id == table.c.id
            )
            .exists()
        )
        found = await self.connection.execute(
            select(table.c.id, table.c.external_id, table.c.status, is_rewarded).where(
                table.c.workspace_id == self.workspace_id,
                or_(table.c.external_id.in_(missing), table.c.id.in_(ids)),
            )
        )
        new = {
            row[0]: KnownJourney(row[0], row[1], JourneyStatus(row[2]), bool(row[3]))
            for row in found
        }
        for journey in new.values():
            self.known.journeys[journey.external_id] = journey
            self.known.journeys_by_id[journey.id] = journey
        # An archived step is still a step: people are on it, and late facts name it.
        step_rows = await self.connection.execute(
            select(steps.c.journey_id, steps.c.key, steps.c.id, steps.c.position).where(
                steps.c.workspace_id == self.workspace_id, steps.c.journey_id.in_(new)
            )
        )
        for journey_id, key, step_id, position in step_rows:
            new[journey_id].steps[key] = KnownStep(step_id, position)

    async def surveys(self, names: set[str]) -> None:
        """The questions and choices of the journeys of these names."""
        questions, choices = tables.survey_questions, tables.survey_choices
        journeys = {
            journey.id: journey
            for name in names
            if (journey := self.known.journeys.get(name)) is not None
        }
        if not journeys:
            return
        found = await self.connection.execute(
            select(
                questions.c.journey_id, questions.c.key, questions.c.id, choices.c.key, choices.c.id
            )
            .outerjoin(
                choices,
                and_(
                    choices.c.workspace_id == questions.c.workspace_id,
                    choices.c.question_id == questions.c.id,
                ),
            )
            .where(
                questions.c.workspace_id == self.workspace_id, questions.c.journey_id.in_(journeys)
            )
        )
        for journey_id, key, question_id, choice_key, choice_id in found:
            known = journeys[journey_id].questions
            question = known.setdefault(key, KnownQuestion(question_id))
            if choice_id is not None:
                question.choices[choice_key] = choice_id

    async def rewards(self, names: set[str]) -> None:
        table = tables.rewards
        journeys = {
            journey.id: journey
            for name in names
            if (journey := self.known.journeys.get(name)) is not None
        }
        if not journeys:
            return
        found = await self.connection.execute(
            select(table.c.journey_id, table.c.key, table.c.id).where(
                table.c.workspace_id == self.workspace_id, table.c.journey_id.in_(journeys)
            )
        )
        for journey_id, key, reward_id in found:
            journeys[journey_id].rewards[key] = reward_id

    async def resources(self, names: set[tuple[str, str]]) -> None:
        await find_resources(self.connection, self.workspace_id, names, self.known.resources)

    async def visits(self) -> None:
        table = tables.entry_steps
        ids = self.known.entries_by_id.keys() - {one[0] for one in self.known.visits}
        found = await self.connection.execute(
            select(*(table.c[name] for name in names_of(Visit))).where(
                table.c.workspace_id == self.workspace_id, table.c.entry_id.in_(ids)
            )
        )
        for row in found:
            visit = Visit(*row)
            self.known.visits[visit.entry_id, visit.step_id] = visit


async def find_resources(
    connection: Connection,
    workspace_id: int,
    names: set[tuple[str, str]],
    known: dict[tuple[str, str], Id],
) -> None:
    """Add to `known` the ids of resources by (channel, name); new ones are made."""
    table = tables.resources
    missing = sorted(names - known.keys())
    if not missing:
        return
    condition = and_(
        table.c.workspace_id == workspace_id, table.c.name.in_({name for _, name in missing})
    )
    query = select(table.c.channel, table.c.name, table.c.id).where(condition)
    known.update({(row[0], row[1]): row[2] for row in await connection.execute(query)})
    new = [one for one in missing if one not in known]
    if new:
        await connection.execute(
            insert(connection, table).on_conflict_do_nothing(),
            [
                {
                    "workspace_id": workspace_id,
                    "id": new_id(),
                    "channel": channel,
                    "name": name,
                    "search": search_text(name),
                }
                for channel, name in new
            ],
        )
        known.update({(row[0], row[1]): row[2] for row in await connection.execute(query)})
