"""Listing: the fields that hold lists, at the root and inside rows."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from resolvers.context import Context
from resolvers.loaders import load
from schema.connections import Listed
from schema.fields import NEEDS, Needs
from schema.info import Info
from schema.inputs.conditions import Budget
from schema.paging import (
    argument,
    backward_arguments,
    forward_arguments,
    purpose,
    request,
    sealing,
)
from schema.selection import Selection, below
from store.filters import Period
from store.lists import Count, Order, Page, PageRequest
from store.types import Id
from store.want import Want

LISTING = "listing"
ROWS = "nodes|edges.node"

_DATES = {"converted_at": "converted_within", "stopped_at": "stopped_within"}
"""Orders by a column that may be null, with the filter that says it is not."""


class Noun(Protocol):
    """A module of resolvers: the same words for each kind of row."""

    async def page(
        self, context: Context, filter: Any, order: Order, request: PageRequest, want: Want, /
    ) -> Page[Any]: ...
    async def pages(
        self,
        context: Context,
        parent: str,
        ids: Sequence[Id],
        filter: Any,
        order: Order,
        request: PageRequest,
        want: Want,
        /,
    ) -> dict[Id, Page[Any]]: ...
    async def count(self, context: Context, filter: Any, /) -> Count: ...


class FilterInput(Protocol):
    def frozen(self, budget: Budget) -> Any: ...


class OrderInput(Protocol):
    def order(self) -> Order: ...


@dataclass(frozen=True, slots=True)
class Listing:
    """Which list a field holds.

    `parent` is the column in which the listed rows hold their parent's id, None at the root.
    `empty` is the store's filter that asks nothing more than the field itself.
    """

    name: str
    of: Noun
    empty: Any
    order: Order
    parent: str | None = None


def listing(
    held: Listing,
    description: str,
    *,
    filter: type[FilterInput] | None = None,
    order: type[OrderInput] | None = None,
    is_forward_only: bool = False,
) -> Any:
    """A list, with the arguments that choose its page and its rows."""
    arguments = forward_arguments()
    if not is_forward_only:
        arguments += backward_arguments()
    if filter is not None:
        arguments.append(argument("filter", filter | None, "Only rows for which this holds."))
    if order is not None:
        first = "descending" if held.order.is_descending else "ascending"
        arguments.append(
            argument(
                "order_by",
                order | None,
                f"The order of the rows; left out, {held.order.field} {first}.",
            )
        )
    needs = Needs(("id",)) if held.parent is not None else Needs()
    field = ListField(metadata={LISTING: held, NEEDS: needs}, description=description)
    field.arguments = arguments
    return field


class ListField(StrawberryField):
    """Reads the page that its arguments ask for, gathered for all the rows of a level."""

    arguments: list[StrawberryArgument]

    @property
    def is_basic_field(self) -> bool:
        return False

    def get_result(self, source: Any, info: Any, args: Any, kwargs: Any) -> Awaitable[Listed]:
        held: Listing = self.metadata[LISTING]
        return _Asked(held, info, kwargs).listed(None if held.parent is None else source.id)


class _Asked:
    """One use of a list: its page, its filter, its order, and what is selected of it."""

    def __init__(self, held: Listing, info: Info, arguments: dict[str, Any]) -> None:
        context = info.context
        self.held, self.context = held, context
        order, asked = arguments.get("order_by"), arguments.get("filter")
        self.order: Order = order.order() if order else held.order
        frozen = asked.frozen(Budget(context.now())) if asked else held.empty
        self.filter = self._ordered(frozen)
        self.purpose = purpose(context, held.name, self.order)
        self.request = request(context, self.purpose, arguments)
        self.chosen: Selection = below(info)
        self.want = below(info, ROWS).want

    def _ordered(self, asked: Any) -> Any:
        """The filter with what the order asks: by a date that rows may lack, only those with it."""
        within = _DATES.get(self.order.field)
        if within is None:
            return asked
        return replace(self.held.empty, **{within: Period()}, and_=(asked,))

    def listed(self, parent_id: Id | None) -> Awaitable[Listed]:
        if parent_id is None:
            return self._at_root()
        if not self._reads_page:
            return self._without_page(parent_id)
        key = (self.held.name, self.filter, self.order, self.request, self.want)
        return load(self.context, key, parent_id, self._of_parents)

    @property
    def _reads_page(self) -> bool:
        return any(name in self.chosen for name in ("nodes", "edges", "pageInfo"))

    async def _at_root(self) -> Listed:
        page: Page[Any] = Page()
        if self._reads_page:
            page = await self.held.of.page(
                self.context, self.filter, self.order, self.request, self.want
            )
        return self._value(page, self.filter)

    async def _without_page(self, parent_id: Id) -> Listed:
        return self._value(Page(), self._narrowed(parent_id))

    async def _of_parents(self, parent_ids: list[Id]) -> dict[Id, Listed]:
        parent = self.held.parent
        assert parent is not None
        pages = await self.held.of.pages(
            self.context, parent, parent_ids, self.filter, self.order, self.request, self.want
        )
        return {one: self._value(page, self._narrowed(one)) for one, page in pages.items()}

    def _value(self, page: Page[Any], counted: Any) -> Listed:
        return Listed(
            page,
            self.request.is_backwards,
            sealing(self.context, self.purpose),
            partial(self.held.of.count, self.context, counted),
        )

    def _narrowed(self, parent_id: Id) -> Any:
        """The filter with the parent as a part of it."""
        assert self.held.parent is not None
        own = {self.held.parent: (parent_id,)}
        if getattr(self.filter, self.held.parent) is None:
            return replace(self.filter, **own)
        return replace(self.held.empty, **own, and_=(self.filter,))
