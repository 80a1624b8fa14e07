"""What is signed well and cannot be read: kept, seen, and read again."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
import structlog

from server.hooks import sendgrid
from server.hooks.provider import Body
from store.words import DeliveryKind, Scope
from tests.server.hooks.conftest import CONNECTORS, CREATE, LETTERS, House
from tests.server.serving import a_token
from tests.support.senders import Mailgun, SendGrid, Standard, Twilio, WhatsApp, hook_event, unix
from tests.support.waiting import SOON

NESTED = b'[{"a":' + b"[" * 100_000
REPLAY = """mutation ($input: ReplayDeadLettersInput!) { replayDeadLetters(input: $input) {
    job { id kind total } userErrors { code field message } } }"""
JOB = """query ($id: ID!) { job(id: $id) { state done counts { updated failed }
    errors { nodes { row message code } } } }"""


async def replayed(house: House, **chosen: Any) -> Any:
    data = await house.ask(REPLAY, input=chosen)
    assert data["replayDeadLetters"]["userErrors"] == []
    job = data["replayDeadLetters"]["job"]
    assert job["kind"] == "REPLAY"
    async with asyncio.timeout(SOON):
        while True:
            found = (await house.ask(JOB, id=job["id"]))["job"]
            if found["state"] not in ("QUEUED", "RUNNING"):
                assert found["state"] == "COMPLETED"
                return found


async def test_of_a_batch_only_what_cannot_be_read_is_left_out(bare_house: House) -> None:
    house, sender = bare_house, SendGrid()
    await house.announce()
    path = await house.connect("sendgrid", sender.secret, "Our SendGrid")
    strange = hook_event("teleported")
    broken = hook_event("open", timestamp="soon")
    next_year = hook_event("click", timestamp=unix(datetime.now(UTC) + timedelta(days=365)))
    last_year = hook_event("click", timestamp=unix(datetime.now(UTC) - timedelta(days=365)))
    nobody = hook_event("open", communication=None, sg_message_id=None)
    events = [strange, hook_event("delivered"), broken, next_year, last_year, nobody]

    with structlog.testing.capture_logs() as lines:
        answer = await house.post(path, sender.sends(events))

    assert answer.status_code == 200
    assert await house.kinds() == ["DELIVERED"]
    letters = await house.letters()
    assert sorted(one["reason"].split(":")[0] for one in letters) == [
        "Expected `float`, got `str` - at `$.timestamp`",
        "It is dated more than 30 days back.",
        "It is dated more than 5 minutes ahead.",
        "It names no message",
        "The event 'teleported' is not known.",
    ]
    assert {one["connector"]["name"] for one in letters} == {"Our SendGrid"}
    assert [strange] in [orjson.loads(one["body"]) for one in letters]
    (line,) = [one for one in lines if one["event"] == "hook_dead_letters"]
    assert line["letters"] == 5


@pytest.mark.parametrize(
    "body",
    [b'[{"event": "op', b"{}", b"\xff\xfe", b"[1]", b"null", NESTED],
    ids=lambda body: repr(body[:12]),
)
async def test_a_body_that_cannot_be_read_is_kept_once(bare_house: House, body: bytes) -> None:
    sender = SendGrid()
    path = await bare_house.connect("sendgrid", sender.secret)

    answers = [await bare_house.post(path, sender.sends(body)) for _ in range(2)]

    assert [one.status_code for one in answers] == [200, 200]
    (letter,) = await bare_house.letters()
    assert letter["body"] == body.decode(errors="replace")[:10_000]


async def test_what_is_understood_by_now_is_recorded_by_a_replay(
    bare_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, sender = bare_house, SendGrid()
    await house.announce()
    path = await house.connect("sendgrid", sender.secret)
    events = [hook_event("teleported"), hook_event("evaporated")]
    await house.post(path, sender.sends(events))
    monkeypatch.setitem(sendgrid._KINDS, "teleported", DeliveryKind.DELIVERED)

    job = await replayed(house)

    assert (job["done"], job["counts"]) == (2, {"updated": 1, "failed": 1})
    assert [one["message"] for one in job["errors"]["nodes"]] == [
        "The event 'evaporated' is not known."
    ]
    assert await house.kinds() == ["DELIVERED"]
    (letter,) = await house.letters()
    assert "evaporated" in letter["body"]


async def test_a_letter_is_replayed_with_all_that_it_came_with(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twilio's address, WhatsApp's frame, the id of Standard Webhooks."""
    await house.announce("chat-1", channel="WHATSAPP")
    by_twilio = await house.connect("twilio", Twilio.secret)
    twilio = Twilio(f"https://trackside.example{by_twilio}")
    form = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    by_whatsapp = await house.connect("whatsapp", WhatsApp.secret)
    status = {"id": "w", "status": "read", "timestamp": str(unix())}
    status |= {"biz_opaque_callback_data": "chat-1"}
    by_standard = await house.connect("standard", Standard.secret)
    event = {"type": "message.clicked", "timestamp": datetime.now(UTC).isoformat()}
    event |= {"data": {"communication": "mail-1"}}  # type: ignore[dict-item]
    sent = Standard().sends(event, name="msg_1")
    with monkeypatch.context() as unknowing:
        unknowing.setattr("server.hooks.twilio._MESSAGES", {})
        unknowing.setattr("server.hooks.whatsapp._KINDS", {})
        unknowing.setattr("server.hooks.standard._KINDS", {})
        await house.post(by_twilio, twilio.sends(form, communication="mail-1"))
        await house.post(by_whatsapp, WhatsApp().sends({"id": "x", "status": "y"}, status))
        await house.post(by_standard, sent)
    assert len(await house.letters()) == 4

    job = await replayed(house)

    assert job["counts"] == {"updated": 3, "failed": 1}
    assert sorted(await house.kinds()) == ["CLICKED", "DELIVERED"]
    assert await house.kinds("chat-1") == ["OPENED"]
    # What the provider sends again is known.
    await house.post(by_standard, sent)
    assert len(await house.kinds()) == 2


async def test_letters_are_chosen_by_ids_and_by_the_connector(house: House) -> None:
    sender, other = SendGrid(), Mailgun()
    path = await house.connect("sendgrid", sender.secret)
    by_other = await house.connect("mailgun", other.secret)
    await house.post(path, sender.sends([hook_event("a"), hook_event("b")]))
    await house.post(by_other, other.sends({"event": "c", "timestamp": unix()}))
    (first, second) = (await house.ask(CONNECTORS))["connectors"]
    of_first = await house.ask(
        "query ($id: ID) { deadLetters(connectorId: $id) { nodes { id connector { id } } } }",
        id=first["id"],
    )

    one = await replayed(house, ids=[of_first["deadLetters"]["nodes"][0]["id"]])
    two = await replayed(house, connectorId=first["id"])
    three = await replayed(house, connectorId=second["id"])

    assert [one["done"], two["done"], three["done"]] == [1, 2, 1]
    found = of_first["deadLetters"]["nodes"]
    assert [letter["connector"]["id"] for letter in found] == [first["id"]] * 2


async def test_a_replay_of_nothing_is_refused(house: House) -> None:
    async def code(**chosen: Any) -> str:
        data = await house.ask(REPLAY, input=chosen)
        assert data["replayDeadLetters"]["job"] is None
        (error,) = data["replayDeadLetters"]["userErrors"]
        return str(error["code"])

    assert await code() == "NOT_FOUND"
    assert await code(ids=[]) == "EMPTY_SELECTION"
    assert await code(ids=["ddl_" + "0" * 32]) == "NOT_FOUND"
    assert await code(ids=["ddl_" + "0" * 32] * 1_001) == "TOO_MANY"
    assert await code(connectorId="cnn_" + "0" * 32) == "NOT_FOUND"


async def test_two_events_under_one_id_of_the_provider_are_not_merged(house: House) -> None:
    sender = SendGrid()
    path = await house.connect("sendgrid", sender.secret)
    events = [hook_event("delivered", sg_event_id="1"), hook_event("bounce", sg_event_id="1")]

    await house.post(path, sender.sends(events))

    assert await house.kinds() == ["DELIVERED"]
    (letter,) = await house.letters()
    assert orjson.loads(letter["body"]) == [events[1]]
    assert "same event id" in letter["reason"]


@pytest.mark.parametrize("is_first", [True, False])
async def test_events_of_a_message_not_known_yet_wait_for_it(
    bare_house: House, is_first: bool
) -> None:
    house, sender = bare_house, SendGrid()
    path = await house.connect("sendgrid", sender.secret)
    by_provider = hook_event("open", sg_message_id="p-1.filter1")
    del by_provider["communication"]
    sent = sender.sends([hook_event("delivered"), by_provider])

    if is_first:
        await house.announce(provider_id="<p-1>")
    await house.post(path, sent)
    if not is_first:
        await house.announce(provider_id="<p-1>")

    assert sorted(await house.kinds()) == ["DELIVERED", "OPENED"]
    assert (await house.message())["status"] == "OPENED"


async def test_the_message_of_another_workspace_is_not_reached(bare_house: House) -> None:
    """An event that names it waits where the connector is."""
    sender, neighbours = SendGrid(), await bare_house.neighbours()
    await neighbours.announce("theirs", provider_id="p-1")
    path = await bare_house.connect("sendgrid", sender.secret)
    by_provider = hook_event("open", sg_message_id="p-1.filter1")
    del by_provider["communication"]

    answer = await bare_house.post(
        path, sender.sends([hook_event("spamreport", "theirs"), by_provider])
    )

    assert answer.status_code == 200
    assert await neighbours.kinds("theirs") == []
    assert await bare_house.message("theirs") is None
    await bare_house.announce("theirs")
    assert await bare_house.kinds("theirs") == ["COMPLAINED"]


async def test_connectors_and_letters_of_another_workspace_are_not_seen(house: House) -> None:
    sender, neighbours = SendGrid(), await house.neighbours()
    path = await house.connect("sendgrid", sender.secret)
    await house.post(path, sender.sends([hook_event("strange")]))
    (letter,) = await house.letters()
    (connector,) = (await house.ask(CONNECTORS))["connectors"]

    removed = await neighbours.ask(
        "mutation ($id: ID!) { removeConnector(id: $id) { removed } }", id=connector["id"]
    )
    replay = await neighbours.ask(REPLAY, input={"ids": [letter["id"]]})

    assert removed["removeConnector"]["removed"] is False
    assert replay["replayDeadLetters"]["userErrors"][0]["code"] == "NOT_FOUND"
    assert (await neighbours.ask(CONNECTORS))["connectors"] == []
    assert await neighbours.letters() == []


def test_a_part_of_a_batch_is_a_batch_of_one() -> None:
    body = Body(b'[{"a": 1}, {"b": [2, 3]}]', "", None, 0)

    assert sendgrid.SendGrid().part(body, 1) == b'[{"b": [2, 3]}]'


@pytest.mark.parametrize("query", [CONNECTORS, LETTERS])
async def test_only_who_administrates_sees_them(house: House, query: str) -> None:
    scopes = (Scope.READ, Scope.OPERATE, Scope.INTEGRATE)
    token, _ = await a_token(house.serving.services, house.serving.workspace_id, scopes)

    async with house.serving.client(token) as client:
        answer = (await client.post("/graphql", json={"query": query})).json()

    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_what_is_wrong_with_a_connector_is_said_without_its_secret(house: House) -> None:
    async def told(**changes: str) -> tuple[str, list[str], str]:
        asked = {"provider": "mailgun", "name": "Mailgun", "secret": "k", **changes}
        made = (await house.ask(CREATE, **asked))["createConnector"]
        assert made["connector"] is None
        (error,) = made["userErrors"]
        return error["code"], error["field"], error["message"]

    await house.connect("mailgun", "k", "taken")

    assert await told(provider="pigeon") == (
        "INVALID",
        ["provider"],
        'There is no provider "pigeon": there are sendgrid, mailgun, ses, postmark, twilio, '
        "whatsapp, standard.",
    )
    assert (await told(name="taken"))[:2] == ("CONFLICT", ["name"])
    assert (await told(name=" "))[:2] == ("INVALID", ["name"])
    assert (await told(secret=""))[:2] == ("INVALID", ["secret"])
    for provider in ("sendgrid", "ses", "standard"):
        code, field, message = await told(provider=provider, secret="!my secret!")
        assert (code, field) == ("INVALID", ["secret"])
        assert "my secret" not in message


async def test_a_connector_is_listed_until_it_is_removed_and_its_name_is_free(
    bare_house: House,
) -> None:
    house, sender = bare_house, SendGrid()
    await house.announce()
    path = await house.connect("sendgrid", sender.secret, "mails")
    await house.post(path, sender.sends([hook_event("open")]))
    remove = """mutation ($id: ID!) { removeConnector(id: $id) {
        removed userErrors { code } } }"""

    (listed,) = (await house.ask(CONNECTORS))["connectors"]
    removed = [await house.ask(remove, id=listed["id"]) for _ in range(2)]

    assert listed["url"] == f"https://trackside.example{path}"
    assert listed["lastReceivedAt"] is not None
    assert [one["removeConnector"] for one in removed] == [
        {"removed": True, "userErrors": []},
        {"removed": False, "userErrors": [{"code": "NOT_FOUND"}]},
    ]
    assert (await house.ask(CONNECTORS))["connectors"] == []
    await house.connect("sendgrid", sender.secret, "mails")
    assert await house.kinds() == ["OPENED"]
