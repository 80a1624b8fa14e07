"""The sample workspace: three journeys, 5,400 contacts and 14 days of what happened to them."""

from collections.abc import Callable, Iterator
from itertools import islice
from random import Random

from resolvers import contact_changes, events, journey_changes, journeys
from resolvers.context import Context
from server import sample_contacts, sample_engagement
from server.sample_journeys import JOURNEYS
from server.sample_lives import live
from store.filters import JourneyFilter
from store.ingest.events import Event
from store.refusals import Refusal
from store.types import DAY, Instant
from store.want import want
from store.words import EventOutcome, JourneyStatus

SEED = 20_261_122
ENTRIES = 1_700
HISTORY = 14 * DAY
BATCH = 1_000


class SampleRefused(Exception):
    """The workspace refused a part of its own sample: a fault, told with the refusal's words."""


async def create(context: Context, on_progress: Callable[[str], None] | None = None) -> bool:
    """Fills the viewer's workspace unless it has journeys already; says whether it did.

    Needs the scope admin: the history is older than partners may report. Everything goes the way of
    a partner's events, so that rows, counters and the log agree. One that was interrupted goes on.
    """
    tell = on_progress or (lambda _: None)
    if not await _is_wanted(context):
        return False
    for journey in JOURNEYS:
        draft = sample_engagement.with_engagement(journey.draft(JourneyStatus.DRAFT))
        _accept(await journey_changes.upsert(context, draft))
    _accept(await sample_engagement.register_promos(context))
    people = sample_contacts.contacts()
    done = 0
    while drafts := list(islice(people, BATCH)):
        for upserted in await contact_changes.upsert(context, drafts):
            _accept(upserted)
        done += len(drafts)
        tell(f"{done:,} contacts")
    await sample_engagement.import_list(context)
    # As of the first start: one that goes on tells the same events under the same keys.
    first = await journeys.get(context, want(["created_at"]), external_id=JOURNEYS[0].external_id)
    assert first is not None
    history = sorted(_history(first.created_at), key=lambda event: event.occurred_at)
    for start in range(0, len(history), BATCH):
        recorded = await events.record(context, history[start : start + BATCH], backfill=True)
        if recorded.refusals:
            _accept(list(recorded.refusals))
        for result in recorded.results:
            if result.outcome is EventOutcome.REJECTED:
                raise SampleRefused(f"{result.key}: {result.error}")
        tell(f"{min(start + BATCH, len(history)):,} of {len(history):,} events")
    _accept(await sample_engagement.convert(context))
    _accept(await sample_engagement.share(context))
    await sample_engagement.send_rewards(context)
    for journey in JOURNEYS:
        _accept(await journey_changes.upsert(context, journey.draft()))
    return True


async def _is_wanted(context: Context) -> bool:
    """Where there are no journeys, or drafts of the sample's own: it was interrupted."""
    journey = await journeys.get(context, want(["status"]), external_id=JOURNEYS[0].external_id)
    if journey is not None:
        return journey.status == JourneyStatus.DRAFT
    return not (await journeys.count(context, JourneyFilter())).value


def _history(now: Instant) -> Iterator[Event]:
    """What has happened until now: lives that began in the last 14 days, cut at the present."""
    random = Random(SEED)  # noqa: S311  The same sample every time, and no secret.
    engaged = Random(SEED + 1)  # noqa: S311  Likewise.
    for number in range(1, ENTRIES + 1):
        journey = random.choices(JOURNEYS, [journey.share for journey in JOURNEYS])[0]
        contact = sample_contacts.external_username(random.randint(1, sample_contacts.HOW_MANY))
        entered_at = now - random.randint(1, HISTORY)
        entry = f"sample-{number:05}"
        life = live(random, journey, contact, entry, entered_at)
        beside = sample_engagement.engage(engaged, journey, contact, entry, entered_at)
        for event in (*life, *beside):
            if event.occurred_at <= now:
                yield event


def _accept(answer: object) -> None:
    refusals = answer if isinstance(answer, list) else [answer]
    for refusal in refusals:
        if isinstance(refusal, Refusal):
            raise SampleRefused(f"{refusal.code}: {refusal.message}")
