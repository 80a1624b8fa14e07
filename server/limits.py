"""Limits: how large a document may be, measured before validation spends time on it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    NullValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_composite_type,
    is_interface_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)

TOKENS_AT_MOST = 10_000
COMMENTS_AT_MOST = 1_000
CHARACTERS_AT_MOST = 200_000
DEPTH_AT_MOST = 15
FIELDS_AT_MOST = 500
ALIASES_AT_MOST = 60
ROWS_AT_MOST = 20_000
DEFAULT_PAGE = 50
PAGE_AT_MOST = 100
_ITEMS_OF_A_PLAIN_LIST = 10


class TooLarge(GraphQLError):
    """A document beyond a limit; the message says which."""


@dataclass(frozen=True, slots=True)
class Rows:
    """How many rows a field may read: `size` for each parent; a name is that variable's."""

    size: int | str
    default: int
    inner: tuple["Rows", ...]

    def estimate(self, variables: Mapping[str, Any]) -> int:
        size = self.size
        if isinstance(size, str):
            given = variables.get(size, self.default)
            # What is no number is refused when variables are coerced.
            size = given if isinstance(given, int) else self.default
        # What lies outside is refused by the page itself, which names the value.
        size = min(max(size, 1), PAGE_AT_MOST)
        return size + size * sum(each.estimate(variables) for each in self.inner)


@dataclass(slots=True)
class _Size:
    fields: int = 0
    aliases: int = 0
    depth: int = 0

    def add(self, other: "_Size", below: int = 0) -> None:
        self.fields = min(self.fields + other.fields, FIELDS_AT_MOST + 1)
        self.aliases = min(self.aliases + other.aliases, ALIASES_AT_MOST + 1)
        self.depth = max(self.depth, other.depth + below)


def check(document: DocumentNode) -> None:
    """Raises TooLarge. Fragments count where they are spread, as execution meets them."""
    fragments = _fragments(document)
    sizes: dict[str, _Size] = {}
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
            try:
                size = _measure(definition.selection_set, fragments, sizes)
            except RecursionError:
                raise TooLarge("The fragments are nested too deeply.", definition) from None
            _refuse(size, definition)


def check_rows(rows: tuple[Rows, ...], variables: Mapping[str, Any]) -> None:
    """Raises TooLarge for an operation that could read more rows than anyone can want at once."""
    estimated = sum(each.estimate(variables) for each in rows)
    if estimated > ROWS_AT_MOST:
        raise TooLarge(
            f"This could read {estimated:,} rows, at most {ROWS_AT_MOST:,} are allowed: "
            "ask for smaller pages (first), or for fewer lists inside lists."
        )


def rows_of(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
) -> tuple[Rows, ...]:
    """The lists of a valid operation, as they are nested."""
    defaults = {
        definition.variable.name.value: int(definition.default_value.value)
        for definition in operation.variable_definitions or ()
        if isinstance(definition.default_value, IntValueNode)
    }
    root = schema.get_root_type(operation.operation)
    if root is None:
        return ()
    walker = _Walker(schema, _fragments(document), defaults)
    return tuple(walker.rows(root, operation.selection_set))


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }


def _measure(
    selections: SelectionSetNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    sizes: dict[str, _Size],
) -> _Size:
    size = _Size()
    for node in selections.selections:
        if isinstance(node, FieldNode):
            size.add(_Size(1, int(node.alias is not None), 1))
            if node.selection_set:
                inner = _measure(node.selection_set, fragments, sizes)
                if node.name.value.startswith("__"):
                    # Tools introspect deeply; graphql-core has a limit of its own for it.
                    inner.depth = 0
                size.add(inner, below=1)
        elif isinstance(node, InlineFragmentNode):
            size.add(_measure(node.selection_set, fragments, sizes))
        elif isinstance(node, FragmentSpreadNode) and node.name.value in fragments:
            name = node.name.value
            if name not in sizes:
                # A fragment that spreads itself adds nothing here; validation refuses it.
                sizes[name] = _Size()
                sizes[name] = _measure(fragments[name].selection_set, fragments, sizes)
            size.add(sizes[name])
    return size


def _refuse(size: _Size, node: OperationDefinitionNode | FragmentDefinitionNode) -> None:
    if size.depth > DEPTH_AT_MOST:
        raise TooLarge(
            f"This is {size.depth} fields deep, at most {DEPTH_AT_MOST} are allowed.", node
        )
    if size.fields > FIELDS_AT_MOST:
        raise TooLarge(f"This asks for more than {FIELDS_AT_MOST} fields.", node)
    if size.aliases > ALIASES_AT_MOST:
        raise TooLarge(f"This gives more than {ALIASES_AT_MOST} aliases.", node)


@dataclass(frozen=True, slots=True)
class _Walker:
    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    defaults: Mapping[str, int]

    def rows(
        self, parent: GraphQLNamedType, selections: SelectionSetNode, *, is_page: bool = False
    ) -> Iterator[Rows]:
        for type_, node in self._fields(parent, selections):
            definition = self.schema.get_field(type_, node.name.value)  # type: ignore[arg-type]
            if definition is None or node.selection_set is None or node.name.value[:2] == "__":
                continue
            inner_type = get_named_type(definition.type)
            has_first = "first" in definition.args
            inner = tuple(self.rows(inner_type, node.selection_set, is_page=has_first))
            size = self._size(node) if has_first else _plain_size(definition.type, is_page)
            if size == 0:
                yield from inner
            else:
                default = self.defaults.get(size, DEFAULT_PAGE) if isinstance(size, str) else 0
                yield Rows(size, default, inner)

    def _fields(
        self, parent: GraphQLNamedType, selections: SelectionSetNode
    ) -> Iterator[tuple[GraphQLNamedType, FieldNode]]:
        for node in selections.selections:
            if isinstance(node, FieldNode):
                if is_object_type(parent) or is_interface_type(parent):
                    yield parent, node
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                name = condition.name.value if condition else parent.name
                yield from self._fields(self.schema.type_map[name], node.selection_set)
            elif isinstance(node, FragmentSpreadNode):
                fragment = self.fragments[node.name.value]
                name = fragment.type_condition.name.value
                yield from self._fields(self.schema.type_map[name], fragment.selection_set)

    def _size(self, node: FieldNode) -> int | str:
        """What first or last says: a number, or the name of a variable."""
        for argument in node.arguments or ():
            if argument.name.value in ("first", "last"):
                if isinstance(argument.value, VariableNode):
                    return argument.value.name.value
                if isinstance(argument.value, IntValueNode):
                    return int(argument.value.value)
                assert isinstance(argument.value, NullValueNode)
        return DEFAULT_PAGE


def _plain_size(type_: Any, is_page: bool) -> int:
    """0 for what is no list of objects. A page's edges and nodes were counted with the page."""
    inner = type_.of_type if is_non_null_type(type_) else type_
    is_list = is_list_type(inner) and is_composite_type(get_named_type(inner))
    return _ITEMS_OF_A_PLAIN_LIST if is_list and not is_page else 0
