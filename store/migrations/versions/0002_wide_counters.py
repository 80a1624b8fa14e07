"""Counters by day and of all time, beside those by minute and by hour."""

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


_HOUR, _DAY, _ALL_TIME = 3_600, 86_400, 0
_DAY_US = 86_400_000_000
# The remainder of a moment before 1970 is negative.
_DAY_OF_AT = f"at - (at % {_DAY_US} + {_DAY_US}) % {_DAY_US}"


def upgrade() -> None:
    for seconds, at in ((_DAY, _DAY_OF_AT), (_ALL_TIME, "0")):
        for table, (key, counts) in _COUNTERS.items():
            sums = ", ".join(f"sum({name})" for name in counts)
            names = ", ".join(counts)
            op.execute(
                f"INSERT INTO {table} (workspace_id, bucket_seconds, at, {key}, {names}) "  # noqa: S608
                f"SELECT workspace_id, {seconds}, day, {key}, {sums} "
                f"FROM (SELECT *, {at} AS day FROM {table} "
                f"WHERE bucket_seconds = {_HOUR}) AS hours "
                f"GROUP BY workspace_id, day, {key}"
            )


def downgrade() -> None:
    for table in _COUNTERS:
        op.execute(f"DELETE FROM {table} WHERE bucket_seconds IN ({_DAY}, {_ALL_TIME})")  # noqa: S608
