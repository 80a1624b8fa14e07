"""Following: one subscriber of everything, in the process of the test."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.live import watching
from tests.live.house import House
from tests.live.subscriber import Habits, Subscriber
from tests.live.truth import Expected
from tests.support.waiting import SOON


@asynccontextmanager
async def following(house: House, after: str | None) -> AsyncIterator[Subscriber]:
    """It comes back whatever it is told."""
    subscriber = Subscriber(
        watching.everything(1).asked,
        Habits(house.ports, house.home.token, leave_every_s=None, away_s=0),
        after=after,
        seen=Counter(),
        changed=asyncio.Event(),
    )
    task = asyncio.create_task(subscriber.follow())
    try:
        yield subscriber
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until_had(subscriber: Subscriber, expected: Expected) -> None:
    """Returns when it had the last of them."""
    async with asyncio.timeout(SOON):
        while subscriber.had.last_seq < expected.last_seq:
            await told(subscriber)


async def told(subscriber: Subscriber) -> None:
    """Returns when it is told something more."""
    subscriber.changed.clear()
    await subscriber.changed.wait()
