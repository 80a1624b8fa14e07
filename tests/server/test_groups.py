"""Groups: every part once and in order, to whoever keeps up; the others are sent to read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from server.groups import BYTES_AT_MOST, RESULTS_AT_MOST, Group, Part, Parts, Told
from subscriptions.cursors import LogCursor
from tests.support.waiting import SOON, settle


def at(seq: int, *, log: bytes = b"this one") -> LogCursor:
    return LogCursor(b"12345678", seq, 7, log)


def a_part(first: int, until: int | None = None, *, text: bytes = b"{}") -> Part:
    behind = first if until is None else until
    return Part(Told(text, f"cursor {behind}"), first, behind, at(behind))


def an_answer(version: int) -> Part:
    """Of what has no place in the log."""
    return Part(Told(str(version).encode()), version, version)


class Source:
    """Parts that come when the test says so."""

    def __init__(self) -> None:
        self._parts: asyncio.Queue[Part | LogCursor | Exception | None] = asyncio.Queue()
        self.ended = 0

    async def tell(self, *parts: Part | LogCursor | Exception | None) -> None:
        for part in parts:
            self._parts.put_nowait(part)
        await settle()

    async def parts(self) -> Parts:
        while (part := await self._parts.get()) is not None:
            if isinstance(part, Exception):
                raise part
            yield part

    def end(self) -> None:
        self.ended += 1


@asynccontextmanager
async def a_group(source: Source, known: Told | None = None) -> AsyncIterator[Group]:
    """With a member, so that it goes on."""
    group = Group(known)
    group.begin(source.parts(), source.end)
    group.join()
    try:
        yield group
    finally:
        group.leave()


async def soon(waiting: "asyncio.Task[Part | None]") -> Part | None:
    async with asyncio.timeout(SOON):
        return await waiting


async def test_whoever_waits_hears_each_part_in_order() -> None:
    source = Source()
    async with a_group(source) as group:
        await source.tell(at(4))
        waiting = asyncio.create_task(group.next(4))
        await source.tell(a_part(5, 7), a_part(8))

        first = await soon(waiting)
        second = await group.next(7)

    assert (first, second) == (a_part(5, 7), a_part(8))


async def test_one_meets_a_group_where_it_stands_and_not_before_it_began() -> None:
    source = Source()
    async with a_group(source) as group:
        await source.tell(at(4))

        assert not await group.meets(at(3))
        assert await group.meets(at(4))
        assert not await group.meets(at(9))


async def test_one_that_is_a_little_ahead_is_waited_for() -> None:
    source = Source()
    async with a_group(source) as group:
        await source.tell(at(4))
        meeting = asyncio.create_task(group.meets(at(9)))
        await settle()

        await source.tell(at(6), at(9))

        assert await meeting


async def test_a_place_of_the_same_number_in_another_log_is_another() -> None:
    source = Source()
    async with a_group(source) as group:
        await source.tell(at(4), a_part(5, 6))

        assert await group.meets(at(6))
        assert not await group.meets(at(6, log=b"another!"))


async def test_places_where_nothing_was_told_are_met_as_well() -> None:
    source = Source()
    async with a_group(source) as group:
        await source.tell(at(4), at(7), a_part(9))

        assert await group.meets(at(7))
        assert await group.next(7) == a_part(9)


async def test_one_that_has_the_first_half_of_a_part_reads_the_rest_alone() -> None:
    source = Source()
    async with a_group(source) as group:
        await source.tell(at(4), a_part(5, 9))

        assert not await group.meets(at(6))
        assert await group.next(6) is None


async def test_one_that_lies_between_two_parts_has_missed_nothing() -> None:
    """What was passed over held nothing for it."""
    source = Source()
    async with a_group(source) as group:
        await source.tell(at(4), a_part(5, 6), a_part(9, 10))

        assert await group.next(8) == a_part(9, 10)


async def test_one_that_is_too_slow_reads_alone() -> None:
    source = Source()
    async with a_group(source) as group:
        await source.tell(at(0), *(a_part(n) for n in range(1, RESULTS_AT_MOST + 2)))

        assert await group.next(0) is None
        assert await group.next(1) == a_part(2)


async def test_what_is_kept_is_bounded_by_its_size_too() -> None:
    source, large = Source(), bytes(BYTES_AT_MOST // 2)
    async with a_group(source) as group:
        await source.tell(at(0), *(a_part(n, text=large) for n in (1, 2, 3)))

        assert await group.next(0) is None
        assert (await group.next(1)) == a_part(2, text=large)


async def test_one_part_is_kept_whatever_its_size() -> None:
    source, huge = Source(), bytes(BYTES_AT_MOST * 2)
    async with a_group(source) as group:
        await source.tell(at(0), a_part(1, text=huge))

        assert await group.next(0) == a_part(1, text=huge)


async def test_a_sink_is_given_parts_until_it_takes_no_more() -> None:
    source, heard = Source(), list[Told]()

    def sink(told: Told) -> bool:
        if len(heard) == 2:
            return False
        heard.append(told)
        return True

    async with a_group(source) as group:
        await source.tell(at(0))
        pushing = asyncio.create_task(group.push(0, sink))
        await source.tell(a_part(1), a_part(2), a_part(3), a_part(4))
        taken = await soon(pushing)

        assert taken == a_part(2)
        assert heard == [a_part(1).told, a_part(2).told]
        assert await group.next(2) == a_part(3)


async def test_a_sink_that_lags_is_given_nothing() -> None:
    source = Source()
    async with a_group(source) as group:
        await source.tell(at(0), a_part(1))

        assert await group.push(0, lambda _: True) is None


async def test_the_pushed_are_counted() -> None:
    source, counted = Source(), list[int]()
    group = Group(count=counted.append)
    group.begin(source.parts(), source.end)
    await source.tell(at(0))
    pushing = [asyncio.create_task(group.push(0, lambda _: True)) for _ in range(3)]
    await settle()

    await source.tell(a_part(1))
    await source.tell(None)
    await asyncio.gather(*pushing)

    assert counted == [3]


async def test_of_an_answer_that_changes_only_the_newest_is_told() -> None:
    source = Source()
    async with a_group(source, Told(b"0")) as group:
        await source.tell(an_answer(1), an_answer(2), an_answer(3))

        assert await group.next(0) == an_answer(3)
        assert await group.meets(None)


async def test_an_answer_that_is_known_already_is_not_told_again() -> None:
    source = Source()
    known = an_answer(1)
    async with a_group(source, known.told) as group:
        await source.tell(known)
        waiting = asyncio.create_task(group.next(0))
        await settle()
        was_silent = not waiting.done()

        await source.tell(an_answer(2))

        assert was_silent
        assert await soon(waiting) == an_answer(2)


async def test_when_its_stream_fails_everyone_reads_alone() -> None:
    source = Source()
    async with a_group(source) as group:
        await source.tell(at(0))
        waiting = asyncio.create_task(group.next(0))
        pushing = asyncio.create_task(group.push(0, lambda _: True))
        await settle()

        await source.tell(RuntimeError("the database is away"))

        assert (await soon(waiting), await soon(pushing)) == (None, None)
        assert not await group.meets(at(0))
    assert source.ended == 1


async def test_a_group_without_members_ends_at_once() -> None:
    source = Source()
    async with a_group(source) as group:
        await source.tell(at(0))

    assert source.ended == 1
    assert not await group.meets(at(0))
