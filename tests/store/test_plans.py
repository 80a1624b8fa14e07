"""Plans: what the screens offer is read along an index, without a sort, on both databases."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event, text

from resolvers import contact_changes
from resolvers import stops as resolvers_stops
from store import Database, planner, tables
from store.conditions import Filter
from store.drafts import ChoiceDraft, ContactDraft, QuestionDraft, RewardDraft, SurveyDraft
from store.entities import (
    ACTIVITY,
    AUDIT_RECORD,
    COMMUNICATION,
    CONTACT,
    DELIVERY_EVENT,
    ENTRY,
    JOURNEY,
    Entity,
)
from store.filters import (
    ActivityFilter,
    AuditFilter,
    CommunicationFilter,
    ContactFilter,
    DeliveryEventFilter,
    EntryFilter,
    Period,
    PromoFilter,
    RewardStateFilter,
    SurveyAnswerFilter,
    Text,
)
from store.ingest.events import (
    ContactEvent,
    ContactRef,
    Event,
    Facts,
    PromoRedeemed,
    RewardChosen,
    SurveyAnswered,
)
from store.lists import Order, PageRequest, Position, get, page, pages
from store.types import new_id
from store.want import want
from store.words import (
    ActivityKind,
    Channel,
    ContactSource,
    ContactStatus,
    DeliveryStatus,
    EntryState,
    RedemptionKind,
    Scope,
    StepKind,
)
from tests.support.factories import (
    NOW,
    Workspace,
    a_contact,
    a_context,
    a_database,
    a_journey,
    a_key,
    a_workspace,
    after,
    announced,
    converted,
    delivered,
    entered,
    reached,
)
from tests.support.population import Population, a_population

ONE = (bytes(range(16)),)
NOBODYS = 999_999
"""A workspace that is not there."""
SOME_TIME = Period(after(1), after(3))
WANT = want(["id", "email"])


@pytest.fixture
async def population(database: Database) -> Population:
    return await a_population(database)


@contextmanager
def statements(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """What is sent to the database meanwhile."""
    seen: list[tuple[str, Any]] = []

    def note(
        _connection: object,
        _cursor: object,
        statement: str,
        parameters: Any,
        _context: object,
        is_many: bool,
    ) -> None:
        # Many sets of parameters, or one that holds them all where rows are returned.
        is_list = is_many and isinstance(parameters, list)
        seen.append((statement, parameters[0] if is_list else parameters))

    engines = [database._reader.sync_engine, database._writer.sync_engine]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


async def explained(
    database: Database, statement: str, parameters: Any, unwanted: Sequence[str] = ()
) -> str:
    """The plan; on PostgreSQL as if the `unwanted` indexes were not there.

    A small table is read whole and sorted, by whichever index; of a large one this has to hold.
    """
    async with database.write() as connection:
        if database.is_sqlite:
            found = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            return "\n".join(str(tuple(row)[3]) for row in found.all())
        for name in ("seqscan", "bitmapscan", "sort", "incremental_sort"):
            await connection.execute(text(f"SET LOCAL enable_{name} = off"))
        for name in unwanted:
            if name == "log_pkey":
                await connection.execute(text("ALTER TABLE log DROP CONSTRAINT log_pkey"))
            else:
                await connection.execute(text(f"DROP INDEX {name}"))
        found = await connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
        plan = "\n".join(str(row[0]) for row in found.all())
        await connection.rollback()
        return plan


def others(entity: Entity[Any], index: str) -> list[str]:
    found = {str(one.name) for one in entity.table.indexes}
    if index == "communication_marks_created_idx":
        found |= {str(one.name) for one in tables.communication_marks.indexes}
    if entity.table is tables.log:
        found.add("log_pkey")
    return sorted(found - {index})


def sorts(plan: str) -> bool:
    return "Sort" in plan or "TEMP B-TREE" in plan


OFFERED: dict[str, tuple[Entity[Any], str, Filter | None, str]] = {
    "communications": (COMMUNICATION, "created_at", None, "communications_created_idx"),
    "communications of a journey": (
        COMMUNICATION,
        "created_at",
        CommunicationFilter(journey_id=ONE),
        "communications_journey_idx",
    ),
    "communications of a journey and channel": (
        COMMUNICATION,
        "created_at",
        CommunicationFilter(journey_id=ONE, channel=(Channel.EMAIL,)),
        "communications_channel_idx",
    ),
    "communications of a journey and channel in a period": (
        COMMUNICATION,
        "created_at",
        CommunicationFilter(journey_id=ONE, channel=(Channel.EMAIL,), created_within=SOME_TIME),
        "communications_channel_idx",
    ),
    "communications of a contact": (
        COMMUNICATION,
        "created_at",
        CommunicationFilter(contact_id=ONE),
        "communications_contact_idx",
    ),
    "communications of an entry": (
        COMMUNICATION,
        "created_at",
        CommunicationFilter(entry_id=ONE),
        "communications_entry_idx",
    ),
    "communications of a journey, at a status": (
        COMMUNICATION,
        "created_at",
        CommunicationFilter(journey_id=ONE, status=(DeliveryStatus.OPENED,)),
        "communications_journey_idx",
    ),
    "communications clicked": (
        COMMUNICATION,
        "created_at",
        CommunicationFilter(is_clicked=True),
        "communication_marks_created_idx",
    ),
    "communications of a journey, clicked": (
        COMMUNICATION,
        "created_at",
        CommunicationFilter(journey_id=ONE, is_clicked=True, created_within=SOME_TIME),
        "mark",
    ),
    "communications of a journey that failed": (
        COMMUNICATION,
        "created_at",
        CommunicationFilter(journey_id=ONE, status=(DeliveryStatus.FAILED,)),
        "mark",
    ),
    "entries": (ENTRY, "entered_at", None, "entries_entered_idx"),
    "entries of a journey": (
        ENTRY,
        "entered_at",
        EntryFilter(journey_id=ONE),
        "entries_journey_idx",
    ),
    "entries of a journey in a state": (
        ENTRY,
        "entered_at",
        EntryFilter(journey_id=ONE, state=(EntryState.WAITING,), entered_within=SOME_TIME),
        "entries_journey_state_idx",
    ),
    "entries of a journey at a step": (
        ENTRY,
        "entered_at",
        EntryFilter(journey_id=ONE, current_step_id=ONE),
        "entries_journey_step_idx",
    ),
    "entries of a journey in the control group": (
        ENTRY,
        "entered_at",
        EntryFilter(journey_id=ONE, in_control_group=True),
        "entries_journey_control_idx",
    ),
    "entries of a journey that are open": (
        ENTRY,
        "entered_at",
        EntryFilter(journey_id=ONE, is_active=True, entered_within=SOME_TIME),
        "entries_journey_open_idx",
    ),
    "entries of a journey that converted": (
        ENTRY,
        "entered_at",
        EntryFilter(journey_id=ONE, is_converted=True),
        "entries_journey_won_idx",
    ),
    "activities of a journey and kind": (
        ACTIVITY,
        "seq",
        ActivityFilter(journey_id=ONE, kind=(ActivityKind.BONUS_RECEIVED,)),
        "log_activity_idx",
    ),
    "entries of a contact": (
        ENTRY,
        "entered_at",
        EntryFilter(contact_id=ONE),
        "entries_contact_idx",
    ),
    "contacts": (CONTACT, "created_at", None, "contacts_created_idx"),
    "contacts with a status": (
        CONTACT,
        "created_at",
        ContactFilter(status=(ContactStatus.LOST,)),
        "contacts_status_idx",
    ),
    "contacts of a source": (
        CONTACT,
        "created_at",
        ContactFilter(source=(ContactSource.CREATED,)),
        "contacts_source_idx",
    ),
    "contacts imported as": (
        CONTACT,
        "created_at",
        ContactFilter(imported_as=(ContactStatus.LEAD,)),
        "contacts_imported_as_idx",
    ),
    "contacts who prefer a reward": (
        CONTACT,
        "created_at",
        ContactFilter(preferred_reward_id=ONE),
        "contacts_preferred_reward_idx",
    ),
    "contacts with a balance": (
        CONTACT,
        "created_at",
        ContactFilter(reward=RewardStateFilter(has_positive_balance=True)),
        "contacts_with_balance_idx",
    ),
    "contacts by activity": (CONTACT, "active_at", None, "contacts_active_idx"),
    "contacts with a balance by activity": (
        CONTACT,
        "active_at",
        ContactFilter(reward=RewardStateFilter(has_positive_balance=True)),
        "contacts_active_with_balance_idx",
    ),
    "contacts by name": (CONTACT, "last_name_key", None, "contacts_last_name_idx"),
    "the audit log": (AUDIT_RECORD, "at", None, "audit_log_at_idx"),
    "the audit log in a period": (
        AUDIT_RECORD,
        "at",
        AuditFilter(within=SOME_TIME),
        "audit_log_at_idx",
    ),
    "journeys": (JOURNEY, "created_at", None, "journeys_created_idx"),
    "journeys by name": (JOURNEY, "search", None, "journeys_name_idx"),
    "activities of an entry": (ACTIVITY, "seq", ActivityFilter(entry_id=ONE), "log_entry_idx"),
    "activities of a journey": (
        ACTIVITY,
        "seq",
        ActivityFilter(journey_id=ONE),
        "log_journey_idx",
    ),
    "events of a communication": (
        DELIVERY_EVENT,
        "seq",
        DeliveryEventFilter(communication_id=ONE),
        "log_communication_idx",
    ),
    "events of a journey": (
        DELIVERY_EVENT,
        "seq",
        DeliveryEventFilter(journey_id=ONE),
        "log_journey_idx",
    ),
}


@pytest.mark.parametrize("name", OFFERED)
async def test_an_offered_list_is_read_along_its_index(population: Population, name: str) -> None:
    entity, field, asked, index = OFFERED[name]
    own_id: Any = 7 if entity.id_column == "seq" else ONE[0]
    value: Any = "m" if field in ("last_name_key", "search") else after(2)
    position: Position = (own_id,) if field == entity.id_column else (value, own_id)
    database = population.workspace.database

    with statements(database) as seen:
        async with database.read() as connection:
            for is_descending in (False, True):
                for start in (None, position):
                    await page(
                        connection,
                        entity,
                        population.workspace.id,
                        asked,
                        Order(field, is_descending),
                        PageRequest(50, start),
                        want([entity.id_column]),
                    )
    plans = [await explained(database, *one, others(entity, index)) for one in seen]

    assert len(plans) >= 4
    for plan in plans:
        assert index in plan, plan
        assert not sorts(plan), plan
        # SQLite walks a window only as far as it needs to, unless it has to write it down.
        assert "MATERIALIZE" not in plan, plan


@pytest.mark.parametrize("last", ["contacts_created_idx", "contacts_reward_balance_idx"])
async def test_a_balance_is_found_whichever_index_was_made_last(sqlite_url: str, last: str) -> None:
    (index,) = [one for one in CONTACT.table.indexes if one.name == last]
    asked = [
        ContactFilter(reward=RewardStateFilter(has_positive_balance=True)),
        ContactFilter(reward=RewardStateFilter(balance_at_least=Decimal(5))),
    ]
    async with a_database(sqlite_url) as database, database.write() as connection:
        await connection.run_sync(index.drop)
        await connection.run_sync(index.create)
        # A dropped index takes its figures along.
        await connection.run_sync(planner.instruct)

    # Connections heed the figures that they find when they are made.
    async with a_database(sqlite_url) as database:
        with statements(database) as seen:
            async with database.read() as connection:
                for one in asked:
                    await page(
                        connection, CONTACT, NOBODYS, one, Order("created_at"), PageRequest(), WANT
                    )
        positive, counted, *_ = [await explained(database, *one) for one in seen]

    assert positive == "SEARCH contact USING INDEX contacts_with_balance_idx (workspace_id=?)"
    assert "COVERING INDEX contacts_reward_balance_idx" in counted


INDEXES = {str(one.name) for one in CONTACT.table.indexes}
LED: dict[str, tuple[ContactFilter, str]] = {
    "entered a journey": (ContactFilter(journey_id=ONE), "contact_labels"),
    "entered one of two": (ContactFilter(journey_id=(ONE[0], bytes(16))), "contact_labels"),
    "answered": (
        ContactFilter(survey_answer=(SurveyAnswerFilter(ONE[0]),)),
        "contact_labels",
    ),
    "chose an answer": (
        ContactFilter(survey_answer=(SurveyAnswerFilter(ONE[0], ONE),)),
        "contact_labels",
    ),
    "answered in such words": (
        ContactFilter(survey_answer=(SurveyAnswerFilter(ONE[0], text=Text(contains="tea")),)),
        "contact_labels",
    ),
    "redeemed a promo": (ContactFilter(promo=PromoFilter(promo_id=ONE)), "contact_labels"),
    "redeemed in some way": (
        ContactFilter(promo=PromoFilter(redeemed_by=(RedemptionKind.SIGNED_UP,))),
        "contact_labels",
    ),
    "was sent a reward": (
        ContactFilter(reward=RewardStateFilter(has_been_sent=True)),
        "contact_labels",
    ),
    "has a balance": (
        ContactFilter(reward=RewardStateFilter(has_positive_balance=True)),
        "contacts_with_balance_idx",
    ),
    "has such a balance": (
        ContactFilter(reward=RewardStateFilter(balance_at_least=Decimal(5))),
        "contacts_reward_balance_idx",
    ),
    "converted": (ContactFilter(is_converted=True), "contacts_converted_idx"),
    "converted in a period": (
        ContactFilter(converted_within=SOME_TIME),
        "contacts_converted_idx",
    ),
}


@pytest.mark.parametrize("name", LED)
async def test_contacts_are_found_along_the_index_of_their_filter(
    database: Database, name: str
) -> None:
    asked, index = LED[name]

    with statements(database) as seen:
        async with database.read() as connection:
            found = await page(
                connection, CONTACT, NOBODYS, asked, Order("created_at"), PageRequest(50), WANT
            )
    # Of tables without a row PostgreSQL's planner would take any index: it gets only this one.
    unwanted = others(CONTACT, index) if index in INDEXES else ()
    plans = [await explained(database, *one, unwanted) for one in seen]

    assert found.rows == []
    # Neither a bounded walk nor a sort of contacts: the last statement is the page.
    assert index in plans[-1], plans[-1]
    assert not re.search(r"Seq Scan|SCAN contacts?\b", plans[-1]), plans[-1]


PARENTS: dict[str, tuple[Entity[Any], str, str, Filter | None, str]] = {
    "communications of journeys": (
        COMMUNICATION,
        "created_at",
        "journey_id",
        None,
        "communications_journey_idx",
    ),
    "communications of journeys by channel": (
        COMMUNICATION,
        "created_at",
        "journey_id",
        CommunicationFilter(channel=(Channel.EMAIL,)),
        "communications_channel_idx",
    ),
    "communications of entries": (
        COMMUNICATION,
        "created_at",
        "entry_id",
        None,
        "communications_entry_idx",
    ),
    "entries of contacts": (ENTRY, "entered_at", "contact_id", None, "entries_contact_idx"),
    "activities of entries": (ACTIVITY, "seq", "entry_id", None, "log_entry_idx"),
    "events of communications": (
        DELIVERY_EVENT,
        "seq",
        "communication_id",
        None,
        "log_communication_idx",
    ),
}


@pytest.mark.parametrize("name", PARENTS)
async def test_lists_inside_a_page_are_read_along_their_index_in_one_statement(
    population: Population, name: str
) -> None:
    entity, field, parent, asked, index = PARENTS[name]
    database = population.workspace.database

    with statements(database) as seen:
        async with database.read() as connection:
            await pages(
                connection,
                entity,
                population.workspace.id,
                parent,
                [bytes([number]) * 16 for number in range(50)],
                asked,
                Order(field),
                PageRequest(5),
                want([entity.id_column]),
            )

    # The second one asks where a bounded search stopped.
    assert len(seen) <= 2
    for one in seen:
        plan = await explained(database, *one, others(entity, index))
        assert index in plan, plan
        # PostgreSQL's LIMIT inside LATERAL keeps the index's order; a sort would be inside it.
        assert not sorts(plan), plan


async def test_a_page_with_its_relations_is_one_statement(population: Population) -> None:
    database = population.workspace.database
    wanted = want(
        ["id", "status"],
        {
            "journey": want(["name"]),
            "contact": want(["email"], {"referred_by": want(["email"])}),
            "entry": want(
                ["state"], {"current_step": want(["name"], {"resource": want(["name"])})}
            ),
            "resource": want(["name"]),
        },
    )

    with statements(database) as seen:
        async with database.read() as connection:
            one = await page(
                connection,
                COMMUNICATION,
                population.workspace.id,
                None,
                Order("created_at"),
                PageRequest(10),
                wanted,
            )

    assert len(seen) == 1
    contacts = {row["id"]: row["email"] for row in population.contacts}
    messages = {row["id"]: row for row in population.communications}
    for row in one.rows:
        assert row.contact.email == contacts[messages[row.id]["contact_id"]]
        assert row.contact.referred_by is None
    plan = await explained(database, *seen[0], others(COMMUNICATION, "communications_created_idx"))
    assert "communications_created_idx" in plan
    assert not sorts(plan), plan


async def test_no_statement_of_a_change_reads_a_whole_workspace(sqlite_url: str) -> None:
    async with a_database(sqlite_url) as database:
        workspace = await a_workspace(database)
        with statements(database) as seen:
            await everything(workspace)

        plans = {
            statement: await explained(database, statement, parameters)
            for statement, parameters in dict(seen).items()
            if statement.startswith(("SELECT", "UPDATE", "DELETE", "INSERT"))
        }

    wide = [
        f"{step}: {statement}"
        for statement, plan in plans.items()
        for step in plan.splitlines()
        if re.match(r"SCAN (?!CONSTANT|\d+ CONSTANT|pages|anon|\(|parents)", step)
        or (
            re.search(r"SEARCH (\w+) .*\(workspace_id=\?\)", step)
            and not re.search(r"SEARCH (heads|contact_counters|workspaces) ", step)
            # It holds nobody but the erased.
            and "contacts_erased_idx" not in step
        )
    ]
    assert len(plans) > 40
    assert wide == []


@pytest.mark.parametrize(
    ("entity", "name"),
    [
        (ENTRY, "external_id"),
        (COMMUNICATION, "external_id"),
        (JOURNEY, "external_id"),
        (CONTACT, "external_username"),
        (CONTACT, "username"),
        (CONTACT, "email_key"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
async def test_looking_one_up_by_its_name_reads_no_more_than_it(
    sqlite_url: str, entity: Entity[Any], name: str
) -> None:
    async with a_database(sqlite_url) as database:
        with statements(database) as seen:
            async with database.read() as connection:
                await get(connection, entity, 1, want(["id"]), **{name: "x"})
        (plan,) = [await explained(database, *one) for one in seen]

    assert "(workspace_id=?)" not in plan, plan
    assert "SCAN" not in plan, plan


@pytest.mark.parametrize(
    ("entity", "asked"),
    [
        (ENTRY, EntryFilter(activity=ActivityFilter(kind=(ActivityKind.CONVERTED,)))),
        # One letter is no trigram, and looked up nowhere.
        (ENTRY, EntryFilter(search="a")),
        (COMMUNICATION, CommunicationFilter(contact_search="a")),
    ],
    ids=["activity", "search", "contact search"],
)
async def test_a_condition_on_another_table_looks_its_rows_up(
    sqlite_url: str, entity: Entity[Any], asked: Filter
) -> None:
    async with a_database(sqlite_url) as database:
        with statements(database) as seen:
            async with database.read() as connection:
                order = Order("entered_at" if entity is ENTRY else "created_at")
                await page(connection, entity, 1, asked, order, PageRequest(50), want(["id"]))
        plan = await explained(database, *seen[0])

    steps = plan.splitlines()
    inner = steps[steps.index("CORRELATED SCALAR SUBQUERY 2") + 1 :]
    assert inner, plan
    assert all("(workspace_id=?)" not in step for step in inner), plan


async def everything(workspace: Workspace) -> None:
    """Each kind of event, early and in time, and each other change."""
    survey = SurveyDraft("s", "S", (QuestionDraft("why", "Why?", (ChoiceDraft("a", "A"),)),))
    reward = RewardDraft("cup", "Cup", Decimal(1))
    ada = ContactRef("ada")
    await a_contact(workspace, "ada", email="ada@example.org")
    for _ in range(2):
        await a_journey(workspace, surveys=(survey,), rewards=(reward,))
    await workspace.insert(tables.promos, id=new_id(), external_id="p", name="P", journey_id=None)
    happened: list[Event] = [
        delivered(communication="m1"),
        announced("m1", links=("https://a.example",), provider_message_id="p1"),
        reached("hello", StepKind.WAITING),
        entered(),
        announced("m2", None, journey="welcome", contact=ContactRef(email="ada@example.org")),
        delivered(communication="m2"),
        converted(),
        ContactEvent(a_key(), NOW, ada, "visit"),
        Facts(a_key(), NOW, ada, {"level": 1}, {"totalBets": "1"}, {"n": 1}),
        SurveyAnswered(a_key(), NOW, ada, "welcome", "why", choices=("a",)),
        RewardChosen(a_key(), NOW, ada, "welcome", "cup"),
        PromoRedeemed(a_key(), NOW, ada, "p", RedemptionKind.SIGNED_UP),
        ContactEvent(a_key(), NOW, ContactRef(link_code="nope"), "visit"),
    ]
    for event_ in happened:
        await workspace.record(event_)
    await workspace.record(*happened)
    await workspace.record(reached("nowhere"))
    operator = a_context(workspace, Scope.ADMIN)
    drafts = [ContactDraft("ada", email="new@example.org", status=ContactStatus.CUSTOMER)]
    await contact_changes.upsert(operator, [*drafts, ContactDraft("b", referred_by_code="x")])
    await contact_changes.create(operator, ContactDraft("cleo"), idempotency_key="k")
    (entry_key,) = await workspace.rows(tables.entry_keys, external_id="e1")
    for dry in (True, False):
        await resolvers_stops.stop(
            operator, (entry_key["entry_id"],), is_dry_run=dry, idempotency_key=f"stop {dry}"
        )
