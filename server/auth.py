"""Access: who holds a bearer token."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

import structlog

from resolvers.context import Viewer
from resolvers.token_secrets import hash_of
from store import Database, tokens
from store.types import MINUTE, Id, Instant

logger = structlog.get_logger(__name__)

CACHED_FOR_S = 3.0
_CACHED_AT_MOST = 10_000
_WORKSPACE_DIGITS = 18


def bearer(header: str | None) -> str | None:
    """The token of an Authorization header; None when there is none."""
    scheme, _, token = (header or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a token, and until when; None: for good."""

    viewer: Viewer
    expires_at: Instant | None


@dataclass(frozen=True, slots=True)
class _Known:
    """None: no such token."""

    holder: Holder | None
    forget_at: float


class Access:
    """Looks tokens up, and remembers the answer for a few seconds: revocation bites after them."""

    def __init__(
        self,
        database: Database,
        now: Callable[[], Instant],
        *,
        cached_for: float = CACHED_FOR_S,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._database = database
        self._now = now
        self._cached_for = cached_for
        self._clock = clock
        self._known: dict[bytes, _Known] = {}
        self._touched: dict[bytes, Instant] = {}
        self._touching: set[asyncio.Task[None]] = set()

    async def viewer(self, token: str | None) -> Viewer | None:
        """Who asks with this token; None for a missing, unknown, revoked or expired one."""
        holder = await self.holder(token)
        return holder.viewer if holder else None

    async def holder(self, token: str | None) -> Holder | None:
        """As `viewer`, with when the token expires."""
        if token is None or (workspace_id := _workspace_of(token)) is None:
            return None
        secret_hash = hash_of(token)
        known = self._known.get(secret_hash)
        if known is None or self._clock() >= known.forget_at:
            known = await self._look_up(workspace_id, secret_hash)
        holder = known.holder
        if holder and holder.expires_at is not None and holder.expires_at <= self._now():
            return None
        return holder

    def forget(self, token_id: Id) -> None:
        """The token was revoked: it is looked up anew at its next use."""
        for secret_hash, known in list(self._known.items()):
            if known.holder and known.holder.viewer.token_id == token_id:
                del self._known[secret_hash]

    async def close(self) -> None:
        await asyncio.gather(*self._touching, return_exceptions=True)

    async def _look_up(self, workspace_id: int, secret_hash: bytes) -> _Known:
        async with self._database.read() as connection:
            token = await tokens.find(connection, workspace_id, secret_hash)
        holder = None
        if token is not None:
            viewer = Viewer(
                workspace_id=workspace_id,
                workspace=token.workspace,
                token_id=token.id,
                token_name=token.name,
                email=token.email,
                scopes=token.scopes,
                allowed_recipients=token.allowed_recipients,
                currency=token.currency,
            )
            holder = Holder(viewer, token.expires_at)
            self._touch(viewer, token.last_used_at)
        if len(self._known) >= _CACHED_AT_MOST:
            self._known.clear()
        known = _Known(holder, self._clock() + self._cached_for)
        self._known[secret_hash] = known
        return known

    def _touch(self, viewer: Viewer, last_used_at: Instant | None) -> None:
        """At most once a minute, and not while the request waits."""
        now = self._now()
        touched_at = max(last_used_at or 0, self._touched.get(viewer.token_id, 0))
        if now - touched_at < MINUTE:
            return
        if len(self._touched) >= _CACHED_AT_MOST:
            self._touched.clear()
        self._touched[viewer.token_id] = now
        task = asyncio.create_task(self._write_touch(viewer, now))
        self._touching.add(task)
        task.add_done_callback(self._touching.discard)

    async def _write_touch(self, viewer: Viewer, now: Instant) -> None:
        try:
            async with self._database.write() as connection:
                await tokens.touch(connection, viewer.workspace_id, viewer.token_id, now)
        except Exception as error:  # noqa: BLE001  Drivers raise what they like; the token works all the same.
            logger.warning("token_use_not_noted", token=viewer.token_name, error=repr(error))


def _workspace_of(token: str) -> int | None:
    prefix, _, rest = token.partition("_")
    workspace, _, random = rest.partition("_")
    is_ours = (
        prefix == "ts"
        and random
        and workspace.isascii()
        and workspace.isdigit()
        and len(workspace) <= _WORKSPACE_DIGITS
    )
    return int(workspace) if is_ours else None
