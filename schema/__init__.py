"""The GraphQL schema: the words that clients, tests and documentation share."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from schema.info import Info
from schema.mutation import Mutation
from schema.query import Query
from schema.scalars import SCALARS
from schema.subscription import Subscription
from schema.types.activity import Activity

__all__ = ["schema", "sdl"]

schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[Activity],
    config=StrawberryConfig(info_class=Info, scalar_map=SCALARS),
)


def sdl() -> str:
    """The schema in GraphQL's definition language, as schema/schema.graphql holds it."""
    return schema.as_str() + "\n"
