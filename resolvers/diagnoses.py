"""Diagnoses: why entries are where they are."""

from collections.abc import Sequence

from resolvers.context import Context
from store import diagnoses, rows
from store.types import Id
from store.want import Want
from store.words import Scope


async def get_many(
    context: Context, entry_ids: Sequence[Id], step: Want
) -> dict[Id, rows.EntryDiagnosis]:
    """The diagnosis of each entry as of now, with the wanted columns of its current step."""
    context.require(Scope.READ)
    async with context.database.read() as connection:
        return await diagnoses.read(
            connection, context.workspace_id, entry_ids, step, context.now()
        )
