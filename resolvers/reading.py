"""Reading: pages, counts and single rows of one kind, in the viewer's workspace."""

from collections.abc import Iterable, Sequence
from typing import Any, Generic, TypeVar

from resolvers.context import Context
from store import lists
from store.conditions import Filter
from store.entities import Entity
from store.lists import Count, Order, Page, PageRequest
from store.types import Id
from store.want import Want
from store.words import Scope

R = TypeVar("R")
F = TypeVar("F", bound=Filter)


class Reader(Generic[R, F]):
    """The words that every noun's module shares; each call is one connection."""

    def __init__(self, entity: Entity[R]) -> None:
        self._entity = entity

    async def page(
        self, context: Context, filter: F | None, order: Order, request: PageRequest, want: Want
    ) -> Page[R]:
        context.require(Scope.READ)
        async with context.database.read() as connection:
            return await lists.page(
                connection, self._entity, context.workspace_id, filter, order, request, want
            )

    async def pages(
        self,
        context: Context,
        parent: str,
        ids: Sequence[Id],
        filter: F | None,
        order: Order,
        request: PageRequest,
        want: Want,
    ) -> dict[Id, Page[R]]:
        """The page of each parent, in one statement; `parent` is the column with the ids."""
        context.require(Scope.READ)
        async with context.database.read() as connection:
            return await lists.pages(
                connection,
                self._entity,
                context.workspace_id,
                parent,
                ids,
                filter,
                order,
                request,
                want,
            )

    async def count(self, context: Context, filter: F | None) -> Count:
        context.require(Scope.READ)
        async with context.database.read() as connection:
            return await lists.count(connection, self._entity, context.workspace_id, filter)

    async def get_where(self, context: Context, want: Want, **equals: Any) -> R | None:
        """The one row whose columns have these values."""
        context.require(Scope.READ)
        # No text holds a null character, and PostgreSQL cannot even be asked for one.
        if any(isinstance(value, str) and "\0" in value for value in equals.values()):
            return None
        async with context.database.read() as connection:
            return await lists.get(connection, self._entity, context.workspace_id, want, **equals)

    async def get_many(self, context: Context, ids: Iterable[Id], want: Want) -> dict[Id, R]:
        """Rows by id; what the workspace does not have is left out."""
        context.require(Scope.READ)
        return await self.changed(context, ids, want)

    async def changed(self, context: Context, ids: Iterable[Id], want: Want) -> dict[Id, R]:
        """The same, of rows that the caller has just changed: who may do that may see them."""
        async with context.database.read() as connection:
            return await lists.get_many(connection, self._entity, context.workspace_id, ids, want)
