"""Explanations: why an entry is where it is, as one plain sentence."""

from collections.abc import Callable

from schema.enums import Channel, DiagnosisCode, EntryState
from schema.scalars import write_instant
from schema.summaries import BY
from store import rows
from store.types import DAY, HOUR, MINUTE, SECOND, Instant
from store.words import DeliveryStatus, StepKind

Say = Callable[[rows.EntryDiagnosis], str]


def explanation(found: rows.EntryDiagnosis) -> str:
    return _SENTENCES[DiagnosisCode(found.code)](found) + "."


def since(found: rows.EntryDiagnosis) -> Instant:
    moment = _MOMENTS[found.code](found) if found.code in _MOMENTS else found.entry.step_at
    return found.entry.entered_at if moment is None else moment


def waiting_for(found: rows.EntryDiagnosis) -> str | None:
    return found.entry.waiting_for if _is_waiting(found) else None


def next_evaluation_at(found: rows.EntryDiagnosis) -> Instant | None:
    until = found.entry.waiting_until
    return until if _is_waiting(found) and until is not None and until > found.now else None


def last_error(found: rows.EntryDiagnosis) -> str | None:
    if found.entry.state == EntryState.FAILED:
        return found.entry.failure_reason or found.entry.last_error
    if found.code in {DiagnosisCode.DELIVERY_FAILED, DiagnosisCode.SUPPRESSED}:
        return _sent(found).failure_reason
    return found.entry.last_error


def _is_waiting(found: rows.EntryDiagnosis) -> bool:
    return found.entry.state == EntryState.WAITING


def _step(found: rows.EntryDiagnosis) -> str:
    step = found.entry.current_step
    return f"the step “{step.name}”" if step else "a step"


def _at_step(found: rows.EntryDiagnosis) -> str:
    return f" at {_step(found)}" if found.entry.current_step else ""


def _sent(found: rows.EntryDiagnosis) -> rows.StepMessage:
    """The message by which the code was found."""
    assert found.message is not None
    return found.message


_MOMENTS: dict[DiagnosisCode, Callable[[rows.EntryDiagnosis], Instant | None]] = {
    DiagnosisCode.STOPPED: lambda found: found.entry.stopped_at,
    DiagnosisCode.FINISHED: lambda found: found.entry.stopped_at,
    DiagnosisCode.DELIVERY_FAILED: lambda found: _sent(found).outcome_at,
    DiagnosisCode.SUPPRESSED: lambda found: _sent(found).suppressed_at,
    DiagnosisCode.NO_PROGRESS: lambda found: found.reached_at,
    DiagnosisCode.WAITING_FOR_PROVIDER: lambda found: _sent(found).created_at,
}


def _message(found: rows.EntryDiagnosis) -> str:
    message = _sent(found)
    return f"The message “{message.resource}” {BY[Channel(message.channel)]}{_at_step(found)}"


def _because(reason: str | None) -> str:
    return f": {reason.rstrip('.')}" if reason else ""


def _length(time: Instant) -> str:
    """A stretch of time in its largest whole unit, as people say it."""
    for unit, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (SECOND, "second")):
        if time >= unit:
            count = time // unit
            return f"{count} {name}" if count == 1 else f"{count:,} {name}s"
    return "0 seconds"


def _stopped(found: rows.EntryDiagnosis) -> str:
    by = f" by {found.entry.stop_actor}" if found.entry.stop_actor else ""
    return f"The campaign was stopped for the contact{by}{_because(found.entry.stop_note)}"


def _finished(found: rows.EntryDiagnosis) -> str:
    entry = found.entry
    if entry.state == EntryState.EXITED:
        return f"The entry left the journey by an exit rule{_because(entry.exit_reason)}"
    if entry.state == EntryState.FAILED:
        return f"The entry ended by a failure{_because(entry.failure_reason)}"
    return "The entry completed the journey"


def _held_out(found: rows.EntryDiagnosis) -> str:
    return f"The message{_at_step(found)} is held back: the contact is in the control group"


def _step_failed(found: rows.EntryDiagnosis) -> str:
    step = _step(found)
    return f"{step[:1].upper()}{step[1:]} failed{_because(found.entry.last_error)}"


def _delivery_failed(found: rows.EntryDiagnosis) -> str:
    message = _sent(found)
    verb = "bounced" if message.status == DeliveryStatus.BOUNCED else "could not be delivered"
    return f"{_message(found)} {verb}{_because(message.failure_reason)}"


def _suppressed(found: rows.EntryDiagnosis) -> str:
    message = _sent(found)
    return f"{_message(found)} was not sent, it is suppressed{_because(message.failure_reason)}"


def _no_progress(found: rows.EntryDiagnosis) -> str:
    entry, step = found.entry, found.entry.current_step
    assert step is not None
    assert step.patience_seconds is not None
    assert found.reached_at is not None
    so_far = _length(found.now - found.reached_at)
    patience = _length(step.patience_seconds * SECOND)
    done = {
        StepKind.STEP_COMPLETED.value: "Nothing has followed the completion of",
        StepKind.STEP_SKIPPED.value: "Nothing has followed the skipping of",
    }.get(entry.step_kind or "", "The entry has made no progress at")
    awaited = f"; it waits for “{entry.waiting_for}”" if waiting_for(found) else ""
    return f"{done} {_step(found)} for {so_far}, longer than its patience of {patience}{awaited}"


def _waiting_for_event(found: rows.EntryDiagnosis) -> str:
    entry = found.entry
    awaited = f"“{entry.waiting_for}”" if entry.waiting_for else "an event that was not named"
    until = entry.waiting_until
    if until is None:
        return f"The entry waits{_at_step(found)} for {awaited}"
    if until > found.now:
        return f"The entry waits{_at_step(found)} for {awaited}, until {write_instant(until)}"
    return (
        f"The entry waited{_at_step(found)} for {awaited} until {write_instant(until)}; "
        "nothing has been reported since"
    )


def _waiting_for_time(found: rows.EntryDiagnosis) -> str:
    until = found.entry.waiting_until
    assert until is not None
    if until > found.now:
        return f"The entry waits{_at_step(found)} until {write_instant(until)}"
    return (
        f"The entry waited{_at_step(found)} until {write_instant(until)}; "
        "nothing has been reported since"
    )


def _waiting_for_provider(found: rows.EntryDiagnosis) -> str:
    message = _sent(found)
    if message.status == DeliveryStatus.DEFERRED:
        return f"{_message(found)} is deferred: the provider tries again"
    verb = "sent" if message.status == DeliveryStatus.SENT else "handed over"
    return f"{_message(found)} was {verb}; the provider has not reported what became of it"


def _progressing(found: rows.EntryDiagnosis) -> str:
    step, kind = _step(found), found.entry.step_kind
    if found.entry.current_step is None:
        return "The entry is on its way to its first step"
    if kind == StepKind.STEP_COMPLETED:
        return f"The entry completed {step} and goes on"
    if kind == StepKind.STEP_SKIPPED:
        return f"The entry skipped {step} and goes on"
    return f"The entry is at {step} and goes on as it should"


_SENTENCES: dict[DiagnosisCode, Say] = {
    DiagnosisCode.STOPPED: _stopped,
    DiagnosisCode.FINISHED: _finished,
    DiagnosisCode.HELD_OUT: _held_out,
    DiagnosisCode.STEP_FAILED: _step_failed,
    DiagnosisCode.DELIVERY_FAILED: _delivery_failed,
    DiagnosisCode.SUPPRESSED: _suppressed,
    DiagnosisCode.NO_PROGRESS: _no_progress,
    DiagnosisCode.WAITING_FOR_EVENT: _waiting_for_event,
    DiagnosisCode.WAITING_FOR_TIME: _waiting_for_time,
    DiagnosisCode.WAITING_FOR_PROVIDER: _waiting_for_provider,
    DiagnosisCode.PROGRESSING: _progressing,
}
