"""Misdirected events: of messages whose channel is not that of the connector they came by."""

from typing import Any

import orjson
from sqlalchemy import delete

from store import tables
from store.database import Connection
from store.dead_letters import DeadLetter, Kept, keep_all
from store.ingest.batch import Batch, Misdirected
from store.ingest.encoding import content, decode, digest, encode
from store.ingest.erased import without_words
from store.ingest.events import Delivery, Event
from store.ingest.via import Via, scope
from store.refusals import Refusal
from store.types import Instant, new_id


def keep(
    batch: Batch,
    event: Event,
    via: Via,
    refusal: Refusal,
    received_at: Instant,
    *,
    has_waited: bool = False,
) -> None:
    """Keep an event that was refused for its channel, to be written as a dead letter."""
    kept = without_words(batch.known, event)
    assert isinstance(kept, Delivery)
    message = batch.known.message_of(kept)
    assert message is not None
    batch.misdirected.append(
        Misdirected(kept, message.id, via, refusal.message, received_at, has_waited)
    )


async def write(connection: Connection, workspace_id: int, batch: Batch) -> None:
    """Write the dead letters; what waited gives its key back, so that it can be replayed."""
    if not batch.misdirected:
        return
    keys = tables.event_keys
    freed = [_key(one) for one in batch.misdirected if one.has_waited]
    if freed:
        await connection.execute(
            delete(keys).where(keys.c.workspace_id == workspace_id, keys.c.digest.in_(freed))
        )
    await keep_all(connection, workspace_id, [_letter(one) for one in batch.misdirected])


def read(body: bytes) -> Event:
    """The event that is the body of such a letter."""
    event: dict[str, Any] = orjson.loads(body)
    return decode(event)


def _key(one: Misdirected) -> bytes:
    return digest(scope(one.via.connector_id), one.event.key)


def _letter(one: Misdirected) -> Kept:
    body = orjson.dumps(encode(one.event), option=orjson.OPT_INDENT_2)
    return Kept(
        new_id(),
        one.via.connector_id,
        one.received_at,
        DeadLetter(
            body,
            "",
            None,
            one.reason,
            one.communication_id,
            # The same report comes again with another time.
            digest(content(one.event).hex(), one.event.key),
        ),
    )
