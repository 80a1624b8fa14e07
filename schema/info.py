"""Info: what a field knows of the operation that it is part of."""

from typing import Any

import strawberry
from graphql import GraphQLResolveInfo

from resolvers.context import Context


class Info(strawberry.Info[Context, None]):
    """Strawberry's info with trackside's context, and a way to graphql-core's own."""

    @property
    def raw(self) -> GraphQLResolveInfo[Context]:
        return self._raw_info

    @property
    def variables(self) -> dict[str, Any]:
        return self.variable_values
