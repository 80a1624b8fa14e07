"""Retention, as those see it who read the log: gaps are told, and nothing else changes."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from schema import schema
from server.files import Files
from server.retention import Retention
from server.webhooks import Webhooks
from server.worker import Worker
from store import jobs, retention, tables
from store.retention import Keeping
from store.types import DAY, Instant
from store.words import DeliveryKind, Scope
from tests.schema.conftest import Api
from tests.schema.following import Follower
from tests.schema.test_subscriptions import EVENTS
from tests.schema.working import NOWHERE
from tests.support.factories import NOW, a_workspace, after, announced, delivered, reached

MONTH = Keeping(log=30 * DAY)
LATER = NOW + 31 * DAY


async def prune(api: Api, now: Instant = LATER, keeping: Keeping = MONTH) -> None:
    """A whole round of the standing job, in this very moment."""
    worker = Worker(
        api.workspace.database,
        api.context.hub,
        lambda: now,
        Webhooks(allows_private=True),
        {},
        retention=Retention(keeping, Files(NOWHERE)),
    )
    await api.workspace.database.transact(lambda connection: retention.begin(connection, now))
    async with api.workspace.database.read() as connection:
        found = await jobs.due(connection, now, None, standing=retention.KIND)
    for one in found:
        assert await worker.do(one)
    await worker.stop()


async def record(api: Api, *happened: Any, now: Instant) -> int:
    recorded = await api.workspace.recorded(happened, now=now)
    assert recorded.seq is not None
    api.context.hub.ring(api.workspace.id, recorded.journey_ids, recorded.seq)
    return recorded.seq


async def following(api: Api, **variables: Any) -> Follower:
    stream = await schema.subscribe(EVENTS, variables, context_value=api.context)
    return Follower(stream, "communicationEvents")


async def places(api: Api) -> list[str]:
    """The cursors of all delivery events that the log holds."""
    data = await api.ask("{ deliveryEvents { nodes { cursor } } }")
    return [one["cursor"] for one in data["deliveryEvents"]["nodes"]]


@pytest.fixture
async def live(api: Api) -> AsyncIterator[Api]:
    """With a hub that listens."""
    await api.context.hub.start()
    yield api
    await api.context.hub.stop()


async def test_who_resumes_behind_what_was_deleted_is_told_and_goes_on_exactly(live: Api) -> None:
    (behind,) = await places(live)
    await record(live, delivered(DeliveryKind.SENT), now=NOW)
    await record(live, delivered(DeliveryKind.OPENED), now=LATER)
    await record(live, delivered(DeliveryKind.CLICKED), now=LATER)
    await prune(live)

    async with await following(live, after=behind) as follower:
        told = await follower.next()
        rest = await follower.next()
        await record(live, delivered(DeliveryKind.UNSUBSCRIBED), now=LATER)
        newest = await follower.next()
    async with await following(live, after=told["gap"]["oldestAvailable"]) as other:
        from_there = await other.next()

    assert told["gap"]["reason"] == "EXPIRED"
    assert told["events"] == []
    assert [one["kind"] for one in rest["events"]] == ["OPENED", "CLICKED"]
    assert [one["kind"] for one in newest["events"]] == ["UNSUBSCRIBED"]
    assert from_there["gap"] is None
    assert [one["kind"] for one in from_there["events"][:2]] == ["OPENED", "CLICKED"]


async def test_a_cursor_right_before_the_oldest_row_misses_nothing(live: Api) -> None:
    await record(live, delivered(DeliveryKind.SENT), now=NOW)
    _, behind = await places(live)
    await record(live, delivered(DeliveryKind.OPENED), now=LATER)
    await prune(live)

    async with await following(live, after=behind) as follower:
        first = await follower.next()

    assert (first["gap"], [one["kind"] for one in first["events"]]) == (None, ["OPENED"])


async def test_one_that_reads_slowly_is_told_when_rows_vanish_before_it(live: Api) -> None:
    (behind,) = await places(live)
    # More than one batch, of which it takes the first alone.
    for _ in range(3):
        await record(
            live, *(delivered(DeliveryKind.OPENED, at=after(n)) for n in range(400)), now=NOW
        )
    async with await following(live, after=behind) as follower:
        first = await follower.next()
        await record(live, delivered(DeliveryKind.CLICKED), now=LATER)
        await prune(live)

        seen = [one["kind"] for one in first["events"]]
        gaps = []
        while "CLICKED" not in seen:
            batch = await follower.next()
            gaps += [batch["gap"]["reason"]] if batch["gap"] else []
            seen += [one["kind"] for one in batch["events"]]

    assert len(first["events"]) < 1_200
    assert gaps == ["EXPIRED"]


async def test_a_place_that_is_gone_is_refused_by_the_list(api: Api) -> None:
    (behind,) = await places(api)
    await record(api, delivered(DeliveryKind.SENT), now=NOW)
    await record(api, delivered(DeliveryKind.OPENED), now=LATER)
    await prune(api)

    message = await api.refused(
        "query ($c: LogCursor) { deliveryEvents(after: $c) { nodes { kind } } }", c=behind
    )

    assert "no longer reaches back" in message
    assert len(await places(api)) == 1


async def test_rows_and_numbers_stay_when_their_history_goes(api: Api) -> None:
    asked = """{ communication(externalId: "m1") {
            status firstClickAt clickCount sentAt }
        journeys { nodes { statistics { entered communications { created clicked } } } }
        entry(externalId: "e1") { state diagnosis { code } } }"""
    histories = """{ communication(externalId: "m1") { events { nodes { kind } } }
        entry(externalId: "e1") { activities { nodes { kind } } } }"""
    await record(api, delivered(DeliveryKind.CLICKED), delivered(DeliveryKind.SENT), now=NOW)
    before = await api.ask(asked)

    await prune(api)

    gone = await api.ask(histories)
    assert await api.ask(asked) == before
    assert gone == {
        "communication": {"events": {"nodes": []}},
        "entry": {"activities": {"nodes": []}},
    }


async def test_a_message_whose_history_is_gone_is_not_folded_anew(api: Api) -> None:
    links = tuple(f"https://a.example/{number}" for number in range(3))
    await record(api, announced("m2", links=links), now=NOW)
    await record(api, delivered(DeliveryKind.CLICKED, "m2", link=1, url=links[0]), now=NOW)
    await prune(api)

    await record(
        api,
        *(
            delivered(DeliveryKind.CLICKED, "m2", at=after(1), link=n, url=links[n - 1])
            for n in (1, 2, 3)
        ),
        now=LATER,
    )

    message = await api.workspace.message("m2")
    # Folded from what is left of its history it would not even have been clicked.
    assert message["first_click_at"] == NOW
    assert (message["status"], message["raw_click_count"]) == ("CLICKED", 4)


async def an_endpoint(api: Api, kind: str) -> None:
    data = await Api(api.workspace, (Scope.ADMIN,)).ask(
        """mutation ($kind: ActivityKind!) { createWebhookEndpoint(
            input: {url: "https://partner.example", kinds: [$kind]}) { userErrors { code } } }""",
        kind=kind,
    )
    assert data["createWebhookEndpoint"]["userErrors"] == []


async def test_an_endpoint_shows_that_it_was_not_told_of_what_is_gone(api: Api) -> None:
    await an_endpoint(api, "STEP_ENTERED")
    await an_endpoint(api, "CONVERTED")
    await record(api, reached(), now=NOW)

    await prune(api)

    found = await Api(api.workspace, (Scope.ADMIN,)).ask("{ webhookEndpoints { kinds missedAt } }")
    assert found["webhookEndpoints"] == [
        {"kinds": ["STEP_ENTERED"], "missedAt": "2026-12-23T00:00:00Z"},
        # Of nothing that is gone it would have been told.
        {"kinds": ["CONVERTED"], "missedAt": None},
    ]


async def test_a_round_says_in_the_audit_log_what_it_deleted(api: Api) -> None:
    number = len(await api.workspace.rows(tables.log))
    quiet = await a_workspace(api.workspace.database)

    await prune(api)
    await prune(api, LATER + DAY)

    (row,) = await api.workspace.rows(tables.audit_log)
    assert (row["action"], row["by"], row["at"]) == ("retention", "trackside", LATER)
    assert (row["affected"], row["detail"]) == (number, {"log": number})
    assert await quiet.rows(tables.audit_log) == []


async def test_the_standing_job_is_nothing_that_clients_see(api: Api) -> None:
    await prune(api)

    data = await api.ask("{ jobs { totalCount { value } nodes { id } } }")

    (row,) = await api.workspace.rows(tables.jobs)
    assert (row["kind"], row["state"], row["lease_until"]) == ("RETENTION", "QUEUED", LATER + DAY)
    assert data["jobs"] == {"totalCount": {"value": 0}, "nodes": []}
