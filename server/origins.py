"""Origins: which web pages may open a WebSocket here, or send a form: browsers do not ask first."""

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from server.settings import Settings


def is_welcome(connection: HTTPConnection, settings: Settings) -> bool:
    """Pages of this server or of a listed origin; programs send no origin and need a token only."""
    origin = connection.headers.get("origin")
    if origin is None or origin in settings.allowed_origins:
        return True
    try:
        host = urlsplit(origin).netloc
    except ValueError:
        return False
    public = urlsplit(settings.public_url).netloc
    return bool(host) and host in (connection.headers.get("host"), public)
