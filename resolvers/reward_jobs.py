"""Reward jobs: sending rewards to many, and telling by mail those to whom they were sent."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from resolvers import bulk_contacts, contact_selections
from resolvers.mail import Mail, MailDelayed, MailRefused, Message
from resolvers.work import Work
from store import Connection, contact_walks, earnings, jobs, reward_sending
from store.jobs import Progress, RowRefusal
from store.reward_sending import Order, Parcel, Sent
from store.types import DAY, MINUTE, Id, Instant
from store.words import ErrorCode

MAILS_AT_ONCE = 8
_LATE_AT_MOST = 1_000
_AGAIN_IN = 2 * MINUTE
_TRIED_FOR = DAY
# Without the server's own words, which tend to repeat the address.
_NOT_MAILED = (
    "The reward was sent, but the mail server did not take the mail that says so: look at the "
    "contact's email."
)


@dataclass(frozen=True, slots=True)
class _Place:
    """How far a job is: behind whom it sends on (None: all are sent), and the mails behind that.

    `late`: parcels whose mails were not taken yet.
    """

    is_sent: bool
    behind: contact_walks.Place | None = None
    after: Id | None = None
    late: tuple[Id, ...] = ()

    @classmethod
    def of(cls, kept: Any) -> "_Place":
        behind, after = kept["behind"], kept["after"]
        return cls(
            kept["isSent"],
            None if behind is None else (behind[0], bytes.fromhex(behind[1])),
            None if after is None else bytes.fromhex(after),
            tuple(map(bytes.fromhex, kept["late"])),
        )

    def kept(self) -> dict[str, Any]:
        return {
            "isSent": self.is_sent,
            "behind": None if self.behind is None else [self.behind[0], self.behind[1].hex()],
            "after": None if self.after is None else self.after.hex(),
            "late": [one.hex() for one in self.late],
        }


class RewardSending:
    """The job: what is to be sent, and then the mails, each at least once."""

    def __init__(self, mail: Mail | None) -> None:
        self._mail = mail

    async def run(self, work: Work) -> Instant | None:
        progress = await work.progress()
        place = _Place.of(progress.checkpoint) if progress.checkpoint else _start(work)
        while not place.is_sent:
            place = await _send_some(work, place, sends_mail=self._mail is not None)
        if self._mail is None:
            return None
        return await _Mailing(work, self._mail).run(place)


def _start(work: Work) -> _Place:
    return _Place(is_sent=work.claim.input["contacts"] is None)


async def _send_some(work: Work, place: _Place, *, sends_mail: bool) -> _Place:
    """The next contacts, in one transaction."""
    asked = work.claim.input
    chosen = contact_selections.decode(asked["contacts"])
    reward = None if asked["reward"] is None else bytes.fromhex(asked["reward"])
    order = Order(bytes.fromhex(asked["sending"]), reward, sends_mail)
    sent, then = Sent(), place

    async def step(connection: Connection, progress: Progress) -> Progress:
        nonlocal sent, then
        ids, behind = await contact_walks.chunk(
            connection,
            work.workspace_id,
            chosen,
            behind=place.behind,
            until=work.claim.id,
            limit=bulk_contacts.CONTACTS_A_TRANSACTION,
        )
        sent = await reward_sending.send(
            connection,
            work.workspace_id,
            ids,
            order,
            by=work.claim.created_by,
            now=work.now(),
        )
        refused = [(index, one) for index, (_, one) in enumerate(sent.outcomes) if one]
        await jobs.refuse_rows(
            connection,
            work.claim,
            [
                _row(progress.done + index + 1, ids[index], one.message, one.code)
                for index, one in refused
            ],
        )
        then = _Place(is_sent=behind is None, behind=behind)
        return Progress(
            then.kept(),
            progress.done + len(ids),
            progress.total,
            progress.counts.plus(updated=len(ids) - len(refused), failed=len(refused)),
        )

    await work.step(step)
    work.ring(sent.appended.behind, sent.appended.journey_ids)
    return then


class _Mailing:
    """The mails of a sending: those that are not taken now are tried again for a day."""

    def __init__(self, work: Work, mail: Mail) -> None:
        self._work, self._mail = work, mail
        self._sending_id = bytes.fromhex(work.claim.input["sending"])

    async def run(self, place: _Place) -> Instant | None:
        """Returns when to go on; None at the end."""
        async with self._work.database.read() as connection:
            self._currency = await earnings.currency_of(connection, self._work.workspace_id)
        while place.late:
            again, later = place.late[:MAILS_AT_ONCE], place.late[MAILS_AT_ONCE:]
            delayed, refused = await self._mail_all(await self._parcels(ids=again))
            if self._work.now() >= self._work.claim.created_at + _TRIED_FOR:
                refused, delayed = [*refused, *delayed], []
            left = tuple(one.id for one in delayed)
            place = _Place(True, None, place.after, (*later, *left))
            await self._save(place, refused)
            if left:
                return self._work.now() + _AGAIN_IN
        while parcels := await self._parcels(after=place.after):
            delayed, refused = await self._mail_all(parcels)
            left = tuple(one.id for one in delayed)
            place = _Place(True, None, parcels[-1].id, (*place.late, *left))
            await self._save(place, refused)
            if len(delayed) == len(parcels) or len(place.late) >= _LATE_AT_MOST:
                # The server is away: it is not asked once for each mail.
                break
        return self._work.now() + _AGAIN_IN if place.late else None

    async def _parcels(
        self, *, after: Id | None = None, ids: Sequence[Id] | None = None
    ) -> list[Parcel]:
        async with self._work.database.read() as connection:
            return await reward_sending.parcels(
                connection,
                self._work.workspace_id,
                self._sending_id,
                after=after,
                ids=ids,
                limit=MAILS_AT_ONCE,
            )

    async def _mail_all(self, parcels: Sequence[Parcel]) -> tuple[list[Parcel], list[Parcel]]:
        """Returns those whose mails may be taken later, and those whose mails never will be."""
        outcomes = await asyncio.gather(*map(self._mail_one, parcels))
        both = list(zip(parcels, outcomes, strict=True))
        return (
            [one for one, outcome in both if isinstance(outcome, MailDelayed)],
            [one for one, outcome in both if isinstance(outcome, MailRefused)],
        )

    async def _mail_one(self, parcel: Parcel) -> MailRefused | MailDelayed | None:
        if parcel.email is None:
            return None
        value = f"{earnings.plain_amount(parcel.value)} {self._currency}"
        hello = f"Hello {parcel.first_name}," if parcel.first_name else "Hello,"
        message = Message(
            parcel.email,
            f"Your reward: {parcel.reward}",
            f"{hello}\n\nthank you! This is yours: {parcel.reward}, worth {value}.\n",
            id=parcel.id.hex(),
        )
        try:
            await self._mail.send(message)
        except (MailRefused, MailDelayed) as error:
            return error
        return None

    async def _save(self, place: _Place, refused: Sequence[Parcel]) -> None:
        """What was mailed has happened, whether or not the process is ending."""
        work = self._work

        async def save(connection: Connection, progress: Progress) -> Progress:
            first = max(await jobs.last_refused_row(connection, work.claim), progress.done) + 1
            await jobs.refuse_rows(
                connection,
                work.claim,
                [
                    _row(first + index, one.contact_id, _NOT_MAILED, ErrorCode.INVALID)
                    for index, one in enumerate(refused)
                ],
            )
            counts = progress.counts.plus(skipped=len(refused))
            return Progress(place.kept(), progress.done, progress.total, counts)

        await work.write_down(save)
        # An end of the process is heard here, where nothing is half done.
        await work.progress()


def _row(number: int, contact_id: Id, message: str, code: ErrorCode) -> RowRefusal:
    return RowRefusal(number, "id", f"ctc_{contact_id.hex()}", message, code)
