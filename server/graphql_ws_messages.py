"""Messages of graphql-transport-ws: what a client's frame says, checked for its shape."""

from collections.abc import Mapping
from typing import Any

from server.auth import bearer
from server.requests import Malformed, decode

FRAME_AT_MOST = 256_000
"""Bytes; the server below closes with 1009."""

_ID_AT_MOST = 200


class Ended(Exception):
    """The connection is over: closed by us for this reason, or gone."""

    def __init__(self, code: int | None = None, reason: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def read(frame: Mapping[str, Any]) -> dict[str, Any]:
    """The message of an ASGI event, which has a "type"; raises Ended."""
    if frame["type"] == "websocket.disconnect":
        raise Ended
    text = frame.get("text")
    if text is None:
        raise Ended(4400, "Binary frames are not of this protocol")
    try:
        message = decode(text, "The message")
    except Malformed as malformed:
        raise Ended(4400, str(malformed)) from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise Ended(4400, 'A message is an object with a "type"')
    return message


def payload(message: Mapping[str, Any]) -> dict[str, Any]:
    """Empty where there is none."""
    said = message.get("payload")
    if not isinstance(said, dict | None):
        raise Ended(4400, f"The payload of {message['type']} must be an object")
    return said or {}


def echo(message: Mapping[str, Any]) -> dict[str, Any]:
    """The payload of a ping as its pong says it back."""
    return {"payload": payload(message)} if message.get("payload") is not None else {}


def operation_id(message: Mapping[str, Any]) -> str:
    name = message.get("id")
    if not isinstance(name, str) or not 0 < len(name) <= _ID_AT_MOST:
        raise Ended(4400, f'"id" must be a text of 1 to {_ID_AT_MOST} characters')
    return name


def token(said: Mapping[str, Any], header: str | None) -> str | None:
    """From the payload of connection_init, else from the header of the handshake."""
    for key in ("Authorization", "authorization"):
        if isinstance(said.get(key), str):
            return bearer(said[key])
    plain = said.get("token")
    return plain if isinstance(plain, str) else bearer(header)
