"""Erasure keys: how the e-mail of an erased contact is known again without being kept.

Each workspace has a random key, made at its first erasure and kept hidden under the server's
secret: who reads the database alone can try no addresses, and a new secret changes no hash.
"""

import os
from collections.abc import Iterable
from hashlib import blake2b
from typing import Protocol

from sqlalchemy import select, update

from store.database import Connection
from store.tables import contacts, workspaces
from store.types import Id

_KEY_SIZE = 32
_HASH_SIZE = 16


class Keyring(Protocol):
    """Hides keys under the server's secret; `subscriptions.signing.Signer` is one."""

    def hide(self, place: str, secret: bytes) -> bytes: ...

    def reveal(self, place: str, hidden: bytes) -> bytes:
        """Raises ValueError when it was hidden elsewhere, or under a secret that is not known."""

    def is_retired(self, hidden: bytes) -> bool:
        """Whether it is to be hidden anew."""


async def hashes(
    connection: Connection, workspace_id: int, keyring: Keyring, emails: dict[Id, str]
) -> dict[Id, bytes]:
    """The hash of each folded e-mail, to be kept with its contact; makes the key if there is none.

    Locks the workspace as long as its key is made.
    """
    key = await _key(connection, workspace_id, keyring)
    if key is None:
        key = os.urandom(_KEY_SIZE)
        made = await connection.execute(
            update(workspaces)
            .where(workspaces.c.workspace_id == workspace_id, workspaces.c.erasure_key.is_(None))
            .values(erasure_key=keyring.hide(_place(workspace_id), key))
        )
        if made.rowcount == 0:
            key = await _key(connection, workspace_id, keyring)
            assert key is not None
    return {one: _hash(key, email) for one, email in emails.items()}


async def erased(
    connection: Connection, workspace_id: int, keyring: Keyring, emails: Iterable[str]
) -> set[str]:
    """Those of the folded e-mails that an erased contact had."""
    key = await _key(connection, workspace_id, keyring)
    if key is None:
        return set()
    by_hash = {_hash(key, email): email for email in emails}
    found = await connection.execute(
        select(contacts.c.erased_key).where(
            contacts.c.workspace_id == workspace_id, contacts.c.erased_key.in_(by_hash)
        )
    )
    return {by_hash[bytes(row[0])] for row in found}


async def hide_anew(connection: Connection, keyring: Keyring) -> list[int]:
    """Hide the keys that a retired secret hides under the present one.

    Returns the workspaces whose keys cannot be read: their secret was not handed in.
    """
    found = await connection.execute(
        select(workspaces.c.workspace_id).where(workspaces.c.erasure_key.is_not(None))
    )
    lost = []
    for (workspace_id,) in found.all():
        try:
            await _key(connection, workspace_id, keyring)
        except ValueError:
            lost.append(workspace_id)
    return lost


async def _key(connection: Connection, workspace_id: int, keyring: Keyring) -> bytes | None:
    own = workspaces.c.workspace_id == workspace_id
    hidden = (await connection.execute(select(workspaces.c.erasure_key).where(own))).scalar_one()
    if hidden is None:
        return None
    key = keyring.reveal(_place(workspace_id), bytes(hidden))
    if keyring.is_retired(bytes(hidden)):
        # Before the secret that hides it is forgotten.
        await connection.execute(
            update(workspaces)
            .where(own, workspaces.c.erasure_key == hidden)
            .values(erasure_key=keyring.hide(_place(workspace_id), key))
        )
    return key


def _place(workspace_id: int) -> str:
    return f"erasure key of workspace {workspace_id}"


def _hash(key: bytes, email: str) -> bytes:
    return blake2b(email.encode(), key=key, digest_size=_HASH_SIZE).digest()
