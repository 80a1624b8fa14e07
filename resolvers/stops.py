"""Stops: ending entries of a campaign by request."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from resolvers.context import Context
from store import Connection, idempotency, stops
from store.refusals import Refusal
from store.types import Id
from store.words import ErrorCode, Scope, StopOutcome

AT_MOST = 1_000
NOTE_AT_MOST = 2_000
_MUTATION = "stopCampaign"


@dataclass(frozen=True, slots=True)
class Stopped:
    """What became of each entry; refusals if nothing was tried. A dry run has stopped None."""

    outcomes: tuple[tuple[Id, StopOutcome], ...] = ()
    matched: int = 0
    stopped: int | None = None
    refusals: tuple[Refusal, ...] = ()


async def stop(
    context: Context,
    entry_ids: Sequence[Id],
    *,
    note: str | None = None,
    is_dry_run: bool = False,
    idempotency_key: str | None = None,
) -> Stopped:
    """Stop the entries of these ids, at most AT_MOST."""
    context.require(Scope.OPERATE)
    refusal = _refusal(entry_ids, note)
    if refusal is not None:
        return Stopped(refusals=(refusal,))
    now, workspace_id = context.now(), context.workspace_id
    said = idempotency.digest((list(entry_ids), note, is_dry_run))

    async def work(connection: Connection) -> tuple[Any, stops.Stopping | None]:
        if idempotency_key is not None:
            first = await idempotency.recall(
                connection, workspace_id, _MUTATION, idempotency_key, said, now
            )
            if first is not None:
                return first, None
        stopping = await stops.stop(
            connection,
            workspace_id,
            entry_ids,
            actor=context.viewer.token_name,
            note=note,
            now=now,
            is_dry_run=is_dry_run,
        )
        if idempotency_key is not None:
            kept = [[one.hex(), outcome] for one, outcome in stopping.outcomes]
            await idempotency.remember(
                connection, workspace_id, _MUTATION, idempotency_key, said, kept, now
            )
        return None, stopping

    first, stopping = await context.database.transact(work)
    if isinstance(first, Refusal):
        return Stopped(refusals=(first,))
    if stopping is None:
        outcomes = tuple((bytes.fromhex(one), StopOutcome(outcome)) for one, outcome in first)
        return _summed(outcomes, is_dry_run=is_dry_run)
    if stopping.behind is not None:
        context.hub.ring(workspace_id, stopping.journey_ids, stopping.behind.seq)
    return _summed(tuple(stopping.outcomes), is_dry_run=is_dry_run)


def _summed(outcomes: tuple[tuple[Id, StopOutcome], ...], *, is_dry_run: bool) -> Stopped:
    found = sum(outcome is not StopOutcome.NOT_FOUND for _, outcome in outcomes)
    stopped = sum(outcome is StopOutcome.STOPPED for _, outcome in outcomes)
    return Stopped(outcomes, found, None if is_dry_run else stopped)


def _refusal(entry_ids: Sequence[Id], note: str | None) -> Refusal | None:
    if not entry_ids:
        return Refusal(
            ErrorCode.EMPTY_SELECTION, "No entry is chosen: give at least one id.", ("entries",)
        )
    if len(entry_ids) > AT_MOST:
        return Refusal(
            ErrorCode.TOO_MANY,
            f"{len(entry_ids):,} ids are too many, and none was stopped: give at most {AT_MOST:,}.",
            ("entries", "ids"),
        )
    if note is not None and len(note) > NOTE_AT_MOST:
        return Refusal(
            ErrorCode.TOO_LONG,
            f"The note has {len(note):,} characters: at most {NOTE_AT_MOST:,}.",
            ("note",),
        )
    return None
