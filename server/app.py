"""The app: which address leads where, and what is started and ended with the process."""

import gc
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from graphql import GraphQLSchema
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schema import schema
from server import logs
from server.files import Downloads
from server.graphql_http import GraphQLHttp
from server.graphql_ws import GraphQLSocket
from server.health import Health
from server.hooks.route import Hooks
from server.import_route import ImportRoute
from server.links import TrackedLinks
from server.metrics import Metrics
from server.referrals import ReferralLinks
from server.services import Services
from server.settings import Settings
from server.unsubscribe import Unsubscribe

_ROOT = Path(__file__).parent.parent
_SCREEN = _ROOT / "client-examples" / "live-operations"
_EDITOR = _ROOT / "server" / "graphiql"

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def create() -> Starlette:
    """The app of one worker, as the environment says."""
    settings = Settings.read(os.environ)
    logs.configure(settings.profile)
    app = build(Services.make(settings, core_schema()))
    _rest_easy()
    return app


def _rest_easy() -> None:
    """Spare the collector of cycles what lives as long as the process: 170,000 objects.

    Looking through them is long enough to be felt, and came in the middle of batches.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def core_schema() -> GraphQLSchema:
    """graphql-core's schema behind Strawberry's: operations run on it without Strawberry's view."""
    return schema._schema  # noqa: SLF001  Strawberry has no public name for it.


def build(services: Services) -> Starlette:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[Mapping[str, Any]]:
        await services.start()
        try:
            # For the protocols below, which hear first that the server ends.
            yield {"closing": services.closing}
        finally:
            await services.stop()

    http, socket = GraphQLHttp(services), GraphQLSocket(services)
    health, tracked = Health(services), TrackedLinks(services)
    referrals = ReferralLinks(services)
    downloads = Downloads(
        services.files, services.database, services.signer, services.now, services.closing
    )
    middleware = [
        Middleware(_Counted, metrics=services.metrics),
        Middleware(_Guarded),
    ]
    if services.settings.allowed_origins:
        middleware.append(
            Middleware(
                CORSMiddleware,
                allow_origins=sorted(services.settings.allowed_origins),
                allow_methods=["GET", "POST"],
                allow_headers=["Authorization", "Content-Type", "Last-Event-ID"],
            )
        )
    return Starlette(
        routes=[
            Route("/graphql", http.handle, methods=["GET", "POST"]),
            WebSocketRoute("/graphql", socket.handle),
            Route("/imports", ImportRoute(services).handle, methods=["POST"]),
            Route("/c/{token}", tracked.click),
            Route("/o/{token}.gif", tracked.open),
            Route("/u/{token}", Unsubscribe(services).handle, methods=["GET", "POST"]),
            Route("/r/{code}", referrals.share),
            Route("/f/{code}", referrals.flow),
            Route("/hooks/{provider}/{connector}", Hooks(services).handle, methods=["GET", "POST"]),
            Route("/files/{token}", downloads.handle),
            Route("/livez", health.live),
            Route("/readyz", health.ready),
            Route("/metrics", health.metrics),
            # Mounts redirect to their slash only where nothing else matches, and "/" always does.
            Route("/graphiql", lambda _: RedirectResponse("/graphiql/")),
            Mount("/graphiql", StaticFiles(directory=_EDITOR, html=True)),
            Mount("/", StaticFiles(directory=_SCREEN, html=True)),
        ],
        middleware=middleware,
        lifespan=lifespan,
    )


class _Guarded:
    """Adds what tells browsers to load and run nothing but our own files."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        await self._app(scope, receive, guarded if scope["type"] == "http" else send)


class _Counted:
    """Counts answers by the first part of their path, where that is one of ours."""

    _ROUTES = frozenset(
        [
            "graphql",
            "graphiql",
            "imports",
            "c",
            "o",
            "u",
            "r",
            "f",
            "hooks",
            "files",
            "livez",
            "readyz",
            "metrics",
        ]
    )

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._requests = metrics.requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        first = scope["path"].split("/", 2)[1]

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = first if first in self._ROUTES else "screen"
                self._requests.labels(route, message["status"]).inc()
            await send(message)

        await self._app(scope, receive, counted)
