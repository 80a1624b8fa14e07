"""Stops: ending entries of a campaign by request."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from resolvers import auditing
from resolvers.context import Context
from resolvers.once import once
from store import Connection, filter_codec, jobs, stops
from store.filters import EntryFilter
from store.refusals import Refusal
from store.types import Id, Instant, new_id
from store.words import ErrorCode, JobKind, Scope, StopOutcome

AT_MOST = 1_000
"""So many ids may be given, and so many of a journey are stopped at once; more are a job."""

SAMPLE = 100
_MUTATION = "stopCampaign"
NOTE_AT_MOST = 2_000


@dataclass(frozen=True, slots=True)
class InJourney:
    """The open entries of a journey for which the filter holds.

    `said` is the filter as it was asked for, rolling periods and all: a repetition says the same.
    """

    journey_id: Id
    filter: EntryFilter
    said: str = ""


Selection = tuple[Id, ...] | InJourney


@dataclass(frozen=True, slots=True)
class Stopped:
    """What became of entries; refusals if nothing was tried.

    stopped: None for a dry run, and as long as a job is at it. `stop_id` undoes it.
    """

    outcomes: tuple[tuple[Id, StopOutcome], ...] = ()
    matched: int = 0
    stopped: int | None = None
    stop_id: Id | None = None
    undoable_until: Instant | None = None
    job_id: Id | None = None
    refusals: tuple[Refusal, ...] = ()


async def stop(
    context: Context,
    selection: Selection,
    *,
    note: str | None = None,
    is_dry_run: bool = False,
    idempotency_key: str | None = None,
) -> Stopped:
    """Stop the entries of these ids, at most AT_MOST, or of a journey, however many."""
    context.require(Scope.OPERATE)
    refusal = _refusal(selection, note)
    if refusal is not None:
        return Stopped(refusals=(refusal,))
    asked = selection.said if isinstance(selection, InJourney) else list(selection)
    stopping = _Stop(context, selection, note, is_dry_run=is_dry_run)
    if isinstance(selection, InJourney):
        await stopping.choose(selection)
    said = (asked, note, is_dry_run)
    done = await once(context, _MUTATION, idempotency_key, said, stopping.run)
    if isinstance(done, Refusal):
        return Stopped(refusals=(done,))
    stopping.announce()
    return _read(done)


class _Stop:
    """One stop, in a transaction that may be tried again."""

    def __init__(
        self, context: Context, selection: Selection, note: str | None, *, is_dry_run: bool
    ) -> None:
        self._context, self._selection, self._note = context, selection, note
        self._is_dry_run = is_dry_run
        self._now = context.now()
        self._ids: Sequence[Id] = () if isinstance(selection, InJourney) else selection
        self._matched = 0
        self._done: stops.Stopping | None = None
        self._has_job = False

    async def choose(self, selection: InJourney) -> None:
        """Find whom a filter means, or that they are too many to be stopped at once."""
        workspace_id, chosen = self._context.workspace_id, (selection.filter, selection.journey_id)
        async with self._context.database.read() as connection:
            self._ids = await stops.first_open(connection, workspace_id, *chosen, limit=AT_MOST + 1)
            self._matched = len(self._ids)
            if self._matched > AT_MOST:
                self._matched = await stops.count_open(connection, workspace_id, *chosen)

    async def run(self, connection: Connection) -> dict[str, Any] | Refusal:
        selection = self._selection
        self._done, self._has_job = None, False
        if not isinstance(selection, InJourney):
            outcomes, stopped = await self._stop(connection)
            found = [outcome for _, outcome in outcomes if outcome is not StopOutcome.NOT_FOUND]
            self._matched = len(found)
            return self._result(outcomes, stopped)
        refusal = await _journey_refusal(connection, self._context, selection.journey_id)
        if refusal is not None:
            return refusal
        if len(self._ids) <= AT_MOST:
            outcomes, stopped = await self._stop(connection)
            return self._result(outcomes[:SAMPLE], stopped)
        sample = [(one, StopOutcome.WOULD_STOP) for one in self._ids[:SAMPLE]]
        if self._is_dry_run:
            return self._result(sample)
        stop_id, job_id = await self._hand_in(connection, selection)
        return self._result(sample, stop_id=stop_id, job_id=job_id)

    async def _stop(
        self, connection: Connection
    ) -> tuple[list[tuple[Id, StopOutcome]], int | None]:
        done = self._done = await stops.stop(
            connection,
            self._context.workspace_id,
            self._ids,
            actor=self._context.viewer.token_name,
            note=self._note,
            now=self._now,
            is_dry_run=self._is_dry_run,
        )
        stopped = sum(outcome is StopOutcome.STOPPED for _, outcome in done.outcomes)
        if stopped:
            await auditing.note(
                connection, self._context, _MUTATION, affected=stopped, stop=done.stop_id
            )
        return done.outcomes, None if self._is_dry_run else stopped

    async def _hand_in(self, connection: Connection, selection: InJourney) -> tuple[Id, Id]:
        by, stop_id, workspace_id = (
            self._context.viewer.token_name,
            new_id(),
            self._context.workspace_id,
        )
        job_id = await jobs.enqueue(
            connection,
            workspace_id,
            JobKind.BULK_STOP,
            {
                "stop": stop_id.hex(),
                "journey": selection.journey_id.hex(),
                "filter": filter_codec.encode(selection.filter),
                "note": self._note,
            },
            by=by,
            now=self._now,
            total=self._matched,
        )
        await stops.begin(
            connection,
            workspace_id,
            stop_id,
            actor=by,
            note=self._note,
            now=self._now,
            job_id=job_id,
        )
        await auditing.note(
            connection,
            self._context,
            _MUTATION,
            affected=self._matched,
            journey=selection.journey_id,
            stop=stop_id,
            job=job_id,
        )
        self._has_job = True
        return stop_id, job_id

    def _result(
        self,
        outcomes: Sequence[tuple[Id, StopOutcome]],
        stopped: int | None = None,
        *,
        stop_id: Id | None = None,
        job_id: Id | None = None,
    ) -> dict[str, Any]:
        if self._done is not None:
            stop_id = self._done.stop_id
        until = None if stop_id is None else self._now + stops.UNDOABLE_FOR
        return {
            "outcomes": [[one.hex(), outcome] for one, outcome in outcomes],
            "matched": self._matched,
            "stopped": stopped,
            "stop": _hex(stop_id),
            "until": until,
            "job": _hex(job_id),
        }

    def announce(self) -> None:
        """Tell subscribers and the worker, behind the commit."""
        if self._done is not None and self._done.behind is not None:
            self._context.hub.ring(
                self._context.workspace_id, self._done.journey_ids, self._done.behind.seq
            )
        if self._has_job:
            self._context.wake_worker()


async def _journey_refusal(
    connection: Connection, context: Context, journey_id: Id
) -> Refusal | None:
    where = ("entries", "inJourney", "journeyId")
    found = await stops.journey_status(connection, context.workspace_id, journey_id)
    if found is None:
        return Refusal(ErrorCode.NOT_FOUND, "This workspace has no such journey.", where)
    name, status = found
    if status in stops.STOPPABLE:
        return None
    return Refusal(
        ErrorCode.FINISHED,
        f'The journey "{name}" is {status}: entries are stopped in one that is ACTIVE or PAUSED.',
        where,
    )


def _refusal(selection: Selection, note: str | None) -> Refusal | None:
    if not isinstance(selection, InJourney):
        if not selection:
            return Refusal(
                ErrorCode.EMPTY_SELECTION, "No entry is chosen: give at least one id.", ("entries",)
            )
        if len(selection) > AT_MOST:
            return Refusal(
                ErrorCode.TOO_MANY,
                f"{len(selection):,} ids are too many, and none was stopped: "
                f"give at most {AT_MOST:,}.",
                ("entries", "ids"),
            )
    if note is not None and len(note) > NOTE_AT_MOST:
        return Refusal(
            ErrorCode.TOO_LONG,
            f"The note has {len(note):,} characters: at most {NOTE_AT_MOST:,}.",
            ("note",),
        )
    return None


def _read(kept: dict[str, Any]) -> Stopped:
    return Stopped(
        tuple((bytes.fromhex(one), StopOutcome(outcome)) for one, outcome in kept["outcomes"]),
        kept["matched"],
        kept["stopped"],
        _id(kept["stop"]),
        kept["until"],
        _id(kept["job"]),
    )


def _hex(id: Id | None) -> str | None:
    return None if id is None else id.hex()


def _id(text: str | None) -> Id | None:
    return None if text is None else bytes.fromhex(text)
