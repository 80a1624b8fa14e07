"""Descriptions: a partner who has only the SDL finds every word explained."""

from collections.abc import Iterator
from pathlib import Path

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    build_schema,
    is_introspection_type,
    is_specified_scalar_type,
)

from schema import sdl

COMMITTED = Path(__file__).parents[2] / "schema" / "schema.graphql"


def undescribed() -> Iterator[str]:
    for name, type_ in build_schema(sdl()).type_map.items():
        if is_introspection_type(type_) or is_specified_scalar_type(type_):
            continue
        if not type_.description:
            yield name
        if isinstance(type_, GraphQLEnumType):
            yield from (f"{name}.{key}" for key, one in type_.values.items() if not one.description)
        if isinstance(type_, GraphQLInputObjectType):
            yield from (f"{name}.{key}" for key, one in type_.fields.items() if not one.description)
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for key, one in type_.fields.items():
                if not one.description:
                    yield f"{name}.{key}"
                for argument, given in one.args.items():
                    if not given.description:
                        yield f"{name}.{key}({argument})"


def test_every_word_of_the_schema_is_described() -> None:
    missing = list(undescribed())

    assert missing == []


def test_the_committed_schema_is_what_the_code_says() -> None:
    committed = COMMITTED.read_text()

    assert committed == sdl(), "run make schema, and read the diff"
