"""Mail of the public API, through a real mail server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from server.mail import MailServer as At
from server.mail import Smtp
from tests.schema.conftest import Api
from tests.support.mail_server import MailServer, a_mail_server


@asynccontextmanager
async def mailing(
    api: Api,
    *answers: str,
    email: str | None = "ops@example.org",
    allowed: tuple[str, ...] = (),
) -> AsyncIterator[MailServer]:
    """The server through which the API sends; the token's own e-mail and those allowed."""
    context = api.context
    context.viewer = replace(context.viewer, email=email, allowed_recipients=allowed)
    async with a_mail_server(*answers) as server:
        at = At.of(f"smtp://127.0.0.1:{server.port}")
        context.mail = Smtp(at, "trackside@track.example", lambda: api.now)
        yield server
