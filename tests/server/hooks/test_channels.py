"""Channels of connectors: what is reported of a message of another one is kept, not applied."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
import structlog

from server.hooks import sendgrid
from store.words import DeliveryKind, Scope
from tests.server.hooks.conftest import CONNECTORS, CREATE, House
from tests.server.hooks.test_dead_letters import replayed
from tests.server.serving import a_token
from tests.support.senders import TOPIC, SendGrid, Standard, Twilio, hook_event

SET = """mutation ($id: ID!, $channel: Channel) {
  setConnectorChannel(id: $id, channel: $channel) {
    connector { channel } userErrors { code field message } } }"""
WHY = (
    'The message "text-1" is of the channel SMS, and the connector "sendgrid" reports on EMAIL: '
    "if that is wrong, change it with setConnectorChannel, and replay this."
)
SECRETS = {"sendgrid": SendGrid().secret, "ses": TOPIC, "standard": Standard.secret}


def told(kind: str, communication: str) -> dict[str, Any]:
    """As a sender of our own says it."""
    now = datetime.now(UTC).isoformat()
    return {"type": f"message.{kind}", "timestamp": now, "data": {"communication": communication}}


def nameless(kind: str, provider_id: str) -> dict[str, Any]:
    """SendGrid's of a message that is named by its provider's id alone."""
    event = hook_event(kind, sg_message_id=f"{provider_id}.filter1")
    del event["communication"]
    return event


async def connector(house: House) -> Any:
    (one,) = (await house.ask(CONNECTORS))["connectors"]
    return one


@pytest.mark.parametrize(
    ("provider", "asked", "channel"),
    [
        ("sendgrid", None, "EMAIL"),
        ("mailgun", None, "EMAIL"),
        ("ses", None, "EMAIL"),
        ("postmark", None, "EMAIL"),
        ("postmark", "EMAIL", "EMAIL"),
        ("whatsapp", None, "WHATSAPP"),
        ("twilio", None, None),
        ("twilio", "IVR", "IVR"),
        ("standard", None, None),
        ("standard", "PUSH", "PUSH"),
    ],
)
async def test_a_connector_has_the_channel_asked_for_or_its_providers_only_one(
    bare_house: House, provider: str, asked: str | None, channel: str | None
) -> None:
    await bare_house.connect(provider, SECRETS.get(provider, "secret"), channel=asked)

    assert (await connector(bare_house))["channel"] == channel


@pytest.mark.parametrize(
    ("provider", "message"),
    [
        ("ses", "ses sends over EMAIL, not over PUSH: leave channel out."),
        (
            "twilio",
            "twilio sends over SMS, IVR, WHATSAPP, not over PUSH: name one of these, or none "
            "for all.",
        ),
    ],
)
async def test_a_channel_over_which_a_provider_does_not_send_is_refused(
    bare_house: House, provider: str, message: str
) -> None:
    refusal = [{"code": "INVALID", "field": ["channel"], "message": message}]
    asked = {"provider": provider, "name": "X", "secret": SECRETS.get(provider, "secret")}

    made = await bare_house.ask(CREATE, **asked, channel="PUSH")
    assert made["createConnector"] == {"connector": None, "userErrors": refusal}

    own = (await bare_house.ask(CREATE, **asked))["createConnector"]["connector"]
    changed = await bare_house.ask(SET, id=own["id"], channel="PUSH")
    assert changed["setConnectorChannel"] == {"connector": None, "userErrors": refusal}
    assert (await connector(bare_house))["channel"] == own["channel"]


async def test_of_a_batch_what_is_of_another_channel_is_kept_and_the_rest_recorded(
    bare_house: House,
) -> None:
    house, sender = bare_house, SendGrid()
    await house.announce("mail-1")
    await house.announce("text-1", channel="SMS", provider_id="p-1")
    path = await house.connect("sendgrid", sender.secret)
    sent = sender.sends(
        [hook_event("open", "text-1"), hook_event("open", "mail-1"), nameless("bounce", "p-1")]
    )

    with structlog.testing.capture_logs() as lines:
        answers = [await house.post(path, sent) for _ in range(2)]

    assert [one.status_code for one in answers] == [200, 200]
    assert await house.kinds("mail-1") == ["OPENED"]
    assert await house.kinds("text-1") == []
    letters = await house.letters()
    assert [one["reason"] for one in letters] == [WHY, WHY]
    assert {orjson.loads(one["body"])["kind"] for one in letters} == {"OPENED", "BOUNCED"}
    kept = [one for one in lines if one["event"] == "hook_misdirected"]
    assert [one["events"] for one in kept] == [2, 2]


@pytest.mark.parametrize("is_first", [True, False])
async def test_what_waited_and_is_of_another_channel_is_kept_too(
    bare_house: House, is_first: bool
) -> None:
    house, sender = bare_house, SendGrid()
    path = await house.connect("sendgrid", sender.secret)
    sent = sender.sends(
        [hook_event("open", "text-1"), nameless("bounce", "p-1"), hook_event("open", "mail-1")]
    )

    if is_first:
        await house.announce("text-1", channel="SMS", provider_id="p-1")
        await house.announce("mail-1")
    before = datetime.now(UTC).isoformat()
    await house.post(path, sent)
    between = datetime.now(UTC).isoformat()
    if not is_first:
        assert await house.letters() == []
        await house.announce("text-1", channel="SMS", provider_id="p-1")
        await house.announce("mail-1")
    # What the provider sends again is the same letter.
    await house.post(path, sent)

    assert (await house.message("text-1"))["status"] == "QUEUED"
    assert await house.kinds("text-1") == []
    assert await house.kinds("mail-1") == ["OPENED"]
    letters = await house.letters()
    assert [one["reason"] for one in letters] == [WHY, WHY]
    assert {orjson.loads(one["body"])["kind"] for one in letters} == {"OPENED", "BOUNCED"}
    assert all(before[:23] <= one["receivedAt"][:23] <= between[:23] for one in letters)


@pytest.mark.parametrize("is_first", [True, False])
async def test_a_letter_is_recorded_once_its_connector_reports_on_the_channel(
    bare_house: House, is_first: bool
) -> None:
    house, sender = bare_house, Standard()
    path = await house.connect("standard", sender.secret, channel="PUSH")
    sent = sender.sends(told("clicked", "text-1"))
    if is_first:
        await house.announce("text-1", channel="SMS")
    await house.post(path, sent)
    if not is_first:
        await house.announce("text-1", channel="SMS")

    in_vain = await replayed(house)
    (letter,) = await house.letters()
    own = await connector(house)
    changed = await house.ask(SET, id=own["id"], channel="SMS")
    done = await replayed(house, ids=[letter["id"]])

    assert in_vain["counts"] == {"updated": 0, "failed": 1}
    assert in_vain["errors"]["nodes"][0]["message"] == letter["reason"]
    assert changed["setConnectorChannel"] == {"connector": {"channel": "SMS"}, "userErrors": []}
    assert done["counts"] == {"updated": 1, "failed": 0}
    assert await house.letters() == []
    assert await house.kinds("text-1") == ["CLICKED"]
    # What the provider sends again is known.
    await house.post(path, sent)
    assert await house.kinds("text-1") == ["CLICKED"]


async def test_a_letter_that_stays_says_todays_reason(bare_house: House) -> None:
    house, sender = bare_house, Standard()
    path = await house.connect("standard", sender.secret, channel="PUSH")
    await house.announce("text-1", channel="SMS")
    await house.post(path, sender.sends(told("clicked", "text-1")))
    await house.ask(SET, id=(await connector(house))["id"], channel="EMAIL")

    await replayed(house)

    (letter,) = await house.letters()
    assert "reports on EMAIL" in letter["reason"]


async def test_a_body_that_is_read_at_last_is_kept_by_event_for_its_channel(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = SendGrid()
    await house.announce("text-1", channel="SMS")
    path = await house.connect("sendgrid", sender.secret)
    await house.post(path, sender.sends([hook_event("teleported", "text-1")]))
    monkeypatch.setitem(sendgrid._KINDS, "teleported", DeliveryKind.DELIVERED)

    job = await replayed(house)

    assert job["counts"] == {"updated": 0, "failed": 1}
    (letter,) = await house.letters()
    assert letter["reason"] == WHY
    assert orjson.loads(letter["body"])["kind"] == "DELIVERED"


async def test_a_connector_without_a_channel_reports_on_all(bare_house: House) -> None:
    house = bare_house
    await house.announce("text-1", channel="SMS")
    await house.announce("call-1", channel="IVR")
    path = await house.connect("twilio", Twilio.secret)
    sender = Twilio(f"https://trackside.example{path}")

    for name in ("text-1", "call-1"):
        form = {"MessageSid": f"SM of {name}", "MessageStatus": "delivered"}
        await house.post(path, sender.sends(form, communication=name))

    assert await house.kinds("text-1") == await house.kinds("call-1") == ["DELIVERED"]
    assert await house.letters() == []


async def test_a_message_of_another_workspace_is_none_of_a_connectors(bare_house: House) -> None:
    house, sender, neighbours = bare_house, SendGrid(), await bare_house.neighbours()
    await neighbours.announce("mail-1", channel="SMS")
    path = await house.connect("sendgrid", sender.secret)

    await house.post(path, sender.sends([hook_event("open", "mail-1")]))
    await house.announce("mail-1")

    assert await house.kinds("mail-1") == ["OPENED"]
    assert await house.letters() == await neighbours.letters() == []


async def test_only_who_administrates_sets_a_channel_and_only_at_home(house: House) -> None:
    neighbours = await house.neighbours()
    await house.connect("standard", Standard.secret)
    own = (await connector(house))["id"]
    scopes = (Scope.READ, Scope.OPERATE, Scope.INTEGRATE)
    token, _ = await a_token(house.serving.services, house.serving.workspace_id, scopes)

    async with house.serving.client(token) as client:
        body = {"query": SET, "variables": {"id": own, "channel": "SMS"}}
        forbidden = (await client.post("/graphql", json=body)).json()
    unknown = await neighbours.ask(SET, id=own, channel="SMS")
    await house.ask("mutation ($id: ID!) { removeConnector(id: $id) { removed } }", id=own)
    removed = await house.ask(SET, id=own, channel="SMS")

    assert forbidden["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    for answer in (unknown, removed):
        (error,) = answer["setConnectorChannel"]["userErrors"]
        assert (error["code"], error["field"]) == ("NOT_FOUND", ["id"])
