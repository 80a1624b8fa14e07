"""Closing: the process is about to end, and its streams with it, but not all in one moment."""

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_A_SECOND = 500
_SPREAD_AT_MOST_S = 5.0


def delay(streams: int) -> float:
    """Seconds after which to end one of so many, so that they come back one after another.

    A few end nearly at once; thousands within seconds, which the server's patience has to exceed.
    """
    spread_s = min(streams / _A_SECOND, _SPREAD_AT_MOST_S)
    return random.uniform(0, spread_s)  # noqa: S311  Jitter, not a secret.


class Closing:
    """Knows the answers that go on: event streams, and downloads of files that still grow.

    Sockets are ended by the protocol below them.
    """

    def __init__(self) -> None:
        self._has_begun = False
        self._streams: set[Callable[[], None]] = set()

    def begin(self) -> None:
        """End every stream soon; only the first call does anything."""
        if self._has_begun:
            return
        self._has_begun = True
        loop = asyncio.get_running_loop()
        for end in self._streams:
            loop.call_later(delay(len(self._streams)), end)

    @contextmanager
    def ending(self, end: Callable[[], None]) -> Iterator[None]:
        """While a stream lasts: `end` is called when it has to end, and perhaps once more after."""
        if self._has_begun:
            end()
        self._streams.add(end)
        try:
            yield
        finally:
            self._streams.discard(end)
