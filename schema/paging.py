"""Paging: the arguments that choose a page, and the cursors that name a place in a list."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import orjson
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument

from resolvers.context import Context
from schema.errors import bad_input, shown
from schema.scalars import Cursor
from store.lists import Order, PageRequest, Position
from subscriptions.signing import Tampered

PAGE = 50
PAGE_AT_MOST = 100


def argument(name: str, type_: object, description: str) -> StrawberryArgument:
    return StrawberryArgument(name, None, StrawberryAnnotation(type_), description=description)


def forward_arguments(cursor: object = Cursor) -> list[StrawberryArgument]:
    return [
        argument(
            "first",
            int | None,
            f"How many rows from the start, or behind after: 1 to {PAGE_AT_MOST}; {PAGE} when "
            "left out.",
        ),
        argument(
            "after",
            cursor | None,  # type: ignore[operator]  # A NewType, which is a type to Strawberry.
            "Only rows behind this place: a cursor of this very list in this order.",
        ),
    ]


def backward_arguments() -> list[StrawberryArgument]:
    return [
        argument(
            "last",
            int | None,
            f"How many rows from the end, or before before: 1 to {PAGE_AT_MOST}. Rows keep the "
            "list's order. Not together with first or after.",
        ),
        argument(
            "before",
            Cursor | None,
            "Only rows ahead of this place: a cursor of this very list in this order.",
        ),
    ]


def purpose(context: Context, name: str, order: Order) -> str:
    """What a cursor is good for: one list of one workspace in one order."""
    direction = "desc" if order.is_descending else "asc"
    return f"{context.workspace_id} {name} {order.field} {direction}"


def sealing(context: Context, purpose: str) -> Callable[[Position], str]:
    return partial(_seal, context, purpose)


def _seal(context: Context, purpose: str, position: Position) -> str:
    # JSON has no bytes: they stand as a list of their hex digits.
    values = [[each.hex()] if isinstance(each, bytes) else each for each in position]
    return context.signer.seal(purpose, orjson.dumps(values))


def request(context: Context, purpose: str, arguments: Mapping[str, Any]) -> PageRequest:
    """The page that first, after, last and before ask for; BAD_USER_INPUT when they make none."""
    first, last = arguments.get("first"), arguments.get("last")
    after, before = arguments.get("after"), arguments.get("before")
    if last is None and before is None:
        return PageRequest(limit("first", first), _position(context, purpose, "after", after))
    if first is not None or after is not None:
        raise bad_input(
            "first and after page forwards, last and before backwards: give one pair of them."
        )
    return PageRequest(
        limit("last", last), _position(context, purpose, "before", before), is_backwards=True
    )


def limit(name: str, asked: int | None) -> int:
    if asked is None:
        return PAGE
    if not 1 <= asked <= PAGE_AT_MOST:
        raise bad_input(f"{name}: {asked} is not a page size: ask for 1 to {PAGE_AT_MOST} rows.")
    return asked


def _position(context: Context, purpose: str, name: str, cursor: str | None) -> Position | None:
    if cursor is None:
        return None
    try:
        values = orjson.loads(context.signer.open(purpose, cursor))
    except Tampered:
        raise bad_input(
            f"{name}: {shown(cursor)} is no cursor of this list in this order: "
            "hand back a cursor of the same field, with the same orderBy."
        ) from None
    return tuple(bytes.fromhex(each[0]) if isinstance(each, list) else each for each in values)
