"""Frames: read as a server's, written as a client's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame
from websockets.frames import Opcode as TheirOpcode
from websockets.server import ServerProtocol

from benchmarks.frames import NotUnderstood, Opcode, Reader, frame

SIZES = [0, 1, 125, 126, 65_535, 65_536, 70_000]


@given(st.lists(st.sampled_from(SIZES), min_size=1, max_size=4), st.data())
def test_frames_are_read_however_the_bytes_are_cut(sizes: list[int], data: st.DataObject) -> None:
    payloads = [bytes([index]) * size for index, size in enumerate(sizes)]
    sent = b"".join(_of_server(payload) for payload in payloads)
    cut = data.draw(st.integers(min_value=0, max_value=len(sent)))
    reader = Reader()

    read = reader.feed(sent[:cut]) + reader.feed(sent[cut:])

    assert read == [(Opcode.TEXT, payload) for payload in payloads]


@pytest.mark.parametrize("size", SIZES)
def test_a_servers_library_understands_our_frames(size: int) -> None:
    server = ServerProtocol()
    server.state = server.state.OPEN
    server.parser = server.parse()
    next(server.parser)

    server.receive_data(frame(Opcode.TEXT, b"x" * size))

    (received,) = server.events_received()
    assert isinstance(received, Frame)
    assert (received.opcode, received.data) == (TheirOpcode.TEXT, b"x" * size)


def test_a_ping_is_told_from_a_text() -> None:
    ping = Frame(TheirOpcode.PING, b"are you there").serialize(mask=False)

    assert Reader().feed(ping) == [(Opcode.PING, b"are you there")]


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"\x01\x04half", id="a part of a message"),
        pytest.param(b"\x80\x04rest", id="the rest of a message"),
        pytest.param(b"\xc1\x08deflated", id="compressed"),
        pytest.param(b"\x81\x81\0\0\0\0x", id="a client's"),
    ],
)
def test_a_frame_that_would_be_counted_wrongly_is_refused(sent: bytes) -> None:
    with pytest.raises(NotUnderstood):
        Reader().feed(sent)


def _of_server(payload: bytes) -> bytes:
    return Frame(TheirOpcode.TEXT, payload).serialize(mask=False)
