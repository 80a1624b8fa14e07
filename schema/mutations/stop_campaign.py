"""stopCampaign: an operator ends a campaign for contacts who are in it."""

from dataclasses import dataclass
from typing import Annotated

import strawberry

from resolvers import entries, stops
from schema import ids
from schema.enums import StopOutcome
from schema.errors import UserError
from schema.fields import derived, plain
from schema.info import Info
from schema.inputs.limits import ID_LENGTH, Refused, idempotency_key, text
from schema.selection import below
from schema.types.entry import Entry
from store import rows
from store.refusals import Refusal
from store.types import Id


@strawberry.input(description="Which entries.")
class EntrySelection:
    ids: list[strawberry.ID] = strawberry.field(
        description=f"Their ids, 1 to {stops.AT_MOST:,}. More are refused as a whole."
    )


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
        lambda result: f"{ids.ENTRY}_{result.id.hex()}", "The id that was given."
    )
    entry: Entry | None = plain("The entry as it is now; null when it was NOT_FOUND.")
    outcome: StopOutcome = plain("What stopping did to it.")


@strawberry.type(description="What became of the stop.")
class StopCampaignPayload:
    results: list[StopResult] = plain(
        "A result for each entry, in the order given, each entry once. Empty when the call was "
        "refused as a whole."
    )
    matched: int = plain("How many of the entries there are.")
    stopped: int | None = plain("How many were stopped now; null for a dry run and for a refusal.")
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
    user_errors: tuple[Refusal, ...] = ()


async def stop_campaign(
    info: Info,
    input: Annotated[StopCampaignInput, strawberry.argument(description="What to stop.")],
) -> Done:
    try:
        key = idempotency_key(input.idempotency_key)
        note = text(input.note, ("note",), stops.NOTE_AT_MOST) if input.note else None
    except Refused as refused:
        return Done(user_errors=(refused.refusal,))
    done = await stops.stop(
        info.context,
        ids.parse_all(input.entries.ids, ids.ENTRY),
        note=note,
        is_dry_run=input.dry_run,
        idempotency_key=key,
    )
    chosen = below(info, "results", "entry")
    here = [one for one, outcome in done.outcomes if outcome is not StopOutcome.NOT_FOUND]
    found = await entries.changed(info.context, here, chosen.want) if chosen.nodes else {}
    return Done(
        tuple(Result(one, found.get(one), outcome) for one, outcome in done.outcomes),
        done.matched,
        done.stopped,
        done.refusals,
    )
