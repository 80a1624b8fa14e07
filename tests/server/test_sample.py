"""The sample workspace: what newcomers find, and what happens to it at the next start."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from random import Random

import pytest

from resolvers import belongings, communications, contacts, entries, journey_changes, journeys
from resolvers.context import Context, Viewer
from server import sample, sample_contacts
from server.app import core_schema
from server.sample_journeys import JOURNEYS, WELCOME, SampleJourney
from server.sample_lives import live
from server.services import Services
from store import log, workspaces
from store.drafts import JourneyDraft
from store.filters import (
    CommunicationFilter,
    ContactFilter,
    EntryFilter,
    JourneyFilter,
    Period,
    PromoFilter,
    RewardStateFilter,
    SurveyAnswerFilter,
)
from store.lists import Order, PageRequest
from store.types import DAY, Instant, new_id
from store.want import want
from store.words import (
    Channel,
    ContactSource,
    ContactStatus,
    DeliveryStatus,
    EntryState,
    JourneyStatus,
    RedemptionKind,
    Scope,
)
from tests.server.serving import settings_for
from tests.support.databases import SqliteDatabases
from tests.support.factories import NOW


@asynccontextmanager
async def a_workspace(url: str, now: Callable[[], Instant] = lambda: NOW) -> AsyncIterator[Context]:
    """The workspace of the sample, seen by who may administrate it."""
    services = Services.make(settings_for(url), core_schema(), now=now)
    try:
        async with services.database.write() as connection:
            workspace_id = await workspaces.find(connection, "sample")
            if workspace_id is None:
                workspace_id = await workspaces.create(connection, "sample", NOW)
        yield services.context(
            Viewer(workspace_id, "sample", new_id(), "sample", None, frozenset([Scope.ADMIN]))
        )
    finally:
        await services.stop()


@pytest.fixture(scope="module")
def sample_url(_sqlite_databases: SqliteDatabases) -> Iterator[str]:
    url = _sqlite_databases.create()

    async def fill() -> None:
        async with a_workspace(url) as context:
            await sample.create(context)

    asyncio.run(fill())
    yield url
    _sqlite_databases.drop(url)


@pytest.fixture
async def filled(sample_url: str) -> AsyncIterator[Context]:
    """The whole sample, made once for all these tests: only read it."""
    async with a_workspace(sample_url) as context:
        yield context


async def seq(context: Context) -> int:
    """Where the log ends."""
    async with context.database.read() as connection:
        return (await log.head(connection, context.workspace_id)).seq


async def sent_on(context: Context, channel: Channel) -> int:
    found = CommunicationFilter(channel=(channel,))
    return (await communications.count(context, found)).value


async def entered(context: Context, asked: EntryFilter) -> int:
    return (await entries.count(context, asked)).value


async def reached(context: Context, status: DeliveryStatus) -> int:
    found = CommunicationFilter(has_reached=(status,))
    return (await communications.count(context, found)).value


async def test_it_has_three_running_journeys(filled: Context) -> None:
    running = JourneyFilter(status=(JourneyStatus.ACTIVE,))

    assert (await journeys.count(filled, running)).value == 3


async def test_it_has_more_than_five_thousand_contacts(filled: Context) -> None:
    assert (await contacts.count(filled, ContactFilter())).value == 5_400


@pytest.mark.parametrize(
    ("asked", "at_least"),
    [
        (ContactFilter(source=(ContactSource.IMPORTED,)), 380),
        (ContactFilter(imported_as=(ContactStatus.LEAD,)), 470),
        (ContactFilter(source=(ContactSource.REFERRED,)), 20),
        (ContactFilter(is_converted=True), 50),
        (ContactFilter(promo=PromoFilter(redeemed_by=(RedemptionKind.WATCHED_VIDEO,))), 50),
        (ContactFilter(promo=PromoFilter(redeemed_by=(RedemptionKind.REFERRED_FRIEND,))), 5),
        (ContactFilter(reward=RewardStateFilter(has_positive_balance=True)), 50),
        (ContactFilter(reward=RewardStateFilter(has_been_sent=True)), 3),
    ],
    ids=lambda value: "contacts" if isinstance(value, int) else None,
)
async def test_its_contacts_can_be_chosen_by_what_they_did(
    filled: Context, asked: ContactFilter, at_least: int
) -> None:
    assert (await contacts.count(filled, asked)).value >= at_least


async def test_its_surveys_are_answered(filled: Context) -> None:
    for name in ("welcome-series", "vip-tournament"):
        journey = await journeys.get(filled, want(["id"]), external_id=name)
        assert journey is not None
        asked = await belongings.surveys.of(filled, [journey.id], want(["id"]))
        questions = await belongings.questions.of(
            filled, [one.id for one in asked[journey.id]], want(["id", "key"])
        )
        for question in (one for of_survey in questions.values() for one in of_survey):
            answered = ContactFilter(survey_answer=(SurveyAnswerFilter(question.id),))
            assert (await contacts.count(filled, answered)).value > 50


async def test_some_contacts_share_links_through_which_others_came(filled: Context) -> None:
    friends = ContactFilter(source=(ContactSource.REFERRED,))
    page = await contacts.page(
        filled,
        friends,
        Order("created_at"),
        PageRequest(),
        want(["id"], {"referred_by": want(["id"])}),
    )
    sharing = {one.referred_by.id for one in page.rows if one.referred_by}
    links = await belongings.referral_links.of(
        filled, list(sharing), want(["kind", "sign_ups", "visits"])
    )

    assert len(sharing) == 7
    assert sum(one.sign_ups for of_one in links.values() for one in of_one) == 20
    assert {one.kind for of_one in links.values() for one in of_one} == {"REFERRAL", "FLOW"}


async def test_its_messages_went_out_on_five_channels(filled: Context) -> None:
    channels = {channel for channel in Channel if await sent_on(filled, channel) > 100}

    assert channels == {
        Channel.EMAIL,
        Channel.SMS,
        Channel.PUSH,
        Channel.POPUP,
        Channel.WHATSAPP,
    }


async def test_its_history_reaches_back_fourteen_days(filled: Context) -> None:
    def between(oldest: int, newest: int) -> EntryFilter:
        return EntryFilter(entered_within=Period(NOW - oldest * DAY, NOW - newest * DAY))

    assert await entered(filled, between(15, 14)) == 0
    assert await entered(filled, between(14, 13)) > 50
    assert await entered(filled, between(1, 0)) > 50
    assert await entered(filled, EntryFilter()) == sample.ENTRIES


async def test_it_has_a_control_group(filled: Context) -> None:
    held_out = EntryFilter(in_control_group=True)

    assert await entered(filled, held_out) > 50


@pytest.mark.parametrize("state", [state for state in EntryState if state != EntryState.STOPPED])
async def test_its_entries_are_in_every_state_that_a_partner_reports(
    filled: Context, state: EntryState
) -> None:
    assert await entered(filled, EntryFilter(state=(state,))) > 10


async def test_some_contacts_have_waited_too_long(filled: Context) -> None:
    longest = max(step.wait for journey in JOURNEYS for step in journey.steps)
    waits = sum(step.wait for step in WELCOME.steps) + longest
    stuck = EntryFilter(state=(EntryState.WAITING,), entered_within=Period(None, NOW - waits - DAY))

    assert await entered(filled, stuck) > 10


@pytest.mark.parametrize(
    "status",
    [
        DeliveryStatus.DELIVERED,
        DeliveryStatus.FAILED,
        DeliveryStatus.BOUNCED,
        DeliveryStatus.SUPPRESSED,
        DeliveryStatus.OPENED,
        DeliveryStatus.CLICKED,
        DeliveryStatus.UNSUBSCRIBED,
    ],
)
async def test_its_messages_fared_in_every_way(filled: Context, status: DeliveryStatus) -> None:
    assert await reached(filled, status) > 1


async def test_filling_it_again_changes_nothing(filled: Context) -> None:
    before = await seq(filled)

    was_filled = await sample.create(filled)

    assert not was_filled
    assert await seq(filled) == before


class Interrupted(Exception):
    """The operator pressed Ctrl-C."""


async def test_an_interrupted_one_goes_on_at_the_next_start(
    sqlite_url: str, filled: Context
) -> None:
    def interrupt(progress: str) -> None:
        if progress.startswith("3,000 of"):
            raise Interrupted

    async with a_workspace(sqlite_url) as context:
        with pytest.raises(Interrupted):
            await sample.create(context, interrupt)
    # The next start is later, and tells the same history.
    async with a_workspace(sqlite_url, lambda: NOW + DAY // 24) as context:
        was_filled = await sample.create(context)

        assert was_filled
        assert await entered(context, EntryFilter()) == sample.ENTRIES
        assert await seq(context) == await seq(filled)


async def test_a_workspace_with_journeys_of_its_own_is_left_alone(sqlite_url: str) -> None:
    async with a_workspace(sqlite_url) as context:
        await journey_changes.upsert(context, JourneyDraft("mine", "Mine"))

        was_filled = await sample.create(context)

        assert not was_filled
        assert (await contacts.count(context, ContactFilter())).value == 0


def test_a_life_is_the_same_for_the_same_chance() -> None:
    lives = [live(Random(7), WELCOME, "player-00001", "e1", NOW) for _ in range(2)]

    assert lives[0] == lives[1]


@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.external_id)
def test_a_life_begins_with_its_entry_and_never_repeats_a_key(journey: SampleJourney) -> None:
    random = Random(7)

    for number in range(300):
        told = live(random, journey, "player-00001", f"e{number}", NOW)

        keys = [event.key for event in told]
        times = [event.occurred_at for event in told]
        assert keys[0] == f"e{number}:0"
        assert len(set(keys)) == len(keys)
        assert times == sorted(times)


def test_sample_contacts_share_no_name_by_which_they_are_known() -> None:
    people = list(sample_contacts.contacts())

    emails = [person.email for person in people if person.email]
    assert len({person.external_username for person in people}) == len(people)
    assert len({person.username for person in people}) == len(people)
    assert len(set(emails)) == len(emails)
