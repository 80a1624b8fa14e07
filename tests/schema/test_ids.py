"""Ids: typed, opaque, and refused when they are not ours."""

from types import SimpleNamespace

import pytest
from graphql import GraphQLError

from resolvers.log_reading import LogId
from schema import ids

SOME = bytes(range(16))
HEX = SOME.hex()


def test_an_id_is_read_as_it_was_written() -> None:
    text = ids.of(ids.ENTRY)(SimpleNamespace(id=SOME))

    assert text == f"ent_{HEX}"
    assert ids.parse(text, ids.ENTRY) == SOME
    assert ids.parse_any(text) == ("ent", SOME)


def test_the_id_of_a_row_of_the_log_holds_its_place_and_its_nonce() -> None:
    text = ids.of_logged(ids.ACTIVITY)(SimpleNamespace(seq=42, nonce=b"\x00\x01\x02\x03"))

    assert text == "act_42_00010203"
    assert ids.parse_any(text) == ("act", LogId(42, b"\x00\x01\x02\x03"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        HEX,
        f"jrn_{HEX}",
        f"ent_{HEX}0",
        f"ent_{HEX.upper()}x",
        f"ent_{HEX.replace('0', 'g')}",
        f"ENT_{HEX}",
        f" ent_{HEX}",
        f"ent_{HEX}\n",
        "ent_42_00010203",
    ],
)
def test_another_text_is_refused_and_named(text: str) -> None:
    with pytest.raises(GraphQLError, match="is not the id of an entry") as raised:
        ids.parse(text, ids.ENTRY)

    assert raised.value.extensions == {"code": "BAD_USER_INPUT"}
    assert repr(text)[:40] in raised.value.message


@pytest.mark.parametrize("text", ["act_0_00010203", "act_-1_00010203", "act_1_0001", "evt_1", "x"])
def test_what_is_no_id_at_all_is_refused(text: str) -> None:
    with pytest.raises(GraphQLError, match="is not an id"):
        ids.parse_any(text)
