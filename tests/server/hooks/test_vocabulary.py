"""Each provider's words for what happened to a message, and ours."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.server.hooks.conftest import House
from tests.support.senders import (
    Mailgun,
    Postmark,
    SendGrid,
    Standard,
    Twilio,
    WhatsApp,
    hook_event,
    unix,
)

NOON = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


def at(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


SENDGRID: list[tuple[dict[str, Any], str]] = [
    ({"event": "processed"}, "SENT"),
    ({"event": "deferred", "response": "451 later"}, "DEFERRED"),
    ({"event": "delivered", "response": "250 OK"}, "DELIVERED"),
    ({"event": "bounce", "type": "bounce", "status": "5.1.1", "reason": "no user"}, "BOUNCED"),
    ({"event": "bounce", "type": "blocked", "reason": "listed"}, "DEFERRED"),
    ({"event": "dropped", "reason": "Bounced Address"}, "SUPPRESSED"),
    ({"event": "dropped", "reason": "Invalid SMTPAPI header"}, "FAILED"),
    ({"event": "open"}, "OPENED"),
    ({"event": "click", "url": "https://shop.example/a"}, "CLICKED"),
    ({"event": "spamreport"}, "COMPLAINED"),
    ({"event": "unsubscribe"}, "UNSUBSCRIBED"),
    ({"event": "group_unsubscribe"}, "UNSUBSCRIBED"),
]


async def test_sendgrids_words(house: House) -> None:
    sender = SendGrid()
    path = await house.connect("sendgrid", sender.secret)
    events = [
        hook_event("x", timestamp=unix(at(number)), **said)
        for number, (said, _) in enumerate(SENDGRID)
    ] + [hook_event("group_resubscribe")]

    answer = await house.post(path, sender.sends(events))

    assert answer.status_code == 200
    told = await house.events()
    assert [one["kind"] for one in told] == [kind for _, kind in SENDGRID]
    assert [one["reason"] for one in told[:5]] == [
        None,
        "451 later",
        None,
        "5.1.1 no user",
        "listed",
    ]
    assert told[8]["url"] == "https://shop.example/a"
    assert {one["source"] for one in told} == {"sendgrid"}
    assert await house.letters() == []


async def test_an_open_of_apples_mail_is_a_robots(house: House) -> None:
    sender = SendGrid()
    path = await house.connect("sendgrid", sender.secret)

    await house.post(path, sender.sends([hook_event("open", sg_machine_open=True)]))

    (opened,) = await house.events()
    assert (opened["isSuspectedBot"], opened["botSignals"]) == (True, ["MAIL_PROXY"])
    assert (await house.message())["status"] != "OPENED"


MAILGUN: list[tuple[dict[str, Any], str]] = [
    ({"event": "accepted"}, "SENT"),
    ({"event": "rejected", "reason": "old"}, "FAILED"),
    ({"event": "delivered", "delivery-status": {"code": 250, "message": "OK"}}, "DELIVERED"),
    (
        {
            "event": "failed",
            "severity": "temporary",
            "delivery-status": {"code": 451, "message": "later"},
        },
        "DEFERRED",
    ),
    ({"event": "failed", "severity": "permanent", "reason": "bounce"}, "BOUNCED"),
    ({"event": "failed", "severity": "permanent", "reason": "suppress-bounce"}, "SUPPRESSED"),
    ({"event": "opened"}, "OPENED"),
    ({"event": "clicked", "url": "https://shop.example/a"}, "CLICKED"),
    ({"event": "unsubscribed"}, "UNSUBSCRIBED"),
    ({"event": "complained"}, "COMPLAINED"),
]


async def test_mailguns_words(house: House) -> None:
    sender = Mailgun()
    path = await house.connect("mailgun", sender.secret)
    for number, (said, _) in enumerate(MAILGUN):
        event = {
            **said,
            "id": f"event-{number}",
            "timestamp": unix(at(number)) + 0.5,
            "user-variables": {"communication": "mail-1"},
        }
        assert (await house.post(path, sender.sends(event))).status_code == 200

    told = await house.events()

    assert [one["kind"] for one in told] == [kind for _, kind in MAILGUN]
    assert [told[1]["reason"], told[2]["reason"], told[3]["reason"]] == ["old", None, "451 later"]
    assert told[7]["url"] == "https://shop.example/a"


SES: list[tuple[str, str, dict[str, Any], str]] = [
    ("Send", "send", {}, "SENT"),
    ("Delivery", "delivery", {}, "DELIVERED"),
    ("DeliveryDelay", "deliveryDelay", {"delayType": "MailboxFull"}, "DEFERRED"),
    ("Bounce", "bounce", {"bounceType": "Permanent", "bounceSubType": "General"}, "BOUNCED"),
    ("Bounce", "bounce", {"bounceType": "Transient", "bounceSubType": "MailboxFull"}, "DEFERRED"),
    (
        "Bounce",
        "bounce",
        {"bounceType": "Permanent", "bounceSubType": "OnAccountSuppressionList"},
        "SUPPRESSED",
    ),
    ("Complaint", "complaint", {"complaintFeedbackType": "abuse"}, "COMPLAINED"),
    (
        "Complaint",
        "complaint",
        {"complaintSubType": "OnAccountSuppressionList"},
        "SUPPRESSED",
    ),
    ("Reject", "reject", {"reason": "Bad content"}, "FAILED"),
    ("Rendering Failure", "failure", {"errorMessage": "no name"}, "FAILED"),
    ("Open", "open", {}, "OPENED"),
    ("Click", "click", {"link": "https://shop.example/a"}, "CLICKED"),
    ("Subscription", "subscription", {"contactList": "all"}, "UNSUBSCRIBED"),
]


@pytest.mark.parametrize("version", ["1", "2"])
async def test_the_words_of_ses(house: House, version: str) -> None:
    path = await house.connect("ses", house.ses.secret)
    for number, (name, part, said, _) in enumerate(SES):
        when = at(number).isoformat().replace("+00:00", ".000Z")
        event = {
            "eventType": name,
            "mail": {
                "messageId": "ses-1",
                "timestamp": when,
                "tags": {"communication": ["mail-1"], "ses:source-ip": ["192.0.2.1"]},
            },
            part: {"timestamp": when, **said},
        }
        answer = await house.post(path, house.ses.sends(event, version=version))
        assert (answer.status_code, answer.text) == (200, "")

    told = await house.events()

    assert [one["kind"] for one in told] == [kind for *_, kind in SES]
    assert told[4]["reason"] == "Transient MailboxFull"
    assert told[11]["url"] == "https://shop.example/a"
    # The certificate is fetched once.
    assert len(house.ses.fetched) == 1


POSTMARK: list[tuple[dict[str, Any], str, str]] = [
    ({"RecordType": "Delivery"}, "DeliveredAt", "DELIVERED"),
    (
        {"RecordType": "Bounce", "ID": 1, "Type": "HardBounce", "Details": "550"},
        "BouncedAt",
        "BOUNCED",
    ),
    ({"RecordType": "Bounce", "ID": 2, "Type": "SoftBounce"}, "BouncedAt", "DEFERRED"),
    ({"RecordType": "Bounce", "ID": 3, "Type": "ManuallyDeactivated"}, "BouncedAt", "SUPPRESSED"),
    ({"RecordType": "SpamComplaint", "ID": 4}, "BouncedAt", "COMPLAINED"),
    ({"RecordType": "Open", "FirstOpen": True}, "ReceivedAt", "OPENED"),
    (
        {"RecordType": "Click", "OriginalLink": "https://shop.example/a"},
        "ReceivedAt",
        "CLICKED",
    ),
    (
        {
            "RecordType": "SubscriptionChange",
            "SuppressSending": True,
            "SuppressionReason": "ManualSuppression",
        },
        "ChangedAt",
        "UNSUBSCRIBED",
    ),
]


async def test_postmarks_words(house: House) -> None:
    sender = Postmark()
    path = await house.connect("postmark", sender.secret)
    for number, (said, name, _) in enumerate(POSTMARK):
        event = {
            "MessageID": "883953f4",
            "Metadata": {"communication": "mail-1"},
            # Seven digits behind the second, as Postmark writes them.
            name: at(number).strftime("%Y-%m-%dT%H:%M:%S.0000000Z"),
            **said,
        }
        assert (await house.post(path, sender.sends(event))).status_code == 200
    ignored = {"RecordType": "SubscriptionChange", "SuppressSending": False}
    assert (await house.post(path, sender.sends(ignored))).status_code == 200

    told = await house.events()

    assert [one["kind"] for one in told] == [kind for *_, kind in POSTMARK]
    assert told[1]["reason"] == "HardBounce: 550"
    assert told[6]["url"] == "https://shop.example/a"
    assert await house.letters() == []


@pytest.mark.parametrize(
    ("form", "kind", "reason"),
    [
        ({"MessageStatus": "queued"}, "QUEUED", None),
        ({"MessageStatus": "sent"}, "SENT", None),
        ({"MessageStatus": "delivered"}, "DELIVERED", None),
        ({"MessageStatus": "read"}, "OPENED", None),
        ({"MessageStatus": "undelivered", "ErrorCode": "30003"}, "FAILED", "undelivered 30003"),
        ({"MessageStatus": "undelivered", "ErrorCode": "30005"}, "BOUNCED", "undelivered 30005"),
        ({"MessageStatus": "failed", "ErrorCode": "21610"}, "SUPPRESSED", "failed 21610"),
        ({"MessageStatus": "canceled"}, "FAILED", "canceled"),
        ({"CallSid": "CA1", "CallStatus": "initiated"}, "QUEUED", None),
        ({"CallSid": "CA1", "CallStatus": "ringing"}, "SENT", None),
        ({"CallSid": "CA1", "CallStatus": "completed"}, "DELIVERED", None),
        ({"CallSid": "CA1", "CallStatus": "no-answer"}, "FAILED", "no-answer"),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_twilios_words(
    house: House, form: dict[str, str], kind: str, reason: str | None
) -> None:
    path = await house.connect("twilio", Twilio.secret)
    sender = Twilio(f"https://trackside.example{path}")
    if "CallStatus" in form:
        form = {**form, "Timestamp": at(1).strftime("%a, %d %b %Y %H:%M:%S +0000")}
    else:
        form = {"MessageSid": "SM1", **form}

    answer = await house.post(path, sender.sends(form, communication="mail-1"))

    assert answer.status_code == 200
    (told,) = await house.events()
    assert (told["kind"], told["reason"]) == (kind, reason)
    if "CallStatus" in form:
        assert told["occurredAt"] == at(1).strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_whatsapps_words(house: House) -> None:
    sender = WhatsApp()
    await house.announce("chat-1", channel="WHATSAPP")
    path = await house.connect("whatsapp", sender.secret)
    said: list[tuple[str, list[Any], str]] = [
        ("sent", [], "SENT"),
        ("delivered", [], "DELIVERED"),
        ("read", [], "OPENED"),
        ("failed", [{"code": 131026, "title": "Message undeliverable"}], "BOUNCED"),
    ]
    statuses = [
        {
            "id": "wamid.1",
            "status": status,
            "timestamp": str(unix(at(number))),
            "biz_opaque_callback_data": "chat-1",
            "errors": errors,
        }
        for number, (status, errors, _) in enumerate(said)
    ]
    other: dict[str, Any] = {
        "id": "wamid.2",
        "timestamp": str(unix(at(9))),
        "biz_opaque_callback_data": "chat-1",
    }
    other |= {"status": "failed", "errors": [{"code": 131050, "title": "Stopped"}]}

    answers = [
        await house.post(path, sender.sends(*statuses)),
        await house.post(path, sender.sends(other)),
        await house.post(path, sender.sends(messages=[{"from": "1", "text": {"body": "hi"}}])),
    ]

    assert [one.status_code for one in answers] == [200, 200, 200]
    told = await house.events("chat-1")
    assert [one["kind"] for one in told] == [*(kind for *_, kind in said), "SUPPRESSED"]
    assert told[3]["reason"] == "131026 Message undeliverable"


async def test_the_words_of_anybody_else_are_ours(house: House) -> None:
    sender = Standard()
    path = await house.connect("standard", sender.secret)
    kinds = ["IMPRESSION", "CLICKED", "SUPPRESSED"]
    for number, kind in enumerate(kinds):
        event = {
            "type": f"message.{kind.lower()}",
            "timestamp": at(number).isoformat(),
            "data": {"communication": "mail-1", "url": "https://shop.example/a", "reason": "r"},
        }
        assert (await house.post(path, sender.sends(event))).status_code == 200

    told = await house.events()

    assert [one["kind"] for one in told] == kinds
    assert (told[1]["url"], told[2]["reason"]) == ("https://shop.example/a", "r")


async def test_an_event_without_our_id_finds_its_message_by_the_providers(house: House) -> None:
    sender = SendGrid()
    path = await house.connect("sendgrid", sender.secret)
    event = hook_event("delivered", sg_message_id="provider-1.filter0001.16648.55.0")
    del event["communication"]

    await house.post(path, sender.sends([event]))

    assert await house.kinds() == ["DELIVERED"]
