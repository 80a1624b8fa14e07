"""Workspaces, the heads of their logs, and their access tokens."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from store.tables.base import instant, metadata, own_id, workspace_table
from store.types import BytesColumn, JsonColumn

workspaces = Table(
    "workspaces",
    metadata,
    # SQLite numbers rows by itself only in a column typed exactly INTEGER.
    Column(
        "workspace_id",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    Column("name", Text, nullable=False, unique=True),
    Column("currency", String(3), nullable=False, server_default="EUR"),
    Column("allowed_recipients", JsonColumn, nullable=False, server_default="[]"),
    # For hashes of erased contacts' e-mails; itself hidden under the server's secret.
    Column("erasure_key", BytesColumn),
    instant("created_at", nullable=False),
)

heads = workspace_table(
    "heads",
    # A log that is begun anew gets another epoch; its old cursors are then recognised as foreign.
    Column("epoch", BytesColumn, nullable=False),
    Column("seq", BigInteger, nullable=False),
    instant("recorded_at", nullable=False),
    Column("nonce", BytesColumn, nullable=False),
    Column("oldest_seq", BigInteger, nullable=False, server_default="1"),
)

tokens = workspace_table(
    "tokens",
    own_id(),
    Column("name", Text, nullable=False),
    Column("email", Text),
    Column("scopes", JsonColumn, nullable=False),
    Column("secret_hash", BytesColumn, nullable=False),
    instant("created_at", nullable=False),
    instant("expires_at"),
    instant("last_used_at"),
    instant("revoked_at"),
    Index("tokens_secret_hash_key", "workspace_id", "secret_hash", unique=True),
)
