"""Loaders: one reading for all who ask together, and nothing kept."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from resolvers.loaders import load
from store.types import Id
from tests.support.waiting import SOON


class Reading:
    """Doubles what it is asked for, and remembers how it was asked."""

    def __init__(self, fails: bool = False) -> None:
        self.asked: list[list[Id]] = []
        self.fails = fails

    async def __call__(self, ids: list[Id]) -> dict[Id, bytes]:
        self.asked.append(ids)
        if self.fails:
            raise RuntimeError("no database")
        return {one: one * 2 for one in ids}


@pytest.fixture
def context() -> Any:
    return SimpleNamespace(loaders={})


async def test_what_is_asked_together_is_read_together_each_once(context: Any) -> None:
    read = Reading()

    found = await asyncio.gather(*(load(context, "k", one, read) for one in (b"a", b"b", b"a")))

    assert found == [b"aa", b"bb", b"aa"]
    assert read.asked == [[b"a", b"b"]]


async def test_tasks_that_wait_already_are_read_together(context: Any) -> None:
    read = Reading()

    async def ask(one: Id) -> bytes:
        return await load(context, "k", one, read)

    await asyncio.gather(*(asyncio.create_task(ask(one)) for one in (b"a", b"b", b"c")))

    assert read.asked == [[b"a", b"b", b"c"]]


async def test_other_keys_are_read_apart(context: Any) -> None:
    read = Reading()

    await asyncio.gather(load(context, "k", b"a", read), load(context, "l", b"a", read))

    assert read.asked == [[b"a"], [b"a"]]


async def test_nothing_is_kept_for_whoever_asks_later(context: Any) -> None:
    read = Reading()

    await load(context, "k", b"a", read)
    await load(context, "k", b"a", read)

    assert read.asked == [[b"a"], [b"a"]]
    assert context.loaders == {}


async def test_a_failure_is_told_to_everyone_who_asked(context: Any) -> None:
    read = Reading(fails=True)

    found = await asyncio.gather(
        load(context, "k", b"a", read), load(context, "k", b"b", read), return_exceptions=True
    )

    assert [str(one) for one in found] == ["no database", "no database"]


async def test_one_who_asks_no_more_does_not_stop_the_others(context: Any) -> None:
    read = Reading()

    first, second = load(context, "k", b"a", read), load(context, "k", b"b", read)
    first.cancel()
    async with asyncio.timeout(SOON):
        found = await second

    assert found == b"bb"
