"""`/hooks/{provider}/{connector}`: takes what a provider reports, and answers when it is kept."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from resolvers import connectors, reports
from resolvers.connectors import Place
from resolvers.recorder import Overloaded
from server.bodies import drain
from server.hooks import reading
from server.hooks.provider import Body, Incoming, Provider, Refused
from server.services import Services
from store import Connection, dead_letters
from store import connectors as kept
from store.connectors import Connector
from store.types import MINUTE
from store.words import EventOutcome
from store.words import Provider as Name
from subscriptions.signing import Unreadable

logger = structlog.get_logger(__name__)

BYTES_AT_MOST = 4_000_000
"""The largest that is documented is WhatsApp's: 3 MB."""

_TOO_LARGE = f"The body has more than {BYTES_AT_MOST:,} bytes."
_BYTES_AT_ONCE = 16 * BYTES_AT_MOST
_PATIENCE_S = 20.0
_QUERY_AT_MOST = 2_000


@dataclass(frozen=True, slots=True)
class _Hook:
    """A connector with its place and its provider."""

    place: Place
    connector: Connector
    provider: Provider
    path_end: str


class Hooks:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._budget = _Budget()

    async def handle(self, request: Request) -> Response:
        """200 when all of the body is committed; other statuses as the provider takes them."""
        log = logger.bind(
            provider=request.path_params["provider"][:20],
            connector=request.path_params["connector"][:60],
        )
        chunks = request.stream()
        try:
            hook = await self._find(request)
            if request.method in ("GET", "HEAD"):
                text = hook.provider.challenge(
                    request.query_params, self._secret(hook), hook.path_end
                )
                return PlainTextResponse(text)
            await self._take(request, chunks, hook, log)
        except ClientDisconnect:
            return Response(status_code=499)
        except Refused as refused:
            log.warning("hook_refused", status=refused.status, reason=refused.reason)
            await drain(chunks)
            return _answer(refused)
        except Overloaded as overload:
            log.warning("hook_refused", status=503, reason="overload")
            return _answer(Refused(503, str(overload), retry_after_s=overload.retry_after_s))
        except Exception as error:  # noqa: BLE001  Whatever it is: the provider keeps it and tries again.
            log.error("hook_failed", error=repr(error))
            await drain(chunks)
            return _answer(Refused(503, "This cannot be taken now: send it again."))
        return Response()

    async def _find(self, request: Request) -> _Hook:
        path_end = request.path_params["connector"]
        place = connectors.read(path_end)
        provider = request.path_params["provider"]
        if place is None or provider not in set(Name):
            raise Refused(404, "There is no such connector.")
        async with self._services.database.read() as connection:
            found = await kept.find_many(connection, place.workspace_id, [place.connector_id])
        connector = found.get(place.connector_id)
        if connector is None or connector.provider != provider:
            raise Refused(404, "There is no such connector.")
        hook = _Hook(place, connector, self._services.providers[connector.provider], path_end)
        if connector.is_removed:
            raise Refused(hook.provider.gone, "The connector was removed.")
        return hook

    def _secret(self, hook: _Hook) -> str:
        try:
            return connectors.secret(self._services.signer, hook.place, hook.connector)
        except Unreadable:
            raise Refused(
                503, "The connector's secret was kept under a key that is gone: make it anew."
            ) from None

    async def _take(
        self,
        request: Request,
        chunks: AsyncIterator[bytes],
        hook: _Hook,
        log: structlog.typing.FilteringBoundLogger,
    ) -> None:
        encoding = request.headers.get("content-encoding", "identity").lower()
        if encoding != "identity":
            raise Refused(415, f"Send the body as it is, not as {encoding[:40]}.")
        if int(request.headers.get("content-length", 0)) > BYTES_AT_MOST:
            raise Refused(413, _TOO_LARGE)
        held = _Held(self._budget)
        try:
            incoming = Incoming(
                await held.read(chunks),
                request.headers,
                self._services.settings.public_url + request.url.path + _query(request),
                request.url.query,
            )
            await self._record(hook, incoming, log)
        finally:
            held.free()

    async def _record(
        self, hook: _Hook, incoming: Incoming, log: structlog.typing.FilteringBoundLogger
    ) -> None:
        services, now, provider = self._services, self._services.now(), hook.provider
        workspace_id, connector = hook.place.workspace_id, hook.connector
        await provider.verify(incoming, self._secret(hook), now)
        if await provider.is_handshake(incoming):
            log.info("hook_handshake")
            return
        token = provider.token(incoming)
        if token is not None and not await services.database.transact(
            lambda connection: kept.claim_token(
                connection, workspace_id, connector.id, token, incoming.body, now
            )
        ):
            raise Refused(406, "The token came before with another body.")
        body = Body(
            incoming.body, incoming.query[:_QUERY_AT_MOST], provider.delivery_id(incoming), now
        )
        found = reading.read(provider, body, now)
        letters, is_new = found.letters, False
        if found.reports:
            recorded = await services.recorder.record(
                workspace_id, reports.arrivals(connector, found.reports)
            )
            letters = [*letters, *reading.rejected(provider, body, found, recorded.outcomes)]
            misdirected = reading.misdirected(recorded.outcomes)
            if misdirected:
                log.warning("hook_misdirected", events=len(misdirected), reason=misdirected[0])
            is_new = any(one.kind is not EventOutcome.DUPLICATE for one in recorded.outcomes)
        is_due = now - (connector.last_received_at or 0) >= MINUTE
        if letters or is_due:

            async def write(connection: Connection) -> int:
                # Once a minute is often enough to see that a connector lives.
                if is_due:
                    await kept.touch(connection, workspace_id, connector.id, now)
                return await dead_letters.keep(connection, workspace_id, connector.id, letters, now)

            new_letters = await services.database.transact(write)
            is_new = is_new or new_letters > 0
        if letters:
            log.warning("hook_dead_letters", letters=len(letters), reason=letters[0].reason)
        if token is not None and found.reports and not is_new:
            raise Refused(406, "The token was used: what it came with is recorded.")


@dataclass(slots=True)
class _Budget:
    """The bytes of all bodies that are being read or recorded: who sends them is not known yet."""

    held: int = 0


class _Held:
    """The bytes of one body, counted among those of all."""

    def __init__(self, budget: _Budget) -> None:
        self._budget = budget
        self._own = 0

    async def read(self, chunks: AsyncIterator[bytes]) -> bytes:
        parts = []
        try:
            async with asyncio.timeout(_PATIENCE_S):
                async for chunk in chunks:
                    self._own += len(chunk)
                    self._budget.held += len(chunk)
                    if self._own > BYTES_AT_MOST:
                        raise Refused(413, _TOO_LARGE)
                    if self._budget.held > _BYTES_AT_ONCE:
                        raise Refused(503, "Too much comes at once: send it again.")
                    parts.append(chunk)
        except TimeoutError:
            raise Refused(408, f"The body took more than {_PATIENCE_S:.0f} seconds.") from None
        return b"".join(parts)

    def free(self) -> None:
        self._budget.held -= self._own
        self._own = 0


def _query(request: Request) -> str:
    return f"?{request.url.query}" if request.url.query else ""


def _answer(refused: Refused) -> Response:
    headers = {"Cache-Control": "no-store"}
    if refused.status == 503:
        headers["Retry-After"] = str(refused.retry_after_s)
    elif refused.status == 405:
        headers["Allow"] = "POST"
    elif refused.status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="hooks"'
    return PlainTextResponse(refused.reason + "\n", refused.status, headers)
