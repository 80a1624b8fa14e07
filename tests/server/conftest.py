"""Servers for the tests of the transports."""

from collections.abc import AsyncIterator, Iterator

import pytest
import structlog

from tests.server.serving import Serving, a_server, settings_for
from tests.server.small_schema import Spy, small_schema
from tests.support.trackside import TracksideServer


@pytest.fixture(autouse=True)
def plain_logs() -> Iterator[None]:
    """structlog's own default draws every variable of a trace, which takes seconds."""
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.stdlib.add_log_level, plain])
    yield
    structlog.reset_defaults()


@pytest.fixture
async def spy() -> Spy:
    return Spy()


@pytest.fixture
async def serving(sqlite_url: str, spy: Spy) -> AsyncIterator[Serving]:
    """A server over the small schema."""
    async with a_server(settings_for(sqlite_url), small_schema(spy)) as serving:
        yield serving


@pytest.fixture
def server(database_url: str) -> Iterator[TracksideServer]:
    """A process of its own over either database."""
    server = TracksideServer(database_url)
    server.start()
    yield server
    server.stop()
