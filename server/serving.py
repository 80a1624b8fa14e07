"""Serving: the port, and uvicorn on it."""

import contextlib
import resource
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.supervisors import Multiprocess

from server.graphql_ws_messages import FRAME_AT_MOST
from server.protocols import Http, WebSockets

_BACKLOG = 2_048
_UNREAD_AT_MOST_MS = 180_000


class PortTaken(Exception):
    """Another program listens there, or we may not; the message says what to do."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections from now on; raises PortTaken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listening.close()
        raise PortTaken(
            f"trackside cannot listen on {host}:{port} ({_reason(error)}): "
            "end what listens there, or give another --port."
        ) from None
    listening.set_inheritable(True)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # Its connections inherit it: who takes nothing for so long is gone, or as good as gone.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNREAD_AT_MOST_MS)
    return listening


def url_of(host: str, port: int) -> str:
    """Where a browser on this machine finds it."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  Compared, not bound.
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def config(app: str | Callable[..., Any], **options: Any) -> uvicorn.Config:
    """uvicorn as trackside wants it: its fast parts, our logs, and frames of a known size."""
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=Http,
        ws=WebSockets,
        ws_max_size=FRAME_AT_MOST,
        # Compression would keep a window of memory for every subscriber.
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
        # A worker that still imports on a busy machine is not a dead one: it would be killed.
        timeout_worker_healthcheck=60,
        **options,
    )


def run(listening: socket.socket, workers: int) -> None:
    """Until SIGTERM or Ctrl-C; open sockets are closed with 1012, Service Restart, one by one."""
    allow_sockets()
    settings = config("server.app:create", factory=True, workers=workers)
    if workers == 1:
        uvicorn.Server(settings).run(sockets=[listening])
    else:
        Multiprocess(settings, sockets=[listening]).run()


def allow_sockets() -> None:
    """As many as the system lets this process and its workers have; shells allow a thousand."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _reason(error: OSError | OverflowError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else "no such port"
