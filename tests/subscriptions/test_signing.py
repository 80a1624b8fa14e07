"""Sealed values: what comes back is what was given out, for the same purpose."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscriptions.cursors import LogCursor
from subscriptions.signing import Signer, Tampered, Unreadable

SIGNER = Signer(b"a secret of thirty-two bytes ....")


@given(st.binary(max_size=60))
def test_what_was_sealed_opens_again(payload: bytes) -> None:
    text = SIGNER.seal("cursor", payload)

    assert SIGNER.open("cursor", text) == payload


@given(st.binary(min_size=1, max_size=40), st.data())
def test_no_changed_character_goes_unnoticed(payload: bytes, data: st.DataObject) -> None:
    text = SIGNER.seal("cursor", payload)
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from("ABCZabcz0189-_=+/ é").filter(lambda c: c != text[place]))

    with pytest.raises(Tampered):
        SIGNER.open("cursor", text[:place] + letter + text[place + 1 :])


@pytest.mark.parametrize("text", ["", "A", "AA", "====", "\x00", "é", "AQ" * 2, "A" * 4000])
def test_what_was_never_sealed_is_refused(text: str) -> None:
    with pytest.raises(Tampered):
        SIGNER.open("cursor", text)


def test_a_value_sealed_for_one_purpose_does_not_open_for_another() -> None:
    text = SIGNER.seal("entries", b"42")

    with pytest.raises(Tampered):
        SIGNER.open("communications", text)


def test_a_purpose_does_not_run_over_into_the_payload() -> None:
    text = SIGNER.seal("ab", b"c")

    with pytest.raises(Tampered):
        SIGNER.open("a", text)


def test_another_secret_opens_nothing() -> None:
    text = SIGNER.seal("cursor", b"42")

    with pytest.raises(Tampered):
        Signer(b"some other secret").open("cursor", text)


def test_after_a_change_of_keys_the_retired_key_still_opens_and_the_new_one_seals() -> None:
    old = Signer(b"the old secret key", key_id=1)
    new = Signer(b"the new secret key", key_id=2, retired={1: b"the old secret key"})
    text = old.seal("cursor", b"42")

    assert new.open("cursor", text) == b"42"
    with pytest.raises(Tampered):
        old.open("cursor", new.seal("cursor", b"42"))


@given(st.binary(max_size=60))
def test_what_was_hidden_is_read_in_its_place_alone(secret: bytes) -> None:
    hidden = SIGNER.hide("here", secret)

    assert SIGNER.reveal("here", hidden) == secret
    assert secret not in hidden or len(secret) < 8
    with pytest.raises(Unreadable):
        SIGNER.reveal("there", hidden)


def test_what_is_hidden_twice_looks_different() -> None:
    assert SIGNER.hide("here", b"secret") != SIGNER.hide("here", b"secret")


@given(st.data())
def test_no_changed_byte_of_what_is_hidden_goes_unnoticed(data: st.DataObject) -> None:
    hidden = bytearray(SIGNER.hide("here", b"secret"))
    place = data.draw(st.integers(0, len(hidden) - 1))
    hidden[place] ^= data.draw(st.integers(1, 255))

    with pytest.raises(Unreadable):
        SIGNER.reveal("here", bytes(hidden))


def test_after_a_change_of_keys_what_was_hidden_is_still_read() -> None:
    old = Signer(b"the old secret key", key_id=1)
    new = Signer(b"the new secret key", key_id=2, retired={1: b"the old secret key"})
    hidden = old.hide("here", b"secret")

    assert new.reveal("here", hidden) == b"secret"
    with pytest.raises(Unreadable):
        old.reveal("here", new.hide("here", b"secret"))


@pytest.mark.parametrize("hidden", [b"", b"\x01", bytes(12), bytes(200)], ids=len)
def test_what_was_never_hidden_is_not_read(hidden: bytes) -> None:
    with pytest.raises(Unreadable):
        SIGNER.reveal("here", hidden)


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="too short"):
        Signer(b"short")


def test_a_log_cursor_comes_back_as_it_went() -> None:
    cursor = LogCursor(b"epoch..8", 2**53, 1_795_000_000_000_000, b"\x00\xff\x01\x02")

    assert LogCursor.decode(SIGNER, cursor.encode(SIGNER)) == cursor


def test_a_log_cursor_of_another_length_is_refused() -> None:
    with pytest.raises(Tampered):
        LogCursor.decode(SIGNER, SIGNER.seal("log cursor", b"short"))
