"""sendRewards: against a balance that covers it, once, and then told."""

import asyncio
from decimal import Decimal
from typing import Any

import orjson
import pytest

from store import tables
from store.drafts import RewardDraft
from store.types import HOUR
from store.words import ContactStatus, Scope
from tests.schema.conftest import Api
from tests.schema.mailing import mailing
from tests.schema.working import a_worker, finished
from tests.support.endpoints import an_endpoint
from tests.support.factories import (
    a_contact,
    a_journey,
    a_workspace,
    completed,
    entered,
)

SEND = """mutation ($input: SendRewardsInput!) { sendRewards(input: $input) {
    results { contactId sent error { code message } contact { externalUsername rewardBalance } }
    sent refused job { id kind state } userErrors { code field message } } }"""
CREATE_ENDPOINT = """mutation ($url: URL!) {
    createWebhookEndpoint(input: {url: $url, kinds: [REWARD_SENT]}) {
      endpoint { id } userErrors { message } } }"""


@pytest.fixture
async def shop(api: Api) -> Api:
    """Ada and Bob are customers who earned a mug of 5 each, Eve one who earned nothing."""
    await a_journey(
        api.workspace,
        "spring",
        rewards=(RewardDraft("mug", "Mug", Decimal(5)), RewardDraft("car", "Car", Decimal(9000))),
    )
    for name in ("bob", "eve", "zoe"):
        await a_contact(
            api.workspace, name, email=f"{name}@example.org", status=ContactStatus.CUSTOMER
        )
    for name in ("bob", "zoe"):
        await api.workspace.record(entered(f"s-{name}", name, "spring"), completed(f"s-{name}"))
    return api


async def ids_of(api: Api, *names: str) -> list[str]:
    known = {
        row["external_username"]: row["id"] for row in await api.workspace.rows(tables.contacts)
    }
    return [f"ctc_{known[name].hex()}" for name in names]


async def reward_id(api: Api, key: str) -> str:
    (row,) = await api.workspace.rows(tables.rewards, key=key)
    return f"rwd_{row['id'].hex()}"


async def send(api: Api, **asked: Any) -> dict[str, Any]:
    data = await api.ask(SEND, input=asked)
    payload: dict[str, Any] = data["sendRewards"]
    return payload


async def balances(api: Api) -> dict[str, Decimal]:
    rows = await api.workspace.rows(tables.contacts)
    sums: dict[bytes, Decimal] = {}
    for line in await api.workspace.rows(tables.reward_transactions):
        sums[line["contact_id"]] = sums.get(line["contact_id"], Decimal()) + line["amount"]
    for row in rows:
        assert row["reward_balance"] == sums.get(row["id"], Decimal())
    return {row["external_username"]: row["reward_balance"] for row in rows}


async def test_a_reward_is_sent_against_the_balance_by_mail(shop: Api) -> None:
    async with mailing(shop) as server, a_worker(shop):
        payload = await send(shop, contacts={"ids": await ids_of(shop, "bob")})
        job = await finished(shop, payload["job"]["id"])

    (bob,) = await ids_of(shop, "bob")
    assert payload["userErrors"] == []
    assert payload["results"] == [
        {
            "contactId": bob,
            "sent": True,
            "error": None,
            "contact": {"externalUsername": "bob", "rewardBalance": "0"},
        }
    ]
    assert (payload["sent"], payload["refused"]) == (1, 0)
    assert (payload["job"]["kind"], job["state"]) == ("SEND_REWARDS", "COMPLETED")
    (mail,) = server.mails
    assert (mail["To"], mail["Subject"]) == ("bob@example.org", "Your reward: Mug")
    assert "Mug, worth 5 EUR" in mail.get_content()


async def test_one_that_is_refused_stops_no_other(shop: Api) -> None:
    missing = "ctc_" + 32 * "0"
    eve, bob = await ids_of(shop, "eve", "bob")

    async with mailing(shop):
        payload = await send(shop, contacts={"ids": [eve, missing, bob]})

    assert [(one["contactId"], one["sent"]) for one in payload["results"]] == [
        (eve, False),
        (missing, False),
        (bob, True),
    ]
    errors = [one["error"] for one in payload["results"]]
    assert [one and one["code"] for one in errors] == ["INSUFFICIENT_BALANCE", "NOT_FOUND", None]
    assert (payload["sent"], payload["refused"]) == (1, 2)


async def test_a_balance_that_does_not_cover_the_reward_is_told(shop: Api) -> None:
    async with mailing(shop):
        payload = await send(
            shop,
            contacts={"ids": await ids_of(shop, "bob")},
            rewardId=await reward_id(shop, "car"),
        )

    assert payload["results"][0]["error"] == {
        "code": "INSUFFICIENT_BALANCE",
        "message": 'The balance is 5, and the reward "Car" is worth 9000: send it when the contact '
        "has earned it, or send another.",
    }
    assert payload["job"] is None
    assert (await balances(shop))["bob"] == 5


async def test_it_reaches_webhook_endpoints(shop: Api) -> None:
    shop.context = Api(shop.workspace, (Scope.ADMIN,)).context
    async with an_endpoint() as partner, mailing(shop), a_worker(shop):
        await shop.ask(CREATE_ENDPOINT, url=partner.url)
        await send(shop, contacts={"ids": await ids_of(shop, "bob")})
        (heard,) = await partner.until_heard(1)

    told = orjson.loads(heard.body)
    assert told["type"] == "REWARD_SENT"
    assert told["data"]["contact"]["externalUsername"] == "bob"
    assert told["data"]["reward"] == {"reward": "Mug", "amount": "5", "currency": "EUR"}


async def test_a_reward_of_which_nobody_would_hear_is_refused(shop: Api) -> None:
    async with mailing(shop):
        shop.context.mail = None
        payload = await send(shop, contacts={"ids": await ids_of(shop, "bob")})

    assert payload["results"][0]["error"]["code"] == "INVALID"
    assert payload["results"][0]["error"]["message"].startswith("Nobody would hear of it")
    assert (await balances(shop))["bob"] == 5


async def test_a_dry_run_sends_nothing(shop: Api) -> None:
    async with mailing(shop) as server:
        payload = await send(shop, contacts={"all": True}, dryRun=True)

    assert (payload["sent"], payload["refused"], payload["job"]) == (2, 2, None)
    assert (await balances(shop))["bob"] == 5
    assert server.mails == []


async def test_the_same_key_sends_once(shop: Api) -> None:
    await shop.workspace.record(entered("s2", "bob", "spring"), completed("s2"))
    asked = {"contacts": {"ids": await ids_of(shop, "bob")}, "idempotencyKey": "k1"}

    async with mailing(shop):
        first = await send(shop, **asked)
        again = await send(shop, **asked)

    assert again["job"]["id"] == first["job"]["id"]
    assert again["results"] == first["results"]
    assert (await balances(shop))["bob"] == 5


async def test_two_at_the_same_moment_never_overdraw(shop: Api) -> None:
    await shop.workspace.record(entered("s2", "bob", "spring"), completed("s2"))
    chosen = {"ids": await ids_of(shop, "bob", "zoe")}

    async with mailing(shop):
        payloads = await asyncio.gather(*(_alone(shop, chosen) for _ in range(8)))

    by_bob = [payload["results"][0]["sent"] for payload in payloads]
    by_zoe = [payload["results"][1]["sent"] for payload in payloads]
    assert (by_bob.count(True), by_zoe.count(True)) == (2, 1)
    found = await balances(shop)
    assert [found["bob"], found["zoe"]] == 2 * [Decimal()]


async def _alone(shop: Api, chosen: dict[str, Any]) -> dict[str, Any]:
    """As another request would, in a context of its own."""
    other = Api(shop.workspace)
    other.context.mail = shop.context.mail
    return await send(other, contacts=chosen)


async def test_a_conversion_and_an_answer_at_the_same_moment_earn_once(shop: Api) -> None:
    change = """mutation ($ids: [ID!]!) {
        changeContactStatus(input: {contacts: {ids: $ids}, to: CUSTOMER}) { changed } }"""
    names = [f"lead-{number}" for number in range(6)]
    for name in names:
        await a_contact(shop.workspace, name)
        await shop.workspace.record(entered(f"e-{name}", name, "spring"))

    async def convert(name: str) -> None:
        await shop.ask(change, ids=await ids_of(shop, name))

    async def finish(name: str) -> None:
        await shop.workspace.record(completed(f"e-{name}"))

    await asyncio.gather(*(step(name) for name in names for step in (convert, finish)))

    found = await balances(shop)
    assert [found[name] for name in names] == 6 * [Decimal(5)]


async def test_a_mail_that_is_not_taken_now_is_tried_again(shop: Api) -> None:
    async with mailing(shop, "451 busy") as server:
        async with a_worker(shop):
            payload = await send(shop, contacts={"ids": await ids_of(shop, "bob", "zoe")})
            await server.until_mailed(1)
        shop.now += HOUR
        async with a_worker(shop):
            job = await finished(shop, payload["job"]["id"])

    assert {mail["To"] for mail in server.mails} == {"bob@example.org", "zoe@example.org"}
    assert job["counts"]["skipped"] == 0


async def test_a_mail_that_is_refused_is_told_in_the_jobs_errors(shop: Api) -> None:
    async with mailing(shop, "550 no such mailbox") as server, a_worker(shop):
        payload = await send(shop, contacts={"ids": await ids_of(shop, "bob")})
        job = await finished(shop, payload["job"]["id"])

    assert (job["state"], job["counts"]["skipped"], server.mails) == ("COMPLETED", 1, [])
    (error,) = await shop.workspace.rows(tables.job_errors)
    assert [error["value"]] == await ids_of(shop, "bob")
    assert "example.org" not in error["message"]


async def test_many_are_sent_by_a_job(shop: Api) -> None:
    for number in range(1_001):
        await a_contact(shop.workspace, f"c{number}")

    async with mailing(shop) as server, a_worker(shop):
        payload = await send(shop, contacts={"all": True})
        job = await finished(shop, payload["job"]["id"])

    assert (payload["results"], payload["sent"]) == ([], 0)
    assert (job["state"], job["done"], job["total"]) == ("COMPLETED", 1_005, 1_005)
    assert (job["counts"]["updated"], job["counts"]["failed"]) == (2, 1_003)
    assert {mail["To"] for mail in server.mails} == {"bob@example.org", "zoe@example.org"}
    assert (await balances(shop))["bob"] == 0


async def test_an_unknown_reward_refuses_the_call(shop: Api) -> None:
    payload = await send(shop, contacts={"all": True}, rewardId="rwd_" + 32 * "0")

    assert payload["userErrors"] == [
        {
            "code": "NOT_FOUND",
            "field": ["rewardId"],
            "message": "This workspace has no such reward.",
        }
    ]


async def test_an_empty_selection_is_refused(shop: Api) -> None:
    payload = await send(shop, contacts={"ids": []})

    assert [error["code"] for error in payload["userErrors"]] == ["EMPTY_SELECTION"]


async def test_contacts_of_another_workspace_are_not_found(shop: Api) -> None:
    other = Api(await a_workspace(shop.workspace.database))

    payload = await send(other, contacts={"ids": await ids_of(shop, "bob")})

    assert payload["results"][0]["error"]["code"] == "NOT_FOUND"
    assert payload["results"][0]["contact"] is None


async def test_the_scope_operate_is_needed(shop: Api) -> None:
    reader = Api(shop.workspace, (Scope.READ, Scope.INTEGRATE))

    _, (error,) = await reader.run(SEND, input={"contacts": {"all": True}})

    assert "needs the scope operate" in error.message
