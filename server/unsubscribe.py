"""Unsubscribing: the page that a message leads to. GET asks, POST acts.

Mail programs post by themselves where the message says `List-Unsubscribe-Post:
List-Unsubscribe=One-Click` beside this address in `List-Unsubscribe`
(https://www.rfc-editor.org/rfc/rfc8058); a mail scanner that follows the link changes nothing.
"""

from secrets import token_hex

import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from resolvers import events, tracked_links
from resolvers.tracked_links import TrackedLink
from server.services import Services
from store import links
from store.ingest.events import Delivery
from store.links import PIXEL, Link
from store.words import DeliveryKind
from subscriptions.signing import Tampered

logger = structlog.get_logger(__name__)

_NO_STORE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width">
<h1>{title}</h1>
{body}
</html>
"""
_ASK = _PAGE.format(
    title="Unsubscribe",
    body='<p>Do you want no more messages of this kind?</p>\n<form method="post">'
    "<button>Unsubscribe</button></form>",
)
_DONE = _PAGE.format(
    title="You are unsubscribed",
    body="<p>Messages that are on their way already may still reach you.</p>",
)
_UNKNOWN = _PAGE.format(
    title="This link leads nowhere",
    body="<p>It may have been cut short on its way. Open it from the message once more.</p>",
)
_LATER = _PAGE.format(
    title="This did not work",
    body="<p>Nothing was changed. Please try again in a minute.</p>",
)


class Unsubscribe:
    """`/u/{token}`: of the message that carries it, its contact and its channel."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def handle(self, request: Request) -> Response:
        link = self._read(request)
        found = None if link is None else await self._find(link)
        if link is None or found is None:
            return HTMLResponse(_UNKNOWN, 404, _NO_STORE)
        if request.method != "POST":
            return HTMLResponse(_ASK, 200, _NO_STORE)
        event = Delivery(
            # Each press counts: whoever subscribed again meanwhile can unsubscribe again.
            key=token_hex(16),
            occurred_at=self._services.now(),
            communication=found.communication,
            kind=DeliveryKind.UNSUBSCRIBED,
        )
        try:
            await events.record_first_party(
                self._services.recorder, link.workspace_id, event, source="unsubscribe"
            )
        except Exception as error:  # noqa: BLE001  Whatever failed: it was not done, and is to be said.
            logger.error("not_unsubscribed", workspace=link.workspace_id, error=repr(error))
            return HTMLResponse(_LATER, 503, {**_NO_STORE, "Retry-After": "60"})
        return HTMLResponse(_DONE, 200, _NO_STORE)

    def _read(self, request: Request) -> TrackedLink | None:
        token, purpose = request.path_params["token"], tracked_links.UNSUBSCRIBE
        try:
            return tracked_links.read(self._services.signer, token, purpose)
        except Tampered:
            return None

    async def _find(self, link: TrackedLink) -> Link | None:
        async with self._services.database.read() as connection:
            return await links.find(connection, link.workspace_id, link.communication_id, PIXEL)
