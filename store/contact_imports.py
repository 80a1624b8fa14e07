"""Contact imports: rows of a file, written a thousand at a time."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, NamedTuple

from sqlalchemy import (
    JSON,
    Text,
    bindparam,
    column,
    func,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from store import bulk, contact_deletions, contact_statuses, erasure_keys, log, tables
from store.contact_deletions import UNDOABLE_FOR
from store.database import Conflict, Connection
from store.erasure_keys import Keyring
from store.folding import contact_text, fold, fold_email
from store.ingest.batch import NONCES
from store.log import Head
from store.tables import contacts
from store.types import Id, Instant, new_id
from store.words import ContactSource, ContactStatus

_CONTACT = (
    "workspace_id",
    "id",
    "email",
    "email_key",
    "first_name",
    "last_name",
    "search",
    "last_name_key",
    "status",
    "source",
    "imported_as",
    "imported_at",
    "created_at",
    "active_at",
)
_KEPT = (
    "id",
    "email_key",
    "email",
    "username",
    "external_username",
    "first_name",
    "last_name",
    "imported_as",
    "deleted_at",
)
_IMPORTED = ("first_name", "last_name", "search", "last_name_key", "imported_as", "imported_at")
_CHANGE = ("workspace_id", "contact_id", "id", "to_status", "at", "by")
_FACT = (
    "workspace_id",
    "seq",
    "recorded_at",
    "nonce",
    "change",
    "contact_id",
    "occurred_at",
    "source",
    "is_suspected_bot",
    "is_ignored",
)


class Row(NamedTuple):
    """A row whose values are in order, and how a contact of it is compared and found.

    Names that the file leaves blank are None.
    """

    number: int
    first_name: str | None
    last_name: str | None
    email: str
    email_key: str
    search: str
    last_name_key: str

    @classmethod
    def of(cls, number: int, first_name: str | None, last_name: str | None, email: str) -> "Row":
        return cls(
            number,
            first_name,
            last_name,
            email,
            fold_email(email),
            contact_text(first_name, last_name, None, None, email),
            fold(last_name or ""),
        )


@dataclass(slots=True)
class Found:
    """What is to become of rows; those of `deleted` and `erased` contacts are left alone."""

    new: list[Row] = field(default_factory=list)
    changed: list[tuple[Row, Mapping[str, Any]]] = field(default_factory=list)
    unchanged: int = 0
    deleted: list[Row] = field(default_factory=list)
    erased: list[Row] = field(default_factory=list)
    # Deleted for good: whoever comes with the address now is somebody new.
    given_up: list[tuple[str, Id]] = field(default_factory=list)


async def find(
    connection: Connection,
    workspace_id: int,
    rows: Sequence[Row],
    status: ContactStatus,
    keyring: Keyring,
    *,
    now: Instant,
) -> Found:
    """Whose rows these are; the contacts that are known are locked in the order of their ids."""
    found = Found()
    known = await _known(connection, workspace_id, [row.email_key for row in rows])
    for row in rows:
        own = known.get(row.email_key)
        if own is None:
            found.new.append(row)
        elif own["deleted_at"] is not None and own["deleted_at"] + UNDOABLE_FOR > now:
            found.deleted.append(row)
        elif own["deleted_at"] is not None:
            found.given_up.append(("email", own["id"]))
            found.new.append(row)
        elif _is_same(row, own, status):
            found.unchanged += 1
        else:
            found.changed.append((row, own))
    # Behind the locks: who was being erased meanwhile is erased by now.
    gone = await _erased(connection, workspace_id, keyring, found.new)
    if gone:
        found.erased = [row for row in found.new if row.email_key in gone]
        found.new = [row for row in found.new if row.email_key not in gone]
    return found


async def write(
    connection: Connection,
    workspace_id: int,
    found: Found,
    status: ContactStatus,
    *,
    by: str,
    now: Instant,
) -> Head | None:
    """Make the contacts that are new, and give known ones the file's names; no e-mail twice.

    A known contact keeps its status, its consents and the names that the file leaves blank.
    Returns the log's head behind what was written, None for nothing.
    """
    if not found.new and not found.changed:
        return None
    if found.given_up:
        await contact_deletions.give_up(connection, workspace_id, found.given_up)
    ids = await _create(connection, workspace_id, found.new, status, by, now)
    await _change(connection, workspace_id, found.changed, status, now)
    changed_ids = sorted(bytes(own["id"]) for _, own in found.changed)
    behind = await _log(connection, workspace_id, ids, changed_ids, by, now)
    await contact_statuses.count(connection, workspace_id, come=repeat(status, len(ids)))
    return behind


async def write_new(
    connection: Connection,
    workspace_id: int,
    rows: Sequence[Row],
    status: ContactStatus,
    keyring: Keyring,
    *,
    by: str,
    now: Instant,
) -> Head | None:
    """Make contacts of all rows, without a look at who is known.

    Raises Conflict if one of them is, or was erased.
    """
    behind = await write(connection, workspace_id, Found([*rows]), status, by=by, now=now)
    # Behind the insert, which waits for an erasure that holds one of the addresses: an erased
    # contact has no address any more, so that the index alone would let it come back.
    if await _erased(connection, workspace_id, keyring, rows):
        raise Conflict
    return behind


async def _erased(
    connection: Connection, workspace_id: int, keyring: Keyring, rows: Sequence[Row]
) -> set[str]:
    keys = (row.email_key for row in rows)
    return await erasure_keys.erased(connection, workspace_id, keyring, keys)


async def _known(
    connection: Connection, workspace_id: int, keys: Sequence[str]
) -> dict[str, Mapping[str, Any]]:
    """Contacts by the key of their e-mail, locked."""
    is_sqlite = connection.dialect.name == "sqlite"
    found = await connection.execute(
        _IDS_ON_SQLITE if is_sqlite else _IDS_ON_POSTGRESQL,
        {"workspace_id": workspace_id, "values": list(keys)},
    )
    ids = sorted(bytes(own) for own in found.scalars())
    if not ids:
        return {}
    # Found without a lock, so look again: what is locked now may have got another e-mail meanwhile.
    locked = await connection.execute(_LOCKED, {"workspace_id": workspace_id, "ids": ids})
    return {row["email_key"]: dict(row) for row in locked.mappings()}


_values = bindparam("values", type_=ARRAY(Text).with_variant(JSON(), "sqlite"))
_own = contacts.c.workspace_id == bindparam("workspace_id")
_IDS_ON_SQLITE = select(contacts.c.id).where(
    _own, contacts.c.email_key.in_(select(column("value")).select_from(func.json_each(_values)))
)
_keys = func.unnest(_values).table_valued("key").render_derived()
# A look-up for each key, whatever the planner believes: while a workspace fills up, its figures are
# old, and one join of all keys became a scan of all contacts.
_one = select(contacts.c.id).where(_own, contacts.c.email_key == column("key")).limit(1).lateral()
_IDS_ON_POSTGRESQL = select(_one.c.id).select_from(_keys.join(_one, true()))
_LOCKED = (
    select(*(contacts.c[name] for name in _KEPT))
    .where(_own, contacts.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(contacts.c.id)
    .with_for_update(key_share=True)
)


def _is_same(row: Row, own: Mapping[str, Any], status: ContactStatus) -> bool:
    return (
        own["imported_as"] == status
        and row.first_name in (None, own["first_name"])
        and row.last_name in (None, own["last_name"])
    )


async def _create(
    connection: Connection,
    workspace_id: int,
    rows: Sequence[Row],
    status: ContactStatus,
    by: str,
    now: Instant,
) -> list[Id]:
    ids = [new_id() for _ in rows]
    plain_status, source = str(status), str(ContactSource.IMPORTED)
    await bulk.insert(
        connection,
        contacts,
        _CONTACT,
        [
            (
                workspace_id,
                own,
                row.email,
                row.email_key,
                row.first_name,
                row.last_name,
                row.search,
                row.last_name_key,
                plain_status,
                source,
                plain_status,
                now,
                now,
                now,
            )
            for own, row in zip(ids, rows, strict=True)
        ],
    )
    await bulk.insert(
        connection,
        tables.contact_status_changes,
        _CHANGE,
        [(workspace_id, own, new_id(), plain_status, now, by) for own in ids],
    )
    return ids


async def _change(
    connection: Connection,
    workspace_id: int,
    changed: Sequence[tuple[Row, Mapping[str, Any]]],
    status: ContactStatus,
    now: Instant,
) -> None:
    if not changed:
        return
    values = []
    for row, own in changed:
        first_name = row.first_name or own["first_name"]
        last_name = row.last_name or own["last_name"]
        values.append(
            {
                "b_workspace_id": workspace_id,
                "b_id": own["id"],
                "first_name": first_name,
                "last_name": last_name,
                "search": contact_text(
                    first_name, last_name, own["username"], own["external_username"], own["email"]
                ),
                "last_name_key": fold(last_name or ""),
                "imported_as": status,
                "imported_at": now,
            }
        )
    await connection.execute(_UPDATE, sorted(values, key=lambda one: bytes(one["b_id"])))


_UPDATE = (
    update(contacts)
    .where(
        contacts.c.workspace_id == bindparam("b_workspace_id"),
        contacts.c.id == bindparam("b_id"),
    )
    .values({name: bindparam(name) for name in _IMPORTED})
)


async def _log(
    connection: Connection,
    workspace_id: int,
    created: Sequence[Id],
    changed: Sequence[Id],
    by: str,
    now: Instant,
) -> Head:
    facts = [("CONTACT_CREATED", own) for own in created]
    facts += [("CONTACT_CHANGED", own) for own in changed]
    noise = os.urandom(NONCES * len(facts))
    behind = await log.advance(connection, workspace_id, len(facts), noise[-NONCES:], now)
    first = behind.seq - len(facts) + 1
    await bulk.insert(
        connection,
        tables.log,
        _FACT,
        [
            (
                workspace_id,
                first + index,
                behind.recorded_at,
                noise[NONCES * index : NONCES * (index + 1)],
                change,
                own,
                now,
                by,
                False,
                False,
            )
            for index, (change, own) in enumerate(facts)
        ],
    )
    return behind
