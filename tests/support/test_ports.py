"""A free port is nobody's."""

import socket

from tests.support.ports import free_port, is_free


def test_a_port_that_somebody_listens_on_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as listener:
        port = listener.getsockname()[1]

        assert not is_free(port)

    assert is_free(port)
