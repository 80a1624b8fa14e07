"""Outgoing webhooks: what a partner's server hears, on both databases."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
import time_machine
from standardwebhooks import Webhook

from store import tables, webhooks
from store.types import SECOND, new_id
from store.words import Scope
from tests.schema.conftest import Api
from tests.schema.working import a_worker
from tests.support.endpoints import Heard, Mood, an_endpoint
from tests.support.factories import a_house, a_workspace, after, an_entry, converted
from tests.support.waiting import SOON

CREATE = """mutation ($url: URL!, $kinds: [ActivityKind!]!) {
    createWebhookEndpoint(input: {url: $url, kinds: $kinds}) {
      secret endpoint { id url kinds createdAt } userErrors { code field message } } }"""
REMOVE = """mutation ($id: ID!) { removeWebhookEndpoint(id: $id) {
    removed userErrors { code field } } }"""
ENDPOINTS = """{ webhookEndpoints { id url kinds deliveries { totalCount { value } nodes {
    id kind attempts lastStatus lastError deliveredAt nextAttemptAt } } } }"""


@pytest.fixture
def admin(api: Api) -> Api:
    return Api(api.workspace, (Scope.ADMIN,))


async def create(api: Api, url: str, *kinds: str) -> dict[str, Any]:
    data = await api.ask(CREATE, url=url, kinds=list(kinds))
    payload: dict[str, Any] = data["createWebhookEndpoint"]
    return payload


async def stop(api: Api, name: str = "e1") -> str:
    entry = await api.ask("query ($id: String) { entry(externalId: $id) { id } }", id=name)
    data = await api.ask(
        """mutation ($id: ID!) { stopCampaign(input: {entries: {ids: [$id]}, note: "recalled"}) {
            undoToken } }""",
        id=entry["entry"]["id"],
    )
    token: str = data["stopCampaign"]["undoToken"]
    return token


async def undo(api: Api, token: str) -> None:
    await api.ask(
        """mutation ($token: ID!) { undoStopCampaign(input: {undoToken: $token}) {
            restored } }""",
        token=token,
    )


async def until(api: Api, is_so: Callable[[list[Any]], bool]) -> list[dict[str, Any]]:
    """The deliveries of the one endpoint, as soon as that holds of them."""
    async with asyncio.timeout(SOON):
        while True:
            (endpoint,) = (await api.ask(ENDPOINTS))["webhookEndpoints"]
            nodes: list[dict[str, Any]] = endpoint["deliveries"]["nodes"]
            if nodes and is_so(nodes):
                return nodes


def verified(heard: Heard, secret: str, api: Api) -> Any:
    """The body, by the library that a partner uses."""
    with time_machine.travel(datetime.fromtimestamp(api.now / SECOND, UTC), tick=False):
        return Webhook(secret).verify(heard.body, heard.headers)


async def test_a_partner_hears_of_stops_and_undos_signed(admin: Api) -> None:
    async with an_endpoint() as partner, a_worker(admin) as worker:
        made = await create(admin, partner.url, "STOPPED", "STOP_UNDONE")
        token = await stop(admin)
        await admin.workspace.record(converted(at=after(5)))
        await undo(admin, token)
        worker.wake()
        heard = await partner.until_heard(2)
        delivered = await until(admin, lambda nodes: all(one["deliveredAt"] for one in nodes))

    told = [verified(one, made["secret"], admin) for one in heard]
    assert sorted(one["type"] for one in told) == ["STOPPED", "STOP_UNDONE"]
    (stopped,) = (one for one in told if one["type"] == "STOPPED")
    ids = await admin.ask(
        '{ entry(externalId: "e1") { id journey { id } contact { id } '
        "activities(filter: {kind: [STOPPED]}) { nodes { id } } } }"
    )
    assert stopped == {
        "type": "STOPPED",
        "timestamp": "2026-11-22T00:00:00Z",
        "data": {
            "id": ids["entry"]["activities"]["nodes"][0]["id"],
            "kind": "STOPPED",
            "occurredAt": "2026-11-22T00:00:00Z",
            "recordedAt": "2026-11-22T00:00:00Z",
            "entry": {"id": ids["entry"]["id"], "externalId": "e1"},
            "journey": {"id": ids["entry"]["journey"]["id"], "externalId": "welcome"},
            "contact": {"id": ids["entry"]["contact"]["id"], "externalUsername": "ada"},
            "step": None,
            "communication": None,
            "url": None,
            "reason": "recalled",
            "reward": None,
            "source": "Shop",
            "isIgnored": False,
            "isSuspectedBot": False,
        },
    }
    assert {one["id"] for one in delivered} == {one.headers["webhook-id"] for one in heard}
    assert [(one["attempts"], one["lastStatus"], one["lastError"]) for one in delivered] == [
        (1, 204, None)
    ] * 2


async def test_the_secret_is_shown_once(admin: Api) -> None:
    made = await create(admin, "https://partner.example/hook", "STOPPED", "STOPPED")

    listed = await admin.ask(ENDPOINTS)

    assert made["secret"].startswith("whsec_")
    assert made["endpoint"] == {
        "id": made["endpoint"]["id"],
        "url": "https://partner.example/hook",
        "kinds": ["STOPPED"],
        "createdAt": "2026-11-22T00:00:00Z",
    }
    assert made["secret"] not in orjson.dumps(listed).decode()
    assert [one["id"] for one in listed["webhookEndpoints"]] == [made["endpoint"]["id"]]


async def test_what_fails_is_sent_again_until_it_is_taken(admin: Api) -> None:
    moods = (500, Mood.HANGS, Mood.HANGS_UP, 302)
    async with an_endpoint(*moods) as partner, a_worker(admin, timeout=0.2) as worker:
        made = await create(admin, partner.url, "STOPPED")
        await stop(admin)
        failures = []
        for attempt in range(1, 5):
            worker.wake()
            (one,) = await until(admin, lambda nodes, at=attempt: nodes[0]["attempts"] == at)  # type: ignore[misc]
            failures.append((one["lastStatus"], one["lastError"]))
            assert one["nextAttemptAt"] is not None
            admin.now += webhooks.RETRIES[attempt - 1]
        worker.wake()
        (one,) = await until(admin, lambda nodes: nodes[0]["deliveredAt"] is not None)
        heard = await partner.until_heard(5)

    assert failures[0] == (500, "It answered 500, not 2xx.")
    assert failures[1] == (None, "No answer within 0.2 seconds.")
    assert failures[2][0] is None
    assert failures[3] == (302, "It answered 302, not 2xx.")
    assert (one["attempts"], one["lastStatus"], one["nextAttemptAt"]) == (5, 204, None)
    assert len({each.headers["webhook-id"] for each in heard}) == 1
    assert len({each.headers["webhook-timestamp"] for each in heard}) == 5
    assert verified(heard[-1], made["secret"], admin)["type"] == "STOPPED"


async def test_what_is_never_taken_is_given_up_after_about_a_day(admin: Api) -> None:
    attempts = len(webhooks.RETRIES) + 1
    begun = admin.now
    async with an_endpoint(*[503] * attempts) as partner, a_worker(admin) as worker:
        await create(admin, partner.url, "STOPPED")
        await stop(admin)
        for attempt in range(1, attempts + 1):
            worker.wake()
            await until(admin, lambda nodes, at=attempt: nodes[0]["attempts"] == at)  # type: ignore[misc]
            if attempt < attempts:
                admin.now += webhooks.RETRIES[attempt - 1]
        (one,) = await until(admin, lambda nodes: nodes[0]["nextAttemptAt"] is None)

    hours = (admin.now - begun) / (3_600 * SECOND)
    assert (one["attempts"], one["deliveredAt"], one["lastStatus"]) == (attempts, None, 503)
    assert 23 < hours < 26


async def test_an_endpoint_that_is_away_is_told_when_it_is_back(admin: Api) -> None:
    async with an_endpoint() as partner:
        url = partner.url
    async with a_worker(admin):
        await create(admin, url, "STOPPED")
        await stop(admin)
        (one,) = await until(admin, lambda nodes: nodes[0]["attempts"] == 1)

    assert one["lastStatus"] is None
    assert one["lastError"].startswith("ConnectError")
    assert one["nextAttemptAt"] == "2026-11-22T00:00:05Z"


async def test_nothing_is_lost_while_no_worker_runs(admin: Api) -> None:
    async with an_endpoint() as partner:
        await create(admin, partner.url, "CONVERTED")
        for number in range(5):
            await an_entry(admin.workspace, f"n{number}")
        await admin.workspace.record(*(converted(f"n{n}", at=after(1)) for n in range(5)))

        async with a_worker(admin) as worker:
            worker.wake()
            heard = await partner.until_heard(5)

    told = [orjson.loads(one.body)["data"]["entry"]["externalId"] for one in heard]
    assert sorted(told) == ["n0", "n1", "n2", "n3", "n4"]


async def test_two_workers_send_each_activity_once(admin: Api) -> None:
    names = [f"n{number}" for number in range(30)]
    for name in names:
        await an_entry(admin.workspace, name)
    async with an_endpoint() as partner:
        await create(admin, partner.url, "CONVERTED")
        await admin.workspace.record(*(converted(name, at=after(1)) for name in names))
        async with a_worker(admin), a_worker(admin):
            await until(
                admin,
                lambda nodes: len(nodes) == 30 and all(one["deliveredAt"] for one in nodes),
            )

    heard = Counter(orjson.loads(one.body)["data"]["entry"]["externalId"] for one in partner.heard)
    assert heard == dict.fromkeys(names, 1)


async def test_an_endpoint_hears_of_its_own_workspace_alone(admin: Api) -> None:
    neighbour = await a_house(admin.workspace.database)
    async with an_endpoint() as partner, a_worker(admin) as worker:
        await create(admin, partner.url, "CONVERTED")
        await neighbour.record(converted(at=after(1), reason="theirs"))
        await admin.workspace.record(converted(at=after(1), reason="ours"))
        worker.wake()
        heard = await partner.until_heard(1)

    assert [orjson.loads(one.body)["data"]["reason"] for one in heard] == ["ours"]


async def test_a_removed_endpoint_hears_no_more(admin: Api) -> None:
    async with an_endpoint(500) as partner, a_worker(admin) as worker:
        made = await create(admin, partner.url, "STOPPED")
        await stop(admin)
        await until(admin, lambda nodes: nodes[0]["attempts"] == 1)

        removed = await admin.ask(REMOVE, id=made["endpoint"]["id"])
        again = await admin.ask(REMOVE, id=made["endpoint"]["id"])
        admin.now += 60 * SECOND
        worker.wake()

    (delivery,) = await admin.workspace.rows(tables.webhook_deliveries)
    assert removed["removeWebhookEndpoint"] == {"removed": True, "userErrors": []}
    assert again["removeWebhookEndpoint"] == {
        "removed": False,
        "userErrors": [{"code": "NOT_FOUND", "field": ["id"]}],
    }
    assert (await admin.ask(ENDPOINTS))["webhookEndpoints"] == []
    assert (delivery["attempts"], delivery["next_attempt_at"]) == (1, None)
    assert len(partner.heard) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:5432/",
        "http://localhost/",
        "http://10.1.2.3/hook",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/",
        "http://[::ffff:192.168.0.1]/",
        "http://[64:ff9b::a00:1]/",
        "http://100.64.0.1/",
        "http://0.0.0.0/",
        "http://2130706433/",
    ],
)
async def test_production_does_not_call_private_addresses(admin: Api, url: str) -> None:
    admin.context.refuses_private_addresses = True

    payload = await create(admin, url, "STOPPED")

    assert [(one["code"], one["field"]) for one in payload["userErrors"]] == [("INVALID", ["url"])]
    assert payload["endpoint"] is None


async def test_a_name_that_leads_to_a_private_address_later_is_not_called(admin: Api) -> None:
    async with an_endpoint() as partner, a_worker(admin, allows_private=False):
        await create(admin, partner.url, "STOPPED")
        await stop(admin)
        (one,) = await until(admin, lambda nodes: nodes[0]["attempts"] == 1)

    assert "which is not on the public internet" in one["lastError"]
    assert partner.heard == []


@pytest.mark.parametrize(
    ("url", "kinds", "code", "field"),
    [
        ("ftp://partner.example/", ["STOPPED"], "INVALID", ["url"]),
        ("nonsense", ["STOPPED"], "INVALID", ["url"]),
        ("https://ops:secret@partner.example/", ["STOPPED"], "INVALID", ["url"]),
        ("https://bücher.example/", ["STOPPED"], "INVALID", ["url"]),
        ("https://partner.example/", [], "EMPTY_SELECTION", ["kinds"]),
    ],
)
async def test_an_endpoint_that_cannot_be_is_refused(
    admin: Api, url: str, kinds: list[str], code: str, field: list[str]
) -> None:
    payload = await create(admin, url, *kinds)

    assert [(one["code"], one["field"]) for one in payload["userErrors"]] == [(code, field)]
    assert (await admin.ask(ENDPOINTS))["webhookEndpoints"] == []


async def test_a_workspace_has_a_few_endpoints_at_most(admin: Api) -> None:
    for number in range(20):
        await create(admin, f"https://partner.example/{number}", "STOPPED")

    payload = await create(admin, "https://partner.example/20", "STOPPED")

    assert [one["code"] for one in payload["userErrors"]] == ["TOO_MANY"]


async def test_webhooks_are_for_admins_of_the_workspace(api: Api, admin: Api) -> None:
    made = await create(admin, "https://partner.example/", "STOPPED")
    stranger = Api(await a_workspace(api.workspace.database), (Scope.ADMIN,))

    refusals = [
        await api.run(CREATE, url="https://partner.example/", kinds=["STOPPED"]),
        await api.run(REMOVE, id=made["endpoint"]["id"]),
        await api.run(ENDPOINTS),
    ]

    assert ["scope admin" in errors[0].message for _, errors in refusals] == [True] * 3
    foreign = await stranger.ask(REMOVE, id=made["endpoint"]["id"])
    assert foreign["removeWebhookEndpoint"]["userErrors"] == [
        {"code": "NOT_FOUND", "field": ["id"]}
    ]
    assert (await stranger.ask(ENDPOINTS))["webhookEndpoints"] == []
    unknown = await admin.ask(REMOVE, id=f"whk_{new_id().hex()}")
    assert unknown["removeWebhookEndpoint"]["removed"] is False
