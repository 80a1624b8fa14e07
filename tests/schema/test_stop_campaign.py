"""stopCampaign by filter and undoStopCampaign, at once and as jobs, on both databases."""

from typing import Any

import pytest

from schema import ids
from store import tables
from store.types import DAY, SECOND, Id, new_id
from store.words import Channel, DeliveryKind, JourneyStatus, Scope
from tests.schema.conftest import Api
from tests.schema.working import a_worker, finished
from tests.support.factories import (
    Workspace,
    a_contact,
    a_journey,
    a_workspace,
    after,
    an_entry,
    announced,
    completed,
    converted,
    delivered,
    entered,
    reached,
)

STOP = """mutation ($input: StopCampaignInput!) { stopCampaign(input: $input) {
    matched stopped undoToken undoableUntil job { id kind state total createdBy }
    results { entryId outcome entry { externalId state stopNote } }
    userErrors { code field message } } }"""
UNDO = """mutation ($input: UndoStopCampaignInput!) { undoStopCampaign(input: $input) {
    restored job { id kind state } userErrors { code field message } } }"""
STATES = """query ($filter: EntryFilter) { entries(filter: $filter) { totalCount { value } } }"""


async def stop_ids(api: Api, *entries: str, **values: Any) -> dict[str, Any]:
    data = await api.ask(STOP, input={"entries": {"ids": list(entries)}, **values})
    payload: dict[str, Any] = data["stopCampaign"]
    return payload


async def stop_journey(
    api: Api, asked: dict[str, Any] | None = None, **values: Any
) -> dict[str, Any]:
    found = await api.ask('{ journey(externalId: "welcome") { id } }')
    chosen = {"journeyId": found["journey"]["id"], **({"filter": asked} if asked else {})}
    data = await api.ask(STOP, input={"entries": {"inJourney": chosen}, **values})
    payload: dict[str, Any] = data["stopCampaign"]
    return payload


async def undo(api: Api, token: str, **values: Any) -> dict[str, Any]:
    data = await api.ask(UNDO, input={"undoToken": token, **values})
    payload: dict[str, Any] = data["undoStopCampaign"]
    return payload


def codes(payload: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(one["code"], one["field"]) for one in payload["userErrors"]]


async def entry_id(api: Api, name: str = "e1") -> str:
    data = await api.ask("query ($id: String) { entry(externalId: $id) { id } }", id=name)
    found: str = data["entry"]["id"]
    return found


async def counted(api: Api, **asked: Any) -> int:
    data = await api.ask(STATES, filter=asked)
    found: int = data["entries"]["totalCount"]["value"]
    return found


async def many_entries(workspace: Workspace, number: int) -> None:
    """That many entries of ada, besides her first."""
    names = [f"many-{index}" for index in range(number)]
    for start in range(0, number, 500):
        outcomes = await workspace.record(*map(entered, names[start : start + 500]))
        assert {one.kind for one in outcomes} == {"ACCEPTED"}


async def test_a_filter_stops_the_open_entries_that_it_chooses(api: Api) -> None:
    await a_contact(api.workspace, "bob", email="bob@example.org")
    for name in ("b1", "b2", "b3"):
        await an_entry(api.workspace, name, "bob", at=after(int(name[1])))
    await api.workspace.record(completed("b3", at=after(4)))

    payload = await stop_journey(api, {"search": "bob@"}, note="asked to")

    assert (payload["matched"], payload["stopped"], payload["job"]) == (2, 2, None)
    assert [
        (one["entry"]["externalId"], one["outcome"], one["entry"]["stopNote"])
        for one in payload["results"]
    ] == [("b1", "STOPPED", "asked to"), ("b2", "STOPPED", "asked to")]
    assert await counted(api, state=["STOPPED"]) == 2


async def test_a_dry_run_by_filter_counts_and_stops_nobody(api: Api) -> None:
    await many_entries(api.workspace, 120)

    payload = await stop_journey(api, dryRun=True)

    assert (payload["matched"], payload["stopped"], payload["undoToken"]) == (121, None, None)
    assert [one["outcome"] for one in payload["results"]] == ["WOULD_STOP"] * 100
    assert await counted(api, isActive=True) == 121


async def test_a_filter_that_chooses_nobody_stops_nobody(api: Api) -> None:
    payload = await stop_journey(api, {"search": 'x" OR 1=1; %_\u202e'})

    assert payload == {
        "matched": 0,
        "stopped": 0,
        "undoToken": None,
        "undoableUntil": None,
        "job": None,
        "results": [],
        "userErrors": [],
    }


@pytest.mark.parametrize("status", [JourneyStatus.ENDED, JourneyStatus.DRAFT])
async def test_a_journey_that_does_not_run_cannot_be_stopped(
    api: Api, status: JourneyStatus
) -> None:
    await a_journey(api.workspace, status=status)

    payload = await stop_journey(api)

    assert codes(payload) == [("FINISHED", ["entries", "inJourney", "journeyId"])]
    assert await counted(api, isActive=True) == 1


async def test_an_unknown_and_a_foreign_journey_are_not_found(api: Api) -> None:
    stranger = Api(await a_workspace(api.workspace.database))
    journey = await api.ask('{ journey(externalId: "welcome") { id } }')

    payloads = [
        (await one.ask(STOP, input={"entries": {"inJourney": {"journeyId": it}}}))["stopCampaign"]
        for one, it in ((api, f"jrn_{new_id().hex()}"), (stranger, journey["journey"]["id"]))
    ]

    assert [codes(one) for one in payloads] == [
        [("NOT_FOUND", ["entries", "inJourney", "journeyId"])]
    ] * 2


async def test_a_selection_is_said_in_one_way(api: Api) -> None:
    _, errors = await api.run(STOP, input={"entries": {}})

    assert len(errors) == 1


async def test_the_same_key_stops_once_though_the_filters_period_has_moved(api: Api) -> None:
    last_day = {"enteredWithin": {"last": "HOURS_24"}}
    first = await stop_journey(Api(api.workspace, now=after(5)), last_day, idempotencyKey="k")
    later = Api(api.workspace, now=after(600))
    await an_entry(api.workspace, "e2", at=after(60))

    again = await stop_journey(later, last_day, idempotencyKey="k")
    other = await stop_journey(later, idempotencyKey="k")

    assert (again["matched"], again["stopped"]) == (first["matched"], first["stopped"]) == (1, 1)
    assert again["undoToken"] == first["undoToken"]
    assert codes(other) == [("KEY_REUSED", ["idempotencyKey"])]


async def test_an_undo_restores_the_entry_and_what_was_ignored(api: Api) -> None:
    stopped = await stop_ids(api, await entry_id(api))
    await api.workspace.record(
        reached("hello", at=after(10)),
        converted(at=after(20)),
        announced("m2", at=after(30), channel=Channel.SMS, resource="Reminder"),
        delivered(DeliveryKind.DELIVERED, "m2", at=after(40)),
    )
    ignored = await shown(api)

    payload = await undo(api, stopped["undoToken"])

    assert (payload["restored"], payload["job"], payload["userErrors"]) == (1, None, [])
    assert ignored["state"] == "STOPPED"
    assert ignored["communications"]["nodes"] == [{"externalId": "m1", "status": "QUEUED"}]
    assert await shown(api) == {
        "state": "ACTIVE",
        "stoppedAt": None,
        "stopReason": None,
        "stoppedBy": None,
        "canStop": True,
        "convertedAt": "2026-11-22T00:00:20Z",
        "currentStep": {"key": "hello"},
        "communications": {
            "nodes": [
                {"externalId": "m2", "status": "DELIVERED"},
                {"externalId": "m1", "status": "QUEUED"},
            ]
        },
        "activities": {
            "nodes": [
                {"kind": kind, "summary": summary}
                for kind, summary in (
                    ("ENTERED", "The contact entered the journey."),
                    ("MESSAGE_CREATED", "The message “Welcome mail” by e-mail was created."),
                    ("STOPPED", "The campaign was stopped for the contact by Shop."),
                    ("STEP_ENTERED", "The entry reached the step “Hello”."),
                    ("CONVERTED", "The contact converted."),
                    ("MESSAGE_CREATED", "The message “Reminder” by text message was created."),
                    ("STOP_UNDONE", "The stop of the campaign was undone by Shop."),
                    (
                        "MESSAGE_DELIVERED",
                        "The message “Reminder” by text message was delivered.",
                    ),
                )
            ]
        },
    }
    assert await counted(api, activity={"kind": ["CONVERTED"]}) == 1


async def shown(api: Api) -> dict[str, Any]:
    data = await api.ask(
        """{ entry(externalId: "e1") {
            state stoppedAt stopReason stoppedBy canStop convertedAt currentStep { key }
            communications { nodes { externalId status } }
            activities { nodes { kind summary } } } }"""
    )
    found: dict[str, Any] = data["entry"]
    return found


async def test_an_undo_is_used_once_even_by_another_key(api: Api) -> None:
    token = (await stop_ids(api, await entry_id(api)))["undoToken"]

    payloads = [await undo(api, token, idempotencyKey=key) for key in ("a", "a", "b")]

    assert [(one["restored"], codes(one)) for one in payloads] == [
        (1, []),
        (1, []),
        (None, [("UNDO_USED", ["undoToken"])]),
    ]


async def test_an_undo_comes_too_late_after_a_day(api: Api) -> None:
    stopped = await stop_ids(api, await entry_id(api))
    later = Api(api.workspace, now=api.now + DAY)

    payload = await undo(later, stopped["undoToken"])

    assert stopped["undoableUntil"] == "2026-11-23T00:00:00Z"
    assert codes(payload) == [("UNDO_EXPIRED", ["undoToken"])]
    assert await counted(api, state=["STOPPED"]) == 1
    in_time = await undo(Api(api.workspace, now=api.now + DAY - SECOND), stopped["undoToken"])
    assert in_time["restored"] == 1


async def test_a_token_of_another_workspace_undoes_nothing(api: Api) -> None:
    token = (await stop_ids(api, await entry_id(api)))["undoToken"]
    stranger = Api(await a_workspace(api.workspace.database))

    payloads = [await undo(stranger, token), await undo(api, f"und_{new_id().hex()}")]

    assert [codes(one) for one in payloads] == [[("NOT_FOUND", ["undoToken"])]] * 2
    assert "'ent_1' is not the id of a stop" in await api.refused(
        UNDO, input={"undoToken": "ent_1"}
    )


async def test_an_undo_restores_exactly_what_its_stop_has_stopped(api: Api) -> None:
    await an_entry(api.workspace, "e2")
    first = await stop_ids(api, await entry_id(api))
    second = await stop_ids(api, await entry_id(api), await entry_id(api, "e2"))

    payload = await undo(api, second["undoToken"])

    assert [one["outcome"] for one in second["results"]] == ["ALREADY_STOPPED", "STOPPED"]
    assert payload["restored"] == 1
    assert await states(api) == {"e1": "STOPPED", "e2": "ACTIVE"}
    assert (await undo(api, first["undoToken"]))["restored"] == 1
    assert await states(api) == {"e1": "ACTIVE", "e2": "ACTIVE"}


async def states(api: Api) -> dict[str, str]:
    data = await api.ask("{ entries { nodes { externalId state } } }")
    return {one["externalId"]: one["state"] for one in data["entries"]["nodes"]}


async def test_a_stop_that_stops_nobody_has_nothing_to_undo(api: Api) -> None:
    await stop_ids(api, await entry_id(api))

    again = await stop_ids(api, await entry_id(api))

    assert (again["undoToken"], again["undoableUntil"]) == (None, None)


async def test_an_entry_can_be_stopped_again_after_an_undo(api: Api) -> None:
    token = (await stop_ids(api, await entry_id(api)))["undoToken"]
    await undo(api, token)

    again = await stop_ids(api, await entry_id(api))

    assert [one["outcome"] for one in again["results"]] == ["STOPPED"]
    assert codes(await undo(api, token)) == [("UNDO_USED", ["undoToken"])]
    assert await states(api) == {"e1": "STOPPED"}


async def test_stopping_and_undoing_need_the_scope_operate(api: Api) -> None:
    reader = Api(api.workspace, (Scope.READ, Scope.INTEGRATE))
    journey = await api.ask('{ journey(externalId: "welcome") { id } }')
    chosen = {"inJourney": {"journeyId": journey["journey"]["id"]}}

    refusals = [
        await reader.run(STOP, input={"entries": chosen}),
        await reader.run(UNDO, input={"undoToken": f"und_{new_id().hex()}"}),
    ]

    assert ["scope operate" in errors[0].message for _, errors in refusals] == [True, True]


async def test_a_large_stop_is_a_job_and_so_is_its_undo(api: Api) -> None:
    await many_entries(api.workspace, 1_200)
    await api.workspace.record(completed("many-7", at=after(1)))
    async with a_worker(api):
        stopped = await stop_journey(api, note="recalled")
        stop_job = await finished(api, stopped["job"]["id"])
        stopped_entries = await counted(api, state=["STOPPED"])
        await api.workspace.record(
            *(converted(f"many-{index}", at=after(20)) for index in range(100, 200))
        )
        undone = await undo(api, stopped["undoToken"])
        undo_job = await finished(api, undone["job"]["id"])

    assert (stopped["matched"], stopped["stopped"], len(stopped["results"])) == (1_200, None, 100)
    assert stopped["job"]["kind"] == "BULK_STOP"
    assert (stop_job["state"], stop_job["done"], stop_job["total"]) == ("COMPLETED", 1_200, 1_200)
    assert stop_job["counts"]["updated"] == stopped_entries == 1_200
    assert undone["job"]["kind"] == "BULK_RESTORE"
    assert (undo_job["state"], undo_job["counts"]["updated"]) == ("COMPLETED", 1_200)
    assert await counted(api, isActive=True) == 1_200
    assert await counted(api, isConverted=True) == 100
    assert codes(await undo(api, stopped["undoToken"])) == [("UNDO_USED", ["undoToken"])]


async def test_an_undo_of_a_stop_that_still_waits_cancels_it(api: Api) -> None:
    await many_entries(api.workspace, 1_000)
    stopped = await stop_journey(api)

    payload = await undo(api, stopped["undoToken"])

    job = await api.ask("query ($id: ID!) { job(id: $id) { state } }", id=stopped["job"]["id"])
    assert payload["restored"] == 0
    assert job == {"job": {"state": "CANCELED"}}
    assert await counted(api, isActive=True) == 1_001


async def test_an_undo_that_was_cancelled_can_be_asked_for_again(api: Api) -> None:
    await many_entries(api.workspace, 1_100)
    async with a_worker(api):
        stopped = await stop_journey(api)
        await finished(api, stopped["job"]["id"])
    first = await undo(api, stopped["undoToken"])
    await api.ask(
        "mutation ($id: ID!) { cancelJob(input: {id: $id}) { job { state } } }",
        id=first["job"]["id"],
    )

    async with a_worker(api):
        again = await undo(api, stopped["undoToken"])
        await finished(api, again["job"]["id"])

    assert await counted(api, isActive=True) == 1_101


async def test_a_stop_and_its_undo_are_told_to_subscribers_of_the_log(api: Api) -> None:
    entry = await entry_id(api)
    token = (await stop_ids(api, entry, note="moved away"))["undoToken"]
    await undo(api, token)

    log = await api.workspace.rows(tables.log, entry_id=id_of(entry))

    told = [(row["activity"], row["source"], row["reason"]) for row in log][-2:]
    assert told == [("STOPPED", "Shop", "moved away"), ("STOP_UNDONE", "Shop", None)]


def id_of(text: str) -> Id:
    return ids.parse(text, ids.ENTRY)


async def test_an_undo_of_a_stop_at_work_restores_what_it_has_stopped_by_then(api: Api) -> None:
    await many_entries(api.workspace, 2_000)
    async with a_worker(api):
        stopped = await stop_journey(api)
        while await counted(api, state=["STOPPED"]) == 0:
            continue

        undone = await undo(api, stopped["undoToken"])

        stop_job = await finished(api, stopped["job"]["id"])
        if undone["job"] is not None:
            await finished(api, undone["job"]["id"])

    assert stop_job["state"] in ("CANCELED", "COMPLETED")
    assert stop_job["counts"]["updated"] > 0
    assert await counted(api, isActive=True) == 2_001
