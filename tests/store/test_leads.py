"""Leads: pages along labels, values and few rows hold each contact once, wherever they stop."""

from decimal import Decimal

import pytest

from store import Database, leads
from store.entities import CONTACT
from store.filters import ContactFilter, Period, RewardStateFilter, SurveyAnswerFilter, Text
from store.lists import Order, PageRequest, Position, page
from store.types import Id
from store.want import want
from store.words import ContactStatus
from tests.support.factories import after
from tests.support.population import QUESTIONS, Population, a_population

(QUESTION, CHOICES), *_ = QUESTIONS.items()


@pytest.fixture
async def population(database: Database) -> Population:
    return await a_population(database, seed=3, size=160)


def filters(population: Population) -> dict[str, ContactFilter]:
    journeys = tuple(row["id"] for row in population.journeys)
    return {
        "a journey": ContactFilter(journey_id=journeys[:1]),
        "three journeys": ContactFilter(journey_id=journeys[:3]),
        "three journeys, searched": ContactFilter(journey_id=journeys[:3], search="lov"),
        "a journey, converted": ContactFilter(
            journey_id=journeys[:1], converted_within=Period(after(1), after(3))
        ),
        "an answer in words": ContactFilter(
            survey_answer=(SurveyAnswerFilter(QUESTION, text=Text(contains="mail")),)
        ),
        "two choices": ContactFilter(survey_answer=(SurveyAnswerFilter(QUESTION, tuple(CHOICES)),)),
        "two statuses": ContactFilter(status=(ContactStatus.LEAD, ContactStatus.LOST)),
        "two statuses, searched": ContactFilter(
            status=(ContactStatus.LEAD, ContactStatus.LOST), search="example"
        ),
        "a balance": ContactFilter(reward=RewardStateFilter(has_positive_balance=True)),
        "a balance of leads": ContactFilter(
            status=(ContactStatus.LEAD,), reward=RewardStateFilter(has_positive_balance=True)
        ),
        "a balance of 2": ContactFilter(reward=RewardStateFilter(balance_at_least=Decimal(2))),
        "a balance of 2 in a journey": ContactFilter(
            journey_id=journeys[:1], reward=RewardStateFilter(balance_at_least=Decimal(2))
        ),
        "a balance, searched": ContactFilter(
            reward=RewardStateFilter(has_positive_balance=True), search="example"
        ),
        "leads found": ContactFilter(status=(ContactStatus.LEAD,), search="lovelace"),
        "converted": ContactFilter(is_converted=True),
    }


async def walked(
    population: Population, asked: ContactFilter, order: Order, limit: int, *, is_backwards: bool
) -> list[Id]:
    """The ids of all pages, one behind the other."""
    found: list[Id] = []
    position: Position | None = None
    for _ in range(500):
        async with population.workspace.database.read() as connection:
            one = await page(
                connection,
                CONTACT,
                population.workspace.id,
                asked,
                order,
                PageRequest(limit, position, is_backwards),
                want(["id"]),
            )
        ids = [row.id for row in one.rows]
        found = [*ids, *found] if is_backwards else [*found, *ids]
        if not (one.has_previous if is_backwards else one.has_next):
            return found
        position = one.stopped_at or one.positions[0 if is_backwards else -1]
    raise AssertionError("The list has no end.")


@pytest.mark.parametrize("bounds", [(6, 100, 4), (6, 0, 4), (7, 0, 1), (20_000, 20_000, 1_000)])
async def test_pages_hold_each_contact_once_wherever_they_stop(
    population: Population, monkeypatch: pytest.MonkeyPatch, bounds: tuple[int, int, int]
) -> None:
    asked = filters(population)
    orders = [Order("created_at"), Order("active_at", is_descending=False)]
    whole = {
        (name, order): await walked(population, one, order, 1_000, is_backwards=False)
        for name, one in asked.items()
        for order in orders
    }

    for name, value in zip(("EXAMINED_AT_MOST", "FEW", "_FIRST_LOOK"), bounds, strict=True):
        monkeypatch.setattr(leads, name, value)

    for (name, order), ids in whole.items():
        assert ids, name
        for is_backwards in (False, True):
            found = await walked(population, asked[name], order, 2, is_backwards=is_backwards)
            assert found == ids, (name, order, is_backwards)
