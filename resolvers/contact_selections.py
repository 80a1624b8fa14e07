"""Contact selections: which contacts a mutation is for, and what is refused of that."""

from dataclasses import dataclass, replace
from typing import Any

from resolvers.context import Context
from store import contact_walks, filter_codec
from store.contact_walks import Chosen
from store.filters import ContactFilter
from store.refusals import Refusal
from store.types import Id
from store.words import ErrorCode

__all__ = ["AT_MOST", "Chosen", "Found", "decode", "encode", "find", "refusal"]

AT_MOST = 1_000
"""So many ids may be given, and so many of a filter are worked through at once; more are a job."""


@dataclass(frozen=True, slots=True)
class Found:
    """How many contacts are chosen, exactly, and the ids of the first of them.

    `is_large`: they are more than are worked through at once; not all of their ids are here.
    """

    ids: tuple[Id, ...]
    matched: int

    @property
    def is_large(self) -> bool:
        return self.matched > AT_MOST


async def find(context: Context, chosen: Chosen) -> Found:
    """Whom a choice means now; the caller has checked the scope."""
    async with context.database.read() as connection:
        ids = await contact_walks.first(connection, context.workspace_id, chosen, AT_MOST + 1)
        matched = len(ids)
        if matched > AT_MOST:
            matched = await contact_walks.count(connection, context.workspace_id, chosen)
    return Found(tuple(ids), matched)


def refusal(chosen: Chosen) -> Refusal | None:
    """Why nothing can be done to this choice as it was said."""
    if chosen.ids is not None and len(chosen.ids) > AT_MOST:
        return Refusal(
            ErrorCode.TOO_MANY,
            f"{len(chosen.ids):,} ids are too many, and nothing was done: "
            f"give at most {AT_MOST:,}, or a filter.",
            ("contacts", "ids"),
        )
    if chosen.ids == ():
        return Refusal(
            ErrorCode.EMPTY_SELECTION,
            "No contact is chosen: give at least one id.",
            ("contacts", "ids"),
        )
    if chosen.ids is None and not chosen.is_all and _asks_nothing(chosen.filter):
        return Refusal(
            ErrorCode.EMPTY_SELECTION,
            "No contact is chosen: a filter without any condition does not stand for all. "
            "Give a condition, or say all: true.",
            ("contacts",),
        )
    return None


def encode(chosen: Chosen) -> dict[str, Any]:
    """The choice as JSON, for a job that works through it."""
    if chosen.ids is not None:
        ids = [one.hex() for one in chosen.ids]
        return {"ids": ids, "withDeleted": chosen.with_deleted}
    return {"filter": filter_codec.encode(chosen.filter), "all": chosen.is_all}


def decode(kept: dict[str, Any]) -> Chosen:
    """The choice that `encode` made this of."""
    if "ids" in kept:
        ids = tuple(map(bytes.fromhex, kept["ids"]))
        return Chosen(ids, with_deleted=kept["withDeleted"])
    asked = filter_codec.decode(ContactFilter, kept["filter"])
    return Chosen(filter=asked, is_all=kept["all"])


def _asks_nothing(asked: ContactFilter) -> bool:
    own = replace(asked, and_=(), or_=(), not_=None)
    return (
        own == ContactFilter()
        and all(map(_asks_nothing, asked.and_))
        and (not asked.or_ or any(map(_asks_nothing, asked.or_)))
        and (asked.not_ is None or _asks_nothing(asked.not_))
    )
