"""Guests: the open connections of this process by token: how many, and how long each may stay.

Watching them all costs one statement a workspace every few seconds, and an event nothing.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from server.auth import Access, Holder
from store import Database, tokens
from store.types import SECOND, Id, Instant

logger = structlog.get_logger(__name__)

CONNECTIONS_AT_MOST = 2_500
"""Of one token in one process."""

CHECKED_EVERY_S = 2.0
_EXPIRED = "the token has expired"
_REVOKED = "the token was revoked"


class TooManyConnections(Exception):
    """Others of the same token fill the house; the message says what to do."""


@dataclass(slots=True, eq=False)
class Guest:
    """One connection. dismiss is called once, with the reason, when its token ends."""

    dismiss: Callable[[str], None]
    _party: "_Party"

    def leave(self) -> None:
        self._party.guests.discard(self)


@dataclass(slots=True, eq=False)
class _Party:
    """The connections of one token."""

    workspace_id: int
    token_id: Id
    expires_at: Instant | None
    guests: set[Guest] = field(default_factory=set)
    at_expiry: asyncio.TimerHandle | None = None


class Guests:
    """Begun with `start`, ended with `stop`."""

    def __init__(
        self,
        database: Database,
        access: Access,
        now: Callable[[], Instant],
        *,
        at_most: int = CONNECTIONS_AT_MOST,
        checked_every: float = CHECKED_EVERY_S,
    ) -> None:
        self._database = database
        self._access = access
        self._now = now
        self._at_most = at_most
        self._checked_every = checked_every
        self._parties: dict[tuple[int, Id], _Party] = {}
        self._watch: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._watch = asyncio.create_task(self._keep_watch())

    async def stop(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        for party in list(self._parties.values()):
            self._forget(party)

    def admit(self, holder: Holder, dismiss: Callable[[str], None]) -> Guest:
        """Raises TooManyConnections."""
        viewer = holder.viewer
        key = viewer.workspace_id, viewer.token_id
        party = self._parties.get(key)
        if party is None:
            party = self._parties[key] = _Party(*key, holder.expires_at)
            self._expect_expiry(party)
        if len(party.guests) >= self._at_most:
            raise TooManyConnections(
                f"Too many connections: this token has {self._at_most:,} open. "
                "End some, or use another token."
            )
        guest = Guest(dismiss, party)
        party.guests.add(guest)
        return guest

    async def _keep_watch(self) -> None:
        while True:
            await asyncio.sleep(self._checked_every)
            try:
                await self._check()
            except Exception as error:  # noqa: BLE001  Drivers raise what they like; the guests stay.
                logger.warning("tokens_not_checked", error=repr(error))

    async def _check(self) -> None:
        """Dismiss whose token was revoked, and see who may stay longer or shorter."""
        by_workspace = defaultdict[int, list[_Party]](list)
        for party in list(self._parties.values()):
            if party.guests:
                by_workspace[party.workspace_id].append(party)
            else:
                self._forget(party)
        for workspace_id, parties in by_workspace.items():
            async with self._database.read() as connection:
                held = await tokens.standing(
                    connection, workspace_id, [party.token_id for party in parties]
                )
            for party in parties:
                if party.token_id not in held:
                    self._access.forget(party.token_id)
                    self._dismiss(party, _REVOKED)
                else:
                    # Each time: the wall's clock may have been put, the loop's never is.
                    party.expires_at = held[party.token_id]
                    self._expect_expiry(party)

    def _expect_expiry(self, party: _Party) -> None:
        if party.at_expiry is not None:
            party.at_expiry.cancel()
            party.at_expiry = None
        if party.expires_at is not None:
            left_s = max(0.0, (party.expires_at - self._now()) / SECOND)
            loop = asyncio.get_running_loop()
            party.at_expiry = loop.call_later(left_s, self._expire, party)

    def _expire(self, party: _Party) -> None:
        if party.expires_at is not None and party.expires_at <= self._now():
            self._dismiss(party, _EXPIRED)
        else:
            self._expect_expiry(party)

    def _dismiss(self, party: _Party, why: str) -> None:
        self._forget(party)
        for guest in list(party.guests):
            guest.leave()
            guest.dismiss(why)

    def _forget(self, party: _Party) -> None:
        if party.at_expiry is not None:
            party.at_expiry.cancel()
            party.at_expiry = None
        key = party.workspace_id, party.token_id
        if self._parties.get(key) is party:
            del self._parties[key]
