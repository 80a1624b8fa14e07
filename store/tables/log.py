"""The log: every fact of a workspace in the one order in which it was committed."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    String,
    Text,
    text,
)

from store.tables.base import instant, own_id, reference, workspace_table
from store.types import BytesColumn, JsonColumn


def _index_where_set(name: str, column: str) -> Index:
    condition = text(f"{column} IS NOT NULL")
    return Index(
        name, "workspace_id", column, "seq", sqlite_where=condition, postgresql_where=condition
    )


_IS_ACTIVITY = text("activity IS NOT NULL")

_SAID_OF_A_CONTACT = text("entry_id IS NULL AND detail IS NOT NULL")

log = workspace_table(
    "log",
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    # Never runs backwards along seq, and is part of the key so that time may partition the table.
    Column("recorded_at", BigInteger, primary_key=True, autoincrement=False),
    # Random: a cursor into a log that was rolled back and written again is noticed by it.
    Column("nonce", BytesColumn, nullable=False),
    # What the row is: an activity of an entry, an event of a message (often both), a change of a
    # contact.
    Column("activity", String(20)),
    Column("delivery", String(12)),
    Column("change", String(20)),
    reference("journey_id", nullable=True),
    reference("entry_id", nullable=True),
    reference("contact_id", nullable=True),
    reference("communication_id", nullable=True),
    reference("step_id", nullable=True),
    reference("resource_id", nullable=True),
    Column("channel", String(10)),
    instant("occurred_at", nullable=False),
    Column("url", Text),
    Column("reason", Text),
    Column("source", Text, nullable=False),
    Column("is_suspected_bot", Boolean, nullable=False),
    Column("bot_signals", JsonColumn),
    # Recorded after a stop, and without effect while the stop stands.
    Column("is_ignored", Boolean, nullable=False),
    Column("detail", JsonColumn),
    _index_where_set("log_journey_idx", "journey_id"),
    _index_where_set("log_entry_idx", "entry_id"),
    Index(
        "log_activity_idx",
        "workspace_id",
        "journey_id",
        "activity",
        "seq",
        sqlite_where=_IS_ACTIVITY,
        postgresql_where=_IS_ACTIVITY,
    ),
    _index_where_set("log_communication_idx", "communication_id"),
    # What is said of a contact outside of its entries: its data are erased along it.
    Index(
        "log_contact_idx",
        "workspace_id",
        "contact_id",
        "seq",
        sqlite_where=_SAID_OF_A_CONTACT,
        postgresql_where=_SAID_OF_A_CONTACT,
    ),
)

event_keys = workspace_table(
    "event_keys",
    # A hash of the source and the event's own key: an event is stored once.
    Column("digest", BytesColumn, primary_key=True),
    # A hash of what the event says: the same key with another content is refused, not lost.
    Column("content", BytesColumn, nullable=False),
    instant("recorded_at", nullable=False),
)

pending_events = workspace_table(
    "pending_events",
    own_id(),
    # "entry", "communication" or "provider id", and the id of the one that is awaited: the
    # partner's, or a message's at its provider.
    Column("awaits", String(13), nullable=False),
    Column("external_id", Text, nullable=False),
    Column("event", JsonColumn, nullable=False),
    Column("source", Text, nullable=False),
    # By which it came, where that reports on messages of one channel only, and that channel.
    reference("connector_id", nullable=True),
    Column("channel", String(10)),
    instant("received_at", nullable=False),
    instant("expires_at", nullable=False),
    # Why the event could not be applied when what it awaited came: kept to be seen.
    Column("refusal", JsonColumn),
    Index("pending_events_awaits_idx", "workspace_id", "awaits", "external_id", "id"),
)
