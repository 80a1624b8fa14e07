"""The demonstration: a server with the sample workspace, and a partner that lives in it."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import uvicorn
import uvloop

from resolvers.context import Viewer
from resolvers.token_secrets import hash_of, new_secret
from server import sample, serving
from server.app import core_schema
from server.services import Services
from server.settings import VAR, Settings, write_secret
from store import migrate, tokens, workspaces
from store.types import new_id
from store.words import Scope

WORKSPACE = "sample"
_SCOPES = (Scope.READ, Scope.OPERATE, Scope.INTEGRATE)
_PATIENCE_S = 15.0


def prepare(settings: Settings, tell: Callable[[str], None], *, var: Path = VAR) -> str:
    """A migrated database with the sample in it; returns a token, the same at every start."""
    token_file = var / "demo.token"
    kept = token_file.read_text().strip() if token_file.exists() else None
    token = asyncio.run(_prepare(settings, tell, kept))
    if token != kept:
        token_file.unlink(missing_ok=True)
        write_secret(token_file, token)
    return token


def run(listening: socket.socket, url: str, token: str, tell: Callable[[str], None]) -> None:
    """Serve and simulate until SIGTERM or Ctrl-C; prints address and token when it answers."""
    # uvicorn ends in order and then raises the signal again: by then there is nothing left to end.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(listening, url, token, tell))


async def _prepare(settings: Settings, tell: Callable[[str], None], kept: str | None) -> str:
    await migrate(settings.database_url)
    services = Services.make(settings, core_schema())
    try:
        async with services.database.write() as connection:
            workspace_id = await workspaces.find(connection, WORKSPACE)
            if workspace_id is None:
                workspace_id = await workspaces.create(connection, WORKSPACE, services.now())
        await sample.create(services.context(_founder(workspace_id)), tell)
        return await _token(services, workspace_id, kept)
    finally:
        await services.stop()


def _founder(workspace_id: int) -> Viewer:
    """Nobody's token: the history of the sample is older than partners may report."""
    return Viewer(
        workspace_id=workspace_id,
        workspace=WORKSPACE,
        token_id=new_id(),
        token_name="sample",  # noqa: S106  A name.
        email=None,
        scopes=frozenset([Scope.ADMIN]),
    )


async def _token(services: Services, workspace_id: int, kept: str | None) -> str:
    """The kept one while the database knows it, so that a page stays connected over a restart."""
    viewer = await services.access.viewer(kept)
    if kept is not None and viewer is not None and viewer.workspace_id == workspace_id:
        return kept
    secret = new_secret(workspace_id)
    async with services.database.write() as connection:
        await tokens.create(
            connection,
            workspace_id,
            name="demo",
            email="you@example.org",
            scopes=_SCOPES,
            secret_hash=hash_of(secret),
            now=services.now(),
        )
    return secret


class _Server(uvicorn.Server):
    """Says when it answers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_answering = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self.is_answering.set()


async def _run(listening: socket.socket, url: str, token: str, tell: Callable[[str], None]) -> None:
    server = _Server(serving.config("server.app:create", factory=True))
    simulating = asyncio.create_task(_simulate(server.is_answering, url, token, tell))
    try:
        await server.serve(sockets=[listening])
    finally:
        simulating.cancel()
        await asyncio.wait([simulating])


async def _simulate(
    is_answering: asyncio.Event, url: str, token: str, tell: Callable[[str], None]
) -> None:
    """The partner, a process of its own; a pipe ties it to us: it ends even when we are killed."""
    await is_answering.wait()
    print(f"address: {url}\ntoken: {token}", flush=True)
    tell(f"open {url}/#token={token}")
    partner = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "server.cli", "simulate", "--url", url, "--ends-with-parent"),
        env={**os.environ, "TRACKSIDE_TOKEN": token},
        stdin=asyncio.subprocess.PIPE,
    )
    try:
        code = await partner.wait()
        tell(f"the simulated partner ended ({code}); the server goes on")
    finally:
        if partner.returncode is None:
            partner.terminate()
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    await partner.wait()
            except TimeoutError:
                partner.kill()
                await partner.wait()
