"""The public schema over a real database, asked as the server asks it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from graphql import GraphQLError
from strawberry.types.execution import ExecutionResult

from resolvers.context import Context
from schema import schema
from store.types import Instant
from store.words import Scope
from tests.support.factories import NOW, Workspace, a_context, a_database, a_house


@dataclass
class Api:
    """Operations in one workspace, by a token with these scopes."""

    workspace: Workspace
    scopes: tuple[Scope, ...] = (Scope.READ, Scope.OPERATE, Scope.INTEGRATE)
    now: Instant = NOW
    context: Context = field(init=False)

    def __post_init__(self) -> None:
        self.context = a_context(self.workspace, *self.scopes, now=self.now)

    async def run(self, document: str, **variables: Any) -> tuple[Any, list[GraphQLError]]:
        self.context.loaders.clear()
        result = await schema.execute(document, variables, context_value=self.context)
        assert isinstance(result, ExecutionResult)
        return result.data, result.errors or []

    async def ask(self, document: str, **variables: Any) -> Any:
        """The data of an operation that has no errors."""
        data, errors = await self.run(document, **variables)
        assert errors == []
        return data

    async def refused(self, document: str, **variables: Any) -> str:
        """The message of the one error, which blames the request."""
        _, errors = await self.run(document, **variables)
        (error,) = errors
        assert (error.extensions or {}).get("code") == "BAD_USER_INPUT", error
        return error.message


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    """A workspace with ada's entry e1 in the journey welcome, and its message m1."""
    async with a_database(database_url) as database:
        yield Api(await a_house(database))
