"""Reward sending: giving chosen contacts what they earned, and telling them by mail."""

from dataclasses import dataclass
from typing import Any

from resolvers import auditing, bulk_contacts, contact_selections
from resolvers.contact_selections import Chosen, Found
from resolvers.context import Context
from resolvers.once import once
from store import Connection, jobs, reward_sending
from store.contact_statuses import Appended
from store.refusals import Refusal
from store.reward_sending import Order
from store.types import Id, new_id
from store.words import ErrorCode, JobKind, Scope


@dataclass(frozen=True, slots=True)
class Rewarded:
    """What became of each contact, in the order given; empty while a job is at it."""

    outcomes: tuple[tuple[Id, Refusal | None], ...] = ()
    job_id: Id | None = None
    refusals: tuple[Refusal, ...] = ()


async def send(
    context: Context,
    chosen: Chosen,
    reward_id: Id | None,
    *,
    is_dry_run: bool = False,
    idempotency_key: str | None = None,
) -> Rewarded:
    """At once for as many as a transaction takes, else as a job, which also sends the mails."""
    context.require(Scope.OPERATE)
    refusal = contact_selections.refusal(chosen)
    if refusal is not None:
        return Rewarded(refusals=(refusal,))
    found = await contact_selections.find(context, chosen)
    sending = _Call(context, chosen, found, reward_id, is_dry_run=is_dry_run)
    said = (chosen.said, reward_id, is_dry_run)
    done = await once(context, "sendRewards", idempotency_key, said, sending.run)
    if isinstance(done, Refusal):
        return Rewarded(refusals=(done,))
    sending.announce()
    job = done["job"]
    return Rewarded(
        tuple((bytes.fromhex(one), _read(refused)) for one, refused in done["outcomes"]),
        None if job is None else bytes.fromhex(job),
    )


class _Call:
    """One call, in a transaction that may be tried again."""

    def __init__(
        self,
        context: Context,
        chosen: Chosen,
        found: Found,
        reward_id: Id | None,
        *,
        is_dry_run: bool,
    ) -> None:
        self._context, self._chosen, self._found = context, chosen, found
        self._reward_id, self._is_dry_run = reward_id, is_dry_run
        self._appended = Appended()

    async def run(self, connection: Connection) -> Any:
        context = self._context
        self._appended = Appended()
        if self._reward_id is not None:
            known = await reward_sending.reward_name(
                connection, context.workspace_id, self._reward_id
            )
            if known is None:
                return Refusal(
                    ErrorCode.NOT_FOUND, "This workspace has no such reward.", ("rewardId",)
                )
        if self._found.is_large and not self._is_dry_run:
            job_id = await self._enqueue(
                connection, new_id(), self._found.matched, self._found.matched
            )
            return {"outcomes": [], "job": job_id.hex()}
        order = Order(new_id(), self._reward_id, context.mail is not None)
        # Of ids each has a result, also those that there are not.
        ids = self._chosen.ids if self._chosen.ids is not None else self._found.ids
        sent = await reward_sending.send(
            connection,
            context.workspace_id,
            ids[: contact_selections.AT_MOST],
            order,
            by=context.viewer.token_name,
            now=context.now(),
            is_dry_run=self._is_dry_run,
        )
        self._appended = sent.appended
        mails = None
        if sent.appended.behind is not None:
            mails = await self._enqueue(
                connection,
                order.sending_id,
                None,
                sum(refused is None for _, refused in sent.outcomes),
            )
        return {
            "outcomes": [(one.hex(), _kept(refused)) for one, refused in sent.outcomes],
            "job": None if mails is None else mails.hex(),
        }

    async def _enqueue(
        self, connection: Connection, sending_id: Id, total: int | None, affected: int
    ) -> Id:
        """The job: all of it, or, without a total, the mails alone."""
        context, by, now = self._context, self._context.viewer.token_name, self._context.now()
        reward = None if self._reward_id is None else self._reward_id.hex()
        job_id = await jobs.enqueue(
            connection,
            context.workspace_id,
            JobKind.SEND_REWARDS,
            {
                "contacts": None if total is None else contact_selections.encode(self._chosen),
                "reward": reward,
                "sending": sending_id.hex(),
            },
            by=by,
            now=now,
            total=total,
        )
        await auditing.note(
            connection, context, "sendRewards", affected=affected, reward=reward, job=job_id
        )
        return job_id

    def announce(self) -> None:
        """Tell subscribers and the worker, behind the commit."""
        bulk_contacts.ring(self._context, self._appended)
        self._context.wake_worker()


def _kept(refused: Refusal | None) -> list[str] | None:
    return None if refused is None else [refused.code, refused.message]


def _read(kept: list[str] | None) -> Refusal | None:
    return None if kept is None else Refusal(ErrorCode(kept[0]), kept[1])
