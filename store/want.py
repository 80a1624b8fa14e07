"""What a reader wants of a row: its columns and, joined to it, the rows that it points to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Want:
    """Columns of a row and wants of its to-one relations, by the names in rows.py; hashable."""

    columns: frozenset[str] = frozenset()
    relations: frozenset[tuple[str, "Want"]] = frozenset()


def want(columns: Iterable[str], relations: Mapping[str, Want] | None = None) -> Want:
    return Want(frozenset(columns), frozenset((relations or {}).items()))
