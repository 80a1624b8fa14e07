"""Errors: what a client is told, always with a code, never with internals."""

from collections.abc import Sequence
from secrets import token_hex
from typing import Any

import structlog
from graphql import FieldNode, GraphQLError
from strawberry.exceptions import StrawberryInputCoercionError

from resolvers.context import Forbidden
from resolvers.recorder import Overloaded
from server.operations import Refused

logger = structlog.get_logger(__name__)

Formatted = dict[str, Any]


def coded(code: str, message: str) -> Formatted:
    return {"message": message, "extensions": {"code": code}}


def refusal(refused: Refused) -> list[Formatted]:
    """Why a request was not run."""
    return [_formatted(error, _own_code(error) or refused.code) for error in refused.errors]


def of_execution(errors: Sequence[GraphQLError]) -> list[Formatted]:
    """What went wrong in fields; faults of ours are logged, and named by an id alone."""
    return [_of_field(error) for error in errors]


def overload(errors: Sequence[GraphQLError]) -> Overloaded | None:
    """Whether something was not taken since too much waits already."""
    for error in errors:
        if isinstance(error.original_error, Overloaded):
            return error.original_error
    return None


def fault(error: BaseException, **about: object) -> Formatted:
    """A fault of ours: the log has it all, the client an id to tell us."""
    error_id = token_hex(6)
    logger.error("fault", error_id=error_id, exc_info=error, **about)
    return {
        "message": f"This failed here, and not through your request. Tell us the id {error_id}.",
        "extensions": {"code": "INTERNAL_SERVER_ERROR", "errorId": error_id},
    }


def _of_field(error: GraphQLError) -> Formatted:
    original = error.original_error
    if isinstance(original, Forbidden):
        return _formatted(error, "FORBIDDEN")
    if isinstance(original, Overloaded):
        shown = _formatted(error, "OVERLOADED")
        shown["extensions"]["retryAfter"] = original.retry_after_s
        return shown
    if code := _own_code(error):
        return _formatted(error, code)
    if isinstance(original, StrawberryInputCoercionError) or _is_about_an_argument(error):
        return _formatted(error, "BAD_USER_INPUT")
    shown = fault(original or error, path=error.path)
    return {**_formatted(error, ""), **shown}


def _own_code(error: GraphQLError) -> str | None:
    """The code with which the schema raised it."""
    for each in (error, error.original_error):
        if isinstance(each, GraphQLError) and each.extensions and "code" in each.extensions:
            return str(each.extensions["code"])
    return None


def _is_about_an_argument(error: GraphQLError) -> bool:
    """graphql-core points such an error at the value, and every other one at the field."""
    return error.nodes is not None and not isinstance(error.nodes[0], FieldNode)


def _formatted(error: GraphQLError, code: str) -> Formatted:
    shown: Formatted = {"message": error.message}
    if error.locations:
        shown["locations"] = [place.formatted for place in error.locations]
    if error.path:
        shown["path"] = error.path
    shown["extensions"] = {**(error.extensions or {}), "code": code}
    return shown
