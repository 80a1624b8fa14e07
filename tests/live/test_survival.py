"""The promise under everything that can happen at once: each committed event once, in order.

At full size: `python -m tests.live.survival`.
"""

import pytest

from tests.live.survival import Plan, survive
from tests.support.postgres import PostgresServer
from tests.support.valkey import ValkeyServer

PLAN = Plan(subscribers=1_000, events=4_000, a_second=200, leave_every_s=30)


@pytest.mark.timeout(400)
async def test_nothing_is_lost_or_repeated_whatever_dies(
    postgres_server: PostgresServer, postgres_url: str, valkey_server: ValkeyServer
) -> None:
    outcome = await survive(PLAN, postgres_server, postgres_url, valkey_server)

    assert outcome.is_written_once, outcome
    assert outcome.verdict.is_exact, outcome
    # What was to happen to them did.
    for what in ("lost", "vanished", "left", "closed 1012"):
        assert outcome.seen[what] > 0, outcome
