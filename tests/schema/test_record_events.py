"""recordEvents: every kind is read, and a bad value fails its own event alone."""

from decimal import Decimal
from typing import Any

import pytest

from resolvers.events import Unreadable
from schema.inputs import reported
from schema.scalars import read_decimal, read_instant, read_url
from store.ingest import events as e
from store.types import MINUTE
from store.words import Channel, DeliveryKind, ErrorCode, RedemptionKind, Scope, StepKind
from tests.schema.conftest import Api
from tests.support.factories import NOW

RECORD = """mutation ($events: [EventInput!]!, $backfill: Boolean! = false) {
    recordEvents(input: {events: $events, backfill: $backfill}) {
      results { index key outcome links { target url } openPixel
        error { code message field } }
      cursor userErrors { code message field } } }"""
AT = "2026-11-22T00:00:00Z"
ADA = {"externalUsername": "ada"}
ALL: list[tuple[str, dict[str, Any], e.Event]] = [
    (
        "journeyEntered",
        {"journey": "welcome", "contact": ADA, "entry": "e2", "inControlGroup": True},
        e.JourneyEntered("k", NOW, "welcome", e.ContactRef("ada"), "e2", True),
    ),
    (
        "stepReached",
        {
            "entry": "e1",
            "step": "hello",
            "kind": StepKind.WAITING,
            "waitingFor": "deposit",
            "waitingUntil": NOW + MINUTE,
            "bonus": {"name": "Spin", "amount": read_decimal("2.50"), "currency": "EUR"},
            "reason": "slow",
            "detail": {"a": [1, None]},
        },
        e.StepReached(
            "k",
            NOW,
            "e1",
            StepKind.WAITING,
            "hello",
            "deposit",
            NOW + MINUTE,
            e.Bonus("Spin", Decimal("2.50"), "EUR"),
            "slow",
            {"a": [1, None]},
        ),
    ),
    (
        "communication",
        {
            "communication": "m2",
            "journey": "welcome",
            "contact": {"email": "ada@example.org"},
            "step": "hello",
            "channel": Channel.EMAIL,
            "resource": "Mail",
            "links": ["https://example.org/a"],
            "providerMessageId": "p1",
            "entry": None,
        },
        e.CommunicationCreated(
            "k",
            NOW,
            "m2",
            Channel.EMAIL,
            "Mail",
            None,
            "welcome",
            e.ContactRef(email="ada@example.org"),
            "hello",
            ("https://example.org/a",),
            "p1",
        ),
    ),
    (
        "delivery",
        {
            "communication": "m1",
            "kind": DeliveryKind.CLICKED,
            "url": "https://example.org",
            "reason": None,
        },
        e.Delivery("k", NOW, "m1", DeliveryKind.CLICKED, "https://example.org"),
    ),
    ("converted", {"entry": "e1"}, e.Converted("k", NOW, "e1")),
    ("exited", {"entry": "e1", "reason": "left"}, e.Exited("k", NOW, "e1", "left")),
    ("completed", {"entry": "e1"}, e.Completed("k", NOW, "e1")),
    ("failed", {"entry": "e1", "reason": "broke"}, e.Failed("k", NOW, "e1", "broke")),
    (
        "contactEvent",
        {"contact": {"linkCode": "c0de"}, "name": "signed_in", "properties": {"from": "app"}},
        e.ContactEvent("k", NOW, e.ContactRef(link_code="c0de"), "signed_in", {"from": "app"}),
    ),
    (
        "facts",
        {
            "contact": ADA,
            "gamification": {"level": 3, "points": read_decimal("12.50"), "badges": ["first"]},
            "financials": {"currency": "EUR", "lastDepositAt": NOW, "totalBets": None},
            "facts": {"vip": True},
        },
        e.Facts(
            "k",
            NOW,
            e.ContactRef("ada"),
            {"level": 3, "points": "12.5", "badges": ["first"]},
            {"currency": "EUR", "lastDepositAt": AT},
            {"vip": True},
        ),
    ),
    (
        "surveyAnswered",
        {
            "contact": ADA,
            "journey": "welcome",
            "question": "why",
            "choices": ["a", "b"],
            "text": "because",
        },
        e.SurveyAnswered(
            "k", NOW, e.ContactRef("ada"), "welcome", "why", None, ("a", "b"), "because"
        ),
    ),
    (
        "rewardChosen",
        {"contact": ADA, "journey": "welcome", "reward": "mug"},
        e.RewardChosen("k", NOW, e.ContactRef("ada"), "welcome", "mug"),
    ),
    (
        "promoRedeemed",
        {"contact": ADA, "promo": "p", "kind": RedemptionKind.SIGNED_UP},
        e.PromoRedeemed("k", NOW, e.ContactRef("ada"), "p", RedemptionKind.SIGNED_UP),
    ),
]


def read(used: str, values: dict[str, Any]) -> e.Event | Unreadable:
    return reported.event({used: {"key": "k", "occurredAt": NOW, **values}})


def delivery(**values: Any) -> dict[str, Any]:
    return {
        "delivery": {
            "key": "k1",
            "communication": "m1",
            "kind": "OPENED",
            "occurredAt": AT,
            **values,
        }
    }


@pytest.mark.parametrize(("kind", "values", "event"), ALL, ids=[one[0] for one in ALL])
def test_each_kind_is_read_in_full(kind: str, values: dict[str, Any], event: e.Event) -> None:
    assert read(kind, values) == event


@pytest.mark.parametrize(
    ("kind", "values", "code", "field"),
    [
        ("converted", {"entry": "e" * 201}, ErrorCode.TOO_LONG, ("entry",)),
        ("converted", {"entry": "  "}, ErrorCode.INVALID, ("entry",)),
        ("converted", {"entry": "e\0"}, ErrorCode.INVALID, ("entry",)),
        ("converted", {"entry": "\ud800"}, ErrorCode.INVALID, ("entry",)),
        ("converted", {"key": "k" * 201, "entry": "e"}, ErrorCode.TOO_LONG, ("key",)),
        ("converted", {"entry": "e", "reason": "r" * 2_001}, ErrorCode.TOO_LONG, ("reason",)),
        (
            "converted",
            {"entry": "e", "occurredAt": read_instant("2026-11-22T00:00:00")},
            ErrorCode.INVALID,
            ("occurredAt",),
        ),
        (
            "delivery",
            {"communication": "m", "kind": DeliveryKind.SENT, "url": read_url("ftp://a")},
            ErrorCode.INVALID,
            ("url",),
        ),
        (
            "communication",
            {
                "communication": "m",
                "channel": Channel.SMS,
                "resource": "r",
                "links": ["https://a.example"] * 51,
            },
            ErrorCode.TOO_MANY,
            ("links",),
        ),
        (
            "communication",
            {
                "communication": "m",
                "channel": Channel.SMS,
                "resource": "r",
                "links": ["https://a.example", read_url("nowhere")],
            },
            ErrorCode.INVALID,
            ("links", "1"),
        ),
        (
            "contactEvent",
            {"contact": ADA, "name": "n", "properties": {"a": "b" * 16_384}},
            ErrorCode.TOO_LONG,
            ("properties",),
        ),
        (
            "contactEvent",
            {"contact": ADA, "name": "n", "properties": [2**70]},
            ErrorCode.INVALID,
            ("properties",),
        ),
        (
            "contactEvent",
            {"contact": ADA, "name": "n", "properties": "\0"},
            ErrorCode.INVALID,
            ("properties",),
        ),
        (
            "stepReached",
            {
                "entry": "e",
                "kind": StepKind.BONUS_ISSUED,
                "bonus": {"name": "b", "amount": read_decimal("1e9")},
            },
            ErrorCode.INVALID,
            ("bonus", "amount"),
        ),
        ("facts", {"contact": ADA, "facts": [1]}, ErrorCode.INVALID, ("facts",)),
        (
            "facts",
            {"contact": ADA, "facts": {str(n): n for n in range(101)}},
            ErrorCode.TOO_MANY,
            ("facts",),
        ),
        (
            "facts",
            {"contact": ADA, "gamification": {"badges": ["a"] * 101}},
            ErrorCode.TOO_MANY,
            ("gamification", "badges"),
        ),
        (
            "converted",
            {"entry": "e", "reason": "\0"},
            ErrorCode.INVALID,
            ("reason",),
        ),
        (
            "rewardChosen",
            {"contact": {"email": " "}, "journey": "j", "reward": "r"},
            ErrorCode.INVALID,
            ("contact", "email"),
        ),
    ],
)
def test_a_value_beyond_its_limit_refuses_its_event(
    kind: str, values: dict[str, Any], code: ErrorCode, field: tuple[str, ...]
) -> None:
    found = read(kind, values)

    assert isinstance(found, Unreadable)
    assert (found.refusal.code, found.refusal.field) == (code, field)
    assert found.refusal.message.startswith("links[1]" if "1" in field else field[-1])


async def test_one_bad_event_leaves_the_others_unharmed(api: Api) -> None:
    events = [
        delivery(),
        delivery(key="k2", occurredAt="2026-11-22T00:00:00"),
        delivery(key="k3", kind="CLICKED", url="javascript:alert(1)"),
        delivery(key="k4", occurredAt="2026-11-30T00:00:00Z"),
        {"converted": {"key": "k5", "entry": "nobody", "occurredAt": AT}},
        {
            "journeyEntered": {
                "key": "k6",
                "journey": "nowhere",
                "contact": ADA,
                "entry": "e9",
                "occurredAt": AT,
            }
        },
        delivery(),
    ]

    payload = (await api.ask(RECORD, events=events))["recordEvents"]

    assert [(one["index"], one["key"], one["outcome"]) for one in payload["results"]] == [
        (0, "k1", "ACCEPTED"),
        (1, "k2", "REJECTED"),
        (2, "k3", "REJECTED"),
        (3, "k4", "REJECTED"),
        (4, "k5", "PENDING"),
        (5, "k6", "REJECTED"),
        (6, "k1", "DUPLICATE"),
    ]
    errors = [one["error"] for one in payload["results"]]
    assert [one and one["code"] for one in errors] == [
        None,
        "INVALID",
        "INVALID",
        "IN_FUTURE",
        None,
        "UNKNOWN_JOURNEY",
        None,
    ]
    assert [one["field"] for one in errors if one] == [
        ["events", "1", "delivery", "occurredAt"],
        ["events", "2", "delivery", "url"],
        ["events", "3", "delivery", "occurredAt"],
        ["events", "5", "journeyEntered", "journey"],
    ]
    assert "'2026-11-22T00:00:00' is not a DateTime" in errors[1]["message"]
    assert payload["userErrors"] == []
    assert payload["cursor"]


async def test_a_message_gets_a_tracked_link_for_each_of_its_links(api: Api) -> None:
    event = {
        "key": "k1",
        "communication": "m2",
        "entry": "e1",
        "channel": "EMAIL",
        "resource": "Mail",
        "links": ["https://example.org/a", "https://example.org/b"],
        "occurredAt": AT,
    }

    payload = (await api.ask(RECORD, events=[{"communication": event}]))["recordEvents"]

    (result,) = payload["results"]
    assert [link["target"] for link in result["links"]] == event["links"]
    assert all(link["url"].startswith("https://track.example/c/") for link in result["links"])
    assert result["openPixel"].startswith("https://track.example/o/")


async def test_the_cursor_lies_behind_the_events(api: Api) -> None:
    payload = (await api.ask(RECORD, events=[delivery()]))["recordEvents"]

    data = await api.ask(
        "query ($after: LogCursor) { deliveryEvents(after: $after) { nodes { kind } } }",
        after=payload["cursor"],
    )

    assert data["deliveryEvents"]["nodes"] == []


@pytest.mark.parametrize(("number", "code"), [(0, "EMPTY_SELECTION"), (1_001, "TOO_MANY")])
async def test_none_and_too_many_are_refused_as_a_whole(api: Api, number: int, code: str) -> None:
    events = [delivery(key=f"k{index}") for index in range(number)]

    payload = (await api.ask(RECORD, events=events))["recordEvents"]

    assert (payload["results"], payload["cursor"]) == ([], None)
    assert [(one["code"], one["field"]) for one in payload["userErrors"]] == [(code, ["events"])]
    data = await api.ask('{ communication(externalId: "m1") { firstOpenAt } }')
    assert data == {"communication": {"firstOpenAt": None}}


async def test_events_need_the_scope_integrate_and_backfill_admin(api: Api) -> None:
    reader = Api(api.workspace, (Scope.READ, Scope.OPERATE))

    _, errors = await reader.run(RECORD, events=[delivery()])
    _, backfill_errors = await api.run(RECORD, events=[delivery()], backfill=True)

    assert [str(one.original_error).split(":")[0] for one in errors + backfill_errors] == [
        "This needs the scope integrate",
        "This needs the scope admin",
    ]


async def test_literals_in_the_document_are_read_like_variables(api: Api) -> None:
    data = await api.ask(
        """mutation { recordEvents(input: {events: [
            {stepReached: {key: "a", entry: "e1", step: "hello", kind: STEP_ENTERED,
              detail: {a: [1, {b: "c"}]}, occurredAt: "2026-11-22T00:00:00Z"}}
            {delivery: {key: "b", communication: "m1", kind: SENT, occurredAt: 5}}]}) {
            results { outcome error { field } } } }"""
    )

    assert data["recordEvents"]["results"] == [
        {"outcome": "ACCEPTED", "error": None},
        {"outcome": "REJECTED", "error": {"field": ["events", "1", "delivery", "occurredAt"]}},
    ]


async def test_two_fields_in_one_event_are_a_broken_request(api: Api) -> None:
    both = {**delivery(), "converted": {"key": "x", "entry": "e1", "occurredAt": AT}}

    data, errors = await api.run(RECORD, events=[both])

    assert data is None
    assert "Exactly one" in errors[0].message or "exactly one" in errors[0].message
