"""Earnings: once an entry, at the first moment as a customer, whatever arrives when."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import Database, contact_statuses, tables, undo
from store.drafts import QuestionDraft, RewardDraft, SurveyDraft
from store.ingest.events import Event
from store.words import ActivityKind, ContactStatus
from tests.support.factories import (
    NOW,
    Workspace,
    a_contact,
    a_journey,
    a_workspace,
    after,
    answered,
    chose,
    completed,
    entered,
)

MUG, HAT = Decimal("5.25"), Decimal("12.5")
LEAD, CUSTOMER, LOST = ContactStatus.LEAD, ContactStatus.CUSTOMER, ContactStatus.LOST


async def a_rewarded_journey(workspace: Workspace, external_id: str = "welcome") -> bytes:
    return await a_journey(
        workspace,
        external_id,
        surveys=(SurveyDraft("quiz", "Quiz", (QuestionDraft("mood", "How are you?"),)),),
        rewards=(RewardDraft("mug", "Mug", MUG), RewardDraft("hat", "Hat", HAT)),
    )


async def rewarding(
    database: Database, status: ContactStatus = LEAD, *, in_control_group: bool = False
) -> Workspace:
    """A workspace with ada's entry e1 in the rewarded journey welcome."""
    workspace = await a_workspace(database)
    await a_rewarded_journey(workspace)
    await a_contact(workspace, status=status)
    await workspace.record(entered(in_control_group=in_control_group))
    return workspace


async def becomes(workspace: Workspace, status: ContactStatus, at: float) -> None:
    (contact,) = await workspace.rows(tables.contacts)
    await workspace.database.transact(
        lambda connection: contact_statuses.change(
            connection, workspace.id, [contact["id"]], status, by="ops", now=after(at)
        )
    )


async def ledger(workspace: Workspace) -> list[tuple[str, str, Decimal]]:
    """Kind, reward and amount, in the order of writing."""
    names = {row["id"]: row["key"] for row in await workspace.rows(tables.rewards)}
    rows = await workspace.rows(tables.reward_transactions)
    return [(row["kind"], names[row["reward_id"]], row["amount"]) for row in rows]


async def balance(workspace: Workspace) -> Decimal:
    (contact,) = await workspace.rows(tables.contacts)
    found: Decimal = contact["reward_balance"]
    return found


async def told(workspace: Workspace) -> list[dict[str, Any]]:
    """The log's rows of rewards earned."""
    return [row for row in await workspace.facts() if row["activity"] == ActivityKind.REWARD_EARNED]


async def test_a_lead_earns_when_it_is_converted_not_before(database: Database) -> None:
    workspace = await rewarding(database)

    await workspace.record(answered(at=after(1)))
    before = await ledger(workspace)
    await becomes(workspace, CUSTOMER, 5)

    assert before == []
    assert await ledger(workspace) == [("EARNED", "mug", MUG)]
    assert await balance(workspace) == MUG
    (fact,) = await told(workspace)
    entry = await workspace.entry()
    assert (fact["entry_id"], fact["contact_id"]) == (entry["id"], entry["contact_id"])
    assert (fact["occurred_at"], fact["source"]) == (after(5), "ops")
    assert fact["detail"] == {"reward": "Mug", "amount": "5.25", "currency": "EUR"}


async def test_a_customer_earns_at_once(database: Database) -> None:
    workspace = await rewarding(database, CUSTOMER)

    await workspace.record(completed(at=after(1)))

    assert await ledger(workspace) == [("EARNED", "mug", MUG)]
    (fact,) = await told(workspace)
    assert (fact["occurred_at"], fact["source"]) == (after(1), "partner")


async def test_an_entry_earns_once_however_it_responds(database: Database) -> None:
    workspace = await rewarding(database, CUSTOMER)

    await workspace.record(answered(at=after(1)), answered(at=after(2), text="well"))
    await workspace.record(completed(at=after(3)))
    await becomes(workspace, LOST, 4)
    await becomes(workspace, CUSTOMER, 5)

    assert await ledger(workspace) == [("EARNED", "mug", MUG)]
    assert len(await told(workspace)) == 1


async def test_each_entry_earns(database: Database) -> None:
    workspace = await rewarding(database)
    await workspace.record(entered("e2"), answered("e1", at=after(1)), completed("e2"))

    await becomes(workspace, CUSTOMER, 5)

    assert await balance(workspace) == 2 * MUG


async def test_who_enters_and_does_nothing_earns_nothing(database: Database) -> None:
    workspace = await rewarding(database, CUSTOMER)

    assert await ledger(workspace) == []


async def test_a_journey_without_rewards_gives_none(database: Database) -> None:
    workspace = await a_workspace(database)
    await a_journey(workspace)
    await a_contact(workspace, status=CUSTOMER)

    await workspace.record(entered(), completed())

    assert await ledger(workspace) == []


async def test_the_control_group_earns_nothing(database: Database) -> None:
    workspace = await rewarding(database, CUSTOMER, in_control_group=True)

    await workspace.record(answered(at=after(1)), completed(at=after(2)))

    assert await ledger(workspace) == []


async def test_the_chosen_reward_is_earned(database: Database) -> None:
    workspace = await rewarding(database)

    await workspace.record(answered(at=after(1)), chose("hat", at=after(2)))
    await becomes(workspace, CUSTOMER, 5)

    assert await ledger(workspace) == [("EARNED", "hat", HAT)]


async def test_what_is_chosen_of_another_journey_does_not_matter(database: Database) -> None:
    workspace = await rewarding(database, CUSTOMER)
    await a_rewarded_journey(workspace, "spring")

    await workspace.record(
        chose("hat", at=after(1)),
        chose("mug", journey="spring", at=after(2)),
        answered(at=after(3)),
    )

    assert await ledger(workspace) == [("EARNED", "hat", HAT)]


async def test_choosing_after_earning_changes_nothing(database: Database) -> None:
    workspace = await rewarding(database, CUSTOMER)

    await workspace.record(answered(at=after(1)))
    await workspace.record(chose("hat", at=after(2)))

    assert await ledger(workspace) == [("EARNED", "mug", MUG)]


async def test_a_choice_that_comes_to_be_known_late_is_put_right(database: Database) -> None:
    workspace = await rewarding(database, CUSTOMER)

    await workspace.record(answered(at=after(2)))
    await workspace.record(chose("hat", at=after(1)))

    assert await ledger(workspace) == [("EARNED", "mug", MUG), ("ADJUSTED", "hat", HAT - MUG)]
    assert await balance(workspace) == HAT
    assert len(await told(workspace)) == 1


async def test_other_rewards_of_the_journey_take_back_none_that_was_earned(
    database: Database,
) -> None:
    workspace = await rewarding(database, CUSTOMER)
    await workspace.record(answered(at=after(1)))

    await a_journey(workspace, rewards=(RewardDraft("pen", "Pen", Decimal(1)),))
    await workspace.record(completed(at=after(3)))

    assert await ledger(workspace) == [("EARNED", "mug", MUG)]


async def test_what_a_stop_ignores_earns_nothing_until_the_stop_is_undone(
    database: Database,
) -> None:
    workspace = await rewarding(database, CUSTOMER)
    entry = await workspace.entry()
    await workspace.stop(entry["id"], now=after(1))
    (stop,) = await workspace.rows(tables.stops)

    await workspace.record(answered(at=after(2)), completed(at=after(3)))
    while_stopped = await ledger(workspace)
    await workspace.database.transact(
        lambda connection: undo.undo_all(
            connection, workspace.id, stop["id"], actor="ops", now=after(9)
        )
    )

    assert while_stopped == []
    assert await ledger(workspace) == [("EARNED", "mug", MUG)]


async def test_what_happened_before_a_stop_earns(database: Database) -> None:
    workspace = await rewarding(database, CUSTOMER)
    entry = await workspace.entry()

    await workspace.stop(entry["id"], now=after(5))
    await workspace.record(answered(at=after(4)))

    assert await ledger(workspace) == [("EARNED", "mug", MUG)]


async def test_an_answer_of_another_contacts_entry_is_refused(database: Database) -> None:
    workspace = await rewarding(database, CUSTOMER)
    await a_contact(workspace, "bob", status=CUSTOMER)

    (outcome,) = await workspace.record(answered("e1", contact="bob"))

    assert outcome.refusal is not None
    assert outcome.refusal.message == (
        'The entry "e1" is not one of the contact "bob" in the journey "welcome": '
        "name the entry in which the survey was answered."
    )
    assert await workspace.rows(tables.survey_answers) == []


async def test_a_response_dated_ahead_is_judged_by_what_the_contact_is_when_it_comes(
    database: Database,
) -> None:
    workspace = await rewarding(database, CUSTOMER)

    await workspace.record(answered(at=after(60)))
    await becomes(workspace, LOST, 30)

    # The sender's clock was ahead: the ledger takes nothing back for it.
    assert await ledger(workspace) == [("EARNED", "mug", MUG)]


moments = st.integers(0, 30)
entry_names = st.sampled_from(["e1", "e2", "held out"])


facts: st.SearchStrategy[tuple[str, Any, int]] = st.one_of(
    st.tuples(st.just("answer"), entry_names, moments),
    st.tuples(st.just("complete"), entry_names, moments),
    st.tuples(st.just("choose"), st.sampled_from(["mug", "hat"]), moments),
    st.tuples(st.just("enter"), entry_names, st.just(0)),
)


def event(fact: tuple[str, Any, int]) -> Event:
    kind, name, at = fact
    match kind:
        case "answer":
            return answered(name, at=after(at))
        case "complete":
            return completed(name, at=after(at))
        case "choose":
            return chose(name, at=after(at))
    return entered(name, in_control_group=name == "held out")


def expected(
    statuses: Sequence[tuple[float, ContactStatus]], happened: Sequence[tuple[str, Any, int]]
) -> list[str]:
    """The rewards that the entries earn, told in a few lines of Python."""
    spans: list[tuple[float, float]] = []
    for index, (since, status) in enumerate(statuses):
        if status is CUSTOMER:
            until = statuses[index + 1][0] if index + 1 < len(statuses) else float("inf")
            spans.append((since, until))
    found = []
    for entry in ("e1", "e2"):
        said = [
            at for kind, name, at in happened if kind in ("answer", "complete") and name == entry
        ]
        if not said or ("enter", entry, 0) not in happened:
            continue
        moments = [max(since, min(said)) for since, until in spans if until > min(said)]
        if moments:
            chosen = [
                (at, name) for kind, name, at in happened if kind == "choose" and at <= moments[0]
            ]
            latest = [name for at, name in chosen if at == max(chosen)[0]]
            found.append(latest[0] if len(set(latest)) == 1 else "either" if latest else "mug")
    return found


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_the_order_of_facts_does_not_matter(database: Database, data: st.DataObject) -> None:
    happened = data.draw(st.lists(facts, max_size=8, unique=True))
    drawn = data.draw(st.dictionaries(moments, st.sampled_from([LEAD, CUSTOMER, LOST]), max_size=3))
    moves = sorted((at + 0.5, status) for at, status in drawn.items())
    plan = data.draw(st.permutations([*range(len(happened)), *["move"] * len(moves)]))
    workspace = await a_workspace(database)
    await a_rewarded_journey(workspace)
    await a_contact(workspace, now=NOW - 1)
    pending = list(moves)

    async def move() -> None:
        at, status = pending.pop(0)
        await becomes(workspace, status, at)

    for one in plan:
        if isinstance(one, int):
            # A fact may come as late as it likes, but not before it occurs.
            while pending and pending[0][0] < happened[one][2]:
                await move()
            again = event(happened[one])
            await workspace.record(again, again)
            await workspace.record(again)
        elif pending:
            await move()
    while pending:
        await move()

    lines = await workspace.rows(tables.reward_transactions)
    names = {row["id"]: row["key"] for row in await workspace.rows(tables.rewards)}
    earned = {row["entry_id"]: names[row["reward_id"]] for row in lines}
    wanted = expected([(-1, LEAD), *_real(moves)], happened)
    assert len(earned) == len(wanted)
    either = wanted.count("either")
    if not either:
        assert sorted(earned.values()) == sorted(wanted)
    total = sum((row["amount"] for row in lines), Decimal())
    assert await balance(workspace) == total
    assert total == sum((MUG if name == "mug" else HAT for name in earned.values()), Decimal())
    kinds = [row["kind"] for row in lines]
    assert kinds.count("EARNED") == len(earned) == len(await told(workspace))


def _real(moves: Sequence[tuple[float, ContactStatus]]) -> list[tuple[float, ContactStatus]]:
    """Without those to the status that the contact has."""
    found: list[tuple[float, ContactStatus]] = []
    known = LEAD
    for at, status in moves:
        if status is not known:
            found.append((at, status))
            known = status
    return found
