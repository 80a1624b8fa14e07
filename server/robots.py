"""Robots: what a request says of who made it, before anybody could have.

Nothing that looks like a robot's is thrown away: it is recorded with these signals, and counted
apart. Seen by the headers alone; what gives itself away by following all links is found later
(`store/ingest/robots.py`).
"""

import re

from starlette.requests import Request

# Programs that look at links before people do, as they call themselves.
_AGENT = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|preview|facebookexternalhit|whatsapp|embedly|scan|monitor|"
    r"headless|python|curl|wget|java/|go-http-client|okhttp|axios|node-fetch|libwww|"
    r"barracuda|mimecast|proofpoint|safelinks|urldefense|trendmicro|symantec|forcepoint",
    re.IGNORECASE,
)
_APPLE_PROXY = "Mozilla/5.0"
"""All that Apple's mail proxy says; it fetches the images of every message, read or not."""


def signals(request: Request, *, is_image: bool = False) -> tuple[str, ...]:
    """Why a robot is suspected, as names; empty for what looks like a person."""
    headers = request.headers
    agent = headers.get("user-agent", "").strip()
    purpose = ",".join(
        headers.get(name, "") for name in ("sec-purpose", "purpose", "x-purpose", "x-moz")
    ).lower()
    found = []
    if request.method == "HEAD":
        found.append("HEAD")
    if "prefetch" in purpose or "preview" in purpose or "prerender" in purpose:
        found.append("PREFETCH")
    if not agent:
        found.append("NO_AGENT")
    elif _AGENT.search(agent):
        found.append("ROBOT_AGENT")
    elif is_image and agent == _APPLE_PROXY:
        found.append("MAIL_PROXY")
    return tuple(found)
