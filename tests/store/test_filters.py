"""Filters: what a list finds is what the same condition finds in plain Python."""

import unicodedata
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import Database
from store.conditions import MILESTONE_COLUMNS, Filter
from store.entities import ACTIVITY, COMMUNICATION, CONTACT, DELIVERY_EVENT, ENTRY, JOURNEY, Entity
from store.filters import (
    ActivityFilter,
    CommunicationFilter,
    ContactFilter,
    DeliveryEventFilter,
    EntryFilter,
    JourneyFilter,
    Period,
    PromoFilter,
    RewardStateFilter,
    SurveyAnswerFilter,
    Text,
)
from store.lists import Count, Order, PageRequest, count, page
from store.types import Id, new_id
from store.want import want
from store.words import (
    OPEN_STATES,
    ActivityKind,
    Channel,
    ContactSource,
    ContactStatus,
    DeliveryKind,
    DeliveryStatus,
    EntryState,
    JourneyStatus,
    RedemptionKind,
)
from tests.support.factories import after
from tests.support.population import (
    PROMOS,
    QUESTIONS,
    REWARDS,
    WORDS,
    Population,
    Row,
    a_population,
)


@pytest.fixture
async def population(database: Database) -> Population:
    return await a_population(database, seed=7, size=60)


# What should be found, said a second time in plain Python.


def folded(value: str) -> str:
    value = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).casefold())
    return " ".join(value.split())


def is_found(asked: str | None, *values: str | None) -> bool:
    if not asked:
        return True
    wanted = folded(asked)
    texts = [folded(value) for value in values if value]
    if len(wanted) < 3:
        return any(text.startswith(wanted) for text in texts)
    return any(wanted in text for text in texts)


def is_one_of(value: object, asked: tuple[Any, ...] | None) -> bool:
    return asked is None or value in asked


def is_within(value: int | None, period: Period | None) -> bool:
    if period is None:
        return True
    if value is None:
        return False
    return (period.start is None or value >= period.start) and (
        period.end is None or value < period.end
    )


def agrees(claim: bool, asked: bool | None) -> bool:
    return asked is None or claim is asked


def text_matches(value: str | None, asked: Text | None) -> bool:
    if asked is None or value is None:
        return asked is None or asked in (Text(), Text(is_null=True))
    return all(
        (
            asked.eq is None or value == asked.eq,
            asked.in_ is None or value in asked.in_,
            asked.contains is None or folded(asked.contains) in folded(value),
            asked.starts_with is None or folded(value).startswith(folded(asked.starts_with)),
            asked.is_null is None or not asked.is_null,
        )
    )


class Oracle:
    """Says of a row whether a filter holds."""

    def __init__(self, population: Population) -> None:
        self.contacts = {row["id"]: row for row in population.contacts}
        self.resources = {row["id"]: row for row in population.resources}
        self.log = population.log
        self.labelled = set(population.labelled)
        self.answers, self.redemptions = population.answers, population.redemptions
        self.transactions = population.transactions

    def holds(self, asked: Filter, row: Row) -> bool:
        match asked:
            case ActivityFilter():
                return self._activity(asked, row)
            case DeliveryEventFilter():
                return self._delivery_event(asked, row)
            case JourneyFilter():
                own = self._journey(asked, row)
            case EntryFilter():
                own = self._entry(asked, row)
            case CommunicationFilter():
                own = self._communication(asked, row)
            case ContactFilter():
                own = self._contact(asked, row)
            case _:
                raise AssertionError(asked)
        return (
            own
            and all(self.holds(part, row) for part in asked.and_)
            and (not asked.or_ or any(self.holds(part, row) for part in asked.or_))
            and (
                asked.not_ is None or asked.not_ == type(asked)() or not self.holds(asked.not_, row)
            )
        )

    def _journey(self, asked: JourneyFilter, row: Row) -> bool:
        return is_one_of(row["status"], asked.status) and is_found(asked.search, row["name"])

    def _contact(self, asked: ContactFilter, row: Row) -> bool:
        return all(
            (
                is_one_of(row["id"], asked.id),
                self._is_contact_found(asked.search, row["id"]),
                is_one_of(row["status"], asked.status),
                is_one_of(row["source"], asked.source),
                agrees(row["converted_at"] is not None, asked.is_converted),
                is_within(row["converted_at"], asked.converted_within),
                agrees(row["imported_at"] is not None, asked.is_imported),
                is_one_of(row["imported_as"], asked.imported_as),
                asked.interacted_or_imported_within is None
                or is_within(row["last_interaction_at"], asked.interacted_or_imported_within)
                or is_within(row["imported_at"], asked.interacted_or_imported_within),
                asked.journey_id is None
                or any((one, row["id"]) in self.labelled for one in asked.journey_id),
                all(self._has_answered(one, row["id"]) for one in asked.survey_answer or ()),
                is_one_of(row["preferred_reward_id"], asked.preferred_reward_id),
                self._is_rewarded(asked.reward, row),
                asked.promo is None
                or any(
                    is_one_of(one["promo_id"], asked.promo.promo_id)
                    and is_one_of(one["kind"], asked.promo.redeemed_by)
                    for one in self.redemptions
                    if one["contact_id"] == row["id"]
                ),
            )
        )

    def _has_answered(self, asked: SurveyAnswerFilter, contact_id: Id) -> bool:
        return any(
            answer["contact_id"] == contact_id
            and answer["question_id"] == asked.question_id
            and (
                asked.choice_id is None
                or any(one.hex() in answer["choices"] for one in asked.choice_id)
            )
            and text_matches(answer["text"], asked.text)
            for answer in self.answers
        )

    def _is_rewarded(self, asked: RewardStateFilter | None, row: Row) -> bool:
        if asked is None:
            return True
        was_sent = any(
            one["kind"] == "SENT" and one["contact_id"] == row["id"] for one in self.transactions
        )
        return (
            agrees(row["reward_balance"] > 0, asked.has_positive_balance)
            and agrees(was_sent, asked.has_been_sent)
            and (asked.balance_at_least is None or row["reward_balance"] >= asked.balance_at_least)
        )

    def _is_contact_found(self, asked: str | None, contact_id: Id) -> bool:
        row = self.contacts[contact_id]
        name = " ".join(one for one in (row["first_name"], row["last_name"]) if one)
        return is_found(asked, name, row["last_name"], row["external_username"], row["email"])

    def _entry(self, asked: EntryFilter, row: Row) -> bool:
        return all(
            (
                is_one_of(row["id"], asked.id),
                self._is_contact_found(asked.search, row["contact_id"]),
                is_one_of(row["journey_id"], asked.journey_id),
                is_one_of(row["contact_id"], asked.contact_id),
                is_one_of(row["state"], asked.state),
                agrees(row["in_control_group"], asked.in_control_group),
                agrees(row["state"] in OPEN_STATES, asked.is_active),
                agrees(row["converted_at"] is not None, asked.is_converted),
                is_within(row["entered_at"], asked.entered_within),
                is_within(row["converted_at"], asked.converted_within),
                is_within(row["stopped_at"], asked.stopped_within),
                is_one_of(row["current_step_id"], asked.current_step_id),
                asked.activity is None
                or any(
                    self._activity(asked.activity, fact)
                    for fact in self.log
                    if fact["entry_id"] == row["id"]
                    and fact["activity"] is not None
                    and not fact["is_ignored"]
                    and not fact["is_suspected_bot"]
                ),
            )
        )

    def _communication(self, asked: CommunicationFilter, row: Row) -> bool:
        reached = asked.has_reached
        return all(
            (
                is_one_of(row["journey_id"], asked.journey_id),
                is_one_of(row["entry_id"], asked.entry_id),
                is_one_of(row["contact_id"], asked.contact_id),
                is_one_of(row["channel"], asked.channel),
                is_one_of(row["status"], asked.status),
                reached is None
                or any(
                    one is DeliveryStatus.QUEUED or row[MILESTONE_COLUMNS[one]] is not None
                    for one in reached
                ),
                text_matches(self.resources[row["resource_id"]]["name"], asked.resource),
                self._is_contact_found(asked.contact_search, row["contact_id"]),
                is_within(row["created_at"], asked.created_within),
                agrees(row["first_click_at"] is not None, asked.is_clicked),
            )
        )

    def _of_resource(self, asked: Text | None, row: Row) -> bool:
        if asked is None:
            return True
        resource = self.resources.get(row["resource_id"])
        return resource is not None and text_matches(resource["name"], asked)

    def _activity(self, asked: ActivityFilter, row: Row) -> bool:
        return row["activity"] is not None and all(
            (
                is_one_of(row["activity"], asked.kind),
                is_one_of(row["step_id"], asked.step_id),
                is_one_of(row["channel"], asked.channel),
                self._of_resource(asked.resource, row),
                is_one_of(row["contact_id"], asked.contact_id),
                self._is_contact_found(asked.contact_search, row["contact_id"]),
                is_within(row["occurred_at"], asked.within),
                is_one_of(row["journey_id"], asked.journey_id),
                is_one_of(row["entry_id"], asked.entry_id),
            )
        )

    def _delivery_event(self, asked: DeliveryEventFilter, row: Row) -> bool:
        return row["delivery"] is not None and all(
            (
                is_one_of(row["journey_id"], asked.journey_id),
                is_one_of(row["contact_id"], asked.contact_id),
                is_one_of(row["communication_id"], asked.communication_id),
                is_one_of(row["channel"], asked.channel),
                is_one_of(row["delivery"], asked.kind),
                self._of_resource(asked.resource, row),
                asked.include_suspected_bots or not row["is_suspected_bot"],
            )
        )


# What may be asked, drawn from what the population holds.


def some(values: list[Any]) -> st.SearchStrategy[tuple[Any, ...] | None]:
    return st.lists(st.sampled_from(values), max_size=3).map(tuple)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly not asked: of ten conditions at once nothing is left."""
    return st.one_of(st.none(), st.none(), values)


bounds = st.sampled_from([None, *(after(seconds) for seconds in range(5))])
periods = st.builds(Period, bounds, bounds)
searches = st.sampled_from(
    ["a", "AD", "ADA", "lov", "u1", "ss", "gross", "İP", "ΣΊΣ", "петров", "50%", "%", "_", " "]
)
fragments = st.sampled_from(
    ["w", "WELCOME", "mail", "%", "a_", "aXb", "ω", "strasse", "ß 5", "zwö"]
)
texts = st.builds(
    Text,
    eq=maybe(st.sampled_from(WORDS)),
    in_=maybe(some(WORDS)),
    contains=maybe(fragments),
    starts_with=maybe(fragments),
    is_null=maybe(st.booleans()),
)
answers = st.sampled_from(list(QUESTIONS)).flatmap(
    lambda question: st.builds(
        SurveyAnswerFilter, st.just(question), maybe(some(QUESTIONS[question])), maybe(texts)
    )
)


def single_fields(population: Population, kind: type[Any]) -> dict[str, st.SearchStrategy[Any]]:
    """The values of each field."""

    def ids(rows: list[Row]) -> st.SearchStrategy[Any]:
        return some([*(row["id"] for row in rows), new_id()])

    journeys, contacts = ids(population.journeys), ids(population.contacts)
    activity: dict[str, st.SearchStrategy[Any]] = {
        "kind": some(list(ActivityKind)),
        "step_id": ids(population.steps),
        "channel": some(list(Channel)[:3]),
        "resource": texts,
        "contact_id": contacts,
        "contact_search": searches,
        "within": periods,
        "journey_id": journeys,
        "entry_id": ids(population.entries),
    }
    fields: dict[type[Any], dict[str, st.SearchStrategy[Any]]] = {
        JourneyFilter: {"search": fragments, "status": some(list(JourneyStatus))},
        ContactFilter: {
            "id": contacts,
            "search": searches,
            "status": some(list(ContactStatus)),
            "source": some(list(ContactSource)),
            "is_converted": st.booleans(),
            "converted_within": periods,
            "is_imported": st.booleans(),
            "imported_as": some(list(ContactStatus)),
            "interacted_or_imported_within": periods,
            "journey_id": journeys,
            "survey_answer": st.lists(answers, min_size=1, max_size=2).map(tuple),
            "preferred_reward_id": some(REWARDS),
            "reward": st.builds(
                RewardStateFilter,
                maybe(st.booleans()),
                maybe(st.booleans()),
                maybe(st.sampled_from([Decimal(one) for one in ("-2", "0", "5", "5.000001")])),
            ).filter(lambda one: one != RewardStateFilter()),
            "promo": st.builds(
                PromoFilter, maybe(some(PROMOS)), maybe(some(list(RedemptionKind)))
            ).filter(lambda one: one != PromoFilter()),
        },
        EntryFilter: {
            "id": ids(population.entries),
            "search": searches,
            "journey_id": journeys,
            "contact_id": contacts,
            "state": some(list(EntryState)),
            "in_control_group": st.booleans(),
            "is_active": st.booleans(),
            "is_converted": st.booleans(),
            "entered_within": periods,
            "converted_within": periods,
            "stopped_within": periods,
            "current_step_id": ids(population.steps),
            "activity": st.builds(
                ActivityFilter, **{name: maybe(one) for name, one in activity.items()}
            ),
        },
        CommunicationFilter: {
            "journey_id": journeys,
            "entry_id": ids(population.entries),
            "contact_id": contacts,
            "channel": some(list(Channel)[:3]),
            "status": some(list(DeliveryStatus)),
            "has_reached": some(list(DeliveryStatus)),
            "resource": texts,
            "contact_search": searches,
            "created_within": periods,
            "is_clicked": st.booleans(),
        },
        ActivityFilter: activity,
        DeliveryEventFilter: {
            "journey_id": journeys,
            "contact_id": contacts,
            "communication_id": ids(population.communications),
            "channel": some(list(Channel)[:3]),
            "kind": some(list(DeliveryKind)),
            "resource": texts,
            "include_suspected_bots": st.booleans(),
        },
    }
    return fields[kind]


LISTS: dict[str, tuple[Entity[Any], type[Any], str]] = {
    "journeys": (JOURNEY, JourneyFilter, "created_at"),
    "contacts": (CONTACT, ContactFilter, "created_at"),
    "entries": (ENTRY, EntryFilter, "entered_at"),
    "communications": (COMMUNICATION, CommunicationFilter, "created_at"),
    "activities": (ACTIVITY, ActivityFilter, "seq"),
    "delivery events": (DELIVERY_EVENT, DeliveryEventFilter, "seq"),
}


async def check(population: Population, name: str, asked: Filter) -> None:
    """That page and count find what the oracle finds."""
    entity, _, field = LISTS[name]
    oracle = Oracle(population)
    rows = {
        "journeys": population.journeys,
        "contacts": [row for row in population.contacts if row["deleted_at"] is None],
        "entries": population.entries,
        "communications": population.communications,
    }.get(name, population.log)
    expected = [row for row in rows if oracle.holds(asked, row)]
    expected.sort(key=lambda row: (row[field], row[entity.id_column]), reverse=True)

    async with population.workspace.database.read() as connection:
        found = await page(
            connection,
            entity,
            population.workspace.id,
            asked,
            Order(field),
            PageRequest(1_000),
            want([entity.id_column]),
        )
        counted = await count(connection, entity, population.workspace.id, asked)

    assert [getattr(row, entity.id_column) for row in found.rows] == [
        row[entity.id_column] for row in expected
    ]
    assert (found.has_next, found.is_partial) == (False, False)
    assert counted == Count(len(expected), is_exact=True)


FIELDS = [
    pytest.param(name, field, id=f"{name} {field}")
    for name, (_, kind, _) in LISTS.items()
    for field in kind.__dataclass_fields__
    if field not in ("and_", "or_", "not_", "diagnosis")
]


@pytest.mark.parametrize(("name", "field"), FIELDS)
async def test_each_field_alone_finds_what_it_says(
    population: Population, name: str, field: str
) -> None:
    kind = LISTS[name][1]
    values = single_fields(population, kind)[field]
    asked = [kind(**{field: value}) for value in _examples(values)]

    for one in asked:
        await check(population, name, one)
        if name not in ("activities", "delivery events"):
            await check(population, name, kind(not_=one))


def _examples(values: st.SearchStrategy[Any]) -> list[Any]:
    """A few values, the same ones each time."""
    found: list[Any] = []

    @settings(
        max_examples=6, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(values)
    def collect(value: Any) -> None:
        found.append(value)

    collect()
    return found


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.parametrize("name", ["journeys", "contacts", "entries", "communications"])
async def test_any_combination_finds_what_it_says(
    population: Population, name: str, data: st.DataObject
) -> None:
    kind = LISTS[name][1]
    fields = single_fields(population, kind)
    flat = st.builds(kind, **{field: maybe(values) for field, values in fields.items()})
    asked = data.draw(
        st.recursive(
            flat,
            lambda inner: st.builds(
                lambda base, both, either, without: replace(
                    base, and_=tuple(both), or_=tuple(either), not_=without
                ),
                flat,
                st.lists(inner, max_size=2),
                st.lists(inner, max_size=2),
                st.one_of(st.none(), inner),
            ),
            max_leaves=5,
        )
    )

    await check(population, name, asked)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.parametrize("name", ["activities", "delivery events"])
async def test_any_combination_of_the_log_finds_what_it_says(
    population: Population, name: str, data: st.DataObject
) -> None:
    kind = LISTS[name][1]
    fields = single_fields(population, kind)
    asked = data.draw(st.builds(kind, **{field: maybe(one) for field, one in fields.items()}))
    if name == "delivery events":
        asked = replace(asked, include_suspected_bots=bool(asked.include_suspected_bots))

    await check(population, name, asked)


@pytest.mark.parametrize("kind", [JourneyFilter, EntryFilter, CommunicationFilter, ContactFilter])
async def test_an_empty_filter_is_no_filter(population: Population, kind: type[Any]) -> None:
    (name,) = [name for name, (_, one, _) in LISTS.items() if one is kind]

    await check(population, name, kind())
    await check(population, name, kind(and_=(kind(),), or_=(kind(),), not_=kind()))


async def test_an_entry_without_a_certain_activity_is_found(population: Population) -> None:
    entered = EntryFilter(activity=ActivityFilter(kind=(ActivityKind.ENTERED,)))

    await check(population, "entries", entered)
    await check(population, "entries", EntryFilter(not_=entered))
