"""Audit: who changed many things at once, what, and how many."""

from collections.abc import Mapping
from typing import Any

from store.database import Connection
from store.tables import audit_log
from store.types import Instant, new_id


async def note(
    connection: Connection,
    workspace_id: int,
    action: str,
    *,
    by: str,
    affected: int,
    detail: Mapping[str, Any],
    now: Instant,
) -> None:
    """Keep what was done; `detail` holds nothing personal, since it outlives whom it is about."""
    await connection.execute(
        audit_log.insert(),
        {
            "workspace_id": workspace_id,
            "id": new_id(),
            "at": now,
            "by": by,
            "action": action,
            "detail": detail,
            "affected": affected,
        },
    )
