"""The merge: any order and any repetition of facts ends in the same row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from store.merge import Message, Passage, Visit
from store.types import Id, Instant
from store.words import DeliveryKind, EntryState, StepKind, StopReason

K = DeliveryKind
T = TypeVar("T")

ENTRY, JOURNEY, CONTACT, RESOURCE, STOP = (bytes([n]) * 16 for n in range(1, 6))
STEPS = [(bytes([n]) * 16, position) for n, position in ((11, 0), (12, 1), (13, 2), (14, 2))]
"""The last two stand at the same position: one of them is archived."""

# Few distinct moments, so that ties are common; one before 1970, which a backfill may bring.
moments = st.sampled_from([-7, 0, 1, 2, 3])


@dataclass(frozen=True)
class Told:
    """An event as the merge sees it."""

    kind: DeliveryKind
    at: Instant = 1
    url: str | None = None
    reason: str | None = None
    is_bot: bool = False


told = st.builds(
    Told,
    kind=st.sampled_from(DeliveryKind),
    at=moments,
    url=st.sampled_from([None, "https://a.example", "https://b.example"]),
    reason=st.sampled_from([None, "", "full", "unknown"]),
    is_bot=st.booleans(),
)


def a_message(*happened: Told) -> Message:
    message = Message(
        id=bytes(16),
        external_id="m1",
        entry_id=ENTRY,
        journey_id=JOURNEY,
        contact_id=CONTACT,
        step_id=None,
        resource_id=RESOURCE,
        channel="EMAIL",
        created_at=0,
    )
    for event in happened:
        message.fold(event.kind, event.at, event.url, event.reason, is_suspected_bot=event.is_bot)
    return message


def shuffled(facts: st.SearchStrategy[T]) -> st.SearchStrategy[tuple[list[T], list[T]]]:
    """The same facts in two orders."""
    return st.lists(facts, max_size=8).flatmap(
        lambda listed: st.tuples(st.just(listed), st.permutations(listed))
    )


def expected_status(happened: Sequence[Told]) -> str:
    """Decision 4, written down a second time: by rank, and between outcomes by time."""
    human = [event for event in happened if not event.is_bot]
    kinds = {event.kind for event in human}
    for kind in (K.COMPLAINED, K.UNSUBSCRIBED, K.CLICKED, K.OPENED, K.IMPRESSION):
        if kind in kinds:
            return kind
    outcomes = [event for event in human if event.kind in (K.DELIVERED, K.FAILED, K.BOUNCED)]
    if outcomes:
        latest = max(event.at for event in outcomes)
        tied = {event.kind for event in outcomes if event.at == latest}
        # On a tie the failure; of both kinds of failure the one that says more.
        return next(kind for kind in (K.BOUNCED, K.FAILED, K.DELIVERED) if kind in tied)
    for kind in (K.SUPPRESSED, K.DEFERRED, K.SENT):
        if kind in kinds:
            return kind
    return K.QUEUED


@given(shuffled(told))
@example(
    ([Told(K.BOUNCED), Told(K.BOUNCED, reason="")], [Told(K.BOUNCED, reason=""), Told(K.BOUNCED)])
)
def test_events_of_a_message_in_any_order_give_the_same_row(
    orders: tuple[list[Told], list[Told]],
) -> None:
    first, second = (a_message(*order) for order in orders)

    assert first.columns() == second.columns()


@given(st.lists(told, max_size=8))
@example([Told(K.DELIVERED, at=-7)])
@example([Told(K.DELIVERED, at=2), Told(K.BOUNCED, at=2), Told(K.FAILED, at=2)])
@example([Told(K.DELIVERED, at=3), Told(K.BOUNCED, at=2)])
def test_the_status_is_the_highest_rank_reached_by_a_person(happened: list[Told]) -> None:
    message = a_message(*happened)

    assert message.status == expected_status(happened)


@given(st.lists(told, max_size=8))
def test_minima_and_counts_are_those_of_the_human_events(happened: list[Told]) -> None:
    message = a_message(*happened)

    human = [event for event in happened if not event.is_bot]

    def first(kind: DeliveryKind) -> Instant | None:
        return min((event.at for event in human if event.kind is kind), default=None)

    assert (
        message.sent_at,
        message.delivered_at,
        message.first_impression_at,
        message.first_open_at,
        message.first_click_at,
        message.failed_at,
        message.bounced_at,
        message.suppressed_at,
        message.deferred_at,
        message.complained_at,
        message.unsubscribed_at,
    ) == (
        first(K.SENT),
        first(K.DELIVERED),
        first(K.IMPRESSION),
        first(K.OPENED),
        first(K.CLICKED),
        first(K.FAILED),
        first(K.BOUNCED),
        first(K.SUPPRESSED),
        first(K.DEFERRED),
        first(K.COMPLAINED),
        first(K.UNSUBSCRIBED),
    )
    assert message.click_count == sum(event.kind is K.CLICKED for event in human)
    assert message.raw_click_count == sum(event.kind is K.CLICKED for event in happened)
    assert message.open_count == sum(event.kind is K.OPENED for event in human)
    assert message.raw_open_count == sum(event.kind is K.OPENED for event in happened)


@given(st.lists(told, max_size=8))
def test_the_last_action_is_the_latest_of_click_complaint_and_unsubscription(
    happened: list[Told],
) -> None:
    message = a_message(*happened)

    actions = [
        event
        for event in happened
        if event.kind in (K.CLICKED, K.COMPLAINED, K.UNSUBSCRIBED) and not event.is_bot
    ]
    clicks = [event for event in actions if event.kind is K.CLICKED and event.url is not None]
    assert message.last_action_at == max((event.at for event in actions), default=None)
    assert (message.last_action_kind is None) is not bool(actions)
    assert message.last_clicked_at == max((event.at for event in clicks), default=None)


def test_the_row_keeps_its_milestones_whatever_the_status_hides() -> None:
    message = a_message(Told(K.SENT), Told(K.DELIVERED), Told(K.BOUNCED, at=3), Told(K.CLICKED))

    assert message.status == K.CLICKED
    assert message.milestones() == (1, 1, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1)


@pytest.mark.parametrize("kind", [K.CLICKED, K.OPENED])
def test_a_robot_is_counted_raw_alone(kind: DeliveryKind) -> None:
    message = a_message(Told(kind, url="https://a.example", is_bot=True))

    assert message.status == K.QUEUED
    assert (message.click_count, message.open_count) == (0, 0)
    assert message.raw_click_count + message.raw_open_count == 1
    assert message.last_action_at is None
    assert message.last_clicked_url is None


Fact = Callable[[Passage], None]


def _step(
    values: tuple[StepKind, Instant, tuple[Id, int], str | None, int | None, str | None],
) -> Fact:
    kind, at, step, waiting_for, waiting_until, reason = values

    def fold(passage: Passage) -> None:
        passage.step(
            kind,
            at,
            step,
            waiting_for=waiting_for,
            waiting_until=waiting_until,
            reason=reason,
        )

    return fold


reasons = st.sampled_from([None, "", "bounced", "timeout"])
passage_facts: st.SearchStrategy[Fact] = st.one_of(
    st.tuples(
        st.sampled_from(StepKind),
        moments,
        st.sampled_from(STEPS),
        st.sampled_from([None, "", "an answer"]),
        st.sampled_from([None, 0, 9]),
        reasons,
    ).map(_step),
    moments.map(lambda at: lambda passage: passage.convert(at)),
    moments.map(lambda at: lambda passage: passage.complete(at)),
    st.tuples(moments, reasons).map(lambda one: lambda passage: passage.exit(*one)),
    st.tuples(moments, reasons).map(lambda one: lambda passage: passage.fail(*one)),
)


def a_passage(*facts: Fact, stopped_at: Instant | None = None) -> Passage:
    passage = Passage(
        id=ENTRY,
        external_id="e1",
        journey_id=JOURNEY,
        contact_id=CONTACT,
        in_control_group=False,
        entered_at=0,
    )
    for fold in facts:
        fold(passage)
    if stopped_at is not None:
        passage.stop(stopped_at, stop_id=STOP, cause=StopReason.OPERATOR, actor="ops", note=None)
    return passage


@given(shuffled(passage_facts))
def test_facts_of_an_entry_in_any_order_give_the_same_row(
    orders: tuple[list[Fact], list[Fact]],
) -> None:
    first, second = (a_passage(*order) for order in orders)

    assert first.columns() == second.columns()


@given(shuffled(passage_facts), moments)
def test_a_stop_between_the_facts_gives_the_same_row(
    orders: tuple[list[Fact], list[Fact]], stopped_at: Instant
) -> None:
    first, second = orders

    before = a_passage(*first, stopped_at=stopped_at)
    amid = a_passage(*second[:3], stopped_at=stopped_at)
    for fold in second[3:]:
        fold(amid)

    assert before.columns() == amid.columns()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["complete", "exit", "fail"]),
            moments,
        ),
        max_size=5,
    )
)
def test_an_entry_ends_by_its_earliest_end(ends: list[tuple[str, Instant]]) -> None:
    passage = a_passage()

    for name, at in ends:
        if name == "complete":
            passage.complete(at)
        elif name == "exit":
            passage.exit(at, None)
        else:
            passage.fail(at, None)

    order = ["complete", "exit", "fail"]
    states = [EntryState.COMPLETED, EntryState.EXITED, EntryState.FAILED]
    earliest = min(ends, key=lambda end: (end[1], order.index(end[0])), default=None)
    if earliest is None:
        assert (passage.state, passage.stopped_at) == (EntryState.ACTIVE, None)
    else:
        assert passage.state == states[order.index(earliest[0])]
        assert passage.stopped_at == earliest[1]


def test_the_latest_step_is_where_the_entry_is() -> None:
    passage = a_passage()

    passage.step(StepKind.WAITING, 3, STEPS[1], waiting_for="an answer", waiting_until=9)
    passage.step(StepKind.STEP_ENTERED, 1, STEPS[0])

    assert passage.state == EntryState.WAITING
    assert passage.current_step_id == STEPS[1][0]
    assert (passage.waiting_for, passage.waiting_until) == ("an answer", 9)


def test_at_the_same_moment_the_later_step_and_the_fact_that_ends_it_win() -> None:
    passage = a_passage()

    passage.step(StepKind.STEP_COMPLETED, 1, STEPS[0])
    passage.step(StepKind.STEP_ENTERED, 1, STEPS[1])
    passage.step(StepKind.WAITING, 1, STEPS[1])

    assert (passage.current_step_id, passage.step_kind) == (STEPS[1][0], StepKind.WAITING)


def test_a_bonus_does_not_move_an_entry() -> None:
    passage = a_passage()

    passage.step(StepKind.BONUS_ISSUED, 3, STEPS[1])

    assert passage.current_step_id is None


@given(shuffled(st.tuples(st.sampled_from(StepKind), moments)))
def test_facts_of_a_visit_in_any_order_give_the_same_row(
    orders: tuple[list[tuple[StepKind, Instant]], list[tuple[StepKind, Instant]]],
) -> None:
    visits = [Visit(ENTRY, STEPS[0][0], JOURNEY) for _ in orders]

    for visit, order in zip(visits, orders, strict=True):
        for kind, at in order:
            visit.fold(kind, at)

    assert visits[0].columns() == visits[1].columns()
