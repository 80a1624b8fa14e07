"""Streaming: what a subscription tells its subscribers, as the bytes that go out."""

from collections.abc import (
    AsyncGenerator,
    Callable,
    Hashable,
    Mapping,
    Sequence,
)
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLError

from resolvers.contact_statistics import ContactStatistics
from resolvers.context import Context, Viewer
from resolvers.statistics import Statistics
from server import errors
from server.errors import Formatted
from server.groups import Group, Part, Parts, Seat, Sink, Told
from server.metrics import Metrics
from server.operations import Operation
from server.replays import Replays
from subscriptions.streams import Batch

__all__ = ["Sink", "SourceFailed", "Streaming", "Told"]


class SourceFailed(Exception):
    """The subscription could not be begun, or not be gone on with."""

    def __init__(self, failed: Sequence[Formatted]) -> None:
        super().__init__(failed[0]["message"])
        self.errors = failed


class Streaming:
    """Runs subscriptions, whatever the transport: alone at first, then in the group of their like.

    One in a process: it keeps the groups.
    """

    def __init__(self, contexts: Callable[[Viewer], Context], metrics: Metrics) -> None:
        self._contexts = contexts
        self._metrics = metrics
        self._groups: dict[Hashable, Group] = {}
        self._versions = 0
        self._replays = Replays()

    async def results(
        self,
        viewer: Viewer,
        operation: Operation,
        variables: Mapping[str, Any],
        *,
        resume_after: str | None = None,
        sink: Sink | None = None,
    ) -> AsyncGenerator[Told, None]:
        """Each result, when it is asked for; raises Refused and SourceFailed.

        resume_after: a LogCursor which the transport brings; it wins over the argument `after`.
        sink: takes results at once while it can; the others are yielded.
        """
        asked = _Asked(viewer, operation, variables, resume_after)
        with self._metrics.subscriptions.track_inprogress(), Seat() as seat:
            while True:
                # Before anything is read: what is told of later is news.
                version = self._versions
                async with aclosing(self._catching_up(asked)) as alone:
                    async for event, told in alone:
                        yield told
                        group = self._group_for(asked, event, told)
                        if group is None:
                            continue
                        seat.take(group)
                        cursor = event.cursor if isinstance(event, Batch) else None
                        if await group.meets(cursor):
                            place = version if cursor is None else cursor.seq
                            break
                    else:
                        return
                while True:
                    if sink is not None and (taken := await group.push(place, sink)):
                        told, place = taken.told, taken.until
                    part = await group.next(place)
                    if part is None:
                        break
                    yield part.told
                    told, place = part.told, part.until
                asked = replace(asked, resume_after=told.cursor)

    async def _catching_up(self, asked: "_Asked") -> AsyncGenerator[tuple[Any, Told], None]:
        """By batches that all share who come from the same place; caught up, by its own stream."""
        is_caught_up = False
        while not is_caught_up and asked.cursor is not None:
            step = partial(self._step, asked)
            event, told = await self._replays.get((asked.key, asked.cursor), step)
            yield event, told
            asked = replace(asked, resume_after=told.cursor)
            is_caught_up = not isinstance(event, Batch) or event.is_caught_up
        async with aclosing(self._alone(asked)) as alone:
            async for event, told in alone:
                # A stream begins by saying that it caught up: that has been told.
                if not is_caught_up or told.cursor != asked.resume_after:
                    yield event, told
                is_caught_up = False

    async def _step(self, asked: "_Asked") -> tuple[Any, Told]:
        """The first event behind the place where it was asked to begin, and what it tells."""
        async with aclosing(self._alone(asked)) as alone:
            async for event, told in alone:
                return event, told
        raise SourceFailed(errors.of_execution([GraphQLError("The stream has ended.")]))

    async def _alone(self, asked: "_Asked") -> AsyncGenerator[tuple[Any, Told], None]:
        """The events of a stream of its own, and what they tell; raises Refused, SourceFailed."""
        async with aclosing(self._events(asked)) as events:
            async for event in events:
                yield event, await self._tell(asked, event)

    async def _events(self, asked: "_Asked") -> AsyncGenerator[Any, None]:
        context = self._contexts(asked.viewer)
        context.resume_after, context.begins_now = asked.resume_after, asked.begins_now
        source = await asked.operation.subscribe(context, asked.variables)
        if isinstance(source, ExecutionResult):
            raise SourceFailed(errors.of_execution(source.errors or []))
        async with aclosing(source):
            while True:
                try:
                    event = await anext(source)
                except StopAsyncIteration:
                    return
                except Exception as error:  # noqa: BLE001  Whatever a source raises is told to its client.
                    raise SourceFailed(errors.of_execution([_as_graphql(error)])) from None
                yield event

    async def _tell(self, asked: "_Asked", event: object) -> Told:
        context = self._contexts(asked.viewer)
        result = await asked.operation.run_event(context, asked.variables, event)
        payload: dict[str, Any] = {"data": result.data}
        if result.errors:
            payload["errors"] = errors.of_execution(result.errors)
        outcome = "errors" if result.errors else "ok"
        self._metrics.operations.labels(asked.operation.kind.value, outcome).inc()
        cursor = event.cursor.encode(context.signer) if isinstance(event, Batch) else None
        return Told(orjson.dumps(payload), cursor)

    def _group_for(self, asked: "_Asked", event: object, told: Told) -> Group | None:
        """The group of those who ask the same; None where each is told something of his own."""
        is_of_log = isinstance(event, Batch)
        if not is_of_log and not isinstance(event, _LATEST):
            return None
        group = self._groups.get(asked.key)
        if group is None:
            group = self._groups[asked.key] = Group(
                None if is_of_log else told, count=self._metrics.batches.inc
            )
            group.begin(self._parts(asked), lambda: self._groups.pop(asked.key, None))
        return group

    async def _parts(self, asked: "_Asked") -> Parts:
        """What the members of a group are told, from now on."""
        asked = replace(asked, resume_after=None, begins_now=True)
        has_begun = False
        async with aclosing(self._events(asked)) as events:
            async for event in events:
                if not isinstance(event, Batch):
                    self._versions += 1
                    yield Part(await self._tell(asked, event), self._versions, self._versions)
                elif event.gap is not None:
                    # Each member has to see what of its own place is lost.
                    return
                elif event.is_silent or not has_begun:
                    has_begun = True
                    yield event.cursor
                else:
                    until = event.cursor.seq
                    first = event.rows[0].seq if event.rows else until + 1
                    yield Part(await self._tell(asked, event), first, until, event.cursor)


_LATEST = (Statistics, ContactStatistics)


@dataclass(frozen=True, eq=False)
class _Asked:
    """What one subscriber asked, as the holder of a token."""

    viewer: Viewer
    operation: Operation
    variables: Mapping[str, Any]
    resume_after: str | None = None
    begins_now: bool = False

    @property
    def cursor(self) -> str | None:
        """The LogCursor behind which it begins, where that is known."""
        given = self.variables.get(self.operation.resume_variable or "")
        return self.resume_after or (given if isinstance(given, str) else None)

    @cached_property
    def key(self) -> Hashable:
        """Equal for those who are told the same, wherever they begin."""
        resumes_by = self.operation.resume_variable
        others = {name: value for name, value in self.variables.items() if name != resumes_by}
        said = orjson.dumps(others, option=orjson.OPT_SORT_KEYS)
        return self.operation, self.viewer.workspace_id, self.viewer.scopes, said


def _as_graphql(error: Exception) -> GraphQLError:
    """What a source of events raised, as if a field had."""
    return GraphQLError(str(error), original_error=error)
