"""Streaming: what a subscription tells its subscribers, as the bytes that go out."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLError

from resolvers.context import Context, Viewer
from server import errors
from server.errors import Formatted
from server.metrics import Metrics
from server.operations import Operation
from subscriptions.streams import Batch


@dataclass(frozen=True, slots=True)
class Told:
    """One result. payload: the JSON object with "data" and, where something failed, "errors".

    cursor: the LogCursor behind it, where the subscription follows the log.
    """

    payload: bytes
    cursor: str | None = None


class SourceFailed(Exception):
    """The subscription could not be begun, or not be gone on with."""

    def __init__(self, failed: Sequence[Formatted]) -> None:
        super().__init__(failed[0]["message"])
        self.errors = failed


class Streaming:
    """Runs subscriptions, whatever the transport."""

    def __init__(self, contexts: Callable[[Viewer], Context], metrics: Metrics) -> None:
        self._contexts = contexts
        self._metrics = metrics

    async def results(
        self,
        viewer: Viewer,
        operation: Operation,
        variables: Mapping[str, Any],
        *,
        resume_after: str | None = None,
    ) -> AsyncGenerator[Told, None]:
        """Each result, made when it is asked for; raises Refused and SourceFailed.

        resume_after: a LogCursor which the transport brings; it wins over the argument `after`.
        """
        context = self._contexts(viewer)
        context.resume_after = resume_after
        source = await operation.subscribe(context, variables)
        if isinstance(source, ExecutionResult):
            raise SourceFailed(errors.of_execution(source.errors or []))
        with self._metrics.subscriptions.track_inprogress():
            async with aclosing(source):
                try:
                    async for event in source:
                        yield await self._run(viewer, operation, variables, event)
                        self._metrics.batches.inc()
                except Exception as error:  # noqa: BLE001  Whatever a source raises is told to its client.
                    raise SourceFailed(errors.of_execution([_as_graphql(error)])) from None

    async def _run(
        self, viewer: Viewer, operation: Operation, variables: Mapping[str, Any], event: object
    ) -> Told:
        context = self._contexts(viewer)
        result = await operation.run_event(context, variables, event)
        payload: dict[str, Any] = {"data": result.data}
        if result.errors:
            payload["errors"] = errors.of_execution(result.errors)
        outcome = "errors" if result.errors else "ok"
        self._metrics.operations.labels(operation.kind.value, outcome).inc()
        cursor = event.cursor.encode(context.signer) if isinstance(event, Batch) else None
        return Told(orjson.dumps(payload), cursor)


def _as_graphql(error: Exception) -> GraphQLError:
    """What a source of events raised, as if a field had."""
    return GraphQLError(str(error), original_error=error)
