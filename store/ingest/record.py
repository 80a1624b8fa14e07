"""Recording: a batch of events in one transaction, each with an outcome."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import delete, select, update

from store import tables
from store.database import Connection
from store.ingest import misdirected, robots, statements
from store.ingest.apply import apply
from store.ingest.batch import PROVIDER_MESSAGE, Batch, Waiting
from store.ingest.encoding import content, decode, digest
from store.ingest.events import CommunicationCreated, Event
from store.ingest.loading import load
from store.ingest.outcomes import DUPLICATE, Arrival, Outcome, Recorded
from store.ingest.refuse import refuse
from store.ingest.via import Via
from store.ingest.write import write
from store.types import Id, Instant
from store.words import Channel, ErrorCode, EventOutcome


async def record(
    connection: Connection, workspace_id: int, arrivals: Sequence[Arrival], now: Instant
) -> Recorded:
    """Record a batch inside the caller's transaction.

    An event whose key was seen is a DUPLICATE; one that names an entry or a message not known yet
    is PENDING and applied when it comes, be it later in the same batch. A REJECTED event leaves its
    key free, so that it can be mended and sent again. One that came by a connector of another
    channel than its message's is REJECTED and kept as a dead letter.
    """
    keys = [digest(arrival.scope, arrival.event.key) for arrival in arrivals]
    contents = [content(arrival.event) for arrival in arrivals]
    # Of two events with one key the first claims it.
    claims = dict(zip(reversed(keys), reversed(contents), strict=True))
    seen = await _claim(connection, workspace_id, claims, now)
    again = [one.event for one, key in zip(arrivals, keys, strict=True) if key in seen]
    links = await _links_of(connection, workspace_id, again)
    batch = Batch(now)
    fresh = [one.event for one, key in zip(arrivals, keys, strict=True) if key not in seen]
    await load(connection, workspace_id, fresh, batch.known)
    outcomes: list[Outcome] = []
    holders: dict[bytes, int] = {}
    for index, arrival in enumerate(arrivals):
        event, key = arrival.event, keys[index]
        if key in seen:
            is_same = seen[key] == contents[index]
            outcomes.append(_again(event, links) if is_same else _key_reused(event))
        elif key in holders:
            holder = holders[key]
            is_same = contents[holder] == contents[index]
            first = replace(outcomes[holder], kind=EventOutcome.DUPLICATE)
            outcomes.append(first if is_same else _key_reused(event))
        else:
            outcome = apply(batch, event, arrival.source, arrival.via)
            outcomes.append(outcome)
            if outcome.refusal is None:
                holders[key] = index
            elif arrival.via is not None:
                misdirected.keep(batch, event, arrival.via, outcome.refusal, now)
    await apply_waiting(connection, workspace_id, batch)
    await robots.judge(connection, workspace_id, batch)
    await _settle(
        connection,
        workspace_id,
        released=[key for key in claims if key not in seen and key not in holders],
        mended={
            key: contents[index] for key, index in holders.items() if contents[index] != claims[key]
        },
    )
    behind = await write(connection, workspace_id, batch)
    if behind is None:
        return Recorded(outcomes, None)
    return Recorded(
        outcomes,
        behind.seq,
        behind.recorded_at,
        behind.nonce,
        behind.epoch,
        frozenset(one["journey_id"] for one in batch.facts if one["journey_id"] is not None),
    )


async def _claim(
    connection: Connection, workspace_id: int, claims: Mapping[bytes, bytes], now: Instant
) -> dict[bytes, bytes]:
    """Claim the keys for these contents. Returns the contents of those that were taken before."""
    keys = tables.event_keys
    claimed = await connection.execute(
        statements.claiming(connection.dialect.name),
        [
            {
                "workspace_id": workspace_id,
                "digest": key,
                "content": claims[key],
                "recorded_at": now,
            }
            for key in sorted(claims)
        ],
    )
    new = {bytes(row[0]) for row in claimed}
    taken = [key for key in claims if key not in new]
    if not taken:
        return {}
    found = await connection.execute(
        select(keys.c.digest, keys.c.content).where(
            keys.c.workspace_id == workspace_id, keys.c.digest.in_(taken)
        )
    )
    return {bytes(row[0]): bytes(row[1]) for row in found}


async def _settle(
    connection: Connection,
    workspace_id: int,
    *,
    released: Sequence[bytes],
    mended: Mapping[bytes, bytes],
) -> None:
    """Free the keys of what was refused; note what came in place of a refused event."""
    keys = tables.event_keys
    own = keys.c.workspace_id == workspace_id
    if released:
        await connection.execute(delete(keys).where(own, keys.c.digest.in_(released)))
    for key, said in mended.items():
        await connection.execute(update(keys).where(own, keys.c.digest == key).values(content=said))


def _again(event: Event, links: Mapping[str, Outcome]) -> Outcome:
    if isinstance(event, CommunicationCreated):
        return links.get(event.communication, DUPLICATE)
    return DUPLICATE


def _key_reused(event: Event) -> Outcome:
    return refuse(
        ErrorCode.KEY_REUSED,
        f'The key "{event.key}" came before with another event: give each event a key of its own.',
        "key",
    )


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


async def apply_waiting(connection: Connection, workspace_id: int, batch: Batch) -> None:
    """Apply what waited for the new entries and messages, and for those that this brings."""
    pending = tables.pending_events
    done: set[tuple[str, str]] = set()
    while True:
        new = {("entry", one.external_id) for one in batch.new_entries.values()}
        new |= {("communication", one.external_id) for one in batch.new_messages.values()}
        new |= {(PROVIDER_MESSAGE, name) for name in batch.provider_messages}
        new -= done
        if not new:
            return
        done |= new
        arrived = batch.take_waiting(new)
        for awaits in ("entry", "communication", PROVIDER_MESSAGE):
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
                    .returning(
                        pending.c.id,
                        pending.c.external_id,
                        pending.c.event,
                        pending.c.source,
                        pending.c.connector_id,
                        pending.c.channel,
                        pending.c.received_at,
                    )
                )
                rows = sorted(found, key=lambda row: bytes(row[0]))
                arrived.extend(
                    Waiting(awaits, row[1], decode(row[2]), row[3], _via(row[4], row[5]), row[6])
                    for row in rows
                )
        await load(connection, workspace_id, [one.event for one in arrived], batch.known)
        for one in arrived:
            outcome = apply(batch, one.event, one.source, one.via)
            if outcome.refusal is not None and one.via is not None:
                misdirected.keep(
                    batch, one.event, one.via, outcome.refusal, one.received_at, has_waited=True
                )
            elif outcome.refusal is not None:
                batch.keep_refused(one.event, one.source, outcome.refusal)


def _via(connector_id: Id | None, channel: str | None) -> Via | None:
    if connector_id is None or channel is None:
        return None
    return Via(connector_id, Channel(channel))
