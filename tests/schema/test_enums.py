"""Enums: plain words of rows go out, words of the vocabulary come in."""

from enum import StrEnum

import pytest
from graphql import GraphQLEnumType

from schema import schema
from store import words


def the_enum(name: str) -> GraphQLEnumType:
    type_ = schema._schema.type_map[name]
    assert isinstance(type_, GraphQLEnumType)
    return type_


@pytest.mark.parametrize(
    ("name", "vocabulary"),
    [
        ("Channel", words.Channel),
        ("DeliveryEventKind", words.DeliveryKind),
        ("DeliveryStatus", words.DeliveryStatus),
        ("ActivityKind", words.ActivityKind),
        ("StepEventKind", words.StepKind),
        ("EntryState", words.EntryState),
        ("StopReason", words.StopReason),
        ("ContactStatus", words.ContactStatus),
        ("ErrorCode", words.ErrorCode),
        ("Scope", words.Scope),
    ],
)
def test_every_word_goes_out_as_the_plain_text_that_rows_hold(
    name: str, vocabulary: type[StrEnum]
) -> None:
    enum = the_enum(name)

    assert [enum.coerce_output_value(str(word.value)) for word in vocabulary] == list(vocabulary)
    assert [enum.coerce_output_value(word) for word in vocabulary] == list(vocabulary)
    assert list(enum.values) == [word.value for word in vocabulary]


def test_a_word_comes_in_as_a_member_of_the_vocabulary() -> None:
    read = the_enum("Channel").coerce_input_value("EMAIL")

    assert read is words.Channel.EMAIL
