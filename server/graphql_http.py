"""GraphQL over HTTP: one operation a request, as the GraphQL-over-HTTP specification has it.

Who accepts a stream of events is answered by graphql-sse.

https://graphql.github.io/graphql-over-http/draft/
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson
from graphql import ExecutionResult, OperationType
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from resolvers.context import Viewer
from server import errors, graphql_sse, multipart, origins
from server.auth import Holder, bearer
from server.bodies import drain
from server.errors import Formatted
from server.graphql_sse import KEEP_ALIVE_S, EventStream
from server.negotiation import (
    EVENT_STREAM,
    GRAPHQL_JSON,
    accepts_events,
    answer_type,
    prefers_events,
)
from server.operations import Operation, Refused
from server.requests import GraphQLRequest, Malformed, decode
from server.services import Services
from store.words import Scope

BODY_AT_MOST = 2_000_000
_MULTIPART = "multipart/form-data"


class GraphQLHttp:
    """POST with a JSON body; GET for queries, which changes nothing and so is safe from CSRF."""

    def __init__(self, services: Services, *, keep_alive: float = KEEP_ALIVE_S) -> None:
        self._services = services
        self._keep_alive = keep_alive

    async def handle(self, request: Request) -> Response:
        try:
            return await self._answer(request)
        except ClientDisconnect:
            return Response(status_code=499)
        except _Failed as failed:
            return failed.answer(request)
        except Exception as error:  # noqa: BLE001  The last place that can answer as GraphQL does.
            return _Failed(500, errors.fault(error)).answer(request)

    async def _answer(self, request: Request) -> Response:
        wants_events = prefers_events(request.headers) and _media_type(request) != _MULTIPART
        holder = await self._holder(request, wants_events and request.method == "GET")
        if wants_events:
            self._look_whose_page(request, "listen")
        if _media_type(request) == _MULTIPART:
            return await self._answer_upload(request, holder)
        return await self._answer_for(request, holder, request.stream(), wants_events)

    async def _holder(self, request: Request, may_be_event_source: bool) -> Holder:
        token = bearer(request.headers.get("authorization"))
        # A browser's EventSource sends no headers of its page's.
        looks_there = may_be_event_source and token is None
        in_address = request.query_params.get("token") if looks_there else None
        holder = await self._services.access.holder(token or in_address)
        if holder is None:
            raise _Failed(
                401,
                errors.coded("UNAUTHENTICATED", "Send a valid token: Authorization: Bearer ts_…"),
                {"WWW-Authenticate": "Bearer"},
            )
        if in_address and holder.viewer.scopes != {Scope.READ}:
            message = (
                "An address ends in logs: the token in it may have no scope but read. Make such "
                "a token, or send this one in the header Authorization."
            )
            raise _Failed(403, errors.coded("FORBIDDEN", message))
        return holder

    def _look_whose_page(self, request: Request, purpose: str) -> None:
        if not origins.is_welcome(request, self._services.settings):
            message = f"Pages of this origin may not {purpose} here: see TRACKSIDE_ALLOWED_ORIGINS."
            raise _Failed(403, errors.coded("FORBIDDEN", message))

    async def _answer_upload(self, request: Request, holder: Holder) -> Response:
        # Forms of any page may be multipart: beside the token, which none of them has, look whose
        # page it is.
        self._look_whose_page(request, "write")
        chunks = request.stream()
        try:
            return await self._answer_for(request, holder, chunks, wants_events=False)
        finally:
            await drain(chunks)

    async def _answer_for(
        self,
        request: Request,
        holder: Holder,
        chunks: AsyncIterator[bytes],
        wants_events: bool,
    ) -> Response:
        try:
            asked = await _read(request, chunks)
        except Malformed as malformed:
            raise _Failed(400, errors.coded("BAD_REQUEST", str(malformed))) from None
        try:
            operation = self._services.operations.find(asked.query, asked.operation_name)
            if operation.kind is OperationType.SUBSCRIPTION:
                return self._stream(request, holder, operation, asked.variables)
            result = await self._run(request.method, holder.viewer, operation, asked.variables)
        except Refused as refused:
            self._services.metrics.operations.labels("any", "refused").inc()
            body: dict[str, Any] = {"errors": errors.refusal(refused)}
            if wants_events:
                return graphql_sse.answer(body)
            # A client that knows only application/json takes any other status for a broken network.
            status = 400 if answer_type(request.headers) == GRAPHQL_JSON else 200
            return _respond(request, status, body)
        body = {"data": result.data}
        if result.errors:
            body["errors"] = errors.of_execution(result.errors)
        if wants_events:
            return graphql_sse.answer(body)
        overload = errors.overload(result.errors or [])
        if overload is None or result.data is not None:
            return _respond(request, 200, body)
        return _respond(request, 503, body, {"Retry-After": str(overload.retry_after_s)})

    async def _run(
        self, method: str, viewer: Viewer, operation: Operation, variables: dict[str, Any]
    ) -> ExecutionResult:
        if method == "GET" and operation.kind is not OperationType.QUERY:
            message = "Send mutations with POST: GET changes nothing."
            raise _Failed(405, errors.coded("BAD_REQUEST", message), {"Allow": "POST"})
        result = await operation.run(self._services.context(viewer), variables)
        outcome = "errors" if result.errors else "ok"
        self._services.metrics.operations.labels(operation.kind.value, outcome).inc()
        return result

    def _stream(
        self, request: Request, holder: Holder, operation: Operation, variables: dict[str, Any]
    ) -> Response:
        if not accepts_events(request.headers):
            message = (
                "Subscriptions come as a stream: over the WebSocket of this address "
                f"(graphql-transport-ws), or here with Accept: {EVENT_STREAM} (graphql-sse)."
            )
            raise _Failed(400, errors.coded("BAD_REQUEST", message))
        self._look_whose_page(request, "listen")
        return EventStream(
            self._services,
            holder,
            operation,
            variables,
            resume_after=request.headers.get("last-event-id") or None,
            keep_alive=self._keep_alive,
        )


class _Failed(Exception):
    def __init__(
        self, status: int, error: Formatted, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(error["message"])
        self._status = status
        self._error = error
        self._headers = headers

    def answer(self, request: Request) -> Response:
        return _respond(request, self._status, {"errors": [self._error]}, self._headers)


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _read(request: Request, chunks: AsyncIterator[bytes]) -> GraphQLRequest:
    if request.method == "GET":
        query = request.query_params
        variables = query.get("variables")
        return GraphQLRequest.of(
            {
                "query": query.get("query"),
                "variables": decode(variables, "variables") if variables else None,
                "operationName": query.get("operationName"),
            }
        )
    media_type = _media_type(request)
    if media_type == _MULTIPART:
        content_type = request.headers["content-type"]
        return GraphQLRequest.of(await multipart.read(chunks, content_type, BODY_AT_MOST))
    if media_type != "application/json":
        message = f"Send the request as application/json, not {media_type or 'without a type'}."
        raise _Failed(415, errors.coded("BAD_REQUEST", message))
    return GraphQLRequest.of(decode(await _body(request, chunks)))


async def _body(request: Request, chunks: AsyncIterator[bytes]) -> bytes:
    """Refused as soon as it is too large, without reading the rest."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced[:18]) > BODY_AT_MOST:
        raise _too_large()
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > BODY_AT_MOST:
            raise _too_large()
    return bytes(body)


def _too_large() -> _Failed:
    message = f"The body is too large: at most {BODY_AT_MOST:,} bytes. Send smaller batches."
    return _Failed(413, errors.coded("BAD_REQUEST", message), {"Connection": "close"})


def _respond(
    request: Request, status: int, body: dict[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    return Response(
        orjson.dumps(body),
        status_code=status,
        media_type=f"{answer_type(request.headers)}; charset=utf-8",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )
