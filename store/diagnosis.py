"""Diagnoses: why an entry is where it is. Each code follows from recorded facts and the time alone.

The codes, of which the first that holds counts:

STOPPED               The state is STOPPED: a stop stands.
FINISHED              The state is COMPLETED, EXITED or FAILED.
HELD_OUT              The latest step fact is HELD_OUT.
STEP_FAILED           The latest step fact is STEP_FAILED.
DELIVERY_FAILED       The status of the step's message is FAILED or BOUNCED.
SUPPRESSED            The status of the step's message is SUPPRESSED.
NO_PROGRESS           The current step has a patience, and more time than that has passed since the
                      entry reached the step (since it completed or skipped the step, if it did).
WAITING_FOR_EVENT     The latest step fact is WAITING and names what is waited for, or nothing.
WAITING_FOR_TIME      The latest step fact is WAITING and names a time alone, be it past.
WAITING_FOR_PROVIDER  The status of the step's message is QUEUED, SENT or DEFERRED: no outcome yet.
PROGRESSING           None of these.

The latest step fact is the one that the merge keeps (`entries.step_at`, `step_kind`); bonuses are
none. The step's message is the entry's latest one, by creation, which names the current step; of an
entry that has reached no step, the latest which names none. An entry reached its step when the
step was last entered; if that is not known, when it was first reported to wait there; and never
before it entered the journey, whatever clocks said.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Case,
    ColumnElement,
    FromClause,
    Select,
    and_,
    case,
    func,
    literal,
    select,
)

from store import tables
from store.types import SECOND, Id, Instant
from store.words import OPEN_STATES, DeliveryStatus, DiagnosisCode, EntryState, StepKind

Code = DiagnosisCode

_STATES: dict[DiagnosisCode, tuple[EntryState, ...]] = {
    Code.STOPPED: (EntryState.STOPPED,),
    Code.FINISHED: (EntryState.COMPLETED, EntryState.EXITED, EntryState.FAILED),
    Code.HELD_OUT: (EntryState.ACTIVE,),
    Code.STEP_FAILED: (EntryState.ACTIVE,),
    Code.WAITING_FOR_EVENT: (EntryState.WAITING,),
    Code.WAITING_FOR_TIME: (EntryState.WAITING,),
    Code.WAITING_FOR_PROVIDER: (EntryState.ACTIVE,),
    Code.PROGRESSING: (EntryState.ACTIVE,),
}


def states(codes: Sequence[DiagnosisCode]) -> tuple[EntryState, ...]:
    """The only states in which one of the codes can hold."""
    possible = {state for code in codes for state in _STATES.get(code, OPEN_STATES)}
    return tuple(state for state in EntryState if state in possible)


def follows_from_state(codes: Sequence[DiagnosisCode]) -> bool:
    """Whether one of the codes holds for every entry in one of `states`."""
    return {Code.STOPPED, Code.FINISHED}.issuperset(codes)


def code_of(entry: FromClause, workspace_id: int, now: Instant) -> ColumnElement[str]:
    """The code of a row of entries; looks at one message, one step and one visit for each."""
    message = latest_message(entry, workspace_id, "status").scalar_subquery()
    return code(entry, message, is_overdue(entry, workspace_id, now))


def is_overdue(entry: FromClause, workspace_id: int, now: Instant) -> ColumnElement[bool]:
    """Whether the patience of the entry's current step has run out."""
    steps, visits = tables.journey_steps.alias("step"), tables.entry_steps.alias("visit")
    return (
        select(steps.c.id)
        .select_from(steps.outerjoin(visits, is_visit(visits, entry, workspace_id)))
        .where(
            steps.c.workspace_id == workspace_id,
            steps.c.id == entry.c.current_step_id,
            overdue(entry, steps, visits, now),
        )
        .correlate(entry)
        .exists()
    )


def impatient_since(
    workspace_id: int, journey_ids: Sequence[Id] | None, now: Instant
) -> ColumnElement[int]:
    """Who entered the journeys later is in time at every step; null if no step has a patience."""
    steps = tables.journey_steps.alias("any_step")
    least = select(func.min(steps.c.patience_seconds)).where(steps.c.workspace_id == workspace_id)
    if journey_ids is not None:
        least = least.where(steps.c.journey_id.in_(journey_ids))
    return literal(now, BigInteger) - least.scalar_subquery() * SECOND


def code(
    entry: FromClause, message_status: ColumnElement[Any], is_late: ColumnElement[bool]
) -> Case[str]:
    """The definition, in SQL: what holds first."""
    stands = _stands(entry, is_late, Code.PROGRESSING)
    is_sent = _stands(entry, is_late, Code.WAITING_FOR_PROVIDER)
    by_message = case(
        {
            DeliveryStatus.FAILED: Code.DELIVERY_FAILED,
            DeliveryStatus.BOUNCED: Code.DELIVERY_FAILED,
            DeliveryStatus.SUPPRESSED: Code.SUPPRESSED,
            DeliveryStatus.QUEUED: is_sent,
            DeliveryStatus.SENT: is_sent,
            DeliveryStatus.DEFERRED: is_sent,
        },
        value=message_status,
        else_=stands,
    )
    return case(
        (entry.c.state == EntryState.STOPPED, Code.STOPPED),
        (entry.c.state.not_in(OPEN_STATES), Code.FINISHED),
        (entry.c.step_kind == StepKind.HELD_OUT, Code.HELD_OUT),
        (entry.c.step_kind == StepKind.STEP_FAILED, Code.STEP_FAILED),
        else_=by_message,
    )


def _stands(entry: FromClause, is_late: ColumnElement[bool], else_: DiagnosisCode) -> Case[str]:
    is_waiting = entry.c.step_kind == StepKind.WAITING
    is_for_time = and_(entry.c.waiting_for.is_(None), entry.c.waiting_until.is_not(None))
    return case(
        (is_late, Code.NO_PROGRESS),
        (and_(is_waiting, is_for_time), Code.WAITING_FOR_TIME),
        (is_waiting, Code.WAITING_FOR_EVENT),
        else_=else_,
    )


def latest_message(entry: FromClause, workspace_id: int, column: str) -> Select[Any]:
    """A column of the step's message, of each row of `entry`."""
    messages = tables.communications.alias("of_step")
    return (
        select(messages.c[column])
        .where(
            messages.c.workspace_id == workspace_id,
            messages.c.entry_id == entry.c.id,
            messages.c.step_id.is_not_distinct_from(entry.c.current_step_id),
        )
        .order_by(messages.c.created_at.desc(), messages.c.id.desc())
        .limit(1)
        .correlate(entry)
    )


def is_visit(visits: FromClause, entry: FromClause, workspace_id: int) -> ColumnElement[bool]:
    """Whether a row of entry_steps is the entry's at its current step."""
    return and_(
        visits.c.workspace_id == workspace_id,
        visits.c.entry_id == entry.c.id,
        visits.c.step_id == entry.c.current_step_id,
    )


def reached_at(entry: FromClause, visits: FromClause) -> ColumnElement[int]:
    """From when on the patience of the current step counts."""
    is_done = entry.c.step_kind.in_((StepKind.STEP_COMPLETED, StepKind.STEP_SKIPPED))
    told = case(
        (is_done, entry.c.step_at),
        else_=func.coalesce(visits.c.last_entered_at, visits.c.waiting_at, entry.c.step_at),
    )
    return case((told < entry.c.entered_at, entry.c.entered_at), else_=told)


def overdue(
    entry: FromClause, steps: FromClause, visits: FromClause, now: Instant
) -> ColumnElement[bool]:
    """Whether the patience of the current step has run out; null for a step without one."""
    patience = steps.c.patience_seconds * SECOND
    return reached_at(entry, visits) < literal(now, BigInteger) - patience
