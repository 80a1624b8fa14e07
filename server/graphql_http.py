"""GraphQL over HTTP: one operation a request, as the GraphQL-over-HTTP specification has it.

https://graphql.github.io/graphql-over-http/draft/
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson
from graphql import ExecutionResult, OperationType
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from resolvers.context import Viewer
from server import errors, multipart, origins
from server.auth import bearer
from server.bodies import drain
from server.errors import Formatted
from server.negotiation import GRAPHQL_JSON, answer_type
from server.operations import Refused
from server.requests import GraphQLRequest, Malformed, decode
from server.services import Services

BODY_AT_MOST = 2_000_000
_MULTIPART = "multipart/form-data"


class GraphQLHttp:
    """POST with a JSON body; GET for queries, which changes nothing and so is safe from CSRF."""

    def __init__(self, services: Services) -> None:
        self._services = services

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
        token = bearer(request.headers.get("authorization"))
        viewer = await self._services.access.viewer(token)
        if viewer is None:
            raise _Failed(
                401,
                errors.coded("UNAUTHENTICATED", "Send a valid token: Authorization: Bearer ts_…"),
                {"WWW-Authenticate": "Bearer"},
            )
        if _media_type(request) == _MULTIPART:
            return await self._answer_upload(request, viewer)
        return await self._answer_for(request, viewer, request.stream())

    async def _answer_upload(self, request: Request, viewer: Viewer) -> Response:
        # Forms of any page may be multipart: beside the token, which none of them has, look whose
        # page it is.
        if not origins.is_welcome(request, self._services.settings):
            message = "Pages of this origin may not write here: see TRACKSIDE_ALLOWED_ORIGINS."
            raise _Failed(403, errors.coded("FORBIDDEN", message))
        chunks = request.stream()
        try:
            return await self._answer_for(request, viewer, chunks)
        finally:
            await drain(chunks)

    async def _answer_for(
        self, request: Request, viewer: Viewer, chunks: AsyncIterator[bytes]
    ) -> Response:
        try:
            asked = await _read(request, chunks)
        except Malformed as malformed:
            raise _Failed(400, errors.coded("BAD_REQUEST", str(malformed))) from None
        try:
            result = await self._run(request.method, viewer, asked)
        except Refused as refused:
            self._services.metrics.operations.labels("any", "refused").inc()
            # A client that knows only application/json takes any other status for a broken network.
            status = 400 if answer_type(request.headers) == GRAPHQL_JSON else 200
            return _respond(request, status, {"errors": errors.refusal(refused)})
        body: dict[str, Any] = {"data": result.data}
        if not result.errors:
            return _respond(request, 200, body)
        body["errors"] = errors.of_execution(result.errors)
        overload = errors.overload(result.errors)
        if overload is None or result.data is not None:
            return _respond(request, 200, body)
        return _respond(request, 503, body, {"Retry-After": str(overload.retry_after_s)})

    async def _run(self, method: str, viewer: Viewer, asked: GraphQLRequest) -> ExecutionResult:
        operation = self._services.operations.find(asked.query, asked.operation_name)
        if operation.kind is OperationType.SUBSCRIPTION:
            message = "Subscriptions come over the WebSocket: graphql-transport-ws on this address."
            raise _Failed(400, errors.coded("BAD_REQUEST", message))
        if method == "GET" and operation.kind is not OperationType.QUERY:
            message = "Send mutations with POST: GET changes nothing."
            raise _Failed(405, errors.coded("BAD_REQUEST", message), {"Allow": "POST"})
        result = await operation.run(self._services.context(viewer), asked.variables)
        outcome = "errors" if result.errors else "ok"
        self._services.metrics.operations.labels(operation.kind.value, outcome).inc()
        return result


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
