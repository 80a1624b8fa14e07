"""Connectors: where providers report what became of messages, and what of it is not recorded."""

from sqlalchemy import Column, Index, String, Text, text

from store.tables.base import instant, own_id, reference, workspace_table
from store.types import BytesColumn

_IS_KEPT = text("removed_at IS NULL")

connectors = workspace_table(
    "connectors",
    own_id(),
    Column("provider", String(20), nullable=False),
    Column("name", Text, nullable=False),
    # Of which messages it reports; null: of all.
    Column("channel", String(10)),
    # Encrypted: signatures need the secret itself, which a hash would not give.
    Column("hidden_secret", BytesColumn, nullable=False),
    instant("created_at", nullable=False),
    instant("last_received_at"),
    instant("removed_at"),
    Index(
        "connectors_name_key",
        "workspace_id",
        "name",
        unique=True,
        sqlite_where=_IS_KEPT,
        postgresql_where=_IS_KEPT,
    ),
)

dead_letters = workspace_table(
    "dead_letters",
    own_id(),
    reference("connector_id"),
    instant("received_at", nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", BytesColumn, nullable=False),
    # Its beginning as text, to be looked at.
    Column("shown", Text, nullable=False),
    # What the body is read with: the query of its address, and the provider's id of the delivery.
    Column("query", Text, nullable=False),
    Column("delivery_id", Text),
    # The message, where the body is an event of ours: one that was read and is not of its channel.
    reference("communication_id", nullable=True),
    # A hash of the body and its query: what is sent again is kept once.
    Column("digest", BytesColumn, nullable=False),
    Index("dead_letters_digest_key", "workspace_id", "connector_id", "digest", unique=True),
    Index("dead_letters_connector_idx", "workspace_id", "connector_id", "id"),
)
