"""Bulk restores: the jobs that undo, each what its input names."""

from resolvers import bulk_stops, contact_restoring
from resolvers.work import Work


async def run(work: Work) -> None:
    """Undo a deletion of contacts, or a stop of entries."""
    if "deletion" in work.claim.input:
        await contact_restoring.run(work)
    else:
        await bulk_stops.restore(work)
