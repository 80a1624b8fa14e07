"""Frames that break the rules of WebSockets: each is closed with a code and a reason."""

import asyncio

import pytest

from server.graphql_ws_messages import FRAME_AT_MOST
from tests.server.frames import Op, a_line, frame, text
from tests.server.serving import Serving
from tests.server.small_schema import Spy
from tests.support.waiting import soon

PING = b'{"type":"ping"}'
PONG = b'{"type":"pong"}'


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        pytest.param(frame(Op.TEXT, b"\xff"), 1007, id="no UTF-8"),
        pytest.param(frame(Op.TEXT, b"{\xed\xa0\x80}"), 1007, id="half a surrogate"),
        pytest.param(
            frame(Op.TEXT, b"\xc3", is_final=False) + frame(Op.CONTINUATION, b"\x28"),
            1007,
            id="no UTF-8 in two pieces",
        ),
        pytest.param(frame(Op.TEXT, PING, is_masked=False), 1002, id="not masked"),
        pytest.param(frame(Op.TEXT, PING, reserved=4), 1002, id="a reserved bit"),
        pytest.param(frame(3, PING), 1002, id="an unknown kind"),
        pytest.param(frame(Op.CONTINUATION, PING), 1002, id="a piece of nothing"),
        pytest.param(
            frame(Op.TEXT, PING, is_final=False) + frame(Op.TEXT, PING), 1002, id="two at once"
        ),
        pytest.param(frame(Op.PING, b"x", is_final=False), 1002, id="a ping in pieces"),
        pytest.param(frame(Op.PING, b"x" * 126), 1002, id="a long ping"),
        pytest.param(frame(Op.CLOSE, b"x"), 1002, id="half a code"),
        pytest.param(frame(Op.CLOSE, b"\x03\xed"), 1002, id="a code that is none"),
        pytest.param(frame(Op.BINARY, PING), 4400, id="binary"),
        pytest.param(frame(Op.BINARY, b"\xff"), 4400, id="binary, no UTF-8"),
    ],
)
@pytest.mark.parametrize("is_initialised", [True, False])
async def test_a_broken_frame_is_closed_with_its_code(
    serving: Serving,
    sent: bytes,
    code: int,
    is_initialised: bool,
    capfd: pytest.CaptureFixture[str],
) -> None:
    async with a_line(serving, is_initialised=is_initialised) as line:
        await line.send(sent)

        closed, reason = await line.until_closed()

    assert closed == code
    assert reason
    assert "Traceback" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("size", [FRAME_AT_MOST + 1, 20_000_000])
async def test_a_message_beyond_the_limit_is_closed_while_it_is_still_being_sent(
    serving: Serving, size: int
) -> None:
    async with a_line(serving) as line:
        sending = asyncio.create_task(line.send(frame(Op.BINARY, bytes(size))))

        code, reason = await line.until_closed()

        await sending
    assert code == 1009
    assert str(FRAME_AT_MOST) in reason.replace(",", "")


async def test_the_limit_is_that_of_all_pieces_together(serving: Serving) -> None:
    piece = b" " * 100_000
    async with a_line(serving) as line:
        await line.send(frame(Op.TEXT, piece, is_final=False))
        for _ in range(3):
            await line.send(frame(Op.CONTINUATION, piece, is_final=False))

        assert (await line.until_closed())[0] == 1009


async def test_a_message_may_come_in_pieces_with_pings_between(serving: Serving) -> None:
    async with a_line(serving) as line:
        await line.send(frame(Op.TEXT, PING[:5], is_final=False))
        await line.send(frame(Op.PING, b"between"))
        await line.send(frame(Op.CONTINUATION, b"", is_final=False) * 1_000)
        await line.send(frame(Op.CONTINUATION, PING[5:]))

        assert await line.receive() == (Op.PONG, b"between")
        assert await line.receive() == (Op.TEXT, PONG)


async def test_a_letter_may_be_cut_by_the_pieces(serving: Serving) -> None:
    message = '{"type":"ping","payload":{"é":1}}'.encode()
    cut = message.index(b"\xc3") + 1
    async with a_line(serving) as line:
        await line.send(frame(Op.TEXT, message[:cut], is_final=False))
        await line.send(frame(Op.CONTINUATION, message[cut:]))

        assert await line.receive() == (
            Op.TEXT,
            '{"type":"pong","payload":{"é":1}}'.encode(),
        )


async def test_a_client_that_closes_is_answered(serving: Serving) -> None:
    async with a_line(serving) as line:
        await line.send(frame(Op.CLOSE, b"\x03\xe8bye"))

        assert (await line.until_closed())[0] == 1000


@pytest.mark.parametrize("is_right", [True, False])
async def test_what_comes_behind_the_end_changes_nothing(
    serving: Serving, capfd: pytest.CaptureFixture[str], is_right: bool
) -> None:
    behind = [frame(Op.PING, b"x"), text({"type": "ping"}), frame(7) * 100]
    async with a_line(serving) as line:
        await line.send(frame(Op.TEXT, b"\xff") + b"".join(behind[:2] if is_right else behind))

        code, _ = await line.until_closed()

    assert code == (1007 if is_right else 1002)
    assert "Traceback" not in "".join(capfd.readouterr())
    async with a_line(serving) as other:
        await other.send(text({"type": "ping"}))
        assert await other.receive() == (Op.TEXT, PONG)


async def test_pings_that_nobody_reads_the_answers_of_are_not_queued_up(
    serving: Serving, spy: Spy
) -> None:
    query = "subscription { ticks(size: 100000) { text } }"
    flood = frame(Op.PING, b"x" * 125) * 8_000
    async with a_line(serving) as line:
        await line.send(text({"id": "a", "type": "subscribe", "payload": {"query": query}}))
        await serving.until_the_buffers_are_full(spy)
        for _ in range(4):
            await line.send(flood)
        await line.send(text({"id": "a", "type": "complete"}))
        await soon(spy.ended)

        waiting = max(
            connection.transport.get_write_buffer_size()
            for connection in serving.server.server_state.connections
        )

    # The pongs of 32,000 pings have four million bytes.
    assert waiting < 500_000
