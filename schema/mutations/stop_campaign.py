"""stopCampaign: an operator ends a campaign for contacts who are in it."""

from dataclasses import dataclass
from typing import Annotated

import strawberry

from resolvers import entries, jobs, stops
from schema import ids
from schema.enums import StopOutcome
from schema.errors import UserError
from schema.fields import derived, plain
from schema.info import Info
from schema.inputs.limits import ID_LENGTH, Refused, idempotency_key, text
from schema.inputs.selections import EntrySelection
from schema.scalars import DateTime
from schema.selection import below
from schema.types.entry import Entry
from schema.types.job import Job
from store import rows
from store.refusals import Refusal
from store.types import Id, Instant


@strawberry.input(description="A stop of the campaign for some entries.")
class StopCampaignInput:
    entries: EntrySelection = strawberry.field(description="Which entries to stop.")
    note: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"Why, for people; at most {stops.NOTE_AT_MOST:,} characters. It stands at "
        "each entry as stopNote.",
    )
    dry_run: bool = strawberry.field(
        default=False, description="Only say what would be stopped; nothing is."
    )
    idempotency_key: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"At most {ID_LENGTH} characters. The same key with the same input within 24 "
        "hours answers with the first result; with another input it is refused.",
    )


@strawberry.type(description="What stopping did to one entry.")
class StopResult:
    entry_id: strawberry.ID = derived(
        lambda result: f"{ids.ENTRY}_{result.id.hex()}", "The id of the entry."
    )
    entry: Entry | None = plain("The entry as it is now; null when it was NOT_FOUND.")
    outcome: StopOutcome = plain("What stopping did to it.")


@strawberry.type(description="What became of the stop.")
class StopCampaignPayload:
    results: list[StopResult] = plain(
        "Of ids: a result for each, in the order given, each entry once. Of a journey: for the "
        f"first {stops.SAMPLE}, those that entered first. Empty when the call was refused."
    )
    matched: int = plain(
        "Of ids: how many of them there are. Of a journey: how many open entries the filter "
        "chooses, exactly."
    )
    stopped: int | None = plain(
        "How many were stopped now; null for a dry run, for a refusal, and while job does it."
    )
    undo_token: strawberry.ID | None = derived(
        lambda done: None if done.stop_id is None else f"{ids.STOP}_{done.stop_id.hex()}",
        "Give it to undoStopCampaign to restore what this call stops. Null when it stops nothing.",
    )
    undoable_until: DateTime | None = plain("Until when; 24 hours from the call.")
    job: Job | None = plain(
        f"Does the stop, when a journey's filter chooses more than {stops.AT_MOST:,} entries: "
        "those which were there when the call was made. Its counts say how many it stopped "
        "(updated) and how many had ended before (skipped). Else null."
    )
    user_errors: list[UserError] = plain("Why the call was refused as a whole; else empty.")


@dataclass(frozen=True, slots=True)
class Result:
    id: Id
    entry: rows.Entry | None
    outcome: StopOutcome


@dataclass(frozen=True, slots=True)
class Done:
    results: tuple[Result, ...] = ()
    matched: int = 0
    stopped: int | None = None
    stop_id: Id | None = None
    undoable_until: Instant | None = None
    job: rows.Job | None = None
    user_errors: tuple[Refusal, ...] = ()


async def stop_campaign(
    info: Info,
    input: Annotated[StopCampaignInput, strawberry.argument(description="What to stop.")],
) -> Done:
    context = info.context
    try:
        key = idempotency_key(input.idempotency_key)
        note = text(input.note, ("note",), stops.NOTE_AT_MOST) if input.note else None
    except Refused as refused:
        return Done(user_errors=(refused.refusal,))
    done = await stops.stop(
        context,
        input.entries.selection(context.now()),
        note=note,
        is_dry_run=input.dry_run,
        idempotency_key=key,
    )
    chosen = below(info, "results", "entry")
    here = [one for one, outcome in done.outcomes if outcome is not StopOutcome.NOT_FOUND]
    found = await entries.changed(context, here, chosen.want) if chosen.nodes else {}
    job = await jobs.handed_in(context, done.job_id, below(info, "job").want)
    return Done(
        tuple(Result(one, found.get(one), outcome) for one, outcome in done.outcomes),
        done.matched,
        done.stopped,
        done.stop_id,
        done.undoable_until,
        job,
        done.refusals,
    )
