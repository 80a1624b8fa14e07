"""A run: what every measurement is given."""

from dataclasses import dataclass

from benchmarks.stores import Stores


@dataclass(frozen=True, slots=True)
class Run:
    """Quick: the same measurements over less, to see that they work and roughly what they say."""

    stores: Stores
    is_quick: bool
    rounds: int = 5

    def say(self, text: str) -> None:
        print(text, flush=True)
