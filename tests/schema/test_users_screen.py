"""Operations > Users: Journey.entries as the screen asks for them, on both databases."""

from typing import Any

import pytest

from store import plans
from store.ingest.events import Event
from store.types import DAY, HOUR, MINUTE, new_id
from store.words import Channel, DeliveryKind, Scope, StepKind
from tests.schema.conftest import Api
from tests.support.factories import (
    NOW,
    a_contact,
    a_journey,
    a_message,
    a_workspace,
    after,
    an_entry,
    completed,
    converted,
    delivered,
    exited,
    reached,
)
from tests.support.statements import counted

USERS = """query ($filter: EntryFilter, $orderBy: EntryOrder, $first: Int, $after: Cursor) {
    journey(externalId: "welcome") {
        entries(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
            nodes { externalId } totalCount { value precision }
            pageInfo { hasNextPage endCursor isPartial } } } }"""


async def users(api: Api, **variables: Any) -> list[str]:
    """The external ids of the entries that the screen lists."""
    data = await api.ask(USERS, **variables)
    listed = data["journey"]["entries"]
    assert listed["totalCount"] == {"value": len(listed["nodes"]), "precision": "EXACT"}
    return [one["externalId"] for one in listed["nodes"]]


@pytest.fixture
async def people(api: Api) -> Api:
    """ada (e1), grace (e2), a Bulgarian (e3), a Turk (e4) and a Hebrew name (e5) in one journey."""
    workspace = api.workspace
    await a_contact(
        workspace,
        "partner-77",
        username="g.hopper",
        email="Grace@Navy.example",
        first_name="Grace",
        last_name="Hopper",
    )
    await a_contact(workspace, "bg", first_name="Надежда", last_name="Петрова")
    await a_contact(workspace, "tr", first_name="İpek", last_name="100%_Straße")
    await a_contact(workspace, "he", first_name="שלום", last_name="כהן", username="o'neil\"x")
    for number, name in enumerate(("partner-77", "bg", "tr", "he"), start=2):
        await an_entry(workspace, f"e{number}", name, at=after(number))
    await a_journey(workspace, "other")
    await an_entry(workspace, "elsewhere", "partner-77", "other")
    return api


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("partner-77", ["e2"]),
        ("TNER-7", ["e2"]),
        ("g.hop", ["e2"]),
        (".hopper", ["e2"]),
        ("grace@navy.EXAMPLE", ["e2"]),
        ("navy", ["e2"]),
        ("grace hop", ["e2"]),
        ("  Grace   Hopper ", ["e2"]),
        ("race", ["e2"]),
        ("ho", ["e2"]),
        ("НАДЕЖДА п", ["e3"]),
        ("етрова", ["e3"]),
        ("strasse", ["e4"]),
        ("100%_", ["e4"]),
        ("%", []),
        ("_", []),
        ("%_%", []),
        ("0%_s", ["e4"]),
        ("שלום", ["e5"]),
        ("שלום כ", ["e5"]),
        ("o'neil\"", ["e5"]),
        ("'; DROP TABLE entries; --", []),
        ("\\", []),
        ("ac", []),
        ("   ", ["e5", "e4", "e3", "e2", "e1"]),
    ],
)
async def test_people_are_found_by_every_name_in_any_script(
    people: Api, search: str, expected: list[str]
) -> None:
    found = await users(people, filter={"search": search})

    assert found == expected


@pytest.mark.parametrize(
    ("search", "message"),
    [
        ("x" * 10_000, "is too long to look for, at most 200 characters"),
        ("a\0b", "holds a null character"),
        ("\ud800", "half a surrogate pair"),
    ],
)
async def test_what_no_name_can_hold_is_refused(people: Api, search: str, message: str) -> None:
    refusal = await people.refused(USERS, filter={"search": search})

    assert message in refusal


async def test_a_search_in_one_journey_examines_a_bounded_stretch_of_it(
    people: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Three candidates a page stand for the real 20,000; and of one letter there is no index.
    monkeypatch.setattr(
        plans.Plan.__init__, "__kwdefaults__", {"parent": None, "examined_at_most": 3}
    )
    root = """query ($journey: ID!, $after: Cursor) { entries(after: $after,
        filter: {journeyId: [$journey], search: "a"}) {
        nodes { externalId } pageInfo { isPartial hasNextPage endCursor } } }"""
    journey = await people.ask('{ journey(externalId: "welcome") { id } }')

    first = await people.ask(root, journey=journey["journey"]["id"])
    cursor = first["entries"]["pageInfo"]["endCursor"]
    second = await people.ask(root, journey=journey["journey"]["id"], after=cursor)

    assert first["entries"]["nodes"] == []
    assert first["entries"]["pageInfo"]["isPartial"] is True
    assert [one["externalId"] for one in second["entries"]["nodes"]] == ["e1"]


async def test_a_search_costs_two_statements_and_the_journeys_own(people: Api) -> None:
    with counted(people.workspace.database) as statements:
        await people.ask(
            """{ journey(externalId: "welcome") { entries(filter: {search: "grace"}) {
                nodes { externalId contact { firstName } } pageInfo { isPartial } } } }"""
        )

    assert len(statements) == 3, statements


@pytest.mark.parametrize(
    ("period", "within", "beyond"),
    [
        ("HOURS_24", DAY, DAY + MINUTE),
        ("DAYS_7", 7 * DAY, 7 * DAY + MINUTE),
        ("DAYS_14", 14 * DAY, 14 * DAY + MINUTE),
        ("DAYS_30", 30 * DAY, 30 * DAY + MINUTE),
        ("DAYS_90", 90 * DAY, 90 * DAY + MINUTE),
    ],
)
async def test_who_entered_within_a_rolling_period(
    api: Api, period: str, within: int, beyond: int
) -> None:
    await an_entry(api.workspace, "inside", at=NOW + HOUR - within)
    await an_entry(api.workspace, "outside", at=NOW + HOUR - beyond)
    later = Api(api.workspace, now=NOW + HOUR)

    found = await users(later, filter={"enteredWithin": {"last": period}})

    assert found == ["e1", "inside"]


async def test_who_entered_between_two_dates(api: Api) -> None:
    for name, at in (("before", -MINUTE), ("first", 0), ("last", HOUR - 1), ("behind", HOUR)):
        await an_entry(api.workspace, name, at=NOW + 2 * DAY + at)
    start, end = "2026-11-24T00:00:00Z", "2026-11-24T03:00:00+02:00"

    found = await users(api, filter={"enteredWithin": {"between": {"from": start, "to": end}}})

    assert found == ["last", "first"]


async def test_a_period_that_ends_before_it_begins_is_refused(api: Api) -> None:
    message = await api.refused(
        USERS,
        filter={
            "enteredWithin": {
                "between": {"from": "2026-11-22T00:00:00Z", "to": "2026-11-21T00:00:00Z"}
            }
        },
    )

    assert message == (
        "The period ends at 2026-11-21T00:00:00Z, before it begins at 2026-11-22T00:00:00Z: "
        "exchange from and to."
    )


@pytest.fixture
async def fates(api: Api) -> Api:
    """Entries that fared differently: e1 active, and one for each other filter of the screen."""
    workspace = api.workspace
    for number, name in enumerate(
        ("waiting", "done", "left", "stopped", "bought", "held"), start=1
    ):
        await a_contact(workspace, name)
        await an_entry(workspace, name, name, at=after(number), in_control_group=name == "held")
    await workspace.record(
        reached("hello", entry="e1"),
        reached("remind", StepKind.WAITING, "waiting", waiting_for="deposit"),
        completed("done", at=after(60)),
        exited("left", at=after(120)),
        converted("bought", at=after(30)),
        converted("done", at=after(40)),
        reached("hello", StepKind.HELD_OUT, "held"),
        reached("hello", StepKind.BONUS_RECEIVED, "waiting"),
    )
    await workspace.stop((await workspace.entry("stopped"))["id"], now=after(90))
    await a_message(workspace, "pop", "bought", channel=Channel.POPUP)
    await a_message(workspace, "mail", "done")
    await a_message(workspace, "scanned", "left", channel=Channel.POPUP)
    await workspace.record(
        delivered(DeliveryKind.CLICKED, "pop", at=after(20)),
        delivered(DeliveryKind.CLICKED, "mail", at=after(20)),
        delivered(DeliveryKind.CLICKED, "scanned", at=after(20), is_suspected_bot=True),
    )
    return api


CLICKED_A_POP_UP = {"kind": ["MESSAGE_CLICKED"], "channel": ["POPUP"]}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"state": ["ACTIVE"]}, {"e1", "bought", "held"}),
        ({"state": ["WAITING", "EXITED"]}, {"waiting", "left"}),
        ({"isActive": False}, {"done", "left", "stopped"}),
        ({"inControlGroup": True}, {"held"}),
        ({"inControlGroup": False, "isActive": True}, {"e1", "waiting", "bought"}),
        ({"isConverted": True}, {"done", "bought"}),
        ({"isConverted": False, "state": ["STOPPED"]}, {"stopped"}),
        ({"state": ["STOPPED"]}, {"stopped"}),
        ({"diagnosis": ["HELD_OUT", "WAITING_FOR_EVENT"]}, {"held", "waiting"}),
        ({"diagnosis": ["STOPPED"]}, {"stopped"}),
        ({"diagnosis": ["FINISHED"]}, {"done", "left"}),
        ({"activity": {"kind": ["BONUS_RECEIVED"]}}, {"waiting"}),
        ({"activity": CLICKED_A_POP_UP}, {"bought"}),
        (
            {"not": {"activity": CLICKED_A_POP_UP}},
            {"e1", "waiting", "done", "left", "stopped", "held"},
        ),
        (
            {"not": {"activity": {"kind": ["MESSAGE_CLICKED"]}}, "isConverted": True},
            set(),
        ),
        (
            {"or": [{"activity": {"kind": ["BONUS_RECEIVED"]}}, {"search": "left"}]},
            {"waiting", "left"},
        ),
        ({"stoppedWithin": {"last": "HOURS_24"}}, {"done", "left", "stopped"}),
        ({"convertedWithin": {"last": "HOURS_24"}, "isActive": True}, {"bought"}),
        ({"convertedWithin": {"between": {"to": "2026-11-22T00:00:00Z"}}}, set()),
    ],
)
async def test_entries_are_found_by_what_became_of_them(
    fates: Api, asked: dict[str, Any], expected: set[str]
) -> None:
    later = Api(fates.workspace, now=NOW + HOUR)

    found = await users(later, filter=asked)

    assert set(found) == expected


async def test_entries_are_found_by_their_current_step(fates: Api) -> None:
    data = await fates.ask('{ journey(externalId: "welcome") { steps { id key } } }')
    steps = {one["key"]: one["id"] for one in data["journey"]["steps"]}

    found = await users(fates, filter={"currentStepId": [steps["hello"]]})
    nobody = await users(fates, filter={"currentStepId": [steps["thank"]]})

    assert (set(found), nobody) == ({"e1", "held"}, [])


@pytest.mark.parametrize("field", ["id", "contactId", "journeyId", "currentStepId"])
async def test_unknown_and_foreign_ids_find_nothing(api: Api, field: str) -> None:
    stranger = await a_workspace(api.workspace.database)
    await a_journey(stranger)
    await a_contact(stranger)
    entry = await an_entry(stranger)
    theirs = await stranger.entry()
    kinds = {
        "id": ("ent", entry),
        "contactId": ("ctc", theirs["contact_id"]),
        "journeyId": ("jrn", theirs["journey_id"]),
        "currentStepId": ("stp", new_id()),
    }
    kind, foreign = kinds[field]

    for one in (foreign, new_id()):
        assert await users(api, filter={field: [f"{kind}_{one.hex()}"]}) == []
    refusal = await api.refused(USERS, filter={field: ["com_" + "0" * 32]})
    assert "is not the id of" in refusal


async def test_each_passage_of_one_contact_has_its_own_truth(api: Api) -> None:
    workspace = api.workspace
    await workspace.record(completed(at=after(5)), converted(at=after(4)))
    await an_entry(workspace, "again", at=after(10))
    await a_message(workspace, "m-again", "again", at=after(11))
    await workspace.record(
        reached("remind", entry="again", at=after(12)),
        delivered(DeliveryKind.CLICKED, "m-again", at=after(13)),
    )

    data = await api.ask(
        """{ journey(externalId: "welcome") { entries { nodes { externalId state canStop
            convertedAt stoppedAt currentStep { key } contact { externalUsername }
            communications { nodes { externalId status } }
            activities(filter: {kind: [MESSAGE_CLICKED]}) { nodes { kind } }
            diagnosis { code } } } } }"""
    )

    assert data["journey"]["entries"]["nodes"] == [
        {
            "externalId": "again",
            "state": "ACTIVE",
            "canStop": True,
            "convertedAt": None,
            "stoppedAt": None,
            "currentStep": {"key": "remind"},
            "contact": {"externalUsername": "ada"},
            "communications": {"nodes": [{"externalId": "m-again", "status": "CLICKED"}]},
            "activities": {"nodes": [{"kind": "MESSAGE_CLICKED"}]},
            "diagnosis": {"code": "PROGRESSING"},
        },
        {
            "externalId": "e1",
            "state": "COMPLETED",
            "canStop": False,
            "convertedAt": "2026-11-22T00:00:04Z",
            "stoppedAt": "2026-11-22T00:00:05Z",
            "currentStep": None,
            "contact": {"externalUsername": "ada"},
            "communications": {"nodes": [{"externalId": "m1", "status": "QUEUED"}]},
            "activities": {"nodes": []},
            "diagnosis": {"code": "FINISHED"},
        },
    ]


@pytest.mark.parametrize(
    ("field", "expected"),
    [("CONVERTED_AT", ["bought", "done"]), ("STOPPED_AT", ["done", "stopped", "left"])],
)
async def test_entries_with_the_date_are_sorted_by_it(
    fates: Api, field: str, expected: list[str]
) -> None:
    ascending = await users(fates, orderBy={"field": field, "direction": "ASC"})
    descending = await users(fates, orderBy={"field": field, "direction": "DESC"})

    assert ascending == expected
    assert descending == expected[::-1]


async def test_pages_by_the_end_repeat_and_skip_nobody(fates: Api) -> None:
    entries: list[Event] = []
    for number in range(7):
        await a_contact(fates.workspace, f"c{number}")
        await an_entry(fates.workspace, f"x{number}", f"c{number}")
        # All at one moment: the id breaks the tie.
        entries.append(completed(f"x{number}", at=after(500)))
    await fates.workspace.record(*entries)
    order = {"field": "STOPPED_AT", "direction": "DESC"}
    seen: list[str] = []
    after_cursor = None

    for _ in range(10):
        data = await fates.ask(USERS, orderBy=order, first=3, after=after_cursor)
        listed = data["journey"]["entries"]
        seen += [one["externalId"] for one in listed["nodes"]]
        after_cursor = listed["pageInfo"]["endCursor"]
        if not listed["pageInfo"]["hasNextPage"]:
            break

    assert sorted(seen[:7]) == [f"x{number}" for number in range(7)]
    assert seen[7:] == ["left", "stopped", "done"]


async def test_all_entries_and_a_contacts_own_are_sorted_by_conversion(fates: Api) -> None:
    data = await fates.ask(
        """{ entries(orderBy: {field: CONVERTED_AT, direction: DESC}) { nodes { externalId } }
            contact(externalUsername: "done") {
            entries(orderBy: {field: CONVERTED_AT, direction: ASC}) { nodes { externalId } } } }"""
    )

    assert data == {
        "entries": {"nodes": [{"externalId": "done"}, {"externalId": "bought"}]},
        "contact": {"entries": {"nodes": [{"externalId": "done"}]}},
    }


async def test_users_need_the_scope_read(api: Api) -> None:
    partner = Api(api.workspace, (Scope.INTEGRATE,))

    data, errors = await partner.run(USERS)

    assert data == {"journey": None}
    assert len(errors) == 1
