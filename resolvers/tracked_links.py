"""Tracked links: the addresses that a message carries, and what their tokens say."""

from dataclasses import dataclass
from struct import Struct

from resolvers.context import Context
from store.links import PIXEL
from store.types import Id
from subscriptions.signing import Signer

PURPOSE = "tracked link"
UNSUBSCRIBE = "unsubscribe"
_LAYOUT = Struct(">I16sH")


@dataclass(frozen=True, slots=True)
class TrackedLink:
    """Position 0 is the open pixel; the links of the message count from 1."""

    workspace_id: int
    communication_id: Id
    position: int


def token(signer: Signer, link: TrackedLink, purpose: str = PURPOSE) -> str:
    return signer.seal(
        purpose, _LAYOUT.pack(link.workspace_id, link.communication_id, link.position)
    )


def read(signer: Signer, text: str, purpose: str = PURPOSE) -> TrackedLink:
    """What the token says; raises subscriptions.signing.Tampered."""
    return TrackedLink(*_LAYOUT.unpack(signer.open(purpose, text)))


def click_url(context: Context, communication_id: Id, position: int) -> str:
    link = TrackedLink(context.workspace_id, communication_id, position)
    return f"{context.public_url}/c/{token(context.signer, link)}"


def pixel_url(context: Context, communication_id: Id) -> str:
    link = TrackedLink(context.workspace_id, communication_id, PIXEL)
    return f"{context.public_url}/o/{token(context.signer, link)}.gif"


def unsubscribe_url(context: Context, communication_id: Id) -> str:
    link = TrackedLink(context.workspace_id, communication_id, PIXEL)
    return f"{context.public_url}/u/{token(context.signer, link, UNSUBSCRIBE)}"
