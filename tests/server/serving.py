"""A real server on a free port of this machine."""

import asyncio
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import orjson
import uvicorn
from graphql import GraphQLSchema
from starlette.applications import Starlette
from starlette.routing import BaseRoute
from websockets.asyncio.client import ClientConnection, connect

from resolvers.token_secrets import hash_of, new_secret
from server import app, serving
from server.graphql_ws import PROTOCOL
from server.guests import Guests
from server.services import Services
from server.settings import Settings
from store import tokens, workspaces
from store.types import Id, Instant
from store.words import Scope
from tests.server.small_schema import Spy
from tests.support.waiting import SOON

NOW = 1_795_305_600_000_000
SECRET = "a-secret-key-of-thirty-two-bytes-or-more"


def settings_for(database_url: str, **changes: Any) -> Settings:
    environment = {
        "TRACKSIDE_DATABASE_URL": database_url,
        "TRACKSIDE_SECRET_KEY": SECRET,
        "TRACKSIDE_PUBLIC_URL": "https://trackside.example",
        "TRACKSIDE_FILES_DIR": tempfile.gettempdir() + "/trackside-test-files",
    }
    return replace(Settings.read(environment), **changes)


@dataclass
class Serving:
    """A running server, and a token of its one workspace."""

    url: str
    services: Services
    workspace_id: int
    token: str
    token_id: Id
    server: "EndingServer"

    def client(self, token: str | None = None) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self.url,
            headers={"Authorization": f"Bearer {token or self.token}"},
            timeout=SOON,
            verify=False,  # noqa: S501  Nothing is encrypted here; reading the certificates is slow.
        )

    async def ask(self, query: str, **variables: Any) -> Any:
        async with self.client() as client:
            response = await client.post("/graphql", json={"query": query, "variables": variables})
        return response.json()

    @asynccontextmanager
    async def raw_socket(self, **options: Any) -> AsyncIterator["Socket"]:
        """A socket before connection_init."""
        options.setdefault("subprotocols", [PROTOCOL])
        address = self.url.replace("http", "ws", 1) + "/graphql"
        async with connect(address, proxy=None, **options) as connection:
            yield Socket(connection)

    @asynccontextmanager
    async def socket(self, token: str | None = None) -> AsyncIterator["Socket"]:
        """A socket that may subscribe."""
        async with self.raw_socket() as socket:
            await socket.send(
                {
                    "type": "connection_init",
                    "payload": {"Authorization": f"Bearer {token or self.token}"},
                }
            )
            assert await socket.receive() == {"type": "connection_ack"}
            yield socket

    async def until_the_buffers_are_full(self, spy: Spy) -> None:
        """A client that does not read is told of ticks until the network takes no more."""
        before = -1
        while spy.ticks != before:
            before = spy.ticks
            async with self.client() as client:
                for _ in range(20):
                    await client.get("/livez")


@dataclass
class Socket:
    connection: ClientConnection

    async def send(self, message: object) -> None:
        text = message if isinstance(message, str) else orjson.dumps(message).decode()
        await self.connection.send(text)

    async def subscribe(self, name: str, query: str, **variables: Any) -> None:
        payload = {"query": query, "variables": variables}
        await self.send({"id": name, "type": "subscribe", "payload": payload})

    async def receive(self) -> Any:
        async with asyncio.timeout(SOON):
            frame = await self.connection.recv()
        assert isinstance(frame, str), "the protocol is text"
        return orjson.loads(frame)

    async def until_closed(self) -> tuple[int | None, str | None]:
        """The server's code and reason."""
        async with asyncio.timeout(SOON):
            await self.connection.wait_closed()
        return self.connection.close_code, self.connection.close_reason


class EndingServer(uvicorn.Server):
    """Tells when it answers, ends at once, and leaves pytest's signals alone."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_answering = asyncio.Event()
        self._has_to_end = asyncio.Event()

    def end(self) -> None:
        self.should_exit = True
        self._has_to_end.set()

    async def main_loop(self) -> None:
        # uvicorn's looks every 0.1 s whether to end, and tells the time once a second.
        await self.on_tick(0)
        await self._has_to_end.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self.server_state.connections or self.server_state.tasks:
            await super().shutdown(sockets)
            return
        # The same, without a pause for connections, of which there are none.
        for server in self.servers:
            server.close()
        for each in sockets or []:
            each.close()
        await self.lifespan.shutdown()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets=sockets)
        self.is_answering.set()

    @contextmanager
    def capture_signals(self) -> Any:
        yield


@asynccontextmanager
async def a_server(
    settings: Settings,
    schema: GraphQLSchema | None = None,
    build: Callable[[Services], Starlette] = app.build,
    **options: Any,
) -> AsyncIterator[Serving]:
    """Options are those of Services.make."""
    services = Services.make(settings, schema or app.core_schema(), **options)
    async with services.database.write() as connection:
        workspace_id = await workspaces.create(connection, "acme", NOW)
    token, token_id = await a_token(services, workspace_id)
    listening = serving.listen("127.0.0.1", 0)
    server = EndingServer(serving.config(build(services)))
    running = asyncio.create_task(server.serve(sockets=[listening]))
    async with asyncio.timeout(SOON):
        await server.is_answering.wait()
    url = serving.url_of("127.0.0.1", listening.getsockname()[1])
    try:
        yield Serving(url, services, workspace_id, token, token_id, server)
    finally:
        server.end()
        await running


async def a_token(
    services: Services,
    workspace_id: int,
    scopes: tuple[Scope, ...] = tuple(Scope),
    *,
    expires_at: Instant | None = None,
) -> tuple[str, Id]:
    secret = new_secret(workspace_id)
    async with services.database.write() as connection:
        token_id = await tokens.create(
            connection,
            workspace_id,
            name="ops",
            email="ada@example.org",
            scopes=scopes,
            secret_hash=hash_of(secret),
            now=services.now(),
            expires_at=expires_at,
        )
    return secret, token_id


def with_routes(
    make: Callable[[Services], Sequence[BaseRoute]],
) -> Callable[[Services], Starlette]:
    """Builds an app of nothing but these."""

    def build(services: Services) -> Starlette:
        @asynccontextmanager
        async def lifespan(_app: Starlette) -> AsyncIterator[None]:
            yield
            await services.stop()

        return Starlette(routes=make(services), lifespan=lifespan)

    return build


def with_guests(
    *, at_most: int = 100, checked_every: float = 0.05
) -> Callable[[Services], Starlette]:
    """Builds the app with another watch over its connections."""

    def build(services: Services) -> Starlette:
        guests = Guests(
            services.database,
            services.access,
            services.now,
            at_most=at_most,
            checked_every=checked_every,
        )
        return app.build(replace(services, guests=guests))

    return build
