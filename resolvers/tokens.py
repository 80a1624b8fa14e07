"""Tokens: who may do what in the workspace, and until when."""

from collections.abc import Sequence
from dataclasses import dataclass

from resolvers import auditing, emails
from resolvers.context import Context
from resolvers.token_secrets import hash_of, new_secret
from store import Connection, rows, tokens
from store.refusals import Refusal
from store.types import Id, Instant
from store.words import ErrorCode, Scope

AT_MOST = 500
"""That are good at once."""

LISTED_AT_MOST = 2 * AT_MOST


@dataclass(frozen=True, slots=True)
class TokenDraft:
    name: str
    email: str | None
    scopes: Sequence[Scope]
    expires_at: Instant | None


@dataclass(frozen=True, slots=True)
class Created:
    """The secret is known at this moment alone."""

    token: rows.AccessToken
    secret: str


async def all_tokens(context: Context) -> list[rows.AccessToken]:
    """Those that are good first, then those that are not any more."""
    context.require(Scope.ADMIN)
    async with context.database.read() as connection:
        return await tokens.listed(connection, context.workspace_id, context.now(), LISTED_AT_MOST)


async def create(context: Context, draft: TokenDraft) -> Created | Refusal:
    """A token of the workspace, which may do no more than the one it is made with."""
    context.require(Scope.ADMIN)
    refusal = _refusal(context, draft)
    if refusal is not None:
        return refusal
    workspace_id, secret = context.workspace_id, new_secret(context.workspace_id)
    scopes = frozenset(draft.scopes)

    async def work(connection: Connection) -> Created | Refusal:
        now = context.now()
        await tokens.hold(connection, workspace_id)
        if await tokens.count(connection, workspace_id, now) >= AT_MOST:
            return Refusal(
                ErrorCode.TOO_MANY,
                f"There are {AT_MOST} tokens, the most that a workspace may have: revoke one.",
            )
        token_id = await tokens.create(
            connection,
            workspace_id,
            name=draft.name,
            email=draft.email,
            scopes=scopes,
            secret_hash=hash_of(secret),
            now=now,
            expires_at=draft.expires_at,
        )
        await auditing.note(
            connection,
            context,
            "createToken",
            token=token_id,
            scopes=[str(one) for one in sorted(scopes)],
        )
        made = await tokens.get(connection, workspace_id, token_id)
        assert made is not None
        return Created(made, secret)

    return await context.database.transact(work)


async def revoke(context: Context, id: Id) -> Refusal | None:
    """End a token; what was done with it stays."""
    context.require(Scope.ADMIN)
    workspace_id = context.workspace_id

    async def work(connection: Connection) -> Refusal | None:
        now = context.now()
        await tokens.hold(connection, workspace_id)
        if await tokens.administrators(connection, workspace_id, now) == [id]:
            return Refusal(
                ErrorCode.CONFLICT,
                "It is the last token with the scope admin, and without it nobody could make "
                "another: make one first, by createToken or by trackside token create.",
                ("id",),
            )
        if not await tokens.revoke(connection, workspace_id, id, now):
            return Refusal(
                ErrorCode.NOT_FOUND,
                "This workspace has no such token, or it was revoked before.",
                ("id",),
            )
        await auditing.note(connection, context, "revokeToken", token=id)
        return None

    return await context.database.transact(work)


def _refusal(context: Context, draft: TokenDraft) -> Refusal | None:
    if not draft.scopes:
        return Refusal(
            ErrorCode.EMPTY_SELECTION, "No scope is chosen: give at least one.", ("scopes",)
        )
    lacking = [scope for scope in Scope if scope in draft.scopes and not context.viewer.has(scope)]
    if lacking:
        return Refusal(
            ErrorCode.INVALID,
            f"The token that asks lacks {', '.join(lacking)}: it can give its own scopes alone.",
            ("scopes",),
        )
    problem = None if draft.email is None else emails.problem(draft.email)
    if problem is not None:
        return Refusal(
            ErrorCode.INVALID,
            f'"{draft.email}" is not an e-mail address: {problem}',
            ("email",),
        )
    if draft.expires_at is not None and draft.expires_at <= context.now():
        return Refusal(
            ErrorCode.INVALID,
            "expiresAt has passed: give a moment to come, or leave it out for a token without end.",
            ("expiresAt",),
        )
    return None
