"""Whatever a client sends, in whatever order: it is answered, or closed with a code."""

import asyncio
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.frames import Op, a_line, frame, text
from tests.support.trackside import Trackside

QUERIES = [
    "{ viewer { workspace } }",
    "{ journeys { nodes { id } } }",
    "{",
    "",
    'mutation { cancelJob(id: "job_1") { userErrors { code } } }',
    "subscription { communicationEvents { cursor } }",
    "subscription ($after: LogCursor) { communicationEvents(after: $after) { cursor } }",
    'subscription { entryActivities(journeyId: "nonsense") { cursor } }',
    "subscription { contactStatistics { total } }",
    "subscription { nothing }",
    "query Q($n: Int!) { journeys(first: $n) { nodes { id } } }",
    "query A { viewer { workspace } } query B { viewer { workspace } }",
]
TYPES = ["connection_init", "connection_ack", "ping", "pong", "subscribe", "next", "complete"]

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(max_size=8),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
requests = st.fixed_dictionaries(
    {"query": st.sampled_from(QUERIES)},
    optional={
        "variables": values | st.sampled_from([{"n": 1}, {"after": "x"}]),
        "operationName": values,
    },
)
messages = st.fixed_dictionaries(
    {"type": st.sampled_from(TYPES)},
    optional={"id": st.sampled_from(["a", "b"]) | values, "payload": requests | values},
)
subscriptions = st.fixed_dictionaries(
    {"type": st.just("subscribe"), "id": st.sampled_from(["a", "b", "c"]), "payload": requests}
)
frames = st.one_of(
    subscriptions.map(text),
    messages.map(text),
    st.text(max_size=20).map(lambda said: frame(Op.TEXT, said.encode())),
    st.binary(max_size=20).map(lambda said: frame(Op.TEXT, said)),
    st.builds(
        frame,
        st.sampled_from([0, 1, 1, 2, 8, 9, 10, 3, 15]),
        st.binary(max_size=20),
        is_final=st.sampled_from([True, True, False]),
        reserved=st.sampled_from([0, 0, 0, 1]),
    ),
)
THE_END = {"type": "ping", "payload": {"is": "the end"}}


async def exchange(trackside: Trackside, sent: Sequence[bytes], is_initialised: bool) -> None:
    """Fails where the line breaks off without a close frame, or where the fault is ours."""
    async with a_line(trackside, is_initialised=is_initialised) as line:
        # At once: whoever writes on behind the end of a connection hears of nothing but that.
        await line.send(b"".join([*sent, text(THE_END)]))
        while True:
            op, payload = await line.receive()
            if op == Op.CLOSE:
                assert b"This failed here" not in payload
                return
            if payload == b'{"type":"pong","payload":{"is":"the end"}}':
                return


def test_all_is_answered_or_closed_with_a_code(trackside: Trackside) -> None:
    """The server is a process of its own: its loop draws lots too, which hypothesis forbids."""

    @settings(max_examples=150)
    @given(st.lists(frames, max_size=6), st.sampled_from([True, True, True, False]))
    def sends(sent: list[bytes], is_initialised: bool) -> None:
        loop.run(exchange(trackside, sent, is_initialised))

    with asyncio.Runner() as loop:
        sends()

    assert "Traceback" not in trackside.server.log
