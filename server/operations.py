"""Operations: a document is parsed and validated once, and run many times."""

from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    parse,
    specified_rules,
    validate,
)
from graphql.execution import Executor, create_source_event_stream
from graphql.pyutils import Path
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from resolvers.context import Context
from schema.compiled import CompilingExecutor
from server import limits
from server.limits import Rows, TooLarge

_RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
_ERRORS_AT_MOST = 20


class Refused(Exception):
    """The request cannot be run; nothing was."""

    def __init__(self, code: str, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.code = code
        self.errors = errors


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One operation of a valid document."""

    schema: GraphQLSchema
    document: DocumentNode
    name: str | None
    kind: OperationType
    rows: tuple[Rows, ...]
    resume_variable: str | None
    """The one that says where a stream goes on."""

    async def run(self, context: Context, variables: Mapping[str, Any]) -> ExecutionResult:
        """A query or a mutation; raises Refused for variables that are wrong."""
        result = self._executor(context, variables).execute_operation()
        done = result if isinstance(result, ExecutionResult) else await result  # type: ignore[misc]
        assert isinstance(done, ExecutionResult)
        return done

    async def subscribe(
        self, context: Context, variables: Mapping[str, Any]
    ) -> AsyncGenerator[Any, None] | ExecutionResult:
        """The source events of a subscription, or the errors why there are none."""
        stream = create_source_event_stream(self._executor(context, variables))
        if isinstance(stream, Awaitable):
            stream = await stream
        assert isinstance(stream, AsyncGenerator | ExecutionResult)
        return stream

    async def run_event(
        self, context: Context, variables: Mapping[str, Any], event: object
    ) -> ExecutionResult:
        """What a subscriber gets for one source event.

        Built anew for each: graphql-core 3.3.2 collects what it remembers of every event in what
        its copies share, about 1 KB each.
        """
        result = self._executor(context, variables, event).execute_operation(serially=False)
        done = result if isinstance(result, ExecutionResult) else await result  # type: ignore[misc]
        assert isinstance(done, ExecutionResult)
        return done

    def _executor(
        self, context: Context, variables: Mapping[str, Any], root: object = None
    ) -> Executor[Any]:
        try:
            limits.check_rows(self.rows, variables)
        except TooLarge as error:
            raise Refused("GRAPHQL_VALIDATION_FAILED", [error]) from None
        built = _Executor.build(
            self.schema,
            self.document,
            root,
            context,
            dict(variables),
            self.name,
            max_coercion_errors=_ERRORS_AT_MOST,
        )
        if isinstance(built, list):
            raise Refused("BAD_USER_INPUT", built)
        return built


class Operations:
    """Documents of one schema, the latest used kept by their text."""

    def __init__(
        self,
        schema: GraphQLSchema,
        *,
        kept_at_most: int = 1_000,
        characters_at_most: int = 8_000_000,
    ) -> None:
        self._schema = schema
        self._kept_at_most = kept_at_most
        self._characters_at_most = characters_at_most
        self._characters = 0
        self._documents: OrderedDict[str, dict[str | None, Operation]] = OrderedDict()

    def find(self, source: str, name: str | None = None) -> Operation:
        """The operation of that name, or the only one; raises Refused."""
        named = self._documents.get(source)
        if named is None:
            named = self._keep(source, self._prepare(source))
        else:
            self._documents.move_to_end(source)
        if name is None and len(named) == 1:
            return next(iter(named.values()))
        if name is None or name not in named:
            known = ", ".join(sorted(each for each in named if each)) or "one without a name"
            asked = "operationName must be given" if name is None else f"There is no {name[:80]!r}"
            message = f"{asked}: this document holds {known}."
            raise Refused("BAD_USER_INPUT", [GraphQLError(message)])
        return named[name]

    def _keep(self, source: str, named: dict[str | None, Operation]) -> dict[str | None, Operation]:
        self._documents[source] = named
        self._characters += len(source)
        while (
            len(self._documents) > self._kept_at_most or self._characters > self._characters_at_most
        ):
            oldest, _ = self._documents.popitem(last=False)
            self._characters -= len(oldest)
        return named

    def _prepare(self, source: str) -> dict[str | None, Operation]:
        try:
            document = parse(
                source,
                max_lexical_tokens=limits.TOKENS_AT_MOST,
                max_comments=limits.COMMENTS_AT_MOST,
                max_source_length=limits.CHARACTERS_AT_MOST,
            )
        except GraphQLError as error:
            raise Refused("GRAPHQL_PARSE_FAILED", [error]) from None
        try:
            limits.check(document)
        except TooLarge as error:
            raise Refused("GRAPHQL_VALIDATION_FAILED", [error]) from None
        if errors := validate(self._schema, document, _RULES, max_errors=_ERRORS_AT_MOST):
            raise Refused("GRAPHQL_VALIDATION_FAILED", errors)
        operations = (
            Operation(
                schema=self._schema,
                document=document,
                name=definition.name.value if definition.name else None,
                kind=definition.operation,
                rows=limits.rows_of(self._schema, document, definition),
                resume_variable=_resume_variable(definition),
            )
            for definition in document.definitions
            if isinstance(definition, OperationDefinitionNode)
        )
        return {operation.name: operation for operation in operations}


def _resume_variable(definition: OperationDefinitionNode) -> str | None:
    """Of a subscription, the variable in `after` of its one field: no other takes a LogCursor."""
    for selection in definition.selection_set.selections:
        for argument in (isinstance(selection, FieldNode) and selection.arguments) or ():
            if argument.name.value == "after" and isinstance(argument.value, VariableNode):
                return argument.value.name.value
    return None


class _Executor(CompilingExecutor):
    """graphql-core's executor with what Strawberry's resolvers expect of their info."""

    def build_resolve_info(
        self,
        field_def: GraphQLField,
        field_nodes: list[FieldNode],
        parent_type: GraphQLObjectType,
        path: Path,
    ) -> GraphQLResolveInfo[Any]:
        return GraphQLResolveInfo(
            field_nodes[0].name.value,
            field_nodes,
            field_def.type,
            parent_type,
            path,
            self.schema,
            self.fragment_definitions,
            self.root_value,
            self.operation,
            # The plain values, where graphql-core hands over a container.
            self.variable_values.coerced,  # type: ignore[arg-type]
            self.context_value,
            self.is_awaitable,
            self.abort_signal,
            self.async_helpers,
        )
