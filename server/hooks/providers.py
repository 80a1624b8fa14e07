"""Providers: all that a hook may be of, and how Amazon's certificates are fetched."""

from collections.abc import Mapping

import httpx

from server.hooks.mailgun import Mailgun
from server.hooks.postmark import Postmark
from server.hooks.provider import Provider
from server.hooks.sendgrid import SendGrid
from server.hooks.ses import Fetch, Ses
from server.hooks.standard import Standard
from server.hooks.twilio import Twilio
from server.hooks.whatsapp import WhatsApp
from store.words import Provider as Name

Providers = Mapping[Name, Provider]

_PATIENCE_S = 5.0
_BYTES_AT_MOST = 100_000


def all_of(fetch: Fetch) -> Providers:
    return {
        Name.SENDGRID: SendGrid(),
        Name.MAILGUN: Mailgun(),
        Name.SES: Ses(fetch),
        Name.POSTMARK: Postmark(),
        Name.TWILIO: Twilio(),
        Name.WHATSAPP: WhatsApp(),
        Name.STANDARD: Standard(),
    }


async def fetch(address: str) -> bytes:
    """A small body by GET, without redirects; raises OSError."""
    try:
        async with (
            httpx.AsyncClient(timeout=_PATIENCE_S, follow_redirects=False) as client,
            client.stream("GET", address) as response,
        ):
            body = b""
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > _BYTES_AT_MOST:
                    raise OSError(f"{address} answers with more than {_BYTES_AT_MOST:,} bytes.")
            if response.status_code != 200:
                raise OSError(f"{address} answers {response.status_code}.")
            return body
    except httpx.HTTPError as error:
        raise OSError(f"{address}: {error!r}") from error
