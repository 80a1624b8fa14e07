"""Counters of all time, beside those by minute and by hour."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_COUNTERS = {
    "communication_counters": (
        "journey_id, resource_id, channel",
        (
            "created",
            "sent",
            "delivered",
            "impressions",
            "opened",
            "clicked",
            "failed",
            "bounced",
            "suppressed",
            "complained",
            "unsubscribed",
            "raw_opened",
            "raw_clicked",
        ),
    ),
    "entry_counters": (
        "journey_id, in_control_group",
        (
            "entered",
            "active",
            "waiting",
            "completed",
            "converted",
            "stopped",
            "exited",
            "failed",
        ),
    ),
}


def upgrade() -> None:
    for table, (key, counts) in _COUNTERS.items():
        sums = ", ".join(f"sum({name})" for name in counts)
        op.execute(
            f"INSERT INTO {table} (workspace_id, bucket_seconds, at, {key}, {', '.join(counts)}) "  # noqa: S608
            f"SELECT workspace_id, 0, 0, {key}, {sums} FROM {table} "
            f"WHERE bucket_seconds = 3600 GROUP BY workspace_id, {key}"
        )


def downgrade() -> None:
    for table in _COUNTERS:
        op.execute(f"DELETE FROM {table} WHERE bucket_seconds = 0")  # noqa: S608
