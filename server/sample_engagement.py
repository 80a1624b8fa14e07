"""Sample engagement: what sample contacts answer, choose, redeem, share, and how lists came in."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from random import Random

from resolvers import belongings, contact_changes, contacts, journeys, promos
from resolvers.context import Context
from server import sample_contacts
from server.sample_journeys import TOURNAMENT, WELCOME, SampleJourney
from store import Connection, contact_imports, referral_links, reward_sending
from store.contact_imports import Row
from store.drafts import (
    ChoiceDraft,
    ContactDraft,
    JourneyDraft,
    QuestionDraft,
    RewardDraft,
    SurveyDraft,
)
from store.filters import ContactFilter, RewardStateFilter
from store.ingest.events import (
    ContactRef,
    Event,
    PromoRedeemed,
    RewardChosen,
    SurveyAnswered,
)
from store.lists import Order, PageRequest
from store.promos import PromoDraft
from store.refusals import Refusal
from store.types import HOUR, Id, Instant, new_id
from store.want import want
from store.words import ContactStatus, LinkKind, RedemptionKind

IMPORTED = 380
FRIENDS = 20
CONVERSIONS = 60
SHARING = 40
SENDINGS = 15

_WELCOME_SURVEY = SurveyDraft(
    "first-impressions",
    "First impressions",
    (
        QuestionDraft(
            "found-us",
            "How did you find us?",
            (
                ChoiceDraft("friend", "Through a friend"),
                ChoiceDraft("search", "By searching"),
                ChoiceDraft("advert", "Through an advertisement"),
            ),
        ),
        QuestionDraft("wish", "What are you missing?"),
    ),
)
_TOURNAMENT_SURVEY = SurveyDraft(
    "tournament",
    "After the tournament",
    (
        QuestionDraft(
            "again",
            "Would you play again?",
            (ChoiceDraft("yes", "Yes"), ChoiceDraft("perhaps", "Perhaps"), ChoiceDraft("no", "No")),
        ),
    ),
)
_SURVEYS = {WELCOME.external_id: (_WELCOME_SURVEY,), TOURNAMENT.external_id: (_TOURNAMENT_SURVEY,)}
_REWARDS = {
    WELCOME.external_id: (
        RewardDraft("spins", "Ten free spins", Decimal(5)),
        RewardDraft("voucher", "Voucher", Decimal("12.50")),
    ),
    TOURNAMENT.external_id: (RewardDraft("seat", "A seat at the next table", Decimal(40)),),
}
_PROMOS = (
    PromoDraft("bring-a-friend", "Bring a friend", WELCOME.external_id),
    PromoDraft("tour-video", "The tour of the lobby", WELCOME.external_id),
    PromoDraft("spring", "Spring offer"),
)
_WISHES = (
    "More tables in the evening",
    "A darker theme",
    "Tournaments in Polish",
    "Nothing, thanks",
)
_KINDS = (RedemptionKind.CLICKED_LINK, RedemptionKind.WATCHED_VIDEO, RedemptionKind.SIGNED_UP)


def with_engagement(draft: JourneyDraft) -> JourneyDraft:
    """The journey with what it asks and gives."""
    return replace(
        draft,
        surveys=_SURVEYS.get(draft.external_id, ()),
        rewards=_REWARDS.get(draft.external_id, ()),
    )


async def register_promos(context: Context) -> list[Id | Refusal]:
    return [await promos.upsert(context, draft) for draft in _PROMOS]


def engage(
    random: Random, journey: SampleJourney, contact: str, entry: str, entered_at: Instant
) -> Iterator[Event]:
    """What a contact answers, chooses and redeems beside its entry; keys begin with the entry."""
    who, at = ContactRef(external_username=contact), entered_at + random.randint(HOUR, 20 * HOUR)
    rewards = _REWARDS.get(journey.external_id, ())
    if rewards and random.random() < 0.3:
        key, reward = f"{entry}:reward", random.choice(rewards).key
        yield RewardChosen(key, at, who, journey.external_id, reward)
    for survey in _SURVEYS.get(journey.external_id, ()):
        if random.random() < 0.35:
            yield from _answers(random, survey, journey.external_id, who, entry, at)
    if random.random() < 0.2:
        promo, kind = random.choice(_PROMOS).external_id, random.choice(_KINDS)
        yield PromoRedeemed(f"{entry}:promo", at + 2 * HOUR, who, promo, kind)


def _answers(
    random: Random, survey: SurveyDraft, journey: str, who: ContactRef, entry: str, at: Instant
) -> Iterator[Event]:
    for question in survey.questions:
        chosen = tuple([random.choice(question.choices).key] if question.choices else ())
        text = None if question.choices else random.choice(_WISHES)
        key = f"{entry}:{question.key}"
        yield SurveyAnswered(key, at, who, journey, question.key, entry, chosen, text)


async def import_list(context: Context) -> None:
    """As if an operator had imported a list: most of it is new, and some of it was there."""
    people = list(sample_contacts.contacts(sample_contacts.HOW_MANY + IMPORTED))
    known, new = people[:100], people[sample_contacts.HOW_MANY :]
    rows = [
        Row.of(number, one.first_name, one.last_name, email)
        for number, one in enumerate([*known, *new], 2)
        for email in [one.email or f"{one.username}@example.com"]
        if one.email or one in new
    ]
    now, workspace_id, status = context.now(), context.workspace_id, ContactStatus.LEAD

    async def step(connection: Connection) -> None:
        found = await contact_imports.find(
            connection, workspace_id, rows, status, context.signer, now=now
        )
        await contact_imports.write(
            connection, workspace_id, found, status, by="sample list", now=now
        )

    await context.database.transact(step)


async def convert(context: Context) -> list[Id | Refusal]:
    """Some leads become customers, and get what they had earned."""
    leads = [one for one in sample_contacts.contacts() if one.status is ContactStatus.LEAD]
    chosen = leads[:: len(leads) // CONVERSIONS][:CONVERSIONS]
    return await contact_changes.upsert(
        context,
        [ContactDraft(one.external_username, status=ContactStatus.CUSTOMER) for one in chosen],
    )


async def share(context: Context) -> list[Id | Refusal]:
    """Some contacts have links of their own, and friends signed up through a few of them."""
    journey = await journeys.get(context, want(["id"]), external_id=WELCOME.external_id)
    assert journey is not None
    sharing = await _some(context, ContactFilter(journey_id=(journey.id,)), SHARING)
    now, workspace_id = context.now(), context.workspace_id
    made = await context.database.transact(
        lambda connection: referral_links.make(
            connection, workspace_id, journey.id, sharing, list(LinkKind), now
        )
    )
    found = await belongings.referral_links.of(context, sharing, want(["code", "kind"]))
    codes = [one.code for links in found.values() for one in links if one.kind == "REFERRAL"]
    async with context.database.write() as connection:
        for index, code in enumerate(codes if made else ()):
            for _ in range(index % 5):
                await referral_links.visit(connection, workspace_id, code)
    return await contact_changes.upsert(
        context,
        [
            ContactDraft(
                f"friend-{number:03}",
                email=f"friend-{number:03}@example.org",
                first_name="Robin",
                last_name=f"Friend {number}",
                status=ContactStatus.LEAD,
                referred_by_code=codes[number % 7 % len(codes)],
            )
            for number in range(1, FRIENDS + 1)
        ],
    )


async def send_rewards(context: Context) -> None:
    """Some were sent what they had earned; nobody is mailed."""
    rewards = await belongings.all_rewards(context, want(["id"]))
    earned = ContactFilter(
        reward=RewardStateFilter(has_positive_balance=True),
        preferred_reward_id=tuple(one.id for one in rewards),
    )
    sent = ContactFilter(reward=RewardStateFilter(has_been_sent=True))
    if (await contacts.count(context, sent)).value:
        return
    chosen, now = await _some(context, earned, SENDINGS), context.now()
    # The mails themselves would be a job's, and there is none.
    order = reward_sending.Order(new_id(), None, sends_mail=True)
    await context.database.transact(
        lambda connection: reward_sending.send(
            connection, context.workspace_id, chosen, order, by="sample", now=now
        )
    )


async def _some(context: Context, asked: ContactFilter, number: int) -> list[Id]:
    oldest = Order("created_at", is_descending=False)
    page = await contacts.page(context, asked, oldest, PageRequest(number), want(["id"]))
    return [one.id for one in page.rows]
