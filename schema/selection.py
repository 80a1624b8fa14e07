"""Selections: which columns and relations of rows an operation asks for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    BooleanValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionNode,
    Undefined,
    VariableNode,
    get_named_type,
    is_object_type,
)
from graphql.execution.values import VariableValues
from graphql.utilities import coerce_input_literal

from schema.fields import NEEDS, Needs
from schema.info import Info
from store.want import Want

_DEFINITION = "strawberry-definition"
_KEPT = 2_000


@dataclass(frozen=True, slots=True)
class Selection:
    """The fields chosen below one field, by name, whatever their aliases."""

    nodes: Mapping[str, Sequence[FieldNode]]
    want: Want

    def __contains__(self, name: str) -> bool:
        return name in self.nodes


_cache: dict[Any, tuple[Sequence[FieldNode], Selection]] = {}


def below(info: Info, *path: str, type_name: str | None = None) -> Selection:
    """What is chosen at `path` below the field that is being resolved.

    The path's names are GraphQL's; several fields stand for any of them, as in "nodes|edges.node".
    `type_name` is the object type at the end, where the schema says no more than Node.
    """
    raw = info.raw
    nodes = raw.field_nodes
    # Nodes are compared by identity: the cache holds them, so that an id is never another's.
    key = (
        tuple(map(id, nodes)),
        path,
        type_name,
        tuple(item for item in info.variables.items() if item[1] is True or item[1] is False),
    )
    found = _cache.get(key)
    if found is None:
        if len(_cache) >= _KEPT:
            _cache.clear()
        reader = _Reader(raw.schema, raw.fragments, info.variables)
        start = get_named_type(raw.return_type)
        found = _cache[key] = nodes, reader.select(start, nodes, path, type_name)
    return found[1]


def given(info: Info, chosen: Selection, type_name: str, name: str, argument: str) -> list[Any]:
    """What each use of a chosen field of that type gives as an argument; None where nothing."""
    type_: Any = info.raw.schema.type_map[type_name]
    kind = type_.fields[name].args[argument].type
    variables = VariableValues({}, info.variables)
    found: list[Any] = []
    for node in chosen.nodes.get(name, ()):
        values = [one.value for one in node.arguments or () if one.name.value == argument]
        value = coerce_input_literal(values[0], kind, variables) if values else None
        found.append(None if value is Undefined else value)
    return found


@dataclass(slots=True)
class _Wanted:
    """A Want in the making."""

    columns: set[str] = field(default_factory=set)
    relations: dict[str, "_Wanted"] = field(default_factory=dict)

    def relation(self, name: str) -> "_Wanted":
        return self.relations.setdefault(name, _Wanted())

    def add(self, want: Want) -> None:
        self.columns |= want.columns
        for name, inner in want.relations:
            self.relation(name).add(inner)

    def want(self) -> Want:
        return Want(
            frozenset(self.columns),
            frozenset((name, inner.want()) for name, inner in self.relations.items()),
        )


@dataclass(frozen=True, slots=True)
class _Reader:
    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]

    def select(
        self,
        start: Any,
        nodes: Sequence[FieldNode],
        path: Sequence[str],
        type_name: str | None,
    ) -> Selection:
        at = [(start, nodes)]
        for alternatives in path:
            at = [
                reached
                for one in alternatives.split("|")
                for type_, here in at
                for reached in self._follow(type_, here, one.split("."))
            ]
        if type_name is not None:
            at = [(self.schema.type_map[type_name], here) for _, here in at]
        wanted = _Wanted()
        chosen: dict[str, list[FieldNode]] = {}
        for type_, here in at:
            below = self._fields(type_, here)
            for name, more in below.items():
                chosen.setdefault(name, []).extend(more)
            self._add(wanted, type_, below)
        return Selection(chosen, wanted.want())

    def _follow(
        self, type_: Any, nodes: Sequence[FieldNode], names: Sequence[str]
    ) -> list[tuple[Any, Sequence[FieldNode]]]:
        for name in names:
            nodes = self._fields(type_, nodes).get(name, ())
            if not nodes:
                return []
            type_ = get_named_type(type_.fields[name].type)
        return [(type_, nodes)]

    def _add(
        self, wanted: _Wanted, type_: GraphQLObjectType, chosen: Mapping[str, Sequence[FieldNode]]
    ) -> None:
        for name, nodes in chosen.items():
            definition = type_.fields.get(name)
            if definition is None:  # __typename
                continue
            python = definition.extensions[_DEFINITION]
            of = get_named_type(definition.type)
            needs: Needs | None = python.metadata.get(NEEDS)
            if needs is None:
                relation = python.python_name if is_object_type(of) else None
                needs = Needs((), (), relation) if relation else Needs((python.python_name,))
            wanted.columns.update(needs.columns)
            for related, want in needs.relations:
                wanted.relation(related).add(want)
            if needs.relation is not None:
                inner = wanted.relation(needs.relation)
                self._add(inner, of, self._fields(of, nodes))

    def _fields(self, type_: Any, nodes: Iterable[FieldNode]) -> dict[str, list[FieldNode]]:
        """The fields that nodes choose of an object type, by name."""
        chosen: dict[str, list[FieldNode]] = {}
        for node in nodes:
            if node.selection_set:
                self._collect(type_, node.selection_set.selections, chosen)
        return chosen

    def _collect(
        self, type_: Any, selections: Iterable[SelectionNode], chosen: dict[str, list[FieldNode]]
    ) -> None:
        for selection in selections:
            if not self._is_included(selection):
                continue
            if isinstance(selection, FieldNode):
                chosen.setdefault(selection.name.value, []).append(selection)
                continue
            part: InlineFragmentNode | FragmentDefinitionNode
            if isinstance(selection, FragmentSpreadNode):
                part = self.fragments[selection.name.value]
            else:
                assert isinstance(selection, InlineFragmentNode)
                part = selection
            if self._applies(part, type_):
                self._collect(type_, part.selection_set.selections, chosen)

    def _applies(self, part: InlineFragmentNode | FragmentDefinitionNode, type_: Any) -> bool:
        condition = part.type_condition
        if condition is None or condition.name.value == type_.name:
            return True
        return any(each.name == condition.name.value for each in type_.interfaces)

    def _is_included(self, node: SelectionNode) -> bool:
        for directive in node.directives or ():
            if directive.name.value in {"skip", "include"} and directive.arguments:
                holds = self._boolean(directive.arguments[0].value)
                if holds is (directive.name.value == "skip"):
                    return False
        return True

    def _boolean(self, value: object) -> bool | None:
        if isinstance(value, VariableNode):
            held = self.variables.get(value.name.value)
            return held if isinstance(held, bool) else None
        assert isinstance(value, BooleanValueNode)
        return value.value
