"""Contact statistics: how many contacts there are by status, at one place of the log and live."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from resolvers import latest
from resolvers.context import Context
from store import Connection, contact_counts
from store.contact_counts import ContactCounts
from store.filters import ContactFilter
from store.log import Head
from store.types import Instant
from store.words import Scope
from subscriptions.cursors import LogCursor


@dataclass(frozen=True, slots=True)
class ContactStatistics:
    """Counts that are true at `place`."""

    counts: ContactCounts
    place: LogCursor


async def read(context: Context, asked: ContactFilter | None) -> ContactStatistics:
    """Without a filter, or with an empty one, the counters; else every contact is looked at."""
    context.require(Scope.READ)
    if asked is None or asked == ContactFilter():
        async with context.database.read() as connection:
            return _of(*await contact_counts.of_all(connection, context.workspace_id))
    async with context.database.snapshot() as connection:
        return _of(*await contact_counts.matching(connection, context.workspace_id, asked))


async def follow(context: Context, names: frozenset[str]) -> AsyncIterator[ContactStatistics]:
    """Of all contacts now, and again whenever one of the counts of these names has changed."""
    context.require(Scope.READ)
    async for found in latest.follow(context, _OfAll(context.workspace_id, names)):
        yield found


@dataclass(frozen=True, slots=True)
class _OfAll:
    workspace_id: int
    names: frozenset[str]

    def setting(self, now: Instant) -> None:
        """They hang on the log alone."""

    def holds_for(self, now: Instant) -> None:
        """For ever, as nothing ends with time."""

    async def read(self, connection: Connection, head: Head, setting: None) -> ContactStatistics:
        return _of(*await contact_counts.of_all(connection, self.workspace_id))

    def says_more(self, found: ContactStatistics, sent: ContactStatistics) -> bool:
        return any(getattr(found.counts, one) != getattr(sent.counts, one) for one in self.names)


def _of(counts: ContactCounts, head: Head) -> ContactStatistics:
    return ContactStatistics(counts, LogCursor(head.epoch, head.seq, head.recorded_at, head.nonce))
