"""Replay: the job that reads dead letters again, once we know how."""

from typing import Any

from resolvers import reports
from resolvers.work import Work
from server.hooks import reading
from server.hooks.provider import Body
from server.hooks.providers import Providers
from server.hooks.reading import Read
from store import Connection, connectors, dead_letters
from store.dead_letters import Chosen, Kept
from store.ingest.outcomes import Arrival, Outcome, Recorded
from store.ingest.record import record
from store.jobs import Progress, RowRefusal, refuse_rows
from store.words import ErrorCode, EventOutcome

_LETTERS_A_TRANSACTION = 50
_EVENTS_A_TRANSACTION = 1_000


class Replay:
    def __init__(self, providers: Providers) -> None:
        self._providers = providers

    async def run(self, work: Work) -> None:
        """What can be read now is recorded and gone; what cannot stays, with today's reason."""
        step = _Step(work, self._providers)
        while not step.is_over:
            await work.step(step.run)
            recorded = step.recorded
            if recorded is not None and recorded.seq is not None:
                work.hub.ring(work.workspace_id, recorded.journey_ids, recorded.seq)


class _Step:
    """One transaction after the other; each may be tried again."""

    def __init__(self, work: Work, providers: Providers) -> None:
        self._work, self._providers = work, providers
        self._chosen = chosen_of(work.claim.input, until=work.claim.id)
        self.is_over = False
        self.recorded: Recorded | None = None

    async def run(self, connection: Connection, progress: Progress) -> Progress:
        self.recorded = None
        work = self._work
        letters = await dead_letters.chunk(
            connection,
            work.workspace_id,
            self._chosen,
            behind=None if progress.checkpoint is None else bytes.fromhex(progress.checkpoint),
            limit=_LETTERS_A_TRANSACTION,
        )
        self.is_over = not letters
        if not letters:
            return progress
        known = await connectors.find_many(
            connection, work.workspace_id, [one.connector_id for one in letters]
        )
        arrivals: list[Arrival] = []
        read, taken = [], []
        for one in letters:
            connector = known[one.connector_id]
            found = reading.read(self._providers[connector.provider], _body(one), work.now())
            if arrivals and len(arrivals) + len(found.reports) > _EVENTS_A_TRANSACTION:
                break
            arrivals += reports.arrivals(connector, found.reports)
            read.append(found)
            taken.append(one)
        outcomes: list[Outcome] = []
        if arrivals:
            self.recorded = await record(connection, work.workspace_id, arrivals, work.now())
            outcomes = self.recorded.outcomes
        reasons = _reasons(read, outcomes)
        await dead_letters.remove(
            connection,
            work.workspace_id,
            [one.id for one, reason in zip(taken, reasons, strict=True) if reason is None],
        )
        failed = [
            (number, one, reason)
            for number, (one, reason) in enumerate(
                zip(taken, reasons, strict=True), start=progress.done + 1
            )
            if reason is not None
        ]
        await dead_letters.explain(
            connection, work.workspace_id, [(one.id, reason) for _, one, reason in failed]
        )
        await refuse_rows(
            connection,
            work.claim,
            [RowRefusal(n, None, None, reason, ErrorCode.INVALID) for n, _, reason in failed],
        )
        return Progress(
            taken[-1].id.hex(),
            progress.done + len(taken),
            progress.total,
            progress.counts.plus(updated=len(taken) - len(failed), failed=len(failed)),
        )


def chosen_of(asked: Any, *, until: bytes) -> Chosen:
    """Which letters a job's input means: those which came before the job did."""
    ids, connector_id = asked["ids"], asked["connector"]
    return Chosen(
        until,
        None if ids is None else tuple(map(bytes.fromhex, ids)),
        None if connector_id is None else bytes.fromhex(connector_id),
    )


def _body(one: Kept) -> Body:
    letter = one.letter
    return Body(letter.body, letter.query, letter.delivery_id, one.received_at)


def _reasons(read: list[Read], outcomes: list[Outcome]) -> list[str | None]:
    """Of each letter why it stays; None when all of it is recorded."""
    reasons: list[str | None] = []
    start = 0
    for found in read:
        end = start + len(found.reports)
        is_rejected = any(one.kind is EventOutcome.REJECTED for one in outcomes[start:end])
        start = end
        if found.letters:
            reasons.append(found.letters[0].reason)
        elif is_rejected:
            reasons.append("It differs from another event with the provider's same event id.")
        else:
            reasons.append(None)
    return reasons
