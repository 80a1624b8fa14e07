"""Lists: keyset pages, capped counts, and batches of pages for many parents at once."""

from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

R = TypeVar("R")

Position = tuple[int | str | bytes, ...]
"""Where a row stands in its list: the value it is ordered by, then its id (of the log: seq)."""

COUNT_CAP = 10_000
EXAMINED_AT_MOST = 20_000


@dataclass(frozen=True, slots=True)
class Order:
    """By an immutable, never-null column, then by id in the same direction."""

    field: str
    is_descending: bool = True


@dataclass(frozen=True, slots=True)
class PageRequest:
    """`limit` rows behind `position` (None: from the start); backwards: the ones before it."""

    limit: int = 50
    position: Position | None = None
    is_backwards: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Rows in the list's order, each with its position.

    is_partial: the search stopped early at `stopped_at`; ask again from there.
    """

    rows: list[R] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)
    has_next: bool = False
    has_previous: bool = False
    is_partial: bool = False
    stopped_at: Position | None = None


@dataclass(frozen=True, slots=True)
class Count:
    value: int
    is_exact: bool
