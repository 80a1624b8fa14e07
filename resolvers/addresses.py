"""Addresses: which hosts on the network we may call for somebody else.

Who may say where we send to could otherwise reach what only we can reach: the cloud's metadata, the
database, the neighbours on the private network.
"""

import asyncio
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

_PATIENCE_S = 5.0
_NAT64 = IPv6Network("64:ff9b::/96")
_SHARED = IPv4Network("100.64.0.0/10")


class Unreachable(Exception):
    """The host has no address, or one that we may not call; the message says which."""


async def resolve(host: str, port: int, *, allows_private: bool) -> list[str]:
    """The host's addresses; raises Unreachable, also when one of them alone is private."""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            found = await asyncio.get_running_loop().getaddrinfo(
                host, port, type=socket.SOCK_STREAM
            )
    except (OSError, TimeoutError, UnicodeError):
        raise Unreachable(f"The host {host!r} has no address.") from None
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    if not allows_private:
        for address in addresses:
            if not is_public(address):
                raise Unreachable(
                    f"The host {host!r} leads to {address}, which is not on the public internet."
                )
    return addresses


async def refusal(url: str, *, allows_private: bool) -> str | None:
    """Why an http or https address cannot be called; None when it can."""
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        return "An address with a user name in it would show it in logs: leave it out."
    if not url.isascii():
        return "Write the address in ASCII: its host as xn--…, the rest percent-encoded."
    if allows_private:
        return None
    try:
        await resolve(parts.hostname or "", parts.port or 443, allows_private=allows_private)
    except Unreachable as unreachable:
        return str(unreachable)
    return None


def is_public(text: str) -> bool:
    """Whether the address is one of the public internet, whatever way it is written."""
    address = _inner(ip_address(text.partition("%")[0]))
    if isinstance(address, IPv4Address) and address in _SHARED:
        return False
    return address.is_global and not address.is_multicast


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address to which an IPv6 address of a transition mechanism leads."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None) or address
