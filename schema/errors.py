"""Errors: what a broken request is told, and refusals as data."""

from collections.abc import Sequence

import strawberry
from graphql import GraphQLError

from schema.enums import ErrorCode
from schema.fields import plain


def bad_input(message: str) -> GraphQLError:
    """The request itself is wrong; the message names the value and what to do."""
    return GraphQLError(message, extensions={"code": "BAD_USER_INPUT"})


@strawberry.type(
    description="An expected refusal: the request was understood, and cannot be carried out as it "
    "is."
)
class UserError:
    message: str = plain(
        "What happened, with which value, and what to do. Written for people; "
        "programs should read code."
    )
    code: ErrorCode = plain("What kind of refusal this is.")
    field: list[str] | None = plain(
        "The path of the refused value inside the mutation's arguments, list positions from 0, "
        'such as ["events", "3", "delivery", "url"]. '
        "Null when no single value is to blame."
    )


def shown(value: object, limit: int = 80) -> str:
    """A value as an error message quotes it: short, and on one line."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def place(path: Sequence[str | int]) -> tuple[str, ...]:
    """A path inside the input, as refusals carry it."""
    return tuple(str(part) for part in path)
