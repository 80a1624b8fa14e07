"""Statistics agree with lists: each number is the totalCount of the list that it names."""

from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from schema import ids
from schema.scalars import write_instant
from store import tables
from store.ingest.events import Event
from store.types import DAY, HOUR, MINUTE, SECOND, Instant
from store.words import DeliveryKind, Scope, StepKind
from tests.schema.conftest import Api
from tests.support.factories import (
    NOW,
    Workspace,
    a_contact,
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

STEPS = ("hello", "remind")
ENTRIES = {
    # name: contact, journey, entered at, in the control group
    "e1": ("ada", "welcome", NOW, False),
    "e2": ("ada", "welcome", NOW - 61 * SECOND, False),
    "e3": ("bob", "welcome", NOW - 26 * HOUR, True),
    "e4": ("bob", "autumn", NOW - 3 * DAY, False),
    "e5": ("ada", "autumn", NOW - 90 * MINUTE, True),
}
MESSAGES = {
    # name: entry, resource, created at
    "m1": ("e1", "Hello", NOW),
    "m2": ("e1", "Remind", NOW - 59 * SECOND),
    "m3": ("e2", "Hello", NOW - HOUR),
    "m4": ("e2", "Hello", NOW - 25 * HOUR - SECOND),
    "m5": ("e4", "Hello", NOW - 2 * DAY),
}
PERIODS: list[dict[str, Any]] = [
    {"last": "HOURS_1"},
    {"last": "HOURS_24"},
    {"between": {"from": write_instant(NOW - 26 * HOUR), "to": write_instant(NOW - 61 * SECOND)}},
    {"between": {"to": write_instant(NOW - 90 * MINUTE)}},
    {"between": {"from": write_instant(NOW - 59 * SECOND)}},
]
MILESTONES = {
    "created": "QUEUED",
    "sent": "SENT",
    "delivered": "DELIVERED",
    "impressions": "IMPRESSION",
    "opened": "OPENED",
    "clicked": "CLICKED",
    "failed": "FAILED",
    "bounced": "BOUNCED",
    "suppressed": "SUPPRESSED",
    "complained": "COMPLAINED",
    "unsubscribed": "UNSUBSCRIBED",
}
ENTRY_LISTS = {
    "entered": "",
    "active": "isActive: true",
    "completed": "state: [COMPLETED]",
    "converted": "isConverted: true",
    "stopped": "state: [STOPPED]",
    "exited": "state: [EXITED]",
    "failed": "state: [FAILED]",
    "inControlGroup": "inControlGroup: true",
}
MESSAGE_COUNTS = " ".join([*MILESTONES, "rawOpened", "rawClicked"])


def entry_list(name: str, asked: str) -> str:
    return f"{name}: entries(filter: {{enteredWithin: $within {asked}}}) {{ ...N }}"


def message_lists(prefix: str, asked: str) -> str:
    return "\n".join(
        f"{prefix}{name}: communications(filter: {{createdWithin: $within hasReached: [{kind}] "
        f"{asked}}}) {{ ...M }}"
        for name, kind in MILESTONES.items()
    )


DOCUMENT = f"""
query ($id: ID, $within: PeriodInput) {{ journey(id: $id) {{
    statistics(within: $within) {{
        {" ".join(ENTRY_LISTS)} conversionRate controlGroupConversionRate uplift
        communications {{ {MESSAGE_COUNTS} }}
        resources {{ resource {{ name }} counts {{ {MESSAGE_COUNTS} }}
            hours: series(bucket: HOUR) {{ at counts {{ {MESSAGE_COUNTS} }} }}
            days: series(bucket: DAY) {{ at counts {{ {MESSAGE_COUNTS} }} }} }} }}
    {" ".join(entry_list(name, asked) for name, asked in ENTRY_LISTS.items())}
    {entry_list("treatedConverted", "isConverted: true inControlGroup: false")}
    {entry_list("treated", "inControlGroup: false")}
    {entry_list("controlConverted", "isConverted: true inControlGroup: true")}
    {message_lists("all_", "")}
    {message_lists("Hello_", 'resource: {eq: "Hello"}')}
    {message_lists("Remind_", 'resource: {eq: "Remind"}')}
    steps {{ id counts {{ entered waiting completed failed }} }}
}} }}
fragment N on EntryConnection {{ totalCount {{ value precision }} }}
fragment M on CommunicationConnection {{ totalCount {{ value precision }} }}
"""
AT_STEP = """
query ($id: ID, $step: ID!) { journey(id: $id) {
    entered: entries(filter: {activity: {kind: [STEP_ENTERED], stepId: [$step]}}) { ...N }
    waiting: entries(filter: {currentStepId: [$step], state: [WAITING]}) { ...N }
    completed: entries(filter: {activity: {kind: [STEP_COMPLETED], stepId: [$step]}}) { ...N }
    failed: entries(filter: {activity: {kind: [STEP_FAILED], stepId: [$step]}}) { ...N }
} }
fragment N on EntryConnection { totalCount { value precision } }
"""

moments = st.sampled_from([NOW, NOW - 30 * SECOND, NOW - HOUR, NOW - 26 * HOUR])


def entry_begins(name: str) -> Event:
    contact, journey, at, in_control_group = ENTRIES[name]
    return entered(name, contact, journey, at=at, in_control_group=in_control_group)


def message_begins(name: str) -> Event:
    entry, resource, at = MESSAGES[name]
    return announced(name, entry, resource=resource, at=at)


def entry_ends(end: Any, name: str, at: Instant) -> Event:
    event: Event = end(name, at=at)
    return event


happened: st.SearchStrategy[Event] = st.one_of(
    st.sampled_from(list(ENTRIES)).map(entry_begins),
    st.sampled_from(list(MESSAGES)).map(message_begins),
    st.builds(
        lambda kind, name, at, is_bot: delivered(kind, name, at=at, is_suspected_bot=is_bot),
        st.sampled_from(DeliveryKind),
        st.sampled_from(list(MESSAGES)),
        moments,
        st.booleans(),
    ),
    st.builds(
        lambda step, kind, name, at: reached(step, kind, name, at=at),
        st.sampled_from(STEPS),
        st.sampled_from(StepKind),
        st.sampled_from(list(ENTRIES)),
        moments,
    ),
    st.builds(
        entry_ends,
        st.sampled_from([converted, exited, completed, failed]),
        st.sampled_from(list(ENTRIES)),
        moments,
    ),
)


@st.composite
def histories(draw: st.DrawFn) -> list[list[Event] | str]:
    """Batches of events and stops of entries by name, in a random order; some events come twice."""
    begun = [entry_begins(name) for name in ENTRIES] + [message_begins(name) for name in MESSAGES]
    events = draw(st.permutations(begun + draw(st.lists(happened, min_size=10, max_size=40))))
    again = draw(st.lists(st.sampled_from(events), max_size=8))
    left = draw(st.permutations([*events, *again]))
    found: list[list[Event] | str] = []
    while left:
        size = draw(st.integers(1, 15))
        found.append(left[:size])
        left = left[size:]
    for name in draw(st.lists(st.sampled_from(list(ENTRIES)), max_size=3)):
        found.insert(draw(st.integers(0, len(found))), name)
    return found


async def live_through(workspace: Workspace, history: Sequence[list[Event] | str]) -> None:
    for one in history:
        if isinstance(one, str):
            known = await workspace.rows(tables.entries, external_id=one)
            # Earlier than some of the facts, which are then without effect.
            await workspace.stop(*(row["id"] for row in known), now=NOW - 45 * SECOND)
        else:
            await workspace.record(*one)


def counts(answer: dict[str, Any], prefix: str, names: Sequence[str]) -> dict[str, int]:
    """The totalCounts of the lists, all of them exact."""
    found = {name: answer[prefix + name]["totalCount"] for name in names}
    assert {one["precision"] for one in found.values()} == {"EXACT"}
    return {name: one["value"] for name, one in found.items()}


def rate(part: int, base: int) -> float | None:
    return part / base if base else None


def without_raw(counted: dict[str, int]) -> dict[str, int]:
    return {name: counted[name] for name in MILESTONES}


def added(points: list[dict[str, Any]]) -> dict[str, int]:
    return {name: sum(point["counts"][name] for point in points) for name in MESSAGE_COUNTS.split()}


def check_entries(answer: dict[str, Any]) -> None:
    found = answer["statistics"]
    listed = counts(answer, "", list(ENTRY_LISTS))
    groups = counts(answer, "", ["treated", "treatedConverted", "controlConverted"])
    treated = rate(groups["treatedConverted"], groups["treated"])
    control = rate(groups["controlConverted"], listed["inControlGroup"])
    assert {name: found[name] for name in ENTRY_LISTS} == listed
    assert found["conversionRate"] == treated
    assert found["controlGroupConversionRate"] == control
    uplift = (treated - control) / control if treated is not None and control else None
    assert found["uplift"] == uplift


def check_messages(answer: dict[str, Any]) -> None:
    found = answer["statistics"]
    assert without_raw(found["communications"]) == counts(answer, "all_", list(MILESTONES))
    by_name = {one["resource"]["name"]: one for one in found["resources"]}
    for name in ("Hello", "Remind"):
        listed = counts(answer, f"{name}_", list(MILESTONES))
        assert (name in by_name) is (listed["created"] > 0)
        if name in by_name:
            assert without_raw(by_name[name]["counts"]) == listed
            for width in ("hours", "days"):
                assert added(by_name[name][width]) == by_name[name]["counts"]
    raw = found["communications"]
    assert raw["rawOpened"] >= raw["opened"]
    assert raw["rawClicked"] >= raw["clicked"]


async def check_steps(api: Api, journey_id: str, answer: dict[str, Any]) -> None:
    for step in answer["steps"]:
        lists = await api.ask(AT_STEP, id=journey_id, step=step["id"])
        assert step["counts"] == counts(lists["journey"], "", list(step["counts"]))


async def check_raw(workspace: Workspace, api: Api, journey_id: bytes) -> None:
    rows = await workspace.rows(tables.communications, journey_id=journey_id)
    data = await api.ask(
        """query ($id: ID) { journey(id: $id) { statistics {
            communications { rawOpened rawClicked } } } }""",
        id=f"{ids.JOURNEY}_{journey_id.hex()}",
    )
    assert data["journey"]["statistics"]["communications"] == {
        "rawOpened": sum(row["raw_open_count"] > 0 for row in rows),
        "rawClicked": sum(row["raw_click_count"] > 0 for row in rows),
    }


# Shrinking would take minutes: a history is short, and printed with what failed.
@settings(
    max_examples=8,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(history=histories(), within=st.sampled_from(PERIODS))
async def test_every_number_is_the_count_of_its_list_whatever_was_written(
    api: Api, history: list[list[Event] | str], within: dict[str, Any]
) -> None:
    workspace = await a_workspace(api.workspace.database)
    reader = Api(workspace, (Scope.READ,), now=NOW + 5 * SECOND)
    journeys = [await a_journey(workspace, name, STEPS) for name in ("welcome", "autumn")]
    for name in ("ada", "bob"):
        await a_contact(workspace, name)

    await live_through(workspace, history)

    for journey_id in journeys:
        shown = f"{ids.JOURNEY}_{journey_id.hex()}"
        ever = (await reader.ask(DOCUMENT, id=shown))["journey"]
        of_period = (await reader.ask(DOCUMENT, id=shown, within=within))["journey"]
        for answer in (ever, of_period):
            check_entries(answer)
            check_messages(answer)
        await check_steps(reader, shown, ever)
        await check_raw(workspace, reader, journey_id)
