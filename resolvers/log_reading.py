"""Log reading: rows of the log, as pages, by their place in it, and as they come."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from resolvers import log_cursors
from resolvers.context import Context
from resolvers.reading import Reader
from store import Connection, lists, log, rows
from store.entities import Entity
from store.filters import ActivityFilter, DeliveryEventFilter
from store.lists import Order, Page, PageRequest, Position
from store.types import Id
from store.want import Want
from store.words import Scope
from subscriptions import streams
from subscriptions.cursors import LogCursor

L = TypeVar("L", bound=rows.Activity | rows.DeliveryEvent)
F = TypeVar("F", bound=ActivityFilter | DeliveryEventFilter)

_OLDEST_FIRST = Order("seq", is_descending=False)
_PLACE = frozenset({"seq", "recorded_at", "nonce"})


class CursorLost(Exception):
    """The log does not hold the place that the cursor names."""

    def __init__(self) -> None:
        super().__init__(
            "The log no longer reaches back to it, or was begun anew: read on without it."
        )


@dataclass(frozen=True, slots=True)
class LogId:
    """A row of the log: its place, and the random bytes that tell it from another at that place."""

    seq: int
    nonce: bytes


Stretch = Callable[[Connection, int, F | None, int, int, int, Want], Awaitable[list[L]]]
"""Of store/log.py: at most so many rows with after_seq < seq <= until_seq."""


class LogReader(Reader[L, F]):
    """`kind` is the column that is set in rows of this kind alone."""

    def __init__(self, entity: Entity[L], kind: str, stretch: Stretch[F, L]) -> None:
        super().__init__(entity)
        self._kind = kind
        self._stretch = stretch

    async def get_at(self, context: Context, ids: Sequence[LogId], want: Want) -> dict[LogId, L]:
        """Rows by their place; what is not there, or is another row by now, is left out."""
        wanted = Want(want.columns | {"nonce", self._kind}, want.relations)
        # The log's rows are known by their seq, to the store as well.
        places = cast("list[Id]", [one.seq for one in ids])
        found = cast("dict[int, L]", await self.get_many(context, places, wanted))
        return {
            one: row
            for one in ids
            if (row := found.get(one.seq)) is not None
            and row.nonce == one.nonce
            and getattr(row, self._kind) is not None
        }

    async def behind(
        self, context: Context, after: str | None, filter: F, limit: int, want: Want
    ) -> tuple[Page[L], Callable[[Position], str]]:
        """The page behind a place of the log, the oldest first; and how positions become cursors.

        Raises CursorLost for a place that the log does not hold, Tampered for what is no cursor.
        """
        context.require(Scope.READ)
        cursor = None if after is None else LogCursor.decode(context.signer, after)
        request = PageRequest(limit, None if cursor is None else (cursor.seq,))
        wanted = Want(want.columns | _PLACE, want.relations)
        workspace_id = context.workspace_id
        async with context.database.read() as connection:
            head = await log.head(connection, workspace_id)
            if cursor and await streams.find_gap(connection, workspace_id, head, cursor):
                raise CursorLost
            page = await lists.page(
                connection, self._entity, workspace_id, filter, _OLDEST_FIRST, request, wanted
            )
            places = {(row.seq,): (row.recorded_at, row.nonce) for row in page.rows}
            if page.stopped_at is not None:
                seq = cast("int", page.stopped_at[0])
                places[seq,] = await log.mark(connection, workspace_id, seq) or (0, bytes(4))

        def seal(position: Position) -> str:
            seq = cast("int", position[0])
            return LogCursor(head.epoch, seq, *places[seq,]).encode(context.signer)

        log_cursors.remember_epoch(context, head.epoch)
        return page, seal

    async def follow(
        self, context: Context, filter: F | None, after: str | None, want: Want
    ) -> AsyncIterator[streams.Batch[L]]:
        """Every row behind `after` for which the filter holds; None: from now on.

        Raises Tampered for what is no cursor.
        """
        context.require(Scope.READ)
        after = None if context.begins_now else context.resume_after or after
        cursor = None if after is None else LogCursor.decode(context.signer, after)
        wanted = Want(want.columns | _PLACE, want.relations)

        async def read(
            connection: Connection, after_seq: int, until_seq: int, limit: int
        ) -> list[L]:
            return await self._stretch(
                connection, context.workspace_id, filter, after_seq, until_seq, limit, wanted
            )

        async for batch in streams.follow(
            context.database,
            context.hub,
            context.workspace_id,
            read,
            cursor,
            says_where=context.begins_now,
            may_hold=log.may_be(self._entity, filter, context.workspace_id),
        ):
            log_cursors.remember_epoch(context, batch.cursor.epoch)
            yield batch
