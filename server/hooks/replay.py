"""Replay: the job that reads dead letters again, once we know how."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from resolvers import reports
from resolvers.work import Work
from server.hooks import reading
from server.hooks.provider import Body
from server.hooks.providers import Providers
from store import Connection, connectors, dead_letters
from store.connectors import Connector
from store.dead_letters import Chosen, Kept
from store.ingest import misdirected
from store.ingest.outcomes import Arrival, Outcome, Recorded
from store.ingest.record import record
from store.jobs import Progress, RowRefusal, refuse_rows
from store.words import ErrorCode

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


@dataclass(frozen=True, slots=True)
class _Opened:
    """A letter with the events in it, and why others in it cannot be read."""

    kept: Kept
    arrivals: list[Arrival]
    unreadable: str | None = None


@dataclass(frozen=True, slots=True)
class _Fate:
    """Why not all of a letter is recorded, and whether it is kept for that."""

    reason: str | None
    stays: bool


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
        opened: list[_Opened] = []
        for one in letters:
            letter = self._open(one, known[one.connector_id])
            if arrivals and len(arrivals) + len(letter.arrivals) > _EVENTS_A_TRANSACTION:
                break
            arrivals += letter.arrivals
            opened.append(letter)
        outcomes: list[Outcome] = []
        if arrivals:
            self.recorded = await record(connection, work.workspace_id, arrivals, work.now())
            outcomes = self.recorded.outcomes
        fates = _fates(opened, outcomes)
        await dead_letters.remove(
            connection, work.workspace_id, [one.id for one, fate in fates if not fate.stays]
        )
        await dead_letters.explain(
            connection,
            work.workspace_id,
            [(one.id, fate.reason) for one, fate in fates if fate.stays and fate.reason],
        )
        failed = [
            RowRefusal(number, None, None, fate.reason, ErrorCode.INVALID)
            for number, (_, fate) in enumerate(fates, start=progress.done + 1)
            if fate.reason is not None
        ]
        await refuse_rows(connection, work.claim, failed)
        return Progress(
            opened[-1].kept.id.hex(),
            progress.done + len(opened),
            progress.total,
            progress.counts.plus(updated=len(opened) - len(failed), failed=len(failed)),
        )

    def _open(self, kept: Kept, connector: Connector) -> _Opened:
        if kept.letter.communication_id is not None:
            event = misdirected.read(kept.letter.body)
            return _Opened(kept, reports.arriving(connector, [event]))
        found = reading.read(self._providers[connector.provider], _body(kept), self._work.now())
        return _Opened(
            kept,
            reports.arrivals(connector, found.reports),
            found.letters[0].reason if found.letters else None,
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


def _fates(opened: Sequence[_Opened], outcomes: Sequence[Outcome]) -> list[tuple[Kept, _Fate]]:
    fates = []
    start = 0
    for one in opened:
        end = start + len(one.arrivals)
        fates.append((one.kept, _fate(one, outcomes[start:end])))
        start = end
    return fates


def _fate(one: _Opened, outcomes: Sequence[Outcome]) -> _Fate:
    if one.unreadable is not None:
        return _Fate(one.unreadable, stays=True)
    if any(reading.is_key_reused(outcome) for outcome in outcomes):
        return _Fate(reading.KEY_REUSED, stays=True)
    of_other_channels = reading.misdirected(outcomes)
    if of_other_channels:
        # Of a body, they are letters of their own by now.
        return _Fate(of_other_channels[0], stays=one.kept.letter.communication_id is not None)
    return _Fate(None, stays=False)
