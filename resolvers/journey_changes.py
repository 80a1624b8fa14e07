"""Changes of journeys: what a partner registers."""

from collections import Counter
from collections.abc import Iterable, Iterator

from resolvers import auditing
from resolvers.context import Context
from store import Connection, journeys
from store.drafts import JourneyDraft
from store.refusals import Refusal
from store.types import Id
from store.words import ErrorCode, Scope

STEPS_AT_MOST = 200
_SURVEYS_AT_MOST = 50
_REWARDS_AT_MOST = 50


async def upsert(context: Context, draft: JourneyDraft) -> Id | list[Refusal]:
    """Make or change a journey. Refused whole, with every reason, or done whole."""
    context.require(Scope.INTEGRATE)
    refusals = list(_refusals(draft))
    if refusals:
        return refusals

    async def work(connection: Connection) -> Id:
        journey_id = await journeys.upsert(connection, context.workspace_id, draft, context.now())
        await auditing.note(connection, context, "upsertJourney", journey=journey_id)
        return journey_id

    return await context.database.transact(work)


def _refusals(draft: JourneyDraft) -> Iterator[Refusal]:
    if not draft.external_id.strip():
        yield Refusal(ErrorCode.INVALID, "The externalId is empty: give one.", ("externalId",))
    if not draft.name.strip():
        yield Refusal(ErrorCode.INVALID, "The name is empty: give one.", ("name",))
    if (
        draft.starts_at is not None
        and draft.ends_at is not None
        and draft.ends_at <= draft.starts_at
    ):
        yield Refusal(
            ErrorCode.INVALID,
            "endsAt is not after startsAt: give a later one, or leave it out.",
            ("endsAt",),
        )
    surveys, rewards = draft.surveys or (), draft.rewards or ()
    for what, number, most in (
        ("steps", len(draft.steps), STEPS_AT_MOST),
        ("surveys", len(surveys), _SURVEYS_AT_MOST),
        ("rewards", len(rewards), _REWARDS_AT_MOST),
    ):
        if number > most:
            yield Refusal(
                ErrorCode.TOO_MANY, f"{number} {what} are too many: at most {most}.", (what,)
            )
    yield from _repeated("steps", (one.key for one in draft.steps))
    yield from _repeated("surveys", (one.key for one in surveys))
    yield from _repeated("rewards", (one.key for one in rewards))
    # Events name a question by its key alone.
    yield from _repeated("surveys", (one.key for survey in surveys for one in survey.questions))
    for survey in surveys:
        for question in survey.questions:
            yield from _repeated("surveys", (one.key for one in question.choices))
    for index, step in enumerate(draft.steps):
        if step.resource is not None and step.channel is None:
            yield Refusal(
                ErrorCode.INVALID,
                f'The step "{step.key}" has a resource but no channel: give both.',
                ("steps", str(index), "channel"),
            )
        if step.patience_seconds is not None and step.patience_seconds < 0:
            yield Refusal(
                ErrorCode.INVALID,
                f"A patience of {step.patience_seconds} seconds is negative: give 0 or more.",
                ("steps", str(index), "patienceSeconds"),
            )
    for index, reward in enumerate(rewards):
        if reward.value < 0:
            yield Refusal(
                ErrorCode.INVALID,
                f"A reward's value cannot be negative ({reward.value}): give 0 or more.",
                ("rewards", str(index), "value"),
            )


def _repeated(field: str, keys: Iterable[str]) -> Iterator[Refusal]:
    for key, times in Counter(keys).items():
        if times > 1:
            yield Refusal(
                ErrorCode.INVALID,
                f'The key "{key}" is given {times} times: each key names one thing.',
                (field,),
            )
        if not key.strip():
            yield Refusal(ErrorCode.INVALID, "A key is empty: give one.", (field,))
