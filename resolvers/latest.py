"""Latest: an answer now, and again whenever it has changed; who is slow skips what is outdated."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Generic, Protocol, TypeVar

from resolvers.context import Context
from store import Connection, log
from store.log import Head
from store.types import Id, Instant

A = TypeVar("A")
S = TypeVar("S")

PAUSE_S = 0.2
"""Between two readings for one subscriber: under load a screen need not follow every commit."""


class Question(Protocol, Generic[S, A]):
    """What is asked again and again. `S` is what the answer hangs on beside the log."""

    def setting(self, now: Instant) -> S: ...

    def holds_for(self, now: Instant) -> float | None:
        """For how many seconds the setting stays as it is; None for ever."""
        ...

    def read(self, connection: Connection, head: Head, setting: S) -> Awaitable[A]: ...

    def says_more(self, found: A, sent: A) -> bool:
        """Whether anything that was asked for differs."""
        ...


async def follow(
    context: Context, question: Question[S, A], journey_ids: frozenset[Id] | None = None
) -> AsyncIterator[A]:
    """The answer now, and again whenever something asked for has changed.

    Reads when the consumer is ready for more. `journey_ids`: what else happens changes nothing.
    """
    database, hub, workspace_id = context.database, context.hub, context.workspace_id
    loop = asyncio.get_running_loop()
    sent: A | None = None
    known_at: tuple[Head, S] | None = None
    while True:
        read_at, now = loop.time(), context.now()
        wakes, known = hub.wakes, hub.known(workspace_id)
        setting = question.setting(now)
        async with database.snapshot() as connection:
            head = await log.head(connection, workspace_id)
            found = sent
            if (head, setting) != known_at:
                found = await question.read(connection, head, setting)
        known_at = head, setting
        if found is not None and (sent is None or question.says_more(found, sent)):
            sent = found
            yield found
        hub.correct(workspace_id, known=known, seq=head.seq)
        holds_for = question.holds_for(now)
        await hub.wait(
            workspace_id,
            head.seq,
            hub.poll_interval if holds_for is None else min(hub.poll_interval, holds_for),
            journey_ids=journey_ids,
            since=wakes,
        )
        await asyncio.sleep(max(0.0, read_at + PAUSE_S - loop.time()))
