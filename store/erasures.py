"""Erasures: taking all that is personal of contacts out of every table, for good.

What is counted stays: the rows of journeys, messages, answers and rewards lead to a contact that is
nobody any more. The log keeps its rows and loses what they say: texts, links and details.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, or_, select, update

from store import contact_statuses, erasure_keys, stops, tables
from store.contact_deletions import Changed, journeys_of
from store.contact_statuses import Appended
from store.database import Connection
from store.erasure_keys import Keyring
from store.erasure_traces import forget
from store.ingest.batch import Batch
from store.ingest.write import write
from store.types import Id, Instant
from store.words import ContactStatus, StopReason


@dataclass(frozen=True, slots=True)
class _Person:
    id: Id
    status: ContactStatus
    has_converted: bool
    is_deleted: bool
    names: tuple[str, ...]
    email_key: str | None


async def erase(
    connection: Connection,
    workspace_id: int,
    erasure_id: Id,
    ids: Collection[Id],
    keyring: Keyring,
    *,
    by: str,
    now: Instant,
) -> Changed:
    """Erase those that are not erased yet, deleted ones as well, and stop their open entries.

    No stop of their entries can be undone from then on.
    """
    people = await _lock(connection, workspace_id, ids)
    if not people:
        return Changed()
    here = [one.id for one in people]
    await _lock_entries(connection, workspace_id, here)
    await _blank_rows(connection, workspace_id, here)
    names = [name for one in people for name in one.names]
    await forget(connection, workspace_id, here, names, now)
    batch = Batch(now)
    await stops.end_open(
        connection,
        workspace_id,
        set(here),
        batch,
        stop_id=erasure_id,
        cause=StopReason.ERASED,
        actor=by,
    )
    await _blank_contacts(connection, workspace_id, people, keyring, now)
    for one in here:
        batch.fact(by, now, change="CONTACT_ERASED", contact_id=one)
    behind = await write(connection, workspace_id, batch)
    await _keep_stopped(connection, workspace_id, here, erasure_id)
    counted = [one for one in people if not one.is_deleted]
    await contact_statuses.count(
        connection,
        workspace_id,
        gone=[one.status for one in counted],
        converted=-sum(one.has_converted for one in counted),
    )
    return Changed(tuple(here), Appended(behind, journeys_of(batch)))


async def _lock(connection: Connection, workspace_id: int, ids: Collection[Id]) -> list[_Person]:
    contacts = tables.contacts
    names = (contacts.c.email, contacts.c.external_username, contacts.c.username, contacts.c.phone)
    found = await connection.execute(
        select(
            contacts.c.id,
            contacts.c.status,
            contacts.c.converted_at,
            contacts.c.deleted_at,
            contacts.c.email_key,
            *names,
        )
        .where(
            contacts.c.workspace_id == workspace_id,
            contacts.c.id.in_(ids),
            contacts.c.erased_at.is_(None),
        )
        .order_by(contacts.c.id)
        .with_for_update()
    )
    return [
        _Person(
            row[0],
            ContactStatus(row[1]),
            row[2] is not None,
            row[3] is not None,
            tuple(name for name in row[5:] if name),
            row[4],
        )
        for row in found
    ]


async def _lock_entries(
    connection: Connection, workspace_id: int, contact_ids: Sequence[Id]
) -> None:
    """Who changes an entry or a message holds it: who comes later finds the contact erased."""
    for table in (tables.entries, tables.communications):
        await connection.execute(
            select(table.c.id)
            .where(table.c.workspace_id == workspace_id, table.c.contact_id.in_(contact_ids))
            .order_by(table.c.id)
            .with_for_update(key_share=True)
        )


async def _blank_rows(connection: Connection, workspace_id: int, contact_ids: Sequence[Id]) -> None:
    """Take what the rows of journeys say in words and links."""
    for table, columns in (
        (
            tables.entries,
            ("exit_reason", "failure_reason", "stop_note", "waiting_for", "last_error"),
        ),
        (tables.communications, ("failure_reason", "last_action_url", "last_clicked_url")),
        (tables.survey_answers, ("text", "search")),
    ):
        await connection.execute(
            update(table)
            .where(
                table.c.workspace_id == workspace_id,
                table.c.contact_id.in_(contact_ids),
                or_(*(table.c[name].is_not(None) for name in columns)),
            )
            .values(dict.fromkeys(columns))
        )
    for table in (
        tables.contact_events,
        tables.contact_facts,
        tables.contact_profiles,
        tables.contact_consents,
        tables.deleted_contacts,
    ):
        await connection.execute(
            delete(table).where(
                table.c.workspace_id == workspace_id, table.c.contact_id.in_(contact_ids)
            )
        )


async def _blank_contacts(
    connection: Connection,
    workspace_id: int,
    people: Sequence[_Person],
    keyring: Keyring,
    now: Instant,
) -> None:
    contacts = tables.contacts
    emails = {one.id: one.email_key for one in people if one.email_key is not None}
    hashes = await erasure_keys.hashes(connection, workspace_id, keyring, emails) if emails else {}
    blank: dict[str, Any] = {
        **dict.fromkeys(
            (
                "external_username",
                "username",
                "email",
                "email_key",
                "first_name",
                "last_name",
                "phone",
                "preferred_reward_id",
                "preferred_reward_at",
            )
        ),
        "search": "",
        "last_name_key": "",
        "erased_at": now,
    }
    for one in people:
        await connection.execute(
            update(contacts)
            .where(contacts.c.workspace_id == workspace_id, contacts.c.id == one.id)
            .values(
                **blank,
                erased_key=hashes.get(one.id),
                deleted_at=func.coalesce(contacts.c.deleted_at, now),
            )
        )


async def _keep_stopped(
    connection: Connection, workspace_id: int, contact_ids: Sequence[Id], erasure_id: Id
) -> None:
    """Take stops over, so that no undo of theirs restores an entry of nobody."""
    entries = tables.entries
    await connection.execute(
        update(entries)
        .where(
            entries.c.workspace_id == workspace_id,
            entries.c.contact_id.in_(contact_ids),
            entries.c.stop_requested_at.is_not(None),
        )
        .values(stop_id=erasure_id)
    )
