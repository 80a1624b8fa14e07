"""Via: the connector by which an event came, where it reports on messages of one channel only."""

from dataclasses import dataclass

from store.types import Id
from store.words import Channel


@dataclass(frozen=True, slots=True)
class Via:
    connector_id: Id
    channel: Channel


def scope(connector_id: Id) -> str:
    """Where the keys of a connector's events are unique."""
    return f"connector:{connector_id.hex()}"
