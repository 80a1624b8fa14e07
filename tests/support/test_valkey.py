"""What the tests of the doorbell assume about their Valkey."""

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as Disconnected

from tests.support.valkey import ValkeyServer


@pytest.mark.parametrize("name", ["first", "second"])
async def test_every_test_finds_it_empty(valkey_url: str, name: str) -> None:
    async with Redis.from_url(valkey_url) as client:
        assert await client.dbsize() == 0
        await client.set(name, "left behind")


async def test_it_comes_back_on_the_same_port(valkey_server: ValkeyServer, valkey_url: str) -> None:
    valkey_server.restart()

    async with Redis.from_url(valkey_url) as client:
        assert await client.echo("still there") == b"still there"


async def test_nobody_answers_while_it_is_dead(
    valkey_server: ValkeyServer, valkey_url: str
) -> None:
    valkey_server.kill()

    async with Redis.from_url(valkey_url, retry=None) as client:
        with pytest.raises(Disconnected):
            await client.echo("still there")
