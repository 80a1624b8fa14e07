"""A run: what every measurement is given."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.stores import Stores

ROUNDS = 5
_QUICK_SHARE = 5


@dataclass(frozen=True, slots=True)
class Run:
    """Quick: the same measurements over less, to see that they work and roughly what they say."""

    stores: Stores
    is_quick: bool

    def rounds(self, *, seconds: float, number: int = ROUNDS, at_least: int = 1) -> Iterator[int]:
        """Numbers from 1: all, or as many as begin in time; a quick run has a fifth of it."""
        deadline = time.monotonic() + (seconds / _QUICK_SHARE if self.is_quick else seconds)
        for one in range(1, number + 1):
            if one > at_least and time.monotonic() >= deadline:
                self.say(f"\nTime is up: {one - 1} of {number} rounds in what follows.")
                return
            yield one

    def say(self, text: str) -> None:
        print(text, flush=True)
