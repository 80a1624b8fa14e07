"""The truth: the log as the database has it, and what each subscriber should have had of it."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from sqlalchemy import select

from store import Database
from store.tables import log
from store.types import Id
from tests.live.crowd import Crowd
from tests.live.house import House
from tests.live.subscriber import seq_of


@dataclass(frozen=True, slots=True)
class Logged:
    """A row of the log, as far as it decides whom it concerns."""

    seq: int
    nonce: bytes
    activity: str | None
    delivery: str | None
    journey_id: Id | None
    channel: str | None


Concerns = Callable[[Logged], bool]


@dataclass(frozen=True, slots=True)
class Expected:
    """The ids that a subscriber is to be given, in order, each once."""

    ids: Sequence[str]

    @property
    def last_seq(self) -> int:
        return seq_of(self.ids[-1]) if self.ids else 0

    @property
    def digest(self) -> str:
        return blake2b("".join(self.ids).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of all deliveries; `wrong` says where the first of who had something else went
    wrong, for the reader of a failed test."""

    expected: int
    lost: int
    repeated: int
    gaps: int
    wrong: tuple[str, ...]

    @property
    def is_exact(self) -> bool:
        return not (self.lost or self.repeated or self.gaps or self.wrong)


async def rows_of(house: House, *, is_whole: bool = False) -> Sequence[Logged]:
    """The log of the workspace in its order, behind the house's start or from its first row."""
    database = Database(house.home.server.database_url)
    columns = (
        *(log.c.seq, log.c.nonce, log.c.activity, log.c.delivery),
        *(log.c.journey_id, log.c.channel),
    )
    try:
        async with database.read() as connection:
            statement = select(*columns).where(
                log.c.workspace_id == house.home.workspace_id,
                log.c.seq > (0 if is_whole else house.start_seq),
            )
            found = await connection.execute(statement.order_by(log.c.seq))
            return [Logged(*row) for row in found]
    finally:
        await database.dispose()


def deliveries(rows: Sequence[Logged], concerns: Concerns = lambda _: True) -> Expected:
    """As communicationEvents names them."""
    named = [row for row in rows if row.delivery is not None and concerns(row)]
    return Expected([f"evt_{row.seq}_{row.nonce.hex()}" for row in named])


def activities(rows: Sequence[Logged], concerns: Concerns = lambda _: True) -> Expected:
    """As entryActivities names them."""
    named = [row for row in rows if row.activity is not None and concerns(row)]
    return Expected([f"act_{row.seq}_{row.nonce.hex()}" for row in named])


async def judge(crowd: Crowd, expected: Sequence[Expected], *, quiet_s: float = 30) -> Verdict:
    """Wait until all have had all, or nothing comes any more, and compare one by one."""
    await crowd.until([one.last_seq for one in expected], quiet_s=quiet_s)
    accounts = await crowd.accounts()
    lost = repeated = 0
    wrong: list[str] = []
    digests = [one.digest for one in expected]
    for number, account in enumerate(accounts):
        ought = expected[account.watchers]
        lost += max(0, len(ought.ids) - account.count)
        repeated += max(0, account.count - len(ought.ids))
        if account.digest != digests[account.watchers]:
            where = _first_difference(ought, await crowd.marks(number)) if not wrong else ""
            wrong.append(
                f"Subscriber {number} of watchers {account.watchers} had {account.count} of "
                f"{len(ought.ids)}, up to {account.last_seq} of {ought.last_seq}. {where}".rstrip()
            )
    deliveries_expected = sum(len(expected[account.watchers].ids) for account in accounts)
    gaps = sum(len(account.gaps) for account in accounts)
    return Verdict(deliveries_expected, lost, repeated, gaps, tuple(wrong))


def _first_difference(ought: Expected, marks: Sequence[tuple[int, int]]) -> str:
    seqs = [seq_of(name) for name in ought.ids]
    before = (0, 0)
    for count, seq in marks:
        if bisect_right(seqs, seq) != count or seq <= before[1]:
            should = bisect_right(seqs, seq) - bisect_right(seqs, before[1])
            return (
                f"It had the {count - before[0]} behind {before[1]} up to {seq} in one message, "
                f"where there are {should}."
            )
        before = (count, seq)
    return "It was told too little, but nothing wrong."


def written_once(rows: Sequence[Logged], messages: int) -> bool:
    """Whether the log holds each event of the partner's messages once."""
    counted = Counter(row.delivery for row in rows if row.delivery is not None)
    steps = sum(row.activity == "STEP_ENTERED" for row in rows)
    kinds = ("QUEUED", "SENT", "DELIVERED", "OPENED")
    return counted == dict.fromkeys(kinds, messages) and steps == messages
