"""Shared streams: who asks the same is told the same bytes, and nobody anything twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from server.services import Services
from server.streaming import SourceFailed, Told
from store import log
from store.words import DeliveryKind, Scope
from subscriptions.tails import Tails
from tests.server.serving import Serving, a_server, a_token, settings_for
from tests.subscriptions.facts import a_fact
from tests.support.waiting import SOON, settle

EVENTS = """subscription Follow($filter: DeliveryEventFilter, $after: LogCursor) {
    communicationEvents(filter: $filter, after: $after) {
        cursor caughtUp gap { reason } events { id } } }"""
COUNTED = "subscription { contactStatistics { total } }"


@dataclass
class Subscriber:
    """Takes results by its sink while it `is_quick`, and else when it is let."""

    services: Services
    token: str
    variables: dict[str, Any] = field(default_factory=dict)
    document: str = EVENTS
    is_quick: bool = True
    cursor: str | None = None
    seqs: list[int] = field(default_factory=list)
    payloads: list[bytes] = field(default_factory=list)
    may_take: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _listening: "asyncio.Task[None] | None" = None

    def connect(self) -> None:
        self._listening = asyncio.create_task(self._listen())

    async def cut(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])

    async def until(self, last: int) -> None:
        """Has heard of the event at that place."""
        await self._until(lambda: bool(self.seqs) and self.seqs[-1] >= last)

    async def until_told(self, times: int) -> None:
        await self._until(lambda: len(self.payloads) >= times)

    async def _until(self, holds: Any) -> None:
        async with asyncio.timeout(SOON):
            while not holds():
                self._changed.clear()
                await self._changed.wait()

    async def _listen(self) -> None:
        viewer = await self.services.access.viewer(self.token)
        assert viewer is not None
        results = self.services.streaming.results(
            viewer,
            self.services.operations.find(self.document),
            {**self.variables, "after": self.cursor} if "$after" in self.document else {},
            sink=self._sink,
        )
        async with aclosing(results):
            async for told in results:
                await self.may_take.wait()
                self._take(told)

    def _sink(self, told: Told) -> bool:
        if self.is_quick and self.may_take.is_set():
            self._take(told)
            return True
        return False

    def _take(self, told: Told) -> None:
        self.payloads.append(told.payload)
        data = orjson.loads(told.payload)["data"]
        if "communicationEvents" in data:
            batch = data["communicationEvents"]
            assert batch["gap"] is None
            self.cursor = batch["cursor"]
            self.seqs += [int(event["id"].split("_")[1]) for event in batch["events"]]
        self._changed.set()


async def write(
    serving: Serving, number: int = 1, kind: DeliveryKind = DeliveryKind.SENT, journey: Any = None
) -> int:
    """Events, committed and rung; where the log is then."""
    async with serving.services.database.write() as connection:
        facts = [{**a_fact(kind), "journey_id": journey} for _ in range(number)]
        head = await log.append(connection, serving.workspace_id, facts, serving.services.now())
    serving.services.hub.ring(serving.workspace_id, [journey] if journey else [], head.seq)
    return head.seq


async def executions(serving: Serving) -> int:
    """How often a result was made for subscribers so far."""
    async with serving.client() as client:
        text = (await client.get("/metrics")).text
    lines = [line for line in text.splitlines() if 'kind="subscription"' in line]
    return sum(int(float(line.split()[-1])) for line in lines if "_total" in line)


@asynccontextmanager
async def subscribers(
    serving: Serving, number: int, **options: Any
) -> AsyncIterator[list[Subscriber]]:
    """Each has had its first batch."""
    options.setdefault("token", serving.token)
    them = [Subscriber(serving.services, **options) for _ in range(number)]
    try:
        for one in them:
            one.may_take.set()
            one.connect()
            await one.until_told(1)
        # The last has joined when it waits.
        await settle()
        yield them
    finally:
        for one in them:
            await one.cut()


@pytest.fixture
async def full(database_url: str) -> AsyncIterator[Serving]:
    """A server over the whole schema."""
    async with a_server(settings_for(database_url)) as serving:
        yield serving


async def test_an_event_is_executed_once_for_all_who_asked_the_same(full: Serving) -> None:
    async with subscribers(full, 20) as them:
        before = await executions(full)
        for _ in range(5):
            last = await write(full)
            for one in them:
                await one.until(last)

    assert [one.seqs for one in them] == [[1, 2, 3, 4, 5]] * 20
    assert len({tuple(one.payloads[-5:]) for one in them}) == 1
    assert await executions(full) - before <= 5


async def test_those_with_other_variables_or_scopes_are_told_apart(full: Serving) -> None:
    reader, _ = await a_token(full.services, full.workspace_id, (Scope.READ,))
    clicks = {"filter": {"kind": ["CLICKED"]}}
    async with (
        subscribers(full, 2) as all_of_it,
        subscribers(full, 2, variables=clicks) as clicked,
        subscribers(full, 1, token=reader) as others,
    ):
        before = await executions(full)
        await write(full)
        last = await write(full, kind=DeliveryKind.CLICKED)
        for one in (*all_of_it, *clicked, *others):
            await one.until(last)
        made = await executions(full) - before

    assert [one.seqs for one in (*all_of_it, *others)] == [[1, 2]] * 3
    assert [one.seqs for one in clicked] == [[2]] * 2
    assert 3 <= made <= 5


async def test_one_who_resumes_far_behind_meets_the_others(full: Serving) -> None:
    async with subscribers(full, 1) as (early,):
        beginning = early.cursor
        last = await write(full, 1_200)
        await early.until(last)
        async with subscribers(full, 1, cursor=beginning) as (late,):
            await late.until(last)
            before = await executions(full)
            last = await write(full)
            await asyncio.gather(early.until(last), late.until(last))

    assert late.seqs == early.seqs == list(range(1, 1_202))
    assert await executions(full) - before == 1


async def test_those_who_come_back_from_one_place_read_what_they_missed_once(full: Serving) -> None:
    async with subscribers(full, 20) as them:
        await asyncio.gather(*(one.cut() for one in them))
        last = await write(full, 1_200)
        before = await executions(full)
        for one in them:
            one.connect()
        await asyncio.gather(*(one.until(last) for one in them))
        made = await executions(full) - before

    assert [one.seqs for one in them] == [list(range(1, 1_201))] * 20
    assert made <= 5


async def test_one_who_came_back_alone_goes_on_with_what_comes(full: Serving) -> None:
    async with subscribers(full, 1) as (one,):
        await one.cut()
        last = await write(full, 1_200)
        one.connect()
        await one.until(last)
        await one.until(await write(full))
        await one.until(await write(full, 2))

    assert one.seqs == list(range(1, 1_204))


async def test_a_subscriber_that_takes_nothing_for_long_misses_nothing(full: Serving) -> None:
    async with subscribers(full, 2) as (quick, slow):
        slow.may_take.clear()
        for _ in range(200):
            await quick.until(await write(full))
        heard_meanwhile = list(slow.seqs)

        slow.may_take.set()
        await slow.until(200)

    assert heard_meanwhile == []
    assert slow.seqs == quick.seqs == list(range(1, 201))


async def test_statistics_are_read_once_for_all_and_the_newest_is_last(full: Serving) -> None:
    async with subscribers(full, 10, document=COUNTED) as them:
        before = await executions(full)
        created = await full.ask(
            "mutation { createContact(input: {email: "
            '"ada@example.org", status: LEAD}) { contact { id } } }'
        )
        for one in them:
            await one.until_told(2)
        made = await executions(full) - before

    assert created["data"]["createContact"]["contact"] is not None
    totals = [orjson.loads(one.payloads[-1])["data"]["contactStatistics"]["total"] for one in them]
    assert totals == [1] * 10
    assert made == 1


async def test_a_token_without_the_scope_is_refused_though_a_group_exists(full: Serving) -> None:
    writer, _ = await a_token(full.services, full.workspace_id, (Scope.INTEGRATE,))
    async with subscribers(full, 1):
        unwelcome = Subscriber(full.services, writer)
        with pytest.raises(SourceFailed) as refused:
            await unwelcome._listen()

    assert refused.value.errors[0]["extensions"]["code"] == "FORBIDDEN"


ACTIONS = st.one_of(
    st.tuples(st.just("write"), st.integers(1, 12)),
    st.tuples(st.just("cut"), st.integers(0, 3)),
    st.tuples(st.just("connect"), st.integers(0, 3)),
    st.tuples(st.just("pause"), st.integers(0, 3)),
    st.tuples(st.just("go on"), st.integers(0, 3)),
    st.tuples(st.just("be slow"), st.integers(0, 3)),
    st.tuples(st.just("wait"), st.integers(0, 20)),
)


@given(st.lists(ACTIONS, max_size=40))
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.target],
)
async def test_everybody_has_every_event_once_in_order(
    full: Serving, actions: list[tuple[str, int]]
) -> None:
    """Whoever comes, goes, lags and comes back, with a tail that reaches back a few rows only."""
    full.services.hub.tails = Tails(full.services.hub, facts_at_most=10)
    first = await write(full) + 1
    last = first - 1
    async with subscribers(full, 4) as them:
        for action, number in actions:
            match action:
                case "write":
                    last = await write(full, number)
                case "cut":
                    await them[number].cut()
                case "connect":
                    await them[number].cut()
                    them[number].connect()
                case "pause":
                    them[number].may_take.clear()
                case "go on":
                    them[number].may_take.set()
                case "be slow":
                    them[number].is_quick = not them[number].is_quick
                case _:
                    await asyncio.sleep(number / 1_000)
        last = await write(full)
        for one in them:
            one.may_take.set()
            await one.cut()
            one.connect()
            await one.until(last)
    full.services.hub.tails.stop()

    assert [one.seqs for one in them] == [list(range(first, last + 1))] * 4
