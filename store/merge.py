"""The merge: what is true of a message and of an entry after any set of facts, in any order.

Each fold keeps minima, maxima with a total tie-break and counts, all of which commute; each fact is
folded once. `status` and `state` are derived from them. So late, doubled and reordered events end
in the same row.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from store.types import Id, Instant
from store.words import OPEN_STATES, DeliveryKind, EntryState, StepKind, StopReason

K = DeliveryKind

_FIRST_AT: dict[DeliveryKind, str] = {
    K.SENT: "sent_at",
    K.DEFERRED: "deferred_at",
    K.SUPPRESSED: "suppressed_at",
    K.DELIVERED: "delivered_at",
    K.FAILED: "failed_at",
    K.BOUNCED: "bounced_at",
    K.IMPRESSION: "first_impression_at",
    K.OPENED: "first_open_at",
    K.CLICKED: "first_click_at",
    K.UNSUBSCRIBED: "unsubscribed_at",
    K.COMPLAINED: "complained_at",
}
_OUTCOMES = {K.DELIVERED: 0, K.FAILED: 1, K.BOUNCED: 2}
_FAILURES = {K.SUPPRESSED: 0, K.FAILED: 1, K.BOUNCED: 2}
_ACTIONS = {K.CLICKED: 0, K.UNSUBSCRIBED: 1, K.COMPLAINED: 2}

# Before any moment that a fact can have; history may reach back beyond 1970.
_NEVER: Instant = -(1 << 63)


class State:
    """A mutable copy of a row: its fields are columns of its table, by their names."""

    __slots__ = ()

    def columns(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in names_of(type(self))}


_NAMES: dict[type, tuple[str, ...]] = {}


def names_of(kind: type[State]) -> tuple[str, ...]:
    """The fields of a kind of state, in the order in which it is made of them."""
    if kind not in _NAMES:
        _NAMES[kind] = tuple(one.name for one in fields(kind))  # type: ignore[arg-type]
    return _NAMES[kind]


@dataclass(slots=True)
class Message(State):
    """A communication while events are folded into it; the columns of `communications`."""

    id: Id
    external_id: str
    entry_id: Id
    journey_id: Id
    contact_id: Id
    step_id: Id | None
    resource_id: Id
    channel: str
    created_at: Instant
    sent_at: Instant | None = None
    deferred_at: Instant | None = None
    suppressed_at: Instant | None = None
    delivered_at: Instant | None = None
    failed_at: Instant | None = None
    bounced_at: Instant | None = None
    first_impression_at: Instant | None = None
    first_open_at: Instant | None = None
    first_click_at: Instant | None = None
    unsubscribed_at: Instant | None = None
    complained_at: Instant | None = None
    outcome_at: Instant | None = None
    outcome: str | None = None
    failure_at: Instant | None = None
    failure_kind: str | None = None
    failure_reason: str | None = None
    last_action_at: Instant | None = None
    last_action_kind: str | None = None
    last_action_url: str | None = None
    last_clicked_at: Instant | None = None
    last_clicked_url: str | None = None
    click_count: int = 0
    raw_click_count: int = 0
    open_count: int = 0
    raw_open_count: int = 0
    status: str = K.QUEUED

    def fold(
        self,
        kind: DeliveryKind,
        at: Instant,
        url: str | None,
        reason: str | None,
        *,
        is_suspected_bot: bool = False,
    ) -> None:
        """Fold one event. A suspected robot's is counted as raw and changes nothing else."""
        # An empty text says as little as none, and must not differ from it by who came first.
        url, reason = url or None, reason or None
        if kind is K.CLICKED:
            self.raw_click_count += 1
        elif kind is K.OPENED:
            self.raw_open_count += 1
        if is_suspected_bot:
            return
        first = _FIRST_AT.get(kind)
        if first is not None:
            known = getattr(self, first)
            if known is None or at < known:
                setattr(self, first, at)
        if kind in _OUTCOMES and (at, _OUTCOMES[kind]) > (
            _NEVER if self.outcome_at is None else self.outcome_at,
            _OUTCOMES[K(self.outcome)] if self.outcome else -1,
        ):
            self.outcome_at, self.outcome = at, kind
        if kind in _FAILURES and (at, _FAILURES[kind], reason or "") > (
            _NEVER if self.failure_at is None else self.failure_at,
            _FAILURES[K(self.failure_kind)] if self.failure_kind else -1,
            self.failure_reason or "",
        ):
            self.failure_at, self.failure_kind, self.failure_reason = at, kind, reason
        if kind in _ACTIONS and (at, _ACTIONS[kind], url or "") > (
            _NEVER if self.last_action_at is None else self.last_action_at,
            _ACTIONS[K(self.last_action_kind)] if self.last_action_kind else -1,
            self.last_action_url or "",
        ):
            self.last_action_at, self.last_action_kind, self.last_action_url = at, kind, url
        if kind is K.CLICKED:
            self.click_count += 1
            if url is not None and (at, url) > (
                _NEVER if self.last_clicked_at is None else self.last_clicked_at,
                self.last_clicked_url or "",
            ):
                self.last_clicked_at, self.last_clicked_url = at, url
        elif kind is K.OPENED:
            self.open_count += 1
        self.status = self._status()

    def _status(self) -> str:
        """The highest rank reached; among delivered, failed and bounced the latest decides."""
        if self.complained_at is not None:
            return K.COMPLAINED
        if self.unsubscribed_at is not None:
            return K.UNSUBSCRIBED
        if self.first_click_at is not None:
            return K.CLICKED
        if self.first_open_at is not None:
            return K.OPENED
        if self.first_impression_at is not None:
            return K.IMPRESSION
        if self.outcome is not None:
            return self.outcome
        if self.suppressed_at is not None:
            return K.SUPPRESSED
        if self.deferred_at is not None:
            return K.DEFERRED
        return K.QUEUED if self.sent_at is None else K.SENT

    def milestones(self) -> tuple[int, ...]:
        """One or zero for each of tables.communications.MILESTONES: what the counters count."""
        return (
            1,
            self.sent_at is not None,
            self.delivered_at is not None,
            self.first_impression_at is not None,
            self.first_open_at is not None,
            self.first_click_at is not None,
            self.failed_at is not None,
            self.bounced_at is not None,
            self.suppressed_at is not None,
            self.complained_at is not None,
            self.unsubscribed_at is not None,
            self.raw_open_count > 0,
            self.raw_click_count > 0,
        )

    def marks(self) -> tuple[bool, ...]:
        """Whether each of tables.communications.MARKS was reached."""
        return (
            self.deferred_at is not None,
            self.suppressed_at is not None,
            self.failed_at is not None,
            self.bounced_at is not None,
            self.first_click_at is not None,
            self.unsubscribed_at is not None,
            self.complained_at is not None,
        )


_STEP_ORDER = {
    StepKind.STEP_ENTERED: 0,
    StepKind.WAITING: 1,
    StepKind.HELD_OUT: 2,
    StepKind.STEP_SKIPPED: 3,
    StepKind.STEP_FAILED: 4,
    StepKind.STEP_COMPLETED: 5,
}
"""The kinds that move an entry; a bonus does not."""

_STEP_FACT: dict[StepKind, str] = {
    StepKind.STEP_ENTERED: "entered_at",
    StepKind.WAITING: "waiting_at",
    StepKind.STEP_COMPLETED: "completed_at",
    StepKind.STEP_SKIPPED: "skipped_at",
    StepKind.STEP_FAILED: "failed_at",
    StepKind.HELD_OUT: "held_out_at",
}


@dataclass(slots=True)
class Visit(State):
    """An entry at one step: the first time of each kind of fact, and the last time that it was
    entered; the columns of `entry_steps`."""

    entry_id: Id
    step_id: Id
    journey_id: Id
    entered_at: Instant | None = None
    waiting_at: Instant | None = None
    completed_at: Instant | None = None
    skipped_at: Instant | None = None
    failed_at: Instant | None = None
    held_out_at: Instant | None = None
    last_entered_at: Instant | None = None

    def fold(self, kind: StepKind, at: Instant) -> None:
        if kind is StepKind.STEP_ENTERED:
            last = self.last_entered_at
            self.last_entered_at = at if last is None else max(at, last)
        name = _STEP_FACT.get(kind)
        if name is not None:
            known = getattr(self, name)
            if known is None or at < known:
                setattr(self, name, at)


@dataclass(slots=True)
class Passage(State):
    """An entry while facts are folded into it; the columns of `entries`."""

    id: Id
    external_id: str
    journey_id: Id
    contact_id: Id
    in_control_group: bool
    entered_at: Instant
    converted_at: Instant | None = None
    completed_at: Instant | None = None
    answered_at: Instant | None = None
    exited_at: Instant | None = None
    failed_at: Instant | None = None
    exit_reason: str | None = None
    failure_reason: str | None = None
    stop_requested_at: Instant | None = None
    stop_id: Id | None = None
    stop_cause: str | None = None
    stop_actor: str | None = None
    stop_note: str | None = None
    step_at: Instant | None = None
    step_kind: str | None = None
    step_position: int | None = None
    current_step_id: Id | None = None
    waiting_for: str | None = None
    waiting_until: Instant | None = None
    last_error: str | None = None
    last_error_at: Instant | None = None
    state: str = EntryState.ACTIVE
    stopped_at: Instant | None = None
    stop_reason: str | None = None

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    def is_ignoring(self, at: Instant) -> bool:
        """Whether a fact of that time is without effect because a stop stands before it."""
        return self.stop_requested_at is not None and at > self.stop_requested_at

    def convert(self, at: Instant) -> None:
        self.converted_at = at if self.converted_at is None else min(at, self.converted_at)

    def complete(self, at: Instant) -> None:
        self.completed_at = at if self.completed_at is None else min(at, self.completed_at)
        self.derive()

    def answer(self, at: Instant) -> None:
        """Fold the answer to a question of one of the journey's surveys."""
        self.answered_at = at if self.answered_at is None else min(at, self.answered_at)

    def exit(self, at: Instant, reason: str | None) -> None:
        reason = reason or None
        if self.exited_at is None or (at, reason or "") < (self.exited_at, self.exit_reason or ""):
            self.exited_at, self.exit_reason = at, reason
        self.derive()

    def fail(self, at: Instant, reason: str | None) -> None:
        reason = reason or None
        if self.failed_at is None or (at, reason or "") < (
            self.failed_at,
            self.failure_reason or "",
        ):
            self.failed_at, self.failure_reason = at, reason
        self.derive()

    def stop(
        self, at: Instant, *, stop_id: Id, cause: StopReason, actor: str, note: str | None
    ) -> None:
        """Stop by request. The caller has made sure that no stop stands."""
        self.stop_requested_at, self.stop_id, self.stop_cause = at, stop_id, cause
        self.stop_actor, self.stop_note = actor, note
        self.derive()

    def undo_stop(self) -> None:
        """Take the stop back; what was ignored meanwhile is for the caller to fold."""
        self.stop_requested_at, self.stop_id, self.stop_cause = None, None, None
        self.stop_actor, self.stop_note = None, None
        self.derive()

    def step(
        self,
        kind: StepKind,
        at: Instant,
        step: tuple[Id, int] | None,
        *,
        waiting_for: str | None = None,
        waiting_until: Instant | None = None,
        reason: str | None = None,
    ) -> None:
        """Fold a fact about a step (its id and position), which may leave the entry where it is."""
        waiting_for, reason = waiting_for or None, reason or None
        if kind is StepKind.STEP_FAILED and (at, reason or "") > (
            _NEVER if self.last_error_at is None else self.last_error_at,
            self.last_error or "",
        ):
            self.last_error_at, self.last_error = at, reason
        if kind not in _STEP_ORDER:
            return
        step_id, position = (None, -1) if step is None else step
        latest = (
            _NEVER if self.step_at is None else self.step_at,
            -1 if self.step_position is None else self.step_position,
            _STEP_ORDER[StepKind(self.step_kind)] if self.step_kind else -1,
            # An archived step keeps its position, at which another may stand by now.
            self.current_step_id or b"",
            self.waiting_for or "",
            _NEVER if self.waiting_until is None else self.waiting_until,
        )
        if (
            at,
            position,
            _STEP_ORDER[kind],
            step_id or b"",
            waiting_for or "",
            _NEVER if waiting_until is None else waiting_until,
        ) > latest:
            self.step_at, self.step_kind, self.step_position = at, kind, position
            self.current_step_id = step_id
            self.waiting_for, self.waiting_until = waiting_for, waiting_until
        self.derive()

    def derive(self) -> None:
        """The state: ended by the earliest end that is known, else waiting or active."""
        ends = sorted(self._ends())
        if ends:
            self.stopped_at, _, self.state, self.stop_reason = ends[0]
        else:
            is_waiting = self.step_kind == StepKind.WAITING
            self.state = EntryState.WAITING if is_waiting else EntryState.ACTIVE
            self.stopped_at, self.stop_reason = None, None

    def _ends(self) -> Iterator[tuple[Instant, int, str, str | None]]:
        if self.completed_at is not None:
            yield self.completed_at, 0, EntryState.COMPLETED, StopReason.COMPLETED
        if self.exited_at is not None:
            yield self.exited_at, 1, EntryState.EXITED, StopReason.EXIT_RULE
        if self.failed_at is not None:
            yield self.failed_at, 2, EntryState.FAILED, StopReason.FAILED
        if self.stop_requested_at is not None:
            yield self.stop_requested_at, 3, EntryState.STOPPED, self.stop_cause

    def tally(self) -> tuple[int, ...]:
        """One or zero for each of tables.journeys.ENTRY_COUNTS: what the counters count."""
        return (
            1,
            self.state == EntryState.ACTIVE,
            self.state == EntryState.WAITING,
            self.state == EntryState.COMPLETED,
            self.converted_at is not None,
            self.state == EntryState.STOPPED,
            self.state == EntryState.EXITED,
            self.state == EntryState.FAILED,
        )
