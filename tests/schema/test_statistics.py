"""Statistics: what a journey came to, and what its resources and steps did."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from schema.scalars import write_instant
from store.types import DAY, HOUR, MINUTE, SECOND
from store.words import Channel, DeliveryKind, Scope, StepKind
from tests.schema.conftest import Api
from tests.support.factories import (
    NOW,
    a_contact,
    a_database,
    a_house,
    a_journey,
    a_workspace,
    announced,
    completed,
    converted,
    delivered,
    entered,
    exited,
    failed,
    reached,
)
from tests.support.statements import counted

STATISTICS = """query ($within: PeriodInput) { journey(externalId: "welcome") {
    statistics(within: $within) { %s } } }"""
SERIES = """query ($within: PeriodInput, $bucket: TimeBucket!, $channel: [Channel!]) {
    journey(externalId: "welcome") { resourcePerformance(within: $within, channel: $channel) {
        resource { name } series(bucket: $bucket) { at counts { created clicked } } } } }"""


def between(start: int | None, end: int | None) -> dict[str, Any]:
    bounds = {"from": start, "to": end}
    return {"between": {name: write_instant(at) for name, at in bounds.items() if at is not None}}


async def statistics(api: Api, selection: str, within: dict[str, Any] | None = None) -> Any:
    data = await api.ask(STATISTICS % selection, within=within)
    return data["journey"]["statistics"]


async def series(api: Api, bucket: str, **variables: Any) -> list[dict[str, Any]]:
    data = await api.ask(SERIES, bucket=bucket, **variables)
    found: list[dict[str, Any]] = data["journey"]["resourcePerformance"]
    return found


async def refused_series(api: Api, bucket: str, within: dict[str, Any] | None = None) -> str:
    return await api.refused(SERIES, bucket=bucket, within=within)


@pytest.fixture
async def sqlite_api(sqlite_url: str) -> AsyncIterator[Api]:
    async with a_database(sqlite_url) as database:
        yield Api(await a_house(database))


async def test_entries_are_counted_by_what_became_of_them(api: Api) -> None:
    names = [f"t{number}" for number in range(1, 8)]
    await api.workspace.record(
        *(entered(name) for name in names),
        reached(kind=StepKind.WAITING, entry="t1"),
        completed("t2"),
        converted("t2"),
        converted("t3"),
        exited("t4"),
        failed("t5"),
    )
    (row,) = [await api.workspace.entry("t6")]
    await api.workspace.stop(row["id"])

    found = await statistics(
        api, "entered active completed converted stopped exited failed inControlGroup"
    )

    assert found == {
        "entered": 8,
        "active": 4,
        "completed": 1,
        "converted": 2,
        "stopped": 1,
        "exited": 1,
        "failed": 1,
        "inControlGroup": 0,
    }


RATES = "entered converted inControlGroup conversionRate controlGroupConversionRate uplift"


async def test_the_treated_are_compared_with_the_control_group(api: Api) -> None:
    treated = ["e1", "t1", "t2", "t3"]
    control = [f"c{number}" for number in range(5)]
    await api.workspace.record(
        *(entered(name) for name in treated[1:]),
        *(entered(name, in_control_group=True) for name in control),
        *(converted(name) for name in (*treated[:2], control[0])),
    )

    found = await statistics(api, RATES)

    assert found == {
        "entered": 9,
        "converted": 3,
        "inControlGroup": 5,
        "conversionRate": 0.5,
        "controlGroupConversionRate": 0.2,
        "uplift": pytest.approx(1.5),
    }


async def test_a_rate_without_a_base_is_null(api: Api) -> None:
    await a_journey(api.workspace, "empty")
    document = """{ journey(externalId: "empty") { statistics {
        conversionRate controlGroupConversionRate uplift
        communications { created } resources { clickRate } } } }"""
    await api.workspace.record(entered("c1", in_control_group=True))

    nobody = await api.ask(document)
    unconverted = await statistics(api, RATES)

    assert nobody["journey"]["statistics"] == {
        "conversionRate": None,
        "controlGroupConversionRate": None,
        "uplift": None,
        "communications": {"created": 0},
        "resources": [],
    }
    assert unconverted["controlGroupConversionRate"] == 0.0
    assert unconverted["uplift"] is None


async def test_a_period_is_rounded_outward_and_shown(api: Api) -> None:
    await api.workspace.record(
        entered("e2", at=NOW - MINUTE - SECOND), announced("m2", at=NOW + 119 * SECOND)
    )
    selection = "entered communications { created } period { from to }"

    ever = await statistics(api, selection)
    found = await statistics(api, selection, between(NOW - SECOND, NOW + 61 * SECOND))
    since = await statistics(api, selection, between(NOW, None))
    always = await statistics(api, selection, {"between": {}})

    assert ever == {"entered": 2, "communications": {"created": 2}, "period": None}
    assert found == {
        "entered": 1,
        "communications": {"created": 2},
        "period": {"from": "2026-11-21T23:59:00Z", "to": "2026-11-22T00:02:00Z"},
    }
    assert since == {
        "entered": 1,
        "communications": {"created": 2},
        "period": {"from": "2026-11-22T00:00:00Z", "to": None},
    }
    assert always == {**ever, "period": {"from": None, "to": None}}


async def test_messages_are_counted_by_the_milestones_that_they_reached(api: Api) -> None:
    await api.workspace.record(
        delivered(DeliveryKind.SENT),
        delivered(DeliveryKind.DELIVERED),
        delivered(DeliveryKind.OPENED),
        delivered(DeliveryKind.CLICKED),
        delivered(DeliveryKind.CLICKED),
        announced("m2"),
        delivered(DeliveryKind.SUPPRESSED, "m2"),
        announced("m3"),
        delivered(DeliveryKind.SENT, "m3"),
        delivered(DeliveryKind.OPENED, "m3", is_suspected_bot=True),
        delivered(DeliveryKind.CLICKED, "m3", is_suspected_bot=True),
        delivered(DeliveryKind.BOUNCED, "m3"),
    )

    found = await statistics(
        api,
        "communications { created sent delivered impressions opened clicked failed bounced "
        "suppressed complained unsubscribed rawOpened rawClicked }",
    )

    assert found["communications"] == {
        "created": 3,
        "sent": 2,
        "delivered": 1,
        "impressions": 0,
        "opened": 1,
        "clicked": 1,
        "failed": 0,
        "bounced": 1,
        "suppressed": 1,
        "complained": 0,
        "unsubscribed": 0,
        "rawOpened": 2,
        "rawClicked": 2,
    }


async def test_resources_come_by_their_messages_and_by_channel(api: Api) -> None:
    await api.workspace.record(
        announced("s1", channel=Channel.SMS, resource="Reminder"),
        announced("s2", channel=Channel.SMS, resource="Reminder"),
        announced("p1", channel=Channel.PUSH, resource="Welcome mail"),
        *(delivered(DeliveryKind.SENT, name) for name in ("s1", "s2")),
        delivered(DeliveryKind.DELIVERED, "s1"),
        delivered(DeliveryKind.CLICKED, "p1"),
    )
    resources = """resource { id name channel } channel counts { created clicked }
        deliveryRate clickRate"""
    found = await api.ask(
        f"""query ($channel: [Channel!]) {{ journey(externalId: "welcome") {{
            resourcePerformance {{ {resources} }}
            mobile: resourcePerformance(channel: $channel) {{ {resources} }}
            statistics {{ resources {{ {resources} }}
                mobile: resources(channel: [SMS, PUSH]) {{ {resources} }} }} }} }}""",
        channel=["PUSH", "SMS"],
    )

    journey = found["journey"]
    everything = journey["resourcePerformance"]
    assert journey["statistics"] == {"resources": everything, "mobile": journey["mobile"]}
    assert [one["channel"] for one in everything] == ["SMS", "EMAIL", "PUSH"]
    assert journey["mobile"] == [everything[0], everything[2]]
    sms, mail, push = everything
    assert sms["resource"]["id"].startswith("res_")
    assert sms == {
        "resource": {"id": sms["resource"]["id"], "name": "Reminder", "channel": "SMS"},
        "channel": "SMS",
        "counts": {"created": 2, "clicked": 0},
        "deliveryRate": 0.5,
        "clickRate": 0.0,
    }
    assert (mail["deliveryRate"], mail["clickRate"]) == (None, None)
    assert (push["resource"]["name"], push["clickRate"]) == ("Welcome mail", None)


async def test_a_series_has_no_hole_and_counts_only_the_period(api: Api) -> None:
    await api.workspace.record(
        announced("m2", at=NOW - 3 * HOUR + 10 * MINUTE),
        announced("m3", at=NOW - 3 * HOUR + 50 * MINUTE),
        delivered(DeliveryKind.CLICKED, "m3"),
        announced("m4", at=NOW + 40 * MINUTE),
    )
    within = between(NOW - 3 * HOUR + 30 * MINUTE, NOW + 30 * MINUTE)

    (hours,) = await series(api, "HOUR", within=within)
    (days,) = await series(api, "DAY", within=within)
    (minutes,) = await series(api, "MINUTE", within=within)

    nothing = {"created": 0, "clicked": 0}
    assert hours["series"] == [
        {"at": "2026-11-21T21:00:00Z", "counts": {"created": 1, "clicked": 1}},
        {"at": "2026-11-21T22:00:00Z", "counts": nothing},
        {"at": "2026-11-21T23:00:00Z", "counts": nothing},
        {"at": "2026-11-22T00:00:00Z", "counts": {"created": 1, "clicked": 0}},
    ]
    assert days["series"] == [
        {"at": "2026-11-21T00:00:00Z", "counts": {"created": 1, "clicked": 1}},
        {"at": "2026-11-22T00:00:00Z", "counts": {"created": 1, "clicked": 0}},
    ]
    assert len(minutes["series"]) == 180
    assert [one["at"] for one in minutes["series"] if one["counts"] != nothing] == [
        "2026-11-21T21:50:00Z",
        "2026-11-22T00:00:00Z",
    ]


async def test_a_series_of_an_open_period_reaches_as_far_as_there_are_messages(api: Api) -> None:
    await api.workspace.record(
        announced("s1", channel=Channel.SMS, resource="Text", at=NOW - 2 * DAY),
        announced("s2", channel=Channel.SMS, resource="Text", at=NOW - 2 * DAY + HOUR),
    )

    sms, mail = await series(api, "DAY")
    only_mail = await series(api, "DAY", channel=["EMAIL"])
    since = await series(api, "DAY", within=between(NOW - DAY, None))
    later = await series(api, "DAY", within=between(NOW + DAY, None))

    days = ["2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"]
    assert [point["at"] for point in sms["series"]] == days
    assert [point["counts"]["created"] for point in sms["series"]] == [2, 0, 0]
    assert [point["at"] for point in mail["series"]] == days
    assert [[point["at"] for point in one["series"]] for one in only_mail] == [days[2:]]
    assert [[point["at"] for point in one["series"]] for one in since] == [days[1:]]
    assert later == []


async def test_series_of_several_widths_and_channels_are_read_at_once(api: Api) -> None:
    await api.workspace.record(announced("s1", channel=Channel.SMS, resource="Text"))
    selection = """mail: resources(channel: [EMAIL]) { hours: series(bucket: HOUR) { at }
        days: series(bucket: DAY) { at counts { created } } }
        text: resources(channel: SMS) { channel series(bucket: DAY) { counts { created } } }"""

    found = await statistics(api, selection, between(NOW - DAY, NOW + HOUR))

    (mail,), (text,) = found["mail"], found["text"]
    assert (len(mail["hours"]), len(mail["days"])) == (25, 2)
    assert [one["counts"]["created"] for one in text["series"]] == [0, 1]


async def test_minutes_are_for_a_day_at_most(api: Api) -> None:
    api = Api(api.workspace, now=NOW + HOUR + SECOND)

    rolling = await series(api, "MINUTE", within={"last": "HOURS_24"})
    # 25 hours: the clock of Sofia was set back on 25 October.
    api = Api(api.workspace, now=NOW - 28 * DAY + 12 * HOUR)
    await api.workspace.record(announced("m2", at=NOW - 28 * DAY + HOUR))
    today = {"calendar": {"period": "TODAY", "timeZone": "Europe/Sofia"}}
    calendar = await series(api, "MINUTE", within=today)
    messages = [
        await refused_series(api, "MINUTE", between(NOW - DAY - 3 * MINUTE, NOW)),
        await refused_series(api, "MINUTE", {"last": "DAYS_7"}),
        await refused_series(api, "MINUTE", between(NOW, None)),
        await refused_series(api, "MINUTE"),
    ]

    assert [len(one["series"]) for one in rolling] == [24 * 60 + 1]
    assert [len(one["series"]) for one in calendar] == [25 * 60]
    assert all("MINUTE is for periods of at most 24 hours" in message for message in messages)


async def test_a_series_that_is_too_long_is_refused_with_the_limit(api: Api) -> None:
    await api.workspace.record(announced("m2", at=NOW - 63 * DAY))

    messages = [
        await refused_series(api, "HOUR", between(NOW - 63 * DAY, NOW)),
        await refused_series(api, "HOUR"),
        await refused_series(api, "DAY", between(NOW - 1_501 * DAY, NOW)),
    ]

    assert messages == [
        "series: by HOUR this period has 1,512 points, at most 1,500 are allowed: "
        "ask for wider buckets or a shorter period.",
        "series: by HOUR this period has 1,513 points, at most 1,500 are allowed: "
        "ask for wider buckets or a shorter period.",
        "series: by DAY this period has 1,501 points, at most 1,500 are allowed: "
        "ask for wider buckets or a shorter period.",
    ]


async def test_the_series_of_an_operation_have_a_limit_together(api: Api) -> None:
    await api.workspace.record(
        *(announced(f"r{number}", resource=f"Mail {number}") for number in range(13)),
        announced("s1", channel=Channel.SMS, resource="Text"),
    )
    within = between(NOW - 62 * DAY, NOW + SECOND)

    message = await refused_series(api, "HOUR", within)
    (narrowed,) = await series(api, "HOUR", within=within, channel=["SMS"])

    assert "more than 20,000 points together" in message
    assert len(narrowed["series"]) == 62 * 24 + 1


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        (
            "statistics(within: {between: {from: $late, to: $early}}) { entered }",
            "before it begins",
        ),
        ("statistics { resources(channel: []) { channel } }", "an empty list of alternatives"),
        ("resourcePerformance(channel: []) { channel }", "an empty list of alternatives"),
        (
            'statistics(within: {calendar: {period: TODAY, timeZone: "Mars"}}) { entered }',
            "'Mars' is no time zone",
        ),
    ],
)
async def test_what_makes_no_sense_is_refused(api: Api, document: str, complaint: str) -> None:
    asked = document.replace("$late", f'"{write_instant(NOW)}"')
    asked = asked.replace("$early", f'"{write_instant(NOW - HOUR)}"')

    message = await api.refused(f'{{ journey(externalId: "welcome") {{ {asked} }} }}')

    assert complaint in message


async def test_at_most_500_resources_are_shown(api: Api) -> None:
    await api.workspace.record(
        *(announced(f"r{number}", resource=f"Mail {number}") for number in range(501)),
        announced("r0 again", resource="Mail 500"),
    )

    found = await statistics(
        api, "communications { created } resources { resource { name } counts { created } }"
    )

    assert found["communications"] == {"created": 503}
    assert len(found["resources"]) == 500
    assert found["resources"][0] == {"resource": {"name": "Mail 500"}, "counts": {"created": 2}}


async def test_nothing_is_missed_behind_the_place_of_the_numbers(api: Api) -> None:
    before = await statistics(api, "asOf communications { clicked }")
    await api.workspace.record(delivered(DeliveryKind.CLICKED))

    data = await api.ask(
        "query ($after: LogCursor) { deliveryEvents(after: $after) { nodes { kind } } }",
        after=before["asOf"],
    )

    assert before["communications"] == {"clicked": 0}
    assert data["deliveryEvents"]["nodes"] == [{"kind": "CLICKED"}]


async def test_steps_say_where_people_are(api: Api) -> None:
    await api.workspace.record(
        reached("hello"),
        reached("hello", StepKind.STEP_COMPLETED),
        reached("remind", StepKind.WAITING, at=NOW + SECOND),
        entered("e2"),
        reached("hello", entry="e2"),
        reached("hello", entry="e2", at=NOW + SECOND),
        reached("hello", StepKind.STEP_FAILED, entry="e2"),
    )
    counts = "counts { entered waiting completed failed }"

    data = await api.ask(
        f"""{{ journey(externalId: "welcome") {{ steps {{ key {counts} }} }}
            entry(externalId: "e1") {{ currentStep {{ key {counts} }} }} }}"""
    )

    steps = {one["key"]: one["counts"] for one in data["journey"]["steps"]}
    assert steps == {
        "hello": {"entered": 2, "waiting": 0, "completed": 1, "failed": 1},
        "remind": {"entered": 0, "waiting": 1, "completed": 0, "failed": 0},
        "thank": {"entered": 0, "waiting": 0, "completed": 0, "failed": 0},
    }
    assert data["entry"]["currentStep"] == {"key": "remind", "counts": steps["remind"]}


async def test_another_workspace_counts_for_itself(api: Api) -> None:
    other = await a_workspace(api.workspace.database)
    await a_journey(other)
    await a_contact(other)
    await other.record(entered("x1"), announced("y1", "x1"), announced("y2", "x1"))
    selection = "entered communications { created } resources { counts { created } }"

    ours, theirs = await statistics(api, selection), await statistics(Api(other), selection)

    assert [one["entered"] for one in (ours, theirs)] == [1, 1]
    assert ours["resources"] == [{"counts": {"created": 1}}]
    assert theirs["resources"] == [{"counts": {"created": 2}}]


@pytest.mark.parametrize(
    "selection",
    [
        "statistics { entered }",
        "resourcePerformance { counts { sent } }",
        "steps { counts { waiting } }",
    ],
)
async def test_statistics_need_the_scope_read(api: Api, selection: str) -> None:
    partner = Api(api.workspace, (Scope.INTEGRATE,))
    upsert = """mutation { upsertJourney(input: {externalId: "welcome", name: "W", steps: []}) {
        journey { %s } } }"""

    _, errors = await partner.run(upsert % selection)

    assert "This needs the scope read" in str(errors[0].original_error)


async def test_a_page_of_journeys_reads_its_statistics_at_once(sqlite_api: Api) -> None:
    for number in range(5):
        await a_journey(sqlite_api.workspace, f"journey {number}")
    document = """{ journeys { nodes { name steps { counts { waiting } }
        statistics { entered converted communications { sent } asOf
            resources { resource { name } series(bucket: DAY) { at } } } } } }"""

    with counted(sqlite_api.workspace.database) as statements:
        data = await sqlite_api.ask(document)

    assert len(data["journeys"]["nodes"]) == 6
    reads = [one for one in statements if one.startswith(("SELECT", "WITH"))]
    # Journeys; steps; their counts; the head, entries, resources and days of one snapshot.
    assert len(reads) == 7


@pytest.mark.parametrize(
    ("selection", "table"),
    [
        ("entered uplift", "entry_counters"),
        ("communications { created }", "communication_counters"),
        ("resources { counts { created } }", "communication_counters"),
        ("asOf", "heads"),
        ("period { from }", None),
    ],
)
async def test_only_what_is_selected_is_read(
    sqlite_api: Api, selection: str, table: str | None
) -> None:
    with counted(sqlite_api.workspace.database) as statements:
        await statistics(sqlite_api, selection)

    read = [
        name
        for statement in statements
        for name in ("entry_counters", "communication_counters", "heads", "resources")
        if f"FROM {name}" in statement or f"JOIN {name}" in statement
    ]
    assert read == ([] if table is None else [table])
