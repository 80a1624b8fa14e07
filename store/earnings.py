"""Earnings: which entry earns which reward, whatever the order in which its facts arrive.

An entry responds when it completes its journey or a survey of it is answered. It earns at the first
moment since then at which its contact is a customer, once: the reward that the contact had chosen
of the journey by that moment, else the journey's first. Held out (the control group), it earns
nothing: a reward is a part of what its effect is measured of. A choice or a response that comes to
be known late, of a moment before, is put right by a line of the ledger: what was written stays.
A response that is dated ahead (a sender's clock may be, by 5 minutes) is judged by what the contact
is when it comes.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, or_, select, update

from store import tables
from store.database import Connection
from store.ingest.batch import Batch, Place, RewardChoice
from store.types import Id, Instant, MoneyColumn, new_id
from store.words import ActivityKind, ContactStatus, RewardTransactionKind

EARNINGS = (RewardTransactionKind.EARNED, RewardTransactionKind.ADJUSTED)


async def keep_choices(
    connection: Connection, workspace_id: int, choices: Iterable[RewardChoice]
) -> None:
    """Remember what contacts chose: what they earn depends on what they had chosen by then."""
    rows = [
        {
            "workspace_id": workspace_id,
            "contact_id": one.contact_id,
            "id": new_id(),
            "journey_id": one.journey_id,
            "reward_id": one.reward_id,
            "at": one.at,
        }
        for one in choices
    ]
    if rows:
        await connection.execute(tables.reward_choices.insert(), rows)


async def earn(
    connection: Connection,
    workspace_id: int,
    sources: Mapping[Id, str],
    batch: Batch,
) -> None:
    """Write what these contacts have earned by now, and put it into the batch's facts.

    `sources`: who brought what may have changed that, by contact.

    The caller has locked the contacts and written their entries, choices and statuses, in this
    transaction: whoever commits second sees both sides.
    """
    if not sources:
        return
    judging = _Judging(connection, workspace_id)
    await judging.load(sources)
    lines = judging.lines()
    if lines:
        await _write(connection, workspace_id, lines, batch, sources)


@dataclass(frozen=True, slots=True)
class _Reward:
    id: Id
    name: str
    value: Decimal
    is_archived: bool


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the ledger that is to be written."""

    entry: Place
    kind: RewardTransactionKind
    reward: _Reward
    amount: Decimal
    at: Instant


class _Judging:
    """All that the entries of some contacts are judged by."""

    def __init__(self, connection: Connection, workspace_id: int) -> None:
        self.connection, self.workspace_id = connection, workspace_id
        self._entries: list[tuple[Place, Instant]] = []
        self._customers: dict[Id, list[tuple[Instant, Instant | None]]] = {}
        self._choices: dict[tuple[Id, Id], list[tuple[Instant, Id | None]]] = defaultdict(list)
        self._rewards: dict[Id, dict[Id, _Reward]] = defaultdict(dict)
        self._earned: dict[Id, list[tuple[Id, Decimal]]] = defaultdict(list)

    async def load(self, contact_ids: Collection[Id]) -> None:
        await self._load_entries(contact_ids)
        if not self._entries:
            return
        owners = sorted({place.contact_id for place, _ in self._entries})
        await self._load_customers(owners)
        choices, rewards = tables.reward_choices, tables.rewards
        for contact_id, journey_id, at, reward_id in await self._rows(
            select(
                choices.c.contact_id, choices.c.journey_id, choices.c.at, choices.c.reward_id
            ).where(choices.c.contact_id.in_(owners)),
            choices,
        ):
            self._choices[contact_id, journey_id].append((at, reward_id))
        journeys = {place.journey_id for place, _ in self._entries}
        for journey_id, *reward in await self._rows(
            select(
                rewards.c.journey_id,
                rewards.c.id,
                rewards.c.name,
                rewards.c.value,
                rewards.c.is_archived,
            )
            .where(rewards.c.journey_id.in_(journeys))
            .order_by(rewards.c.position, rewards.c.id),
            rewards,
        ):
            self._rewards[journey_id][reward[0]] = _Reward(*reward)
        ledger = tables.reward_transactions
        for entry_id, reward_id, amount in await self._rows(
            select(ledger.c.entry_id, ledger.c.reward_id, ledger.c.amount)
            .where(ledger.c.contact_id.in_(owners), ledger.c.kind.in_(EARNINGS))
            .order_by(ledger.c.contact_id, ledger.c.id),
            ledger,
        ):
            self._earned[entry_id].append((reward_id, amount))

    async def _load_entries(self, contact_ids: Collection[Id]) -> None:
        entries, rewards = tables.entries, tables.rewards
        is_rewarded = (
            select(rewards.c.id)
            .where(
                rewards.c.workspace_id == entries.c.workspace_id,
                rewards.c.journey_id == entries.c.journey_id,
            )
            .exists()
        )
        for *place, completed_at, answered_at in await self._rows(
            select(
                entries.c.id,
                entries.c.journey_id,
                entries.c.contact_id,
                entries.c.completed_at,
                entries.c.answered_at,
            )
            .where(
                entries.c.contact_id.in_(contact_ids),
                entries.c.in_control_group.is_(False),
                or_(entries.c.completed_at.is_not(None), entries.c.answered_at.is_not(None)),
                is_rewarded,
            )
            .order_by(entries.c.id),
            entries,
        ):
            responded_at = min(at for at in (completed_at, answered_at) if at is not None)
            self._entries.append((Place(*place), responded_at))

    async def _load_customers(self, contact_ids: Sequence[Id]) -> None:
        """From when until when each was a customer; None: still is."""
        changes = tables.contact_status_changes
        spans: dict[Id, list[tuple[Instant, Instant | None]]] = defaultdict(list)
        for contact_id, at, to in await self._rows(
            select(changes.c.contact_id, changes.c.at, changes.c.to_status)
            .where(changes.c.contact_id.in_(contact_ids))
            .order_by(changes.c.contact_id, changes.c.id),
            changes,
        ):
            own = spans[contact_id]
            if own and own[-1][1] is None:
                own[-1] = (own[-1][0], at)
            if to == ContactStatus.CUSTOMER:
                own.append((at, None))
        self._customers = spans

    async def _rows(self, statement: Any, table: Any) -> Sequence[Any]:
        found = await self.connection.execute(
            statement.where(table.c.workspace_id == self.workspace_id)
        )
        rows: Sequence[Any] = found.all()
        return rows

    def lines(self) -> list[_Line]:
        found = (self._judge(place, responded_at) for place, responded_at in self._entries)
        return [line for line in found if line is not None]

    def _judge(self, place: Place, responded_at: Instant) -> _Line | None:
        at = self._earns_at(place.contact_id, responded_at)
        if at is None:
            return None
        rewards = self._rewards[place.journey_id]
        choices = self._choices[place.contact_id, place.journey_id]
        made = max(
            (one for one in choices if one[0] <= at),
            key=lambda one: (one[0], one[1] or b""),
            default=None,
        )
        chosen = rewards.get(made[1]) if made is not None and made[1] is not None else None
        reward = chosen or next((one for one in rewards.values() if not one.is_archived), None)
        if reward is None:
            return None
        earned = self._earned.get(place.id)
        if not earned:
            return _Line(place, RewardTransactionKind.EARNED, reward, reward.value, at)
        latest = earned[-1][0]
        # A journey that gives other rewards by now takes back none: only a choice does.
        was_chosen = any(one[1] == latest for one in choices)
        if latest == reward.id or (chosen is None and not was_chosen):
            return None
        amount = reward.value - sum(amount for _, amount in earned)
        return _Line(place, RewardTransactionKind.ADJUSTED, reward, amount, at)

    def _earns_at(self, contact_id: Id, responded_at: Instant) -> Instant | None:
        """The first moment since then at which the contact was a customer."""
        for since, until in self._customers.get(contact_id, ()):
            if until is None or until > responded_at:
                return max(since, responded_at)
        return None


async def _write(
    connection: Connection,
    workspace_id: int,
    lines: Sequence[_Line],
    batch: Batch,
    sources: Mapping[Id, str],
) -> None:
    currency = await currency_of(connection, workspace_id)
    by_contact: dict[Id, Decimal] = defaultdict(Decimal)
    for line in lines:
        by_contact[line.entry.contact_id] += line.amount
        is_earned = line.kind is RewardTransactionKind.EARNED
        batch.fact(
            sources[line.entry.contact_id],
            line.at,
            activity=ActivityKind.REWARD_EARNED if is_earned else None,
            change=None if is_earned else "REWARD_ADJUSTED",
            entry=line.entry,
            detail=detail_of(line.reward.name, line.amount, currency),
        )
    await connection.execute(
        tables.reward_transactions.insert(),
        [
            {
                "workspace_id": workspace_id,
                "contact_id": line.entry.contact_id,
                "id": new_id(),
                "reward_id": line.reward.id,
                "kind": line.kind,
                "amount": line.amount,
                "journey_id": line.entry.journey_id,
                "entry_id": line.entry.id,
                "at": line.at,
            }
            for line in lines
        ],
    )
    await add_to_balances(connection, workspace_id, by_contact)


async def add_to_balances(
    connection: Connection, workspace_id: int, amounts: Mapping[Id, Decimal]
) -> None:
    """Keep the balances what the ledger's sums are; the contacts are locked."""
    contacts = tables.contacts
    rows = [{"b_id": one, "b_amount": amount} for one, amount in sorted(amounts.items()) if amount]
    if rows:
        await connection.execute(
            update(contacts)
            .where(contacts.c.workspace_id == workspace_id, contacts.c.id == bindparam("b_id"))
            .values(
                reward_balance=contacts.c.reward_balance
                + bindparam("b_amount", type_=MoneyColumn())
            ),
            rows,
        )


async def currency_of(connection: Connection, workspace_id: int) -> str:
    """In which all rewards of the workspace are."""
    table = tables.workspaces
    found = await connection.execute(
        select(table.c.currency).where(table.c.workspace_id == workspace_id)
    )
    return str(found.scalar_one())


def detail_of(reward: str, amount: Decimal, currency: str) -> dict[str, str]:
    """What a row of the log says of a reward."""
    return {"reward": reward, "amount": plain_amount(amount), "currency": currency}


def plain_amount(amount: Decimal) -> str:
    """Without an exponent, and without zeros that say nothing."""
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
