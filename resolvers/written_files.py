"""Written files: what jobs leave to be downloaded, as far as resolvers have to do with it."""

from collections.abc import Collection
from typing import Protocol

from store.types import Id


class WrittenFiles(Protocol):
    """Where jobs keep the files that they have written."""

    async def forget(self, workspace_id: int, job_ids: Collection[Id]) -> None:
        """Delete the files of these jobs now; those that are gone are gone."""
