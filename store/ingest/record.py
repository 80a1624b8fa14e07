"""Recording: a batch of events in one transaction, each with an outcome."""

from collections.abc import Sequence

from sqlalchemy import delete, select

from store import tables
from store.database import Connection
from store.dialects import insert
from store.ingest.apply import apply
from store.ingest.batch import Batch
from store.ingest.encoding import content, decode, digest
from store.ingest.events import CommunicationCreated, Event
from store.ingest.known import load
from store.ingest.outcomes import DUPLICATE, Arrival, Outcome, Recorded
from store.ingest.refuse import refuse
from store.ingest.write import write
from store.types import Id, Instant
from store.words import ErrorCode, EventOutcome


async def record(
    connection: Connection, workspace_id: int, arrivals: Sequence[Arrival], now: Instant
) -> Recorded:
    """Record a batch inside the caller's transaction.

    An event whose key was seen is a DUPLICATE; one that names an entry or a message not known yet
    is PENDING and applied when it comes, be it later in the same batch. A REJECTED event leaves its
    key free, so that it can be mended and sent again.
    """
    outcomes: list[Outcome | None] = [None] * len(arrivals)
    fresh = await _claim(connection, workspace_id, arrivals, outcomes, now)
    batch = Batch(now)
    events = [arrivals[index].event for index in fresh]
    await load(connection, workspace_id, events, batch.known)
    refused = []
    for index in fresh:
        arrival = arrivals[index]
        outcome = apply(batch, arrival.event, arrival.source)
        outcomes[index] = outcome
        if outcome.kind is EventOutcome.REJECTED:
            refused.append(digest(arrival.scope, arrival.event.key))
    await _apply_waiting(connection, workspace_id, batch)
    await _release(connection, workspace_id, refused)
    behind = await write(connection, workspace_id, batch)
    done = [outcome for outcome in outcomes if outcome is not None]
    assert len(done) == len(arrivals)
    if behind is None:
        return Recorded(done, None)
    return Recorded(
        done,
        behind.seq,
        behind.recorded_at,
        behind.nonce,
        behind.epoch,
        frozenset(one["journey_id"] for one in batch.facts if one["journey_id"] is not None),
    )


async def _claim(
    connection: Connection,
    workspace_id: int,
    arrivals: Sequence[Arrival],
    outcomes: list[Outcome | None],
    now: Instant,
) -> list[int]:
    """The indexes of the events whose keys are new; the others get their outcome."""
    keys = tables.event_keys
    first_of: dict[bytes, int] = {}
    contents = [content(arrival.event) for arrival in arrivals]
    repeated: list[tuple[int, bytes]] = []
    for index, arrival in enumerate(arrivals):
        key = digest(arrival.scope, arrival.event.key)
        if key in first_of:
            repeated.append((index, key))
        else:
            first_of[key] = index
    statement = insert(connection, keys).on_conflict_do_nothing().returning(keys.c.digest)
    claimed = await connection.execute(
        statement,
        [
            {
                "workspace_id": workspace_id,
                "digest": key,
                "content": contents[first_of[key]],
                "recorded_at": now,
            }
            for key in sorted(first_of)
        ],
    )
    new = {bytes(row[0]) for row in claimed}
    seen = [key for key in first_of if key not in new]
    kept: dict[bytes, bytes] = {key: contents[first_of[key]] for key in new}
    if seen:
        found = await connection.execute(
            select(keys.c.digest, keys.c.content).where(
                keys.c.workspace_id == workspace_id, keys.c.digest.in_(seen)
            )
        )
        kept.update({bytes(row[0]): bytes(row[1]) for row in found})
    again = [(first_of[key], key) for key in seen] + repeated
    links = await _links_of(connection, workspace_id, [arrivals[index].event for index, _ in again])
    for index, key in again:
        event = arrivals[index].event
        if kept[key] != contents[index]:
            outcomes[index] = refuse(
                ErrorCode.KEY_REUSED,
                f'The key "{event.key}" came before with another event: '
                "give each event a key of its own.",
                "key",
            )
        elif isinstance(event, CommunicationCreated):
            # Nothing to look up when the first of them is in this very batch.
            outcomes[index] = links.get(event.communication, DUPLICATE)
        else:
            outcomes[index] = DUPLICATE
    return [index for index in sorted(first_of.values()) if outcomes[index] is None]


async def _links_of(
    connection: Connection, workspace_id: int, events: Sequence[Event]
) -> dict[str, Outcome]:
    """For messages announced before: the same tracked links again, for a partner that lost them."""
    keys, links = tables.communication_keys, tables.links
    names = [one.communication for one in events if isinstance(one, CommunicationCreated)]
    if not names:
        return {}
    found = await connection.execute(
        select(keys.c.external_id, links.c.communication_id, links.c.target_url)
        .join(
            links,
            (links.c.workspace_id == keys.c.workspace_id)
            & (links.c.communication_id == keys.c.communication_id),
        )
        .where(keys.c.workspace_id == workspace_id, keys.c.external_id.in_(names))
        .order_by(links.c.communication_id, links.c.position)
    )
    targets: dict[str, tuple[Id, list[str]]] = {}
    for name, communication_id, target in found:
        known = targets.setdefault(name, (communication_id, []))
        if target is not None:
            known[1].append(target)
    return {
        name: Outcome(EventOutcome.DUPLICATE, communication_id=communication_id, links=tuple(urls))
        for name, (communication_id, urls) in targets.items()
    }


async def _apply_waiting(connection: Connection, workspace_id: int, batch: Batch) -> None:
    """Apply what waited for the new entries and messages, and for those that this brings."""
    pending = tables.pending_events
    done: set[tuple[str, str]] = set()
    while True:
        new = {("entry", one.external_id) for one in batch.new_entries.values()}
        new |= {("communication", one.external_id) for one in batch.new_messages.values()}
        new -= done
        if not new:
            return
        done |= new
        kept = batch.take_waiting(new)
        arrived: list[tuple[Event, str]] = [(one.event, one.source) for one in kept]
        for awaits in ("entry", "communication"):
            names = [name for kind, name in new if kind == awaits]
            if names:
                found = await connection.execute(
                    delete(pending)
                    .where(
                        pending.c.workspace_id == workspace_id,
                        pending.c.awaits == awaits,
                        pending.c.external_id.in_(names),
                        pending.c.refusal.is_(None),
                    )
                    .returning(pending.c.event, pending.c.source, pending.c.id)
                )
                rows = sorted(found, key=lambda row: bytes(row[2]))
                arrived.extend((decode(row[0]), row[1]) for row in rows)
        await load(connection, workspace_id, [event for event, _ in arrived], batch.known)
        for event, source in arrived:
            outcome = apply(batch, event, source)
            if outcome.refusal is not None:
                batch.keep_refused(event, source, outcome.refusal)


async def _release(connection: Connection, workspace_id: int, refused: Sequence[bytes]) -> None:
    if refused:
        keys = tables.event_keys
        await connection.execute(
            delete(keys).where(keys.c.workspace_id == workspace_id, keys.c.digest.in_(refused))
        )
