"""Referral links: who follows one is led to the journey's landing page, which learns the code."""

from urllib.parse import quote, urlsplit, urlunsplit

import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from server import robots
from server.services import Services
from store import Connection, referral_links
from store.words import LinkKind

logger = structlog.get_logger(__name__)

PARAMETER = "ts_code"

_NO_STORE = {"Cache-Control": "no-store"}
_UNKNOWN = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Link not found</title>
<meta name="viewport" content="width=device-width">
<h1>This link leads nowhere</h1>
<p>It may have been cut short on its way, or the campaign is over. Ask whoever sent it to you for
the link once more.</p>
</html>
"""


class ReferralLinks:
    """`/r/{code}` for friends, `/f/{code}` for the contact itself."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def share(self, request: Request) -> Response:
        return await self._follow(request, LinkKind.REFERRAL)

    async def flow(self, request: Request) -> Response:
        return await self._follow(request, LinkKind.FLOW)

    async def _follow(self, request: Request, kind: LinkKind) -> Response:
        code = request.path_params["code"]
        workspace_id = referral_links.workspace_of(code)
        if workspace_id is None:
            return _unknown()
        async with self._services.database.read() as connection:
            target = await referral_links.target(connection, workspace_id, code, kind)
        if target is None:
            return _unknown()
        if not robots.signals(request):
            await self._count(workspace_id, code)
        return RedirectResponse(with_code(target, code), 302, _NO_STORE)

    async def _count(self, workspace_id: int, code: str) -> None:
        async def count(connection: Connection) -> None:
            await referral_links.visit(connection, workspace_id, code)

        try:
            await self._services.database.transact(count)
        except Exception as error:  # noqa: BLE001  Whoever follows a link is led on, whatever failed here.
            logger.error("visit_not_counted", workspace=workspace_id, error=repr(error))


def with_code(target: str, code: str) -> str:
    """The landing URL with the code in its query, in the place of one that is there."""
    parts = urlsplit(target)
    kept = [one for one in parts.query.split("&") if one and one.partition("=")[0] != PARAMETER]
    # What is there stays as it is written: a landing page may read its query in its own way.
    query = "&".join([*kept, f"{PARAMETER}={quote(code, safe='')}"])
    return urlunsplit(parts._replace(query=query))


def _unknown() -> Response:
    return HTMLResponse(_UNKNOWN, 404, _NO_STORE)
