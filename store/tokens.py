"""Tokens: what opens a workspace's data, kept as a hash."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, case, func, or_, select, update

from store import rows
from store.database import Connection
from store.tables import tokens, workspaces
from store.types import Id, Instant, new_id
from store.words import Scope

_ASKED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was not revoked, with what its holder may know of the workspace."""

    id: Id
    name: str
    email: str | None
    scopes: frozenset[Scope]
    expires_at: Instant | None
    last_used_at: Instant | None
    workspace: str
    allowed_recipients: tuple[str, ...]
    currency: str


async def create(
    connection: Connection,
    workspace_id: int,
    *,
    name: str,
    email: str | None,
    scopes: Collection[Scope],
    secret_hash: bytes,
    now: Instant,
    expires_at: Instant | None = None,
) -> Id:
    token_id = new_id()
    await connection.execute(
        tokens.insert(),
        {
            "workspace_id": workspace_id,
            "id": token_id,
            "name": name,
            "email": email,
            "scopes": sorted(scopes),
            "secret_hash": secret_hash,
            "created_at": now,
            "expires_at": expires_at,
        },
    )
    return token_id


async def find(connection: Connection, workspace_id: int, secret_hash: bytes) -> Token | None:
    """None for a revoked one; whether it expired is for the caller's clock to say."""
    row = (
        await connection.execute(
            select(
                tokens.c.id,
                tokens.c.name,
                tokens.c.email,
                tokens.c.scopes,
                tokens.c.expires_at,
                tokens.c.last_used_at,
                workspaces.c.name,
                workspaces.c.allowed_recipients,
                workspaces.c.currency,
            )
            .join(workspaces, workspaces.c.workspace_id == tokens.c.workspace_id)
            .where(
                tokens.c.workspace_id == workspace_id,
                tokens.c.secret_hash == secret_hash,
                tokens.c.revoked_at.is_(None),
            )
        )
    ).first()
    if row is None:
        return None
    token_id, name, email, scopes, expires_at, last_used_at, workspace, recipients, currency = row
    return Token(
        id=token_id,
        name=name,
        email=email,
        scopes=frozenset(map(Scope, scopes)),
        expires_at=expires_at,
        last_used_at=last_used_at,
        workspace=workspace,
        allowed_recipients=tuple(recipients),
        currency=currency,
    )


async def standing(
    connection: Connection, workspace_id: int, token_ids: Collection[Id]
) -> dict[Id, Instant | None]:
    """Those of these tokens that were not revoked, with when they expire."""
    asked, found = list(token_ids), dict[Id, Instant | None]()
    for start in range(0, len(asked), _ASKED_AT_ONCE):
        held = await connection.execute(
            select(tokens.c.id, tokens.c.expires_at).where(
                tokens.c.workspace_id == workspace_id,
                tokens.c.id.in_(asked[start : start + _ASKED_AT_ONCE]),
                tokens.c.revoked_at.is_(None),
            )
        )
        found |= {row.id: row.expires_at for row in held}
    return found


async def touch(connection: Connection, workspace_id: int, token_id: Id, now: Instant) -> None:
    """Remember that the token was used."""
    await connection.execute(
        update(tokens)
        .where(tokens.c.workspace_id == workspace_id, tokens.c.id == token_id)
        .values(last_used_at=now)
    )


async def revoke(connection: Connection, workspace_id: int, token_id: Id, now: Instant) -> bool:
    """For good; False when there is none, and for one that was revoked before."""
    revoked = await connection.execute(
        update(tokens)
        .where(
            tokens.c.workspace_id == workspace_id,
            tokens.c.id == token_id,
            tokens.c.revoked_at.is_(None),
        )
        .values(revoked_at=now)
    )
    return revoked.rowcount == 1


async def listed(
    connection: Connection, workspace_id: int, now: Instant, limit: int
) -> list[rows.AccessToken]:
    """Those that are good first, then those that were revoked or expired; the newest first."""
    columns = [tokens.c[name] for name in rows.AccessToken.__dataclass_fields__]
    found = await connection.execute(
        select(*columns)
        .where(tokens.c.workspace_id == workspace_id)
        .order_by(case((_is_good(now), 0), else_=1), tokens.c.id.desc())
        .limit(limit)
    )
    return [rows.AccessToken(*row) for row in found]


async def get(connection: Connection, workspace_id: int, token_id: Id) -> rows.AccessToken | None:
    columns = [tokens.c[name] for name in rows.AccessToken.__dataclass_fields__]
    found = await connection.execute(
        select(*columns).where(tokens.c.workspace_id == workspace_id, tokens.c.id == token_id)
    )
    row = found.first()
    return None if row is None else rows.AccessToken(*row)


async def hold(connection: Connection, workspace_id: int) -> None:
    """Let nobody else make or revoke tokens of the workspace until the commit."""
    await connection.execute(
        select(workspaces.c.workspace_id)
        .where(workspaces.c.workspace_id == workspace_id)
        .with_for_update(key_share=True)
    )


async def count(connection: Connection, workspace_id: int, now: Instant) -> int:
    """How many are good."""
    counted = select(func.count()).where(tokens.c.workspace_id == workspace_id, _is_good(now))
    return int((await connection.execute(counted)).scalar_one())


async def administrators(connection: Connection, workspace_id: int, now: Instant) -> Sequence[Id]:
    """Those that are good and may do everything."""
    found = await connection.execute(
        select(tokens.c.id, tokens.c.scopes).where(
            tokens.c.workspace_id == workspace_id, _is_good(now)
        )
    )
    return [row[0] for row in found if Scope.ADMIN in row[1]]


def _is_good(now: Instant) -> ColumnElement[bool]:
    return and_(
        tokens.c.revoked_at.is_(None),
        or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > now),
    )
