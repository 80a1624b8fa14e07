"""Reward sending: taking rewards out of balances, and what is still to be said of it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from store import earnings, labels, tables
from store.contact_statuses import Appended
from store.database import Connection
from store.ingest.batch import Batch, Place
from store.log import append
from store.refusals import Refusal
from store.types import Id, Instant, new_id
from store.words import ActivityKind, ErrorCode, RewardTransactionKind


@dataclass(frozen=True, slots=True)
class Order:
    """What is sent to each: this reward, or None for its own; `sending_id` gathers what was sent.

    `sends_mail`: there is a mail server.
    """

    sending_id: Id
    reward_id: Id | None
    sends_mail: bool


@dataclass(frozen=True, slots=True)
class Sent:
    """Of each contact why it was not sent a reward, None for those that were; and the log."""

    outcomes: tuple[tuple[Id, Refusal | None], ...] = ()
    appended: Appended = Appended()  # noqa: RUF009


@dataclass(frozen=True, slots=True)
class Parcel:
    """A reward that was sent, and the address at which its contact hears of it."""

    id: Id
    contact_id: Id
    email: str | None
    first_name: str | None
    reward: str
    value: Decimal


async def reward_name(connection: Connection, workspace_id: int, reward_id: Id) -> str | None:
    """The name of a reward; None for one that the workspace does not have."""
    rewards = tables.rewards
    found = await connection.execute(
        select(rewards.c.name).where(
            rewards.c.workspace_id == workspace_id, rewards.c.id == reward_id
        )
    )
    return found.scalar()


async def send(
    connection: Connection,
    workspace_id: int,
    contact_ids: Sequence[Id],
    order: Order,
    *,
    by: str,
    now: Instant,
    is_dry_run: bool = False,
) -> Sent:
    """Send to each whose balance covers it; one that is refused stops no other.

    The contacts' rows are locked, so that two at the same moment never send the same money.
    """
    sending = _Sending(connection, workspace_id, order)
    await sending.load(contact_ids)
    outcomes: list[tuple[Id, Refusal | None]] = []
    parcels: list[_Parcel] = []
    for contact_id in dict.fromkeys(contact_ids):
        parcel = sending.judge(contact_id)
        outcomes.append((contact_id, parcel if isinstance(parcel, Refusal) else None))
        if not isinstance(parcel, Refusal):
            parcels.append(parcel)
    appended = Appended()
    if parcels and not is_dry_run:
        appended = await _write(connection, workspace_id, parcels, order, by, now)
    return Sent(tuple(outcomes), appended)


async def parcels(
    connection: Connection,
    workspace_id: int,
    sending_id: Id,
    *,
    after: Id | None = None,
    ids: Sequence[Id] | None = None,
    limit: int,
) -> list[Parcel]:
    """What a sending has sent, in the order of ids: the next behind `after`, or these."""
    ledger, contacts, rewards = tables.reward_transactions, tables.contacts, tables.rewards
    statement = (
        select(
            ledger.c.id,
            ledger.c.contact_id,
            contacts.c.email,
            contacts.c.first_name,
            rewards.c.name,
            ledger.c.amount,
        )
        .join(
            contacts,
            (contacts.c.workspace_id == ledger.c.workspace_id)
            & (contacts.c.id == ledger.c.contact_id),
        )
        .join(
            rewards,
            (rewards.c.workspace_id == ledger.c.workspace_id)
            & (rewards.c.id == ledger.c.reward_id),
        )
        .where(ledger.c.workspace_id == workspace_id, ledger.c.sending_id == sending_id)
        .order_by(ledger.c.id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(ledger.c.id > after)
    if ids is not None:
        statement = statement.where(ledger.c.id.in_(ids))
    found = await connection.execute(statement)
    return [Parcel(*row[:-1], -row[-1]) for row in found]


@dataclass(frozen=True, slots=True)
class _Reward:
    id: Id
    name: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class _Parcel:
    place: Place
    reward: _Reward


class _Sending:
    """The contacts of a sending, locked, with what decides whether and what they are sent."""

    def __init__(self, connection: Connection, workspace_id: int, order: Order) -> None:
        self.connection, self.workspace_id, self.order = connection, workspace_id, order
        self._contacts: dict[Id, Any] = {}
        self._rewards: dict[Id, _Reward] = {}
        # Of each contact its earnings, the latest last: the entry, and the reward.
        self._earned: dict[Id, list[tuple[Place, Id]]] = defaultdict(list)
        self._has_endpoint = False

    async def load(self, contact_ids: Sequence[Id]) -> None:
        contacts, ledger, rewards = tables.contacts, tables.reward_transactions, tables.rewards
        found = await self.connection.execute(
            select(
                contacts.c.id,
                contacts.c.email,
                contacts.c.reward_balance,
                contacts.c.preferred_reward_id,
            )
            .where(
                contacts.c.workspace_id == self.workspace_id,
                contacts.c.id.in_(contact_ids),
                contacts.c.deleted_at.is_(None),
            )
            .order_by(contacts.c.id)
            .with_for_update(key_share=True)
        )
        self._contacts = {row.id: row for row in found}
        earned = await self.connection.execute(
            select(ledger.c.contact_id, ledger.c.entry_id, ledger.c.journey_id, ledger.c.reward_id)
            .where(
                ledger.c.workspace_id == self.workspace_id,
                ledger.c.contact_id.in_(sorted(self._contacts)),
                ledger.c.kind.in_(earnings.EARNINGS),
            )
            .order_by(ledger.c.contact_id, ledger.c.id)
        )
        for contact_id, entry_id, journey_id, reward_id in earned:
            self._earned[contact_id].append((Place(entry_id, journey_id, contact_id), reward_id))
        wanted = {self.order.reward_id}
        if self.order.reward_id is None:
            wanted = {row.preferred_reward_id for row in self._contacts.values()}
            wanted |= {lines[-1][1] for lines in self._earned.values()}
        known = await self.connection.execute(
            select(rewards.c.id, rewards.c.name, rewards.c.value).where(
                rewards.c.workspace_id == self.workspace_id,
                rewards.c.id.in_(sorted(one for one in wanted if one is not None)),
            )
        )
        self._rewards = {row[0]: _Reward(*row) for row in known}
        endpoints = tables.webhook_endpoints
        told = await self.connection.execute(
            select(endpoints.c.kinds).where(
                endpoints.c.workspace_id == self.workspace_id, endpoints.c.removed_at.is_(None)
            )
        )
        self._has_endpoint = any(ActivityKind.REWARD_SENT in row[0] for row in told)

    def judge(self, contact_id: Id) -> _Parcel | Refusal:
        contact = self._contacts.get(contact_id)
        if contact is None:
            return Refusal(ErrorCode.NOT_FOUND, "This workspace has no such contact.")
        earned = self._earned[contact_id]
        reward_id = self.order.reward_id or contact.preferred_reward_id
        if reward_id is None and earned:
            reward_id = earned[-1][1]
        reward = self._rewards.get(reward_id) if reward_id is not None else None
        balance: Decimal = contact.reward_balance
        if reward is None or not earned or balance <= 0 or balance < reward.value:
            return _insufficient(balance, reward)
        if not self._has_endpoint and not (self.order.sends_mail and contact.email):
            return Refusal(
                ErrorCode.INVALID,
                "Nobody would hear of it: this contact cannot be mailed, and no webhook endpoint "
                "takes REWARD_SENT. Give the contact an email, or create such an endpoint.",
            )
        places = [place for place, own in earned if own == reward.id]
        return _Parcel(places[-1] if places else earned[-1][0], reward)


def _insufficient(balance: Decimal, reward: _Reward | None) -> Refusal:
    plain = earnings.plain_amount(balance)
    if reward is None:
        return Refusal(
            ErrorCode.INSUFFICIENT_BALANCE,
            f"The contact has earned nothing (its balance is {plain}): it earns when it responds "
            "to a rewarded journey and is a customer.",
        )
    return Refusal(
        ErrorCode.INSUFFICIENT_BALANCE,
        f'The balance is {plain}, and the reward "{reward.name}" is worth '
        f"{earnings.plain_amount(reward.value)}: send it when the contact has earned it, "
        "or send another.",
    )


async def _write(
    connection: Connection,
    workspace_id: int,
    sent: Iterable[_Parcel],
    order: Order,
    by: str,
    now: Instant,
) -> Appended:
    parcels = sorted(sent, key=lambda one: one.place.contact_id)
    currency = await earnings.currency_of(connection, workspace_id)
    await connection.execute(
        tables.reward_transactions.insert(),
        [
            {
                "workspace_id": workspace_id,
                "contact_id": one.place.contact_id,
                "id": new_id(),
                "reward_id": one.reward.id,
                "kind": RewardTransactionKind.SENT,
                "amount": -one.reward.value,
                "journey_id": one.place.journey_id,
                "entry_id": one.place.id,
                "at": now,
                "sending_id": order.sending_id,
            }
            for one in parcels
        ],
    )
    amounts: Mapping[Id, Decimal] = {one.place.contact_id: -one.reward.value for one in parcels}
    await earnings.add_to_balances(connection, workspace_id, amounts)
    await labels.add(
        connection, workspace_id, [(labels.REWARD_SENT, one.place.contact_id) for one in parcels]
    )
    batch = Batch(now)
    for one in parcels:
        batch.fact(
            by,
            now,
            activity=ActivityKind.REWARD_SENT,
            entry=one.place,
            detail=earnings.detail_of(one.reward.name, one.reward.value, currency),
        )
    batch.sign_facts()
    behind = await append(connection, workspace_id, batch.facts, now)
    return Appended(behind, frozenset(one.place.journey_id for one in parcels))
