"""Bulk stops: the jobs that stop many entries, and restore them."""

from typing import Any

from resolvers.work import Work
from store import Connection, filter_codec, stops, undo
from store.filters import EntryFilter
from store.jobs import Progress
from store.types import Id, Instant
from store.words import StopOutcome

_END = "end"
"""The checkpoint behind the last row."""


async def stop(work: Work) -> None:
    """Stop the open entries of a journey for which a filter holds."""
    asked = work.claim.input
    stop_id, journey_id = bytes.fromhex(asked["stop"]), bytes.fromhex(asked["journey"])
    chosen = filter_codec.decode(EntryFilter, asked["filter"])
    chunk: stops.Chunk | None = None

    async def step(connection: Connection, progress: Progress) -> Progress:
        nonlocal chunk
        chunk = None
        if progress.checkpoint == _END:
            return progress
        chunk = await stops.stop_chunk(
            connection,
            work.workspace_id,
            stop_id,
            chosen,
            journey_id,
            behind=_position(progress.checkpoint),
            until=stop_id,
            actor=work.claim.created_by,
            note=asked["note"],
            now=work.now(),
        )
        outcomes = [outcome for _, outcome in chunk.stopping.outcomes]
        stopped = outcomes.count(StopOutcome.STOPPED)
        return Progress(
            _END if chunk.behind is None else [chunk.behind[0], chunk.behind[1].hex()],
            progress.done + len(outcomes),
            progress.total,
            progress.counts.plus(updated=stopped, skipped=len(outcomes) - stopped),
        )

    while True:
        progress = await work.step(step)
        if chunk is not None:
            work.ring(chunk.stopping.behind, chunk.stopping.journey_ids)
        if progress.checkpoint == _END:
            return


async def restore(work: Work) -> None:
    """Undo a stop of many entries."""
    await resume(work, bytes.fromhex(work.claim.input["stop"]), is_counted=True)


async def resume(work: Work, stop_id: Id, *, is_counted: bool) -> None:
    """Restore the entries of a stop; a checkpoint that is no text says that none is restored yet.

    Without `is_counted` it is the end of a job whose rows are something else.
    """
    undoing: undo.Undoing | None = None

    async def step(connection: Connection, progress: Progress) -> Progress:
        nonlocal undoing
        undoing = None
        after = progress.checkpoint
        if after == _END:
            return progress
        undoing = await undo.undo_chunk(
            connection,
            work.workspace_id,
            stop_id,
            after=bytes.fromhex(after) if isinstance(after, str) else None,
            actor=work.claim.created_by,
            now=work.now(),
        )
        restored = undoing.restored if is_counted else 0
        return Progress(
            _END if undoing.last is None else undoing.last.hex(),
            progress.done + restored,
            progress.total,
            progress.counts.plus(updated=restored),
        )

    while True:
        progress = await work.step(step)
        if undoing is not None:
            work.ring(undoing.behind, undoing.journey_ids)
        if progress.checkpoint == _END:
            return


def _position(checkpoint: Any) -> tuple[Instant, Id] | None:
    return None if checkpoint is None else (checkpoint[0], bytes.fromhex(checkpoint[1]))
