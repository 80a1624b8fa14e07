"""Loops: asynchronous work from where nothing may be awaited, as in a fixture that is not async."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run it to its end on a loop in a thread of its own: pytest's loops stay as they are."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
