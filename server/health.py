"""Health: whether the process lives, whether it can serve, and what it counts."""

import asyncio

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from server.metrics import CONTENT_TYPE
from server.services import Services
from store import workspaces
from store.migrate import is_current

logger = structlog.get_logger(__name__)

_PATIENCE_S = 5.0


class Health:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def live(self, _request: Request) -> Response:
        """200 as long as the loop turns."""
        return JSONResponse({"alive": True})

    async def ready(self, _request: Request) -> Response:
        """503 while the database does not answer, or stands at another version's tables."""
        database = migrations = False
        try:
            async with asyncio.timeout(_PATIENCE_S):
                database = await self._services.database.is_reachable()
                migrations = database and await is_current(self._services.database)
        except Exception as error:  # noqa: BLE001  Drivers raise what they like; "no" is the answer.
            logger.warning("not_ready", error=repr(error))
        is_ready = database and migrations
        checks = {"ready": is_ready, "database": database, "migrations": migrations}
        return JSONResponse(checks, 200 if is_ready else 503)

    async def metrics(self, _request: Request) -> Response:
        """Of this process; each worker counts for itself."""
        metrics = self._services.metrics
        metrics.doorbell.set(self._services.hub.is_listening)
        metrics.waiting_events.set(self._services.recorder.waiting)
        try:
            async with asyncio.timeout(_PATIENCE_S), self._services.database.read() as connection:
                for workspace_id, seq in await workspaces.log_heads(connection):
                    metrics.log_head.labels(workspace_id).set(seq)
        except Exception as error:  # noqa: BLE001  The other figures are wanted most when this fails.
            logger.warning("log_heads_not_read", error=repr(error))
        return Response(metrics.text(), media_type=CONTENT_TYPE)
