"""A small schema: enough of everything that a transport has to carry."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import cast

import strawberry
from graphql import GraphQLError, GraphQLSchema

from resolvers.context import Context
from store.words import Scope


@dataclass
class Spy:
    """What the schema did, for tests to look at and to wait for."""

    ticks: int = 0
    bumps: int = 0
    contexts: list[int] = field(default_factory=list)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)


@strawberry.type
class Item:
    id: int

    @strawberry.field
    def items(self, first: int | None = 50) -> "Items":
        return Items(nodes=[])

    @strawberry.field
    def siblings(self) -> "list[Item]":
        return []


@strawberry.type
class Items:
    nodes: list[Item]


@strawberry.input(one_of=True)
class Choice:
    a: strawberry.Maybe[int]
    b: strawberry.Maybe[int]


def small_schema(spy: Spy) -> GraphQLSchema:
    @strawberry.type
    class Query:
        @strawberry.field
        def workspace(self, info: strawberry.Info[Context]) -> str:
            spy.contexts.append(id(info.context))
            return info.context.viewer.workspace

        @strawberry.field
        def echo(self, n: int) -> int:
            return n

        @strawberry.field
        def choose(self, choice: Choice) -> str:
            return "chosen"

        @strawberry.field
        def items(self, first: int | None = 50) -> Items:
            return Items(nodes=[Item(id=1)])

        @strawberry.field
        def fail(self) -> int | None:
            raise RuntimeError("the password is swordfish")

        @strawberry.field
        def must_not_be_null(self) -> int:
            return cast(int, None)

        @strawberry.field
        def refuse(self) -> int | None:
            raise GraphQLError("-1 is too small.", extensions={"code": "BAD_USER_INPUT"})

        @strawberry.field
        def administrate(self, info: strawberry.Info[Context]) -> int | None:
            info.context.require(Scope.ADMIN)
            return 1

        @strawberry.field
        async def wait(self) -> int:
            spy.began.set()
            try:
                await spy.go_on.wait()
            finally:
                spy.ended.set()
            return 1

    @strawberry.type
    class Mutation:
        @strawberry.mutation
        async def bump(self, patiently: bool = False) -> int:
            if patiently:
                spy.began.set()
                await spy.go_on.wait()
            spy.bumps += 1
            spy.ended.set()
            return spy.bumps

    @strawberry.type
    class Tick:
        number: int
        text: str

        @strawberry.field
        def context(self, info: strawberry.Info[Context]) -> str:
            spy.contexts.append(id(info.context))
            return info.context.viewer.workspace

    @strawberry.type
    class Subscription:
        @strawberry.subscription
        async def count(self, to: int) -> AsyncGenerator[Tick, None]:
            for number in range(1, to + 1):
                yield Tick(number=number, text="")

        @strawberry.subscription
        async def ticks(self, size: int = 1) -> AsyncGenerator[Tick, None]:
            """For ever, as fast as they are taken."""
            try:
                while True:
                    spy.ticks += 1
                    yield Tick(number=spy.ticks, text="x" * size)
                    await asyncio.sleep(0)
            finally:
                spy.ended.set()

        @strawberry.subscription
        async def silence(self) -> AsyncGenerator[int, None]:
            spy.began.set()
            try:
                await spy.go_on.wait()
                yield 1
            finally:
                spy.ended.set()

        @strawberry.subscription
        async def breaks(self) -> AsyncGenerator[int, None]:
            yield 1
            raise RuntimeError("the password is swordfish")

        @strawberry.subscription
        async def refuses(self) -> AsyncGenerator[int, None]:
            raise GraphQLError("This cursor is no cursor.", extensions={"code": "BAD_USER_INPUT"})
            yield 1

    schema = strawberry.Schema(query=Query, mutation=Mutation, subscription=Subscription)
    return schema._schema
