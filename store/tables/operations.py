"""What runs and what was done: stops, jobs, outgoing webhooks, idempotency, audit."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Text

from store.tables.base import instant, own_id, reference, workspace_table
from store.types import BytesColumn, IdColumn, JsonColumn

stops = workspace_table(
    "stops",
    own_id(),
    Column("by", Text, nullable=False),
    Column("note", Text),
    instant("at", nullable=False),
    instant("undoable_until", nullable=False),
    instant("undone_at"),
    # The jobs that stop and restore, where it is too much for one transaction.
    reference("job_id", nullable=True),
    reference("undo_job_id", nullable=True),
)

stop_entries = workspace_table(
    "stop_entries",
    Column("stop_id", IdColumn, primary_key=True),
    Column("entry_id", IdColumn, primary_key=True),
)

jobs = workspace_table(
    "jobs",
    own_id(),
    Column("kind", String(16), nullable=False),
    Column("state", String(9), nullable=False),
    Column("input", JsonColumn, nullable=False),
    Column("checkpoint", JsonColumn),
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger),
    Column("counts", JsonColumn, nullable=False),
    Column("failure_reason", Text),
    # Set once there is a file to download: the name that it is offered under.
    Column("file_name", Text),
    Column("created_by", Text, nullable=False),
    instant("created_at", nullable=False),
    instant("started_at"),
    instant("finished_at"),
    instant("expires_at"),
    Column("attempts", Integer, nullable=False),
    Column("lease_owner", Text),
    instant("lease_until"),
    Column("is_cancel_requested", Boolean, nullable=False),
    Index("jobs_created_idx", "workspace_id", "created_at", "id"),
    Index("jobs_claim_idx", "state", "lease_until"),
)

job_errors = workspace_table(
    "job_errors",
    Column("job_id", IdColumn, primary_key=True),
    Column("row", BigInteger, primary_key=True, autoincrement=False),
    Column("column", Text),
    Column("value", Text),
    Column("message", Text, nullable=False),
    Column("code", String(20), nullable=False),
)

webhook_endpoints = workspace_table(
    "webhook_endpoints",
    own_id(),
    Column("url", Text, nullable=False),
    Column("kinds", JsonColumn, nullable=False),
    Column("secret", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    instant("created_at", nullable=False),
    instant("removed_at"),
    # When activities that it was not told of yet were deleted for their age.
    instant("missed_at"),
)

webhook_deliveries = workspace_table(
    "webhook_deliveries",
    Column("endpoint_id", IdColumn, primary_key=True),
    own_id(),
    Column("kind", String(20), nullable=False),
    Column("body", Text, nullable=False),
    instant("created_at", nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_status", Integer),
    Column("last_error", Text),
    instant("delivered_at"),
    # Null once it arrived or was given up.
    instant("next_attempt_at"),
    Index("webhook_deliveries_due_idx", "workspace_id", "endpoint_id", "next_attempt_at"),
)

idempotency_keys = workspace_table(
    "idempotency_keys",
    Column("mutation", String(40), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("input_digest", BytesColumn, nullable=False),
    Column("result", JsonColumn, nullable=False),
    instant("at", nullable=False),
)

audit_log = workspace_table(
    "audit_log",
    own_id(),
    instant("at", nullable=False),
    Column("by", Text, nullable=False),
    Column("action", String(40), nullable=False),
    Column("detail", JsonColumn),
    Column("affected", Integer, nullable=False),
    Index("audit_log_at_idx", "workspace_id", "at", "id"),
)
