"""GraphQL over server-sent events: graphql-sse in its distinct connections mode.

https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from server import errors
from server.auth import Holder
from server.errors import Formatted
from server.guests import TooManyConnections
from server.negotiation import EVENT_STREAM, GRAPHQL_JSON
from server.operations import Operation, Refused
from server.services import Services
from server.streaming import SourceFailed

KEEP_ALIVE_S = 15.0
_LAST_WORDS_S = 2.0
_RETRY_MS = (1_000, 3_000)
_HEADERS = {
    "Content-Type": f"{EVENT_STREAM}; charset=utf-8",
    "Cache-Control": "no-store",
    # nginx would keep events back until its buffer is full.
    "X-Accel-Buffering": "no",
}
_COMMENT = b":\n\n"
# Without a data line, browsers do not tell their scripts.
_COMPLETE = b"event: complete\ndata:\n\n"


def answer(result: Mapping[str, Any]) -> Response:
    """A single result, as a stream that is complete."""
    return Response(_next(orjson.dumps(result)) + _COMPLETE, headers=_HEADERS)


class EventStream(Response):
    """A subscription: its results, each with the cursor behind which to resume."""

    def __init__(
        self,
        services: Services,
        holder: Holder,
        operation: Operation,
        variables: Mapping[str, Any],
        *,
        resume_after: str | None,
        keep_alive: float = KEEP_ALIVE_S,
    ) -> None:
        super().__init__()
        self._services = services
        self._holder = holder
        self._operation = operation
        self._variables = variables
        self._resume_after = resume_after
        self._keep_alive = keep_alive

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        last_words: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        def end(words: bytes) -> None:
            if not last_words.done():
                last_words.set_result(words)

        try:
            guest = self._services.guests.admit(self._holder, lambda why: end(_forbidden(why)))
        except TooManyConnections as many:
            await _too_many(many)(scope, receive, send)
            return
        with (
            self._services.metrics.event_streams.track_inprogress(),
            self._services.closing.ending(lambda: end(_retry())),
        ):
            try:
                await self._serve(receive, _Body(send), last_words)
            finally:
                guest.leave()

    async def _serve(
        self, receive: Receive, body: "_Body", last_words: asyncio.Future[bytes]
    ) -> None:
        """Until it is complete, the client has left, or somebody else has the last word."""
        await body.begin()
        telling = asyncio.create_task(self._tell(body))
        leaving = asyncio.create_task(_until_left(receive))
        beating = asyncio.create_task(self._beat(body))
        try:
            over: list[asyncio.Future[Any]] = [telling, leaving, last_words]
            await asyncio.wait(over, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (telling, leaving, beating):
                task.cancel()
            await asyncio.gather(telling, leaving, beating, return_exceptions=True)
        await body.end(last_words.result() if last_words.done() else b"")

    async def _tell(self, body: "_Body") -> None:
        """Each result is made when the last one was taken: nothing queues up."""
        failed: Sequence[Formatted] = ()
        results = self._services.streaming.results(
            self._holder.viewer,
            self._operation,
            self._variables,
            resume_after=self._resume_after,
        )
        try:
            async with aclosing(results):
                async for told in results:
                    await body.say(_next(told.payload, told.cursor))
                    self._services.metrics.batches.inc()
        except Refused as refused:
            failed = errors.refusal(refused)
        except SourceFailed as source:
            failed = source.errors
        except Exception as error:  # noqa: BLE001  The last place that can answer as GraphQL does.
            failed = [errors.fault(error)]
        if failed:
            self._services.metrics.operations.labels("any", "refused").inc()
            await body.say(_next(orjson.dumps({"errors": failed})))
        await body.say(_COMPLETE)

    async def _beat(self, body: "_Body") -> None:
        """Say something now and then: what is quiet for long is cut off on the way."""
        while True:
            await asyncio.sleep(self._keep_alive)
            await body.say(_COMMENT)


class _Body:
    """What goes out; whoever says something waits while the client does not read."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def begin(self) -> None:
        headers = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self.say(_retry())

    async def say(self, words: bytes) -> None:
        await self._send({"type": "http.response.body", "body": words, "more_body": True})

    async def end(self, last_words: bytes) -> None:
        try:
            async with asyncio.timeout(_LAST_WORDS_S):
                await self._send({"type": "http.response.body", "body": last_words})
        except TimeoutError:
            # It reads no more; the connection is closed behind our back.
            return


async def _until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _next(payload: bytes, cursor: str | None = None) -> bytes:
    """JSON has no line breaks of its own, so that one line of data holds it."""
    if cursor is None:
        return b"event: next\ndata: %b\n\n" % payload
    return b"id: %b\nevent: next\ndata: %b\n\n" % (cursor.encode(), payload)


def _retry() -> bytes:
    """When to come back after the stream broke off: not all in the same moment."""
    return b"retry: %d\n\n" % random.randint(*_RETRY_MS)  # noqa: S311  Jitter, not a secret.


def _forbidden(why: str) -> bytes:
    failed = errors.coded("UNAUTHENTICATED", f"This stream has ended: {why}.")
    return _next(orjson.dumps({"errors": [failed]})) + _COMPLETE


def _too_many(many: TooManyConnections) -> Response:
    body = {"errors": [errors.coded("TOO_MANY_CONNECTIONS", str(many))]}
    return Response(
        orjson.dumps(body),
        status_code=429,
        media_type=GRAPHQL_JSON,
        headers={"Cache-Control": "no-store", "Retry-After": "5"},
    )
