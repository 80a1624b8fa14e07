"""Diagnosis: why an entry is where it is."""

from collections.abc import Awaitable
from typing import Any

import strawberry
from strawberry.types.field import StrawberryField

from resolvers import diagnoses
from resolvers.context import Context
from resolvers.loaders import load
from schema.enums import DiagnosisCode
from schema.explanations import explanation, last_error, next_evaluation_at, since, waiting_for
from schema.fields import NEEDS, Needs, derived, plain
from schema.scalars import DateTime
from schema.selection import below
from schema.types.journey import JourneyStep
from store import rows
from store.types import Id


class DiagnosisField(StrawberryField):
    """The diagnoses of entries, in one statement for all the entries of a level."""

    @property
    def is_basic_field(self) -> bool:
        return False

    def get_result(
        self, source: Any, info: Any, args: Any, kwargs: Any
    ) -> Awaitable[rows.EntryDiagnosis]:
        context: Context = info.context
        step = below(info, "step").want

        async def read(entry_ids: list[Id]) -> dict[Id, rows.EntryDiagnosis]:
            return await diagnoses.get_many(context, entry_ids, step)

        return load(context, ("entry.diagnosis", step), source.id, read)


def diagnosed(description: str) -> Any:
    """The diagnosis of the entry whose field it is."""
    return DiagnosisField(metadata={NEEDS: Needs(("id",))}, description=description)


@strawberry.type(
    description="Why an entry is where it is. It follows from recorded facts and from the time of "
    "asking alone; nothing is guessed."
)
class EntryDiagnosis:
    code: DiagnosisCode = plain("Why, in one word.")
    since: DateTime = derived(
        since,
        "Since when: of STOPPED and FINISHED the end, of HELD_OUT, STEP_FAILED, WAITING_FOR_EVENT "
        "and WAITING_FOR_TIME that fact, of DELIVERY_FAILED and SUPPRESSED that event of the "
        "message, of WAITING_FOR_PROVIDER the message's creation, of NO_PROGRESS when it reached "
        "its step (or was done with it), of PROGRESSING the latest fact about its steps; before "
        "the first one, when it entered.",
    )
    step: JourneyStep | None = derived(
        lambda found: found.entry.current_step,
        "The step that it reached last: Entry.currentStep. Null before the first one.",
    )
    waiting_for: str | None = derived(
        waiting_for,
        "What it waits for, as it was reported. Null unless its state is WAITING and that was "
        "named.",
    )
    last_error: str | None = derived(
        last_error,
        "The reason given with the latest failure: of the entry itself when it ended by one, of "
        "the message for DELIVERY_FAILED and SUPPRESSED, else of the step that failed last, "
        "however long ago. Null when there was no failure, or no reason was given.",
    )
    next_evaluation_at: DateTime | None = derived(
        next_evaluation_at,
        "Until when it waits, as it was reported: then it goes on or is looked at again. Null "
        "unless its state is WAITING and a time ahead was named.",
    )
    explanation: str = derived(
        explanation,
        "One plain English sentence for people, such as: The entry waits at the step “Deposit” for "
        "“first_deposit”, until 2026-12-01T00:00:00Z.",
    )
