"""Bulk work on contacts: going through those that were chosen, a transaction at a time."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from resolvers import contact_selections
from resolvers.context import Context
from resolvers.work import Work
from store import Connection, contact_walks
from store.contact_statuses import Appended
from store.jobs import Progress
from store.types import Id

CONTACTS_A_TRANSACTION = 300
"""Each is three rows or so: the contact, what is kept of the change, its place in the log."""

_END = "end"
"""The checkpoint behind the last contact."""


@dataclass(frozen=True, slots=True)
class Part:
    """What became of some contacts."""

    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    appended: Appended = Appended()  # noqa: RUF009


Act = Callable[[Connection, list[Id]], Awaitable[Part]]
"""Does the work to these contacts, who may have changed since they were chosen."""


async def walk(work: Work, act: Act, at_once: int = CONTACTS_A_TRANSACTION) -> None:
    """Act on the contacts that the job's input chooses, those made before the job was."""
    chosen = contact_selections.decode(work.claim.input["contacts"])
    part = Part()

    async def step(connection: Connection, progress: Progress) -> Progress:
        nonlocal part
        part = Part()
        if progress.checkpoint == _END:
            return progress
        ids, behind = await contact_walks.chunk(
            connection,
            work.workspace_id,
            chosen,
            behind=_place(progress.checkpoint),
            until=work.claim.id,
            limit=at_once,
        )
        if ids:
            part = await act(connection, ids)
        return Progress(
            _END if behind is None else [behind[0], behind[1].hex()],
            progress.done + len(ids),
            progress.total,
            progress.counts.plus(
                updated=part.updated, unchanged=part.unchanged, skipped=part.skipped
            ),
        )

    while True:
        progress = await work.step(step)
        work.ring(part.appended.behind, part.appended.journey_ids)
        if progress.checkpoint == _END:
            return


def ring(context: Context, appended: Appended) -> None:
    """Tell subscribers of what was appended to the log, behind the commit."""
    if appended.behind is not None:
        context.hub.ring(context.workspace_id, appended.journey_ids, appended.behind.seq)


def _place(checkpoint: Any) -> contact_walks.Place | None:
    return None if checkpoint is None else (checkpoint[0], bytes.fromhex(checkpoint[1]))
