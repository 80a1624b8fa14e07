"""What a hook does not take: the status that the provider understands, and nothing stored."""

import gzip
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import structlog

from resolvers import connectors
from resolvers.connectors import Place
from server.hooks import route
from store import tables
from store.types import new_id
from store.words import Provider
from tests.server.hooks.conftest import House
from tests.support.senders import (
    TOPIC,
    Mailgun,
    Postmark,
    SendGrid,
    Sent,
    Ses,
    Standard,
    Twilio,
    WhatsApp,
    hook_event,
    unix,
)

LATE = datetime.now(UTC) - timedelta(hours=3)
A_STATUS = {"id": "w", "status": "sent", "timestamp": "1", "biz_opaque_callback_data": "mail-1"}


def mailgun_event(**changes: object) -> dict[str, object]:
    variables = {"communication": "mail-1"}
    return {
        "event": "delivered",
        "id": "event-1",
        "timestamp": unix(),
        "user-variables": variables,
        **changes,
    }


async def refused(house: House, path: str, sent: Sent) -> tuple[int, str]:
    """The status, and the reason in the one line of the log."""
    with structlog.testing.capture_logs() as lines:
        answer = await house.post(path, sent)
    (line,) = [one for one in lines if one["event"] == "hook_refused"]
    assert line["status"] == answer.status_code
    assert await nothing_is_kept(house)
    return answer.status_code, line["reason"]


async def nothing_is_kept(house: House) -> bool:
    return await house.letters() == [] and await house.kinds() == []


Spoil = Callable[[Sent], Sent]


def spoilt(name: str) -> Spoil:
    """With another value of the same length in the header."""

    def spoil(sent: Sent) -> Sent:
        value = sent.headers[name]
        other = value[:-6] + ("A" if value[-6] != "A" else "B") + value[-5:]
        return replace(sent, headers={**sent.headers, name: other})

    return spoil


def without(name: str) -> Spoil:
    return lambda sent: replace(
        sent, headers={key: value for key, value in sent.headers.items() if key != name}
    )


def with_more(sent: Sent) -> Sent:
    return replace(sent, body=sent.body + b" ")


SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"


def with_header(name: str, value: str) -> Spoil:
    return lambda sent: replace(sent, headers={**sent.headers, name: value})


def with_body(spoil: Callable[[bytes], bytes]) -> Spoil:
    return lambda sent: replace(sent, body=spoil(sent.body))


def with_query(query: str) -> Spoil:
    return lambda sent: replace(sent, query=query)


NESTED = b'{"a":' + b"[" * 1_000_000
MISSING = "missing"
WRONG = "does not match"
UNPROVEN: dict[str, tuple[str, Spoil, int, str]] = {
    "SendGrid's signature of another": ("sendgrid", spoilt(SIGNATURE), 401, WRONG),
    "SendGrid's other body": ("sendgrid", with_more, 401, WRONG),
    "SendGrid unsigned": ("sendgrid", without(SIGNATURE), 401, MISSING),
    "SendGrid without time": ("sendgrid", without(TIMESTAMP), 401, MISSING),
    "Postmark's other password": ("postmark", spoilt("Authorization"), 401, "password"),
    "Postmark without password": ("postmark", without("Authorization"), 401, MISSING),
    "Postmark's bearer": ("postmark", with_header("Authorization", "Bearer x"), 401, "read"),
    "Twilio's other signature": ("twilio", spoilt("X-Twilio-Signature"), 401, WRONG),
    "Twilio unsigned": ("twilio", without("X-Twilio-Signature"), 401, MISSING),
    "Twilio of another message": ("twilio", with_query("communication=mail-2"), 401, WRONG),
    "Twilio's other form": ("twilio", with_body(lambda body: body + b"&a=b"), 401, WRONG),
    "Twilio's form without end": ("twilio", with_body(lambda _: b"&a=b" * 300), 400, "no form"),
    "WhatsApp's other body": ("whatsapp", with_more, 401, WRONG),
    "WhatsApp unsigned": ("whatsapp", without("X-Hub-Signature-256"), 401, MISSING),
    "other signature": ("standard", spoilt("webhook-signature"), 401, "signature"),
    "without id": ("standard", without("webhook-id"), 401, "Missing"),
    "no signature": ("standard", with_header("webhook-signature", "v1"), 401, "be read"),
    "bytes that are no text": ("standard", with_body(lambda _: b"\xff"), 401, "be read"),
    "other event of SES": (
        "ses",
        with_body(lambda body: body.replace(b"Delivery", b"Complaint")),
        403,
        WRONG,
    ),
    "SES cut short": ("ses", with_body(lambda body: body[:-20]), 400, "signed notification"),
    "Mailgun's other key": (
        "mailgun",
        with_body(lambda body: body.replace(b'"token":"', b'"token":"0')),
        401,
        WRONG,
    ),
    "Mailgun nested deeply": ("mailgun", with_body(lambda _: NESTED), 400, "no signature"),
    "SES nested deeply": ("ses", with_body(lambda _: NESTED), 400, "signed notification"),
    "Mailgun cut short": ("mailgun", with_body(lambda body: body[:40]), 400, "no signature"),
}


@pytest.mark.parametrize("name", UNPROVEN)
async def test_who_cannot_prove_to_be_the_provider_is_refused(house: House, name: str) -> None:
    provider, spoil, status, reason = UNPROVEN[name]
    path, sent = await a_report(house, provider)

    found, said = await refused(house, path, spoil(sent))

    assert found == status
    assert reason in said


async def a_report(house: House, provider: str) -> tuple[str, Sent]:
    """The path of a hook, and a good request to it."""
    stamp = datetime.now(UTC).isoformat()
    data = {"communication": "mail-1"}
    match provider:
        case "sendgrid":
            sendgrid = SendGrid()
            path = await house.connect(provider, sendgrid.secret)
            return path, sendgrid.sends([hook_event("delivered")])
        case "twilio":
            path = await house.connect(provider, Twilio.secret)
            twilio = Twilio(f"https://trackside.example{path}")
            form = {"MessageSid": "SM1", "MessageStatus": "sent"}
            return path, twilio.sends(form, communication="mail-1")
        case "ses":
            event = {"eventType": "Delivery", "mail": {"messageId": "1", "timestamp": stamp}}
            return await house.connect(provider, TOPIC), house.ses.sends(event)
        case "mailgun":
            path = await house.connect(provider, Mailgun.secret)
            return path, Mailgun().sends(mailgun_event())
        case "postmark":
            path = await house.connect(provider, Postmark.secret)
            event = {"RecordType": "Delivery", "DeliveredAt": stamp, "Metadata": data}
            return path, Postmark().sends(event)
        case "whatsapp":
            path = await house.connect(provider, WhatsApp.secret)
            return path, WhatsApp().sends(A_STATUS)
        case _:
            path = await house.connect(provider, Standard.secret)
            return path, Standard().sends(
                {"type": "message.sent", "timestamp": stamp, "data": data}
            )


async def test_what_was_signed_long_ago_is_refused(house: House) -> None:
    sendgrid = SendGrid()
    by_sendgrid = await house.connect("sendgrid", sendgrid.secret)
    by_mailgun = await house.connect("mailgun", Mailgun.secret)
    by_standard = await house.connect("standard", Standard.secret)
    by_ses = await house.connect("ses", TOPIC)

    answers = [
        await refused(house, by_sendgrid, sendgrid.sends([hook_event("open")], at=LATE)),
        # Mailgun tries no more after a 406: trying again would not make it younger.
        await refused(house, by_mailgun, Mailgun().sends(mailgun_event(), at=LATE)),
        await refused(house, by_standard, Standard().sends({"type": "x"}, at=LATE)),
        await refused(house, by_ses, house.ses.sends({}, at=LATE)),
    ]

    assert [status for status, _ in answers] == [401, 406, 401, 403]
    assert ["old" in reason or "last" in reason for _, reason in answers] == [True] * 4


async def test_a_token_of_mailgun_is_good_once_and_for_one_body(house: House) -> None:
    path = await house.connect("mailgun", Mailgun.secret)
    first = Mailgun().sends(mailgun_event(), token="t" * 50)
    forged = Mailgun().sends(mailgun_event(id="event-2", event="complained"), token="t" * 50)

    answers = [await house.post(path, one) for one in (first, first, forged)]

    assert [one.status_code for one in answers] == [200, 406, 406]
    assert await house.kinds() == ["DELIVERED"]


async def test_what_comes_twice_is_recorded_once(house: House) -> None:
    for provider in ("sendgrid", "postmark", "standard", "whatsapp", "twilio"):
        path, sent = await a_report(house, provider)
        before = len(await house.kinds())

        answers = [await house.post(path, sent) for _ in range(2)]

        assert [one.status_code for one in answers] == [200, 200]
        recorded = len(await house.kinds()) + len(await house.letters()) - before
        assert recorded >= 1, provider
    sources = [one["source"] for one in await house.events()]
    assert len(sources) == len(set(sources))


@pytest.mark.parametrize("path", ["/hooks/sendgrid/nonsense", "/hooks/nobody/AAAA", None])
async def test_a_connector_that_is_not_known_is_not_found(house: House, path: str | None) -> None:
    nobody = Place(house.serving.workspace_id, new_id())
    sent = SendGrid().sends([hook_event("open")])

    status, _ = await refused(house, path or connectors.path(Provider.SENDGRID, nobody), sent)

    assert status == 404


async def test_a_hook_is_of_one_provider(house: House) -> None:
    path = await house.connect("whatsapp", WhatsApp.secret)

    status, _ = await refused(house, path.replace("whatsapp", "mailgun"), WhatsApp().sends())

    assert status == 404


@pytest.mark.parametrize(
    ("provider", "status"), [("sendgrid", 410), ("mailgun", 406), ("postmark", 403), ("ses", 403)]
)
async def test_behind_its_removal_a_provider_is_told_to_call_no_more(
    house: House, provider: str, status: int
) -> None:
    path, sent = await a_report(house, provider)
    (connector,) = (await house.ask("{ connectors { id } }"))["connectors"]
    await house.ask("mutation ($id: ID!) { removeConnector(id: $id) { removed } }", **connector)

    found, _ = await refused(house, path, sent)

    assert found == status


async def test_a_body_of_fifty_megabytes_is_too_large(house: House) -> None:
    path = await house.connect("sendgrid", SendGrid().secret)

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield bytes(1_000_000)

    async with httpx.AsyncClient(base_url=house.serving.url, timeout=30) as client:
        answers = [
            await client.post(path, content=bytes(50_000_000)),
            # Without a length.
            await client.post(path, content=endless()),
        ]

    assert [one.status_code for one in answers] == [413, 413]
    assert await nothing_is_kept(house)


async def test_compressed_bodies_are_not_unpacked(house: House) -> None:
    sender = SendGrid()
    path = await house.connect("sendgrid", sender.secret)
    bomb = sender.sends(gzip.compress(bytes(10_000_000)))

    status, _ = await refused(
        house, path, replace(bomb, headers={**bomb.headers, "Content-Encoding": "gzip"})
    )

    assert status == 415


async def test_too_much_at_once_is_put_off(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    sender = SendGrid()
    path = await house.connect("sendgrid", sender.secret)
    monkeypatch.setattr(route, "_BYTES_AT_ONCE", 10)

    answer = await house.post(path, sender.sends([hook_event("open")]))

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert await nothing_is_kept(house)


async def test_while_the_database_is_away_the_provider_is_put_off(house: House) -> None:
    path, sent = await a_report(house, "sendgrid")
    async with house.serving.services.database.write() as connection:
        await connection.run_sync(lambda sync: tables.event_keys.drop(sync))

    answer = await house.post(path, sent)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")


async def test_ses_is_answered_when_it_asks_whether_we_want_its_events(house: House) -> None:
    path = await house.connect("ses", TOPIC)
    asked = house.ses.sends("You have chosen to subscribe", kind="SubscriptionConfirmation")

    answer = await house.post(path, asked)

    assert answer.status_code == 200
    assert (
        house.ses.fetched[-1] == "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"SigningCertURL": "https://sns.evil.example/SimpleNotificationService-1.pem"},
        {"SigningCertURL": "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com.evil.example/x.pem"},
        {"SigningCertURL": "https://me@sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com/other.pem"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-1.pem"},
        {"TopicArn": "arn:aws:sns:eu-west-1:999999999999:messages"},
        {"SignatureVersion": "3"},
    ],
    ids=str,
)  # fmt: skip
async def test_a_certificate_that_is_not_amazons_and_a_strange_topic_are_refused(
    house: House, changes: dict[str, str]
) -> None:
    path = await house.connect("ses", TOPIC)

    status, _ = await refused(house, path, house.ses.sends({}, changes=changes))

    assert status == 403
    assert house.ses.fetched == []


async def test_a_subscription_is_confirmed_at_amazons_only(house: House) -> None:
    path = await house.connect("ses", TOPIC)
    asked = house.ses.sends(
        "x",
        kind="SubscriptionConfirmation",
        changes={"SubscribeURL": "https://inside.example/?Action=x"},
    )

    status, _ = await refused(house, path, asked)

    assert status == 403
    assert "https://inside.example/?Action=x" not in house.ses.fetched


async def test_without_amazons_certificate_the_provider_is_put_off(house: House) -> None:
    stranger = Ses()
    path = await house.connect("ses", TOPIC)

    async def away(_: str) -> bytes:
        raise OSError("no route")

    house.serving.services.providers[Provider.SES]._fetch = away  # type: ignore[attr-defined]

    status, reason = await refused(house, path, stranger.sends({}))

    assert status == 503
    assert "no route" in reason


async def test_whatsapp_is_answered_its_challenge(house: House) -> None:
    path = await house.connect("whatsapp", WhatsApp.secret)
    token = path.rpartition("/")[2]

    async with httpx.AsyncClient(base_url=house.serving.url) as client:
        answers = [
            await client.get(
                path,
                params={
                    "hub.mode": mode,
                    "hub.verify_token": one,
                    "hub.challenge": "1158201444",
                },
            )
            for mode, one in (
                ("subscribe", token),
                ("subscribe", WhatsApp.secret),
                ("subscribe", "wrong"),
                ("unsubscribe", token),
            )
        ]

    assert [one.status_code for one in answers] == [200, 200, 403, 403]
    assert answers[0].text == "1158201444"


async def test_other_hooks_are_not_got(house: House) -> None:
    path = await house.connect("sendgrid", SendGrid().secret)

    async with httpx.AsyncClient(base_url=house.serving.url) as client:
        answer = await client.get(path)

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
