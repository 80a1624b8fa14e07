"""Compiled selections: a page of rows becomes its answer in one generated function.

graphql-core visits every field of every row: about 9 µs each, 5 ms for a page of 50 rows. Where a
selection holds only attributes and functions of the row (fields.plain, fields.derived), it is
turned into one Python expression, once for its type, its field nodes and its Boolean variables.
On any surprise (null where none may be, a value of the wrong type, an exception) the value is left
to graphql-core, so that errors, paths and the spreading of nulls are graphql-core's own.
"""

from collections.abc import Callable, Sequence
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLLeafType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLString,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution import Executor
from graphql.pyutils import Path

from schema.fields import DERIVE, DerivedField

Answer = Callable[[Any], dict[str, Any]]

_DEFINITION = "strawberry-definition"
_KEPT = 2_000
_UNKNOWN = object()


class CompilingExecutor(Executor[Any]):
    """graphql-core's executor, which answers whole rows by compiled functions where it can."""

    def complete_list_value(
        self,
        return_type: Any,
        field_details_list: Any,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        item = return_type.of_type
        named = item.of_type if is_non_null_type(item) else item
        if result.__class__ is list and is_object_type(named):
            answer = self._compiled(named, field_details_list)
            if answer is not None:
                try:
                    return [answer(row) for row in result]
                except Exception:  # noqa: BLE001, S110  graphql-core says what is wrong.
                    pass
        return super().complete_list_value(
            return_type, field_details_list, info, path, result, position_context
        )

    def complete_object_value(
        self,
        return_type: GraphQLObjectType,
        field_details_list: Any,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        answer = self._compiled(return_type, field_details_list)
        if answer is not None:
            try:
                return answer(result)
            except Exception:  # noqa: BLE001, S110  graphql-core says what is wrong.
                pass
        return super().complete_object_value(
            return_type, field_details_list, info, path, result, position_context
        )

    def _compiled(self, type_: GraphQLObjectType, details: Any) -> Answer | None:
        """The function that answers this selection of a row; None where graphql-core must."""
        variables = self.variable_values.coerced
        key = (
            type_,
            tuple([id(one.node) for one in details]),
            tuple([item for item in variables.items() if item[1] is True or item[1] is False]),
        )
        found: Any = _cache.get(key, _UNKNOWN)
        if found is _UNKNOWN:
            if len(_cache) >= _KEPT:
                _cache.clear()
            answer = _Compiler(self).function(type_, details)
            # The nodes are kept with it, so that an id is never another node's.
            found = _cache[key] = (answer, [one.node for one in details])
        compiled: Answer | None = found[0]
        return compiled


_cache: dict[Any, tuple[Answer | None, Any]] = {}


class _NotPlain(Exception):
    """The selection needs a resolver, a context or arguments."""


class _Compiler:
    """Writes the expression of one selection, and the names that it uses."""

    def __init__(self, executor: Executor[Any]) -> None:
        self.executor = executor
        self.names: dict[str, Any] = {}

    def function(self, type_: GraphQLObjectType, details: Any) -> Answer | None:
        try:
            expression = f"{self._check(type_)}(row) and {self._object(type_, details, 'row')}"
        except _NotPlain:
            return None
        # The text holds nothing of the request's but response names, written by repr.
        exec(f"def answer(row):\n    return {expression}", self.names)  # noqa: S102
        answer: Answer = self.names["answer"]
        return answer

    def _object(self, type_: GraphQLObjectType, details: Any, variable: str) -> str:
        collected = self.executor.collect_subfields(type_, details)
        parts = []
        for response_name, chosen in collected.grouped_field_set.items():
            name = chosen[0].node.name.value
            if name == "__typename":
                parts.append(f"{response_name!r}: {type_.name!r}")
                continue
            field = type_.fields[name]
            if field.args:
                raise _NotPlain
            value = self._read(field.extensions.get(_DEFINITION), variable)
            parts.append(f"{response_name!r}: {self._complete(field.type, chosen, value)}")
        return "{" + ", ".join(parts) + "}"

    def _read(self, definition: Any, variable: str) -> str:
        if definition is None:
            raise _NotPlain
        if definition.__class__ is DerivedField:
            return f"{self._name(definition.metadata[DERIVE])}({variable})"
        if not definition.is_basic_field or not definition.python_name.isidentifier():
            raise _NotPlain
        return f"{variable}.{definition.python_name}"

    def _complete(self, type_: GraphQLOutputType, details: Any, value: str) -> str:
        if is_non_null_type(type_):
            return self._present(type_.of_type, details, value)
        held = self._variable()
        present = self._present(type_, details, held)
        return f"(None if ({held} := {value}) is None else {present})"

    def _present(self, type_: Any, details: Any, value: str) -> str:
        """What a value that is not null becomes; a null raises."""
        if is_leaf_type(type_):
            return self._leaf(type_, value)
        if is_object_type(type_):
            held = self._variable()
            inner = self._object(type_, details, held)
            return f"{self._check(type_)}({held} := {value}) and {inner}"
        if is_list_type(type_):
            item = self._variable()
            items = f"{self._name(_a_list)}({value})"
            return f"[{self._complete(type_.of_type, details, item)} for {item} in {items}]"
        raise _NotPlain

    def _check(self, type_: GraphQLObjectType) -> str:
        """A function that says True of a value of this type, and raises for any other."""
        is_type_of = type_.is_type_of
        if is_type_of is None:
            return self._name(_present)

        def check(value: Any) -> bool:
            if is_type_of(value, None) is not True:  # type: ignore[arg-type]  # None of ours asks.
                raise TypeError
            return True

        return self._name(check)

    def _leaf(self, type_: GraphQLLeafType, value: str) -> str:
        if isinstance(type_, GraphQLEnumType):
            return f"{self._name(_words(type_))}[{value}]"
        write = self._name(_strictly(type_))
        if type_ in (GraphQLString, GraphQLID):
            held = self._variable()
            return f"({held} if ({held} := {value}).__class__ is str else {write}({held}))"
        if type_ is GraphQLBoolean:
            held = self._variable()
            return f"({held} if ({held} := {value}).__class__ is bool else {write}({held}))"
        return f"{write}({value})"

    def _variable(self) -> str:
        return self._name(None, prefix="v")

    def _name(self, value: Any, prefix: str = "f") -> str:
        name = f"{prefix}{len(self.names)}"
        self.names[name] = value
        return name


def _words(type_: GraphQLEnumType) -> dict[Any, str]:
    """The names by the plain strings that rows hold, and by the members themselves."""
    names = {each.value: name for name, each in type_.values.items()}
    members = getattr(type_, "wrapped_cls", ())
    return names | {member: names[member.value] for member in members if member.value in names}


def _strictly(type_: Any) -> Callable[[Any], Any]:
    coerce: Callable[[Any], Any] = type_.coerce_output_value

    def write(value: Any) -> Any:
        # An exception is raised where it stands as a value, and some scalars would take its words.
        if value is None or isinstance(value, Exception):
            raise TypeError
        written = coerce(value)
        if written is None:
            raise TypeError
        return written

    return coerce if type_ is GraphQLFloat else write


def _present(value: Any) -> bool:
    if value is None or isinstance(value, Exception):
        raise TypeError
    return True


def _a_list(value: Any) -> Sequence[Any]:
    if value.__class__ is not list and value.__class__ is not tuple:
        raise TypeError
    held: Sequence[Any] = value
    return held
