"""Tracked links: a click is recorded and led on, an open is recorded and shown nothing."""

import asyncio
from secrets import token_hex
from urllib.parse import urlsplit

import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from resolvers import events, tracked_links
from resolvers.tracked_links import TrackedLink
from server import robots
from server.services import Services
from store import links
from store.ingest.events import Delivery
from store.links import Link
from store.words import DeliveryKind
from subscriptions.signing import Tampered

logger = structlog.get_logger(__name__)

GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff"
    b"!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
"""One transparent pixel."""

_NO_STORE = {"Cache-Control": "no-store"}
_PATIENCE_S = 2.0
"""Then the contact is led on, and the recording finishes behind."""

_UNKNOWN = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Link not found</title>
<meta name="viewport" content="width=device-width">
<h1>This link leads nowhere</h1>
<p>It may have been cut short on its way. Try to open it from the message once more.</p>
</html>
"""


class TrackedLinks:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def click(self, request: Request) -> Response:
        """To the stored target, whatever the request says; HEAD is a look that a robot took."""
        link = self._read(request)
        found = await self._find(link) if link else None
        if link is None or found is None or not _is_web(found.target_url):
            return HTMLResponse(_UNKNOWN, 404, _NO_STORE)
        await self._record(link, found, DeliveryKind.CLICKED, robots.signals(request))
        return RedirectResponse(found.target_url or "", 302, _NO_STORE)

    async def open(self, request: Request) -> Response:
        """The pixel; any token of the message stands for it."""
        link = self._read(request)
        found = await self._find(link) if link else None
        if link is None or found is None:
            return HTMLResponse(_UNKNOWN, 404, _NO_STORE)
        signals = robots.signals(request, is_image=True)
        await self._record(link, found, DeliveryKind.OPENED, signals)
        return Response(GIF, media_type="image/gif", headers=_NO_STORE)

    def _read(self, request: Request) -> TrackedLink | None:
        try:
            return tracked_links.read(self._services.signer, request.path_params["token"])
        except Tampered:
            return None

    async def _find(self, link: TrackedLink) -> Link | None:
        async with self._services.database.read() as connection:
            return await links.find(
                connection, link.workspace_id, link.communication_id, link.position
            )

    async def _record(
        self, link: TrackedLink, found: Link, kind: DeliveryKind, signals: tuple[str, ...]
    ) -> None:
        is_click = kind is DeliveryKind.CLICKED
        event = Delivery(
            key=token_hex(16),
            occurred_at=self._services.now(),
            communication=found.communication,
            kind=kind,
            url=found.target_url if is_click else None,
            is_suspected_bot=bool(signals),
            bot_signals=signals,
            link=link.position if is_click else None,
        )
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await events.record_first_party(
                    self._services.recorder,
                    link.workspace_id,
                    event,
                    source="link" if is_click else "pixel",
                )
        except Exception as error:  # noqa: BLE001  The contact is led on, whatever failed here.
            logger.error(
                "link_not_recorded",
                workspace=link.workspace_id,
                communication=found.communication,
                kind=kind,
                error=repr(error),
            )


def _is_web(target: str | None) -> bool:
    return target is not None and urlsplit(target).scheme in ("http", "https")
