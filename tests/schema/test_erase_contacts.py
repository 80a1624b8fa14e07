"""deleteContacts with ERASE: nothing of the person is left, and what is counted stays."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from schema import ids
from server.files import Files
from server.uploads import ContactLists
from server.webhooks import body
from store import Connection, dead_letters, tables, webhooks
from store.drafts import ChoiceDraft, QuestionDraft, SurveyDraft
from store.ingest import events
from store.ingest.apply import apply
from store.ingest.batch import Batch
from store.ingest.events import ContactRef
from store.ingest.loading import load
from store.ingest.outcomes import Arrival
from store.ingest.via import Via, scope
from store.ingest.write import write
from store.types import Id, new_id
from store.words import ActivityKind, Channel, DeliveryKind, Scope, StepKind
from subscriptions.signing import Signer
from tests.schema.conftest import Api
from tests.schema.test_delete_contacts import counted, delete, entry, many_leads, named, restore
from tests.schema.working import a_worker, finished
from tests.support.factories import (
    NOW,
    Workspace,
    a_contact,
    a_database,
    a_house,
    a_journey,
    a_key,
    a_workspace,
    after,
    an_entry,
    announced,
    by_provider,
    converted,
    delivered,
    entered,
    exited,
    reached,
)

PERSON = "Zebulon"
"""In whatever is personal of the one who is erased, whatever the case."""

IMPORT = """mutation ($input: ImportContactsInput!) {
    importContacts(input: $input) { job { id } userErrors { code } } }"""
ERRORS = """query ($id: ID!) { job(id: $id) {
    counts { created failed } errors { nodes { row column value message code } } } }"""
STATISTICS = """{ journey(externalId: "welcome") { statistics {
    entered active converted stopped communications { created delivered clicked failed } } } }"""


def bob() -> ContactRef:
    return ContactRef(f"{PERSON}-1")


@pytest.fixture
async def person(api: Api) -> Id:
    """One of whom there is something in every table that holds anything of contacts."""
    workspace = api.workspace
    why = QuestionDraft("why", "Why?", (ChoiceDraft("fun", "Fun"),))
    await a_journey(workspace, surveys=(SurveyDraft("s", "Survey", (why,)),))
    own = await a_contact(
        workspace,
        f"{PERSON}-1",
        email=f"{PERSON}@Example.org",
        username=f"{PERSON}.2",
        first_name=PERSON,
        last_name=f"Von {PERSON}",
        phone=f"{PERSON} 47",
    )
    here: dict[str, Any] = {"contact": bob(), "occurred_at": after(3)}
    link = f"https://shop.example/?who={PERSON}"
    words = {"url": link, "reason": f"of {PERSON}"}
    await workspace.record(
        entered("b1", f"{PERSON}-1", at=after(1)),
        entered("b2", f"{PERSON}-1", at=after(1)),
        reached(
            "hello",
            entry="b1",
            at=after(2),
            reason=f"said {PERSON}",
            waiting_for=f"the mail of {PERSON}",
            detail={"who": PERSON},
        ),
        reached("remind", StepKind.STEP_FAILED, "b1", at=after(3), reason=f"no {PERSON}"),
        announced("bm1", "b1", at=after(3), links=(link,)),
        delivered(DeliveryKind.DELIVERED, "bm1", at=after(4)),
        delivered(DeliveryKind.CLICKED, "bm1", at=after(5), **words),
        delivered(DeliveryKind.BOUNCED, "bm1", at=after(6), **words),
        exited("b2", at=after(7), reason=f"{PERSON} left"),
        converted("b1", at=after(7), reason=f"{PERSON} bought"),
        events.ContactEvent(a_key(), name="visit", properties={"who": PERSON}, **here),
        events.Facts(a_key(), gamification={"badges": [PERSON]}, facts={"nick": PERSON}, **here),
        events.SurveyAnswered(
            a_key(), after(8), bob(), "welcome", "why", "b1", ("fun",), f"I am {PERSON}"
        ),
        events.SurveyAnswered(
            a_key(), after(8), bob(), "welcome", "why", "unknown", ("fun",), f"Me, {PERSON}"
        ),
        delivered(DeliveryKind.CLICKED, "bm9", at=after(9)),
    )
    await unread(workspace, f'[{{"event": "odd", "email": "{PERSON}@example.org"}}]', "[]")
    return own


async def unread(workspace: Workspace, *bodies: str) -> None:
    """Bodies of a provider that could not be read."""
    letters = [
        dead_letters.DeadLetter(body.encode(), "", None, "The event 'odd' is not known.")
        for body in bodies
    ]
    await workspace.database.transact(
        lambda connection: dead_letters.keep(connection, workspace.id, new_id(), letters, NOW)
    )


async def erase(api: Api, contacts: dict[str, Any], **values: Any) -> dict[str, Any]:
    return await delete(api, contacts, mode="ERASE", **values)


async def traces(workspace: Workspace) -> dict[str, list[str]]:
    """Rows of any table that hold the person's name in any column, in whatever form."""

    async def look(connection: Connection) -> dict[str, list[str]]:
        if connection.dialect.name == "sqlite":
            found = await connection.execute(
                text("SELECT name FROM sqlite_master WHERE type = 'table'")
            )
        else:
            found = await connection.execute(
                text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            )
        told: dict[str, list[str]] = {}
        for (name,) in found.all():
            rows = (await connection.execute(text(f'SELECT * FROM "{name}"'))).all()
            hits = [shown for row in rows if PERSON.lower() in (shown := readable(row)).lower()]
            if hits:
                told[name] = hits
        return told

    async with workspace.database.read() as connection:
        return await look(connection)


def readable(row: Any) -> str:
    return " | ".join(
        one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in row
    )


def texts(folder: Path) -> list[str]:
    return [path.read_text() for path in folder.glob("*/*")]


async def told(workspace: Workspace, *happened: events.Event) -> None:
    """Make the deliveries that tell an endpoint of it, which are not sent yet."""
    endpoint = await workspace.database.transact(
        lambda connection: webhooks.create(
            connection,
            workspace.id,
            url="https://partner.example/",
            kinds=[ActivityKind.STEP_ENTERED],
            secret="whsec_",
            by="ops",
            now=NOW,
        )
    )
    await workspace.record(*happened)
    await workspace.database.transact(
        lambda connection: webhooks.feed(connection, workspace.id, endpoint, body, NOW)
    )


async def statistics(api: Api) -> dict[str, Any]:
    data = await api.ask(STATISTICS)
    found: dict[str, Any] = data["journey"]["statistics"]
    return found


async def test_nothing_of_the_person_is_left_in_any_table(api: Api, person: Id) -> None:
    await told(api.workspace, reached("thank", entry="b1", at=after(10), reason=f"{PERSON} again"))
    await api.ask(
        """mutation ($ids: [ID!]!) { stopCampaign(input: {
            entries: {ids: $ids}, note: "Zebulon asked for it",
            idempotencyKey: "stop zebulon@example.org"
        }) { stopped } }""",
        ids=[f"ent_{(await api.workspace.entry('b1'))['id'].hex()}"],
    )
    await api.ask(
        """mutation ($id: ID!) {
            updateContact(input: {id: $id, consents: [{channel: EMAIL, isSubscribed: true}]}) {
                userErrors { code } }
            upsertContacts(input: {
                contacts: [{externalUsername: "Zebulon-1", lastName: "Zebulon"}]
            }) {
                userErrors { code } } }""",
        id=f"ctc_{person.hex()}",
    )
    before = await traces(api.workspace)
    audited = [row["action"] for row in await api.workspace.rows(tables.audit_log)]

    payload = await erase(api, {"filter": {"search": PERSON}}, idempotencyKey="k")

    assert payload["userErrors"] == []
    assert (payload["matched"], payload["deleted"], payload["undoToken"]) == (1, 1, None)
    assert {"contacts", "log", "communications", "contact_events", "contact_facts"} <= set(before)
    assert {"contact_profiles", "survey_answers", "entries", "links", "stops"} <= set(before)
    assert {"pending_events", "webhook_deliveries", "idempotency_keys"} <= set(before)
    assert "dead_letters" in before
    # What was done with the person is known, and was never written down by name.
    assert audited == ["stopCampaign", "updateContact", "upsertContacts"]
    assert "audit_log" not in before
    assert await traces(api.workspace) == {}


async def test_an_erased_contact_is_shown_as_nobody(api: Api, person: Id) -> None:
    await erase(api, named(person))

    shown = await api.ask(
        """query ($id: ID!) { contact(id: $id) {
            username externalUsername email firstName lastName phone isErased isDeleted
            profile { events { nodes { name } } facts { name } gamification { badges } }
            entries { nodes { externalId state stopReason } } } }""",
        id=f"ctc_{person.hex()}",
    )

    assert shown["contact"] == {
        "username": None,
        "externalUsername": None,
        "email": None,
        "firstName": None,
        "lastName": None,
        "phone": None,
        "isErased": True,
        "isDeleted": True,
        "profile": {"events": {"nodes": []}, "facts": [], "gamification": {"badges": []}},
        "entries": {
            "nodes": [
                {"externalId": "b2", "state": "EXITED", "stopReason": "EXIT_RULE"},
                {"externalId": "b1", "state": "STOPPED", "stopReason": "ERASED"},
            ]
        },
    }
    everyone = await api.ask("{ contacts { nodes { externalUsername } } }")
    assert everyone["contacts"]["nodes"] == [{"externalUsername": "ada"}]
    assert await counted(api.workspace) == {"leads": 1}


async def test_journeys_count_what_they_counted_but_for_the_stop(api: Api, person: Id) -> None:
    before = await statistics(api)

    await erase(api, named(person))

    stopped = {"active": before["active"] - 1, "stopped": before["stopped"] + 1}
    assert await statistics(api) == {**before, **stopped}
    activities = await api.ask(
        '{ entry(externalId: "b1") { activities { nodes { kind summary detail } } } }'
    )
    assert all(one["summary"] for one in activities["entry"]["activities"]["nodes"])
    assert {str(one["detail"]) for one in activities["entry"]["activities"]["nodes"]} == {"None"}


async def test_what_is_reported_of_the_erased_counts_and_says_nothing(api: Api, person: Id) -> None:
    await erase(api, named(person))
    clicks = (await statistics(api))["communications"]["clicked"]
    await a_contact(api.workspace, "bystander")
    await an_entry(api.workspace, "x1", "bystander")

    outcomes = await api.workspace.record(
        delivered(DeliveryKind.CLICKED, "bm1", at=after(20), url=f"https://a.example/{PERSON}"),
        delivered(DeliveryKind.BOUNCED, "bm1", at=after(21), reason=f"no {PERSON}"),
        reached("thank", entry="b1", at=after(22), reason=PERSON, detail={"who": PERSON}),
        announced("bm2", "b1", at=after(23), links=(f"https://a.example/{PERSON}",)),
        converted("b2", at=after(24), reason=PERSON),
        reached("hello", entry="x1", at=after(25), reason="of the bystander"),
        entered("b3", f"{PERSON}-1", at=after(26)),
    )

    assert [one.kind for one in outcomes] == [
        "ACCEPTED",
        "ACCEPTED",
        "IGNORED_STOPPED",
        "IGNORED_STOPPED",
        "ACCEPTED",
        "ACCEPTED",
        "REJECTED",
    ]
    assert (await statistics(api))["communications"]["clicked"] == clicks
    assert await traces(api.workspace) == {}
    reasons = {row["reason"] for row in await api.workspace.rows(tables.log)}
    assert reasons == {None, "of the bystander"}


async def test_what_is_reported_of_the_erased_by_a_providers_id_says_nothing(
    api: Api, person: Id
) -> None:
    await api.workspace.record(announced("bm8", "b2", at=after(-9_999), provider_message_id="bp8"))
    await erase(api, named(person))

    await api.workspace.record(
        by_provider(delivered(DeliveryKind.BOUNCED, reason=f"no {PERSON}"), "bp8")
    )

    assert (await api.workspace.message("bm8"))["status"] == "BOUNCED"
    assert await traces(api.workspace) == {}


async def test_what_is_kept_of_the_erased_for_its_channel_says_nothing(
    api: Api, person: Id
) -> None:
    texts = Via(new_id(), Channel.SMS)

    def by_texts(event: events.Delivery) -> Arrival:
        return Arrival(event, "Texts", scope(texts.connector_id), texts)

    def bounced() -> events.Delivery:
        return delivered(DeliveryKind.BOUNCED, "bm8", reason=f"no {PERSON}")

    await api.workspace.record(announced("bm8", "b2", at=after(-9_999), provider_message_id="bp8"))
    await api.workspace.arrived([by_texts(delivered(communication="bm8", url="https://a.example"))])
    before = await api.workspace.rows(tables.dead_letters)

    await erase(api, named(person))
    left = await api.workspace.rows(tables.dead_letters)
    await api.workspace.arrived([by_texts(bounced()), by_texts(by_provider(bounced(), "bp8"))])

    assert [row["communication_id"] is None for row in before] == [True, True, False]
    assert [row["communication_id"] for row in left] == [None]
    assert len(await api.workspace.rows(tables.dead_letters)) == 3
    assert await traces(api.workspace) == {}


async def test_what_was_read_before_and_is_written_behind_the_erasure_says_nothing(
    postgres_url: str,
) -> None:
    async with a_database(postgres_url) as database:
        api = Api(await a_house(database))
        own = await a_contact(api.workspace, f"{PERSON}-1", email=f"{PERSON}@example.org")
        happened: list[events.Event] = [
            events.ContactEvent(a_key(), NOW, bob(), "visit", {"who": PERSON}),
            events.Facts(a_key(), NOW, bob(), {"badges": [PERSON]}, None, {"nick": PERSON}),
        ]
        batch = Batch(NOW)
        async with database.write() as connection:
            await load(connection, api.workspace.id, happened, batch.known)
            outcomes = [apply(batch, one, "partner") for one in happened]

            await erase(api, named(own))
            await write(connection, api.workspace.id, batch)

        assert [one.kind for one in outcomes] == ["ACCEPTED", "ACCEPTED"]
        assert await traces(api.workspace) == {}
        assert await api.workspace.rows(tables.contact_events) == []


async def test_a_deleted_contact_is_erased_by_its_id_and_not_restored(api: Api, person: Id) -> None:
    token = (await delete(api, named(person)))["undoToken"]

    payload = await erase(api, named(person))
    restored = await restore(api, token)

    assert (payload["matched"], payload["deleted"]) == (1, 1)
    assert (restored["restored"], restored["userErrors"]) == (0, [])
    assert (await entry(api, "b1"))["state"] == "STOPPED"
    assert await counted(api.workspace) == {"leads": 1}
    assert await traces(api.workspace) == {}


async def test_no_undo_of_a_stop_restores_an_entry_of_the_erased(api: Api, person: Id) -> None:
    stop = await api.ask(
        """mutation ($ids: [ID!]!) { stopCampaign(input: {entries: {ids: $ids}}) {
            undoToken } }""",
        ids=[f"ent_{(await api.workspace.entry('b1'))['id'].hex()}"],
    )
    await erase(api, named(person))

    undone = await api.ask(
        """mutation ($id: ID!) { undoStopCampaign(input: {undoToken: $id}) {
            restored userErrors { code } } }""",
        id=stop["stopCampaign"]["undoToken"],
    )

    assert undone["undoStopCampaign"] == {"restored": 0, "userErrors": []}
    assert (await entry(api, "b1"))["state"] == "STOPPED"


async def test_erasing_twice_is_erasing_once(api: Api, person: Id) -> None:
    await erase(api, named(person))
    rows = await api.workspace.rows(tables.log)

    again = await erase(api, named(person))

    assert (again["matched"], again["deleted"], again["userErrors"]) == (0, 0, [])
    assert await api.workspace.rows(tables.log) == rows


async def test_a_dry_run_erases_nothing(api: Api, person: Id) -> None:
    before = await traces(api.workspace)

    payload = await erase(api, named(person), dryRun=True)

    assert (payload["matched"], payload["deleted"]) == (1, None)
    assert await traces(api.workspace) == before


async def test_the_names_of_the_erased_are_free_for_whoever_comes(api: Api, person: Id) -> None:
    await erase(api, named(person))

    again = await a_contact(api.workspace, f"{PERSON}-1", email=f"{PERSON}@example.org")

    assert again != person


async def test_an_import_does_not_bring_the_erased_back(
    api: Api, person: Id, tmp_path: Path
) -> None:
    await erase(api, named(person))
    # A new secret: the old one is still known, and may be forgotten behind the first import.
    old = b"a secret of the tests"
    new = b"another secret of them"
    jobs: list[dict[str, Any]] = []
    for signer in (Signer(new, 2, retired={1: old}), Signer(new, 2)):
        api.context.signer = signer
        api.context.uploads = ContactLists(Files(tmp_path), 10_000)
        rows = (f"Z,B,{PERSON.upper()}@example.ORG", f"Eve,,eve{len(jobs)}@example.org")
        lines = "\n".join(("firstname,lastname,email", *rows))
        data = await api.ask(IMPORT, input={"text": lines, "status": "LEAD"})
        async with a_worker(api, files=tmp_path):
            await finished(api, data["importContacts"]["job"]["id"])
        job = await api.ask(ERRORS, id=data["importContacts"]["job"]["id"])
        jobs.append(job["job"])

    for job in jobs:
        assert job["counts"] == {"created": 1, "failed": 1}
        (error,) = job["errors"]["nodes"]
        assert (error["row"], error["column"], error["value"]) == (2, "email", None)
        assert "were erased on request" in error["message"]
    assert await traces(api.workspace) == {}


async def test_files_that_were_written_before_are_gone(
    api: Api, person: Id, tmp_path: Path
) -> None:
    api.context.files = Files(tmp_path)
    journey = await api.ask('{ journey(externalId: "welcome") { id } }')
    data = await api.ask(
        """mutation ($id: ID!) { exportJourney(input: {journeyId: $id, users: {}}) {
            job { id } } }""",
        id=journey["journey"]["id"],
    )
    async with a_worker(api, files=tmp_path):
        exported = await finished(api, data["exportJourney"]["job"]["id"])
    written = texts(tmp_path)

    await erase(api, named(person))

    job = await api.ask(
        "query ($id: ID!) { job(id: $id) { state downloadUrl } }",
        id=data["exportJourney"]["job"]["id"],
    )
    assert exported["downloadUrl"] is not None
    assert [PERSON in one for one in written] == [True]
    assert job == {"job": {"state": "COMPLETED", "downloadUrl": None}}
    assert texts(tmp_path) == []


async def test_many_are_erased_by_a_job_that_leaves_no_trace_of_what_was_asked(
    api: Api, person: Id
) -> None:
    await many_leads(api, 200)

    payload = await erase(api, {"filter": {"or": [{"search": PERSON}, {"search": "Many"}]}})
    async with a_worker(api):
        job = await finished(api, payload["job"]["id"])

    assert (payload["matched"], payload["deleted"]) == (201, None)
    assert payload["job"]["kind"] == "BULK_DELETE"
    assert (job["state"], job["counts"]["updated"]) == ("COMPLETED", 201)
    assert await counted(api.workspace) == {"leads": 1}
    assert await traces(api.workspace) == {}


async def test_others_keep_what_is_theirs(api: Api, person: Id) -> None:
    stranger = await a_workspace(api.workspace.database)
    await a_contact(stranger, f"{PERSON}-1", email=f"{PERSON}@example.org")
    await a_contact(api.workspace, "bystander", email="by@example.org", first_name="By")
    await an_entry(api.workspace, "x1", "bystander")
    await api.workspace.record(
        reached("hello", entry="x1", at=after(1), reason="because", detail={"a": 1}),
        announced("xm", "x1", at=after(2), channel=Channel.SMS, links=("https://x.example/",)),
        delivered(DeliveryKind.CLICKED, "xm", at=after(3), url="https://x.example/"),
    )
    kept = (tables.log, tables.entries, tables.communications, tables.links)
    bystander = (await api.workspace.rows(tables.contacts, external_username="bystander"))[0]

    async def theirs() -> list[list[dict[str, Any]]]:
        return [
            [
                row
                for row in await api.workspace.rows(table)
                if row.get("contact_id", bystander["id"]) == bystander["id"]
                and row.get("external_id") not in ("bm1", "bm9")
            ]
            for table in kept
        ]

    before = await theirs()

    await erase(api, named(person, new_id()))

    assert await theirs() == before
    assert (await api.workspace.rows(tables.contacts, id=bystander["id"])) == [bystander]
    assert (await stranger.rows(tables.contacts))[0]["email"] == f"{PERSON}@example.org"


async def test_who_may_not_operate_may_not_erase(api: Api, person: Id) -> None:
    reader = Api(api.workspace, (Scope.READ, Scope.INTEGRATE))
    document = """mutation ($ids: [ID!]!) { deleteContacts(input: {
        contacts: {ids: $ids}, mode: ERASE }) { deleted } }"""

    _, errors = await reader.run(document, ids=[f"{ids.CONTACT}_{person.hex()}"])
    everybody = await erase(api, {"all": True})

    assert "needs the scope operate" in errors[0].message
    assert [one["code"] for one in everybody["userErrors"]] == ["INVALID"]
    assert await counted(api.workspace) == {"leads": 2}
