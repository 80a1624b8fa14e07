"""Connections: pages of lists as clients see them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

import strawberry

from schema.enums import CountPrecision
from schema.fields import awaited, derived, plain
from schema.scalars import Cursor
from store import lists

NodeType = TypeVar("NodeType")


@dataclass(frozen=True)
class Listed:
    """The value of a connection: a page, how its positions become cursors, and how to count."""

    page: lists.Page[Any]
    is_backwards: bool
    seal: Callable[[lists.Position], str]
    counting: Callable[[], Awaitable[lists.Count]]

    def count(self) -> Awaitable[lists.Count]:
        return self.counting()

    @property
    def edges(self) -> list["ListedEdge"]:
        page = self.page
        return [
            ListedEdge(self.seal, position, row)
            for position, row in zip(page.positions, page.rows, strict=True)
        ]


@dataclass(frozen=True)
class ListedEdge:
    seal: Callable[[lists.Position], str]
    position: lists.Position
    node: Any

    @cached_property
    def cursor(self) -> str:
        return self.seal(self.position)


def _start_cursor(listed: Listed) -> str | None:
    page = listed.page
    if page.is_partial and listed.is_backwards and page.stopped_at is not None:
        return listed.seal(page.stopped_at)
    return listed.seal(page.positions[0]) if page.positions else None


def _end_cursor(listed: Listed) -> str | None:
    page = listed.page
    if page.is_partial and not listed.is_backwards and page.stopped_at is not None:
        return listed.seal(page.stopped_at)
    return listed.seal(page.positions[-1]) if page.positions else None


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool = derived(
        lambda listed: listed.page.has_next,
        "Whether there are rows behind this page. When isPartial is true, whether there may be.",
    )
    has_previous_page: bool = derived(
        lambda listed: listed.page.has_previous, "Whether there are rows before this page."
    )
    start_cursor: Cursor | None = derived(
        _start_cursor,
        "The place of the first row: give it as before to get the rows ahead of it. Null for an "
        "empty page.",
    )
    end_cursor: Cursor | None = derived(
        _end_cursor,
        "The place of the last row: give it as after to get the rows behind it. Null for an empty "
        "page that is not partial.",
    )
    is_partial: bool = derived(
        lambda listed: listed.page.is_partial,
        "True when the search for a rare filter stopped early, after 20,000 candidates: the page "
        "holds what was found so far, perhaps nothing. Ask again after endCursor (going backwards: "
        "before startCursor) for the rest.",
    )


@strawberry.type(description="How many rows a list holds.")
class Count:
    value: int = plain("The number of rows, counted up to 10,000.")
    precision: CountPrecision = derived(
        lambda count: CountPrecision.EXACT if count.is_exact else CountPrecision.AT_LEAST,
        "EXACT, or AT_LEAST past 10,000: show it as 10,000+.",
    )


@strawberry.type(description="A row in its place in a list.")
class Edge(Generic[NodeType]):
    cursor: Cursor = plain("The row's place in this list, in this order.")
    node: NodeType = plain("The row.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[NodeType]):
    edges: list[Edge[NodeType]] = plain("The rows of the page, each with its cursor.")
    nodes: list[NodeType] = derived(
        lambda listed: listed.page.rows, "The rows of the page, without cursors."
    )
    page_info: PageInfo = derived(lambda listed: listed, "Where the page lies in its list.")
    total_count: Count = awaited(
        lambda listed: listed.count(),
        "How many rows the whole list holds under its filter. Counted only when asked for.",
    )
