"""Ports: a free one on the loopback, which stays free while its server restarts."""

import random
import socket

# Below the range from which Linux takes the ports of outgoing connections (32768 and up): what
# is given out here is not lost to somebody's client between a stop and a start.
_FIRST, _LAST = 20_000, 32_000


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on."""
    ports = list(range(_FIRST, _LAST))
    random.SystemRandom().shuffle(ports)
    return next(port for port in ports if is_free(port))


def is_free(port: int) -> bool:
    """Whether a server could take it now."""
    with socket.socket() as probe:
        # What a server does too: a port in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
