"""Journeys, their steps, and the entries of contacts into them."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Text, text

from store.tables.base import belongs_to, instant, own_id, reference, workspace_table
from store.types import IdColumn

journeys = workspace_table(
    "journeys",
    own_id(),
    Column("external_id", Text),
    Column("name", Text, nullable=False),
    Column("search", Text, nullable=False),
    Column("status", String(8), nullable=False),
    Column("landing_url", Text),
    instant("starts_at"),
    instant("ends_at"),
    instant("created_at", nullable=False),
    instant("updated_at", nullable=False),
    Index("journeys_external_id_key", "workspace_id", "external_id", unique=True),
    Index("journeys_created_idx", "workspace_id", "created_at", "id"),
    Index("journeys_name_idx", "workspace_id", "search", "id"),
)

journey_steps = workspace_table(
    "journey_steps",
    own_id(),
    reference("journey_id"),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("channel", String(10)),
    reference("resource_id", nullable=True),
    Column("patience_seconds", BigInteger),
    Column("is_archived", Boolean, nullable=False),
    belongs_to("journey_id", "journeys"),
    Index("journey_steps_key_key", "workspace_id", "journey_id", "key", unique=True),
)


def _dated_indexes(column: str) -> list[Index]:
    """Of the entries that have the date, of all journeys and of one."""
    name, condition = column.removesuffix("_at"), text(f"{column} IS NOT NULL")
    return [
        Index(
            f"entries_{prefix}{name}_idx",
            "workspace_id",
            *columns,
            column,
            "id",
            sqlite_where=condition,
            postgresql_where=condition,
        )
        for prefix, columns in (("", ()), ("journey_", ("journey_id",)))
    ]


def _index_of_entering(name: str, condition: str) -> Index:
    """Of a journey's entries for which the condition holds, in the order of entering."""
    return Index(
        f"entries_journey_{name}_idx",
        "workspace_id",
        "journey_id",
        "entered_at",
        "id",
        sqlite_where=text(condition),
        postgresql_where=text(condition),
    )


entries = workspace_table(
    "entries",
    own_id(),
    Column("external_id", Text, nullable=False),
    reference("journey_id"),
    reference("contact_id"),
    Column("in_control_group", Boolean, nullable=False),
    instant("entered_at", nullable=False),
    # The merge: the earliest of each fact …
    instant("converted_at"),
    instant("completed_at"),
    instant("answered_at"),
    instant("exited_at"),
    instant("failed_at"),
    Column("exit_reason", Text),
    Column("failure_reason", Text),
    # … the stop that stands, if one does …
    instant("stop_requested_at"),
    reference("stop_id", nullable=True),
    Column("stop_cause", String(13)),
    Column("stop_actor", Text),
    Column("stop_note", Text),
    # … and the latest step, which is the greatest (at, position, kind).
    instant("step_at"),
    Column("step_kind", String(14)),
    Column("step_position", Integer),
    reference("current_step_id", nullable=True),
    Column("waiting_for", Text),
    instant("waiting_until"),
    Column("last_error", Text),
    instant("last_error_at"),
    # What follows from it.
    Column("state", String(9), nullable=False),
    instant("stopped_at"),
    Column("stop_reason", String(13)),
    belongs_to("journey_id", "journeys"),
    belongs_to("contact_id", "contacts"),
    Index("entries_entered_idx", "workspace_id", "entered_at", "id"),
    Index("entries_journey_idx", "workspace_id", "journey_id", "entered_at", "id"),
    Index("entries_journey_state_idx", "workspace_id", "journey_id", "state", "entered_at", "id"),
    Index(
        "entries_journey_step_idx",
        "workspace_id",
        "journey_id",
        "current_step_id",
        "entered_at",
        "id",
    ),
    Index(
        "entries_journey_control_idx",
        "workspace_id",
        "journey_id",
        "in_control_group",
        "entered_at",
        "id",
    ),
    _index_of_entering("open", "stopped_at IS NULL"),
    _index_of_entering("won", "converted_at IS NOT NULL"),
    Index("entries_contact_idx", "workspace_id", "contact_id", "entered_at", "id"),
    *_dated_indexes("converted_at"),
    *_dated_indexes("stopped_at"),
)

entry_keys = workspace_table(
    "entry_keys",
    Column("external_id", Text, primary_key=True),
    # Null while only events that wait for the entry are known: the row is where both sides meet.
    Column("entry_id", IdColumn),
)

entry_steps = workspace_table(
    "entry_steps",
    Column("entry_id", IdColumn, primary_key=True),
    Column("step_id", IdColumn, primary_key=True),
    reference("journey_id"),
    instant("entered_at"),
    instant("waiting_at"),
    instant("completed_at"),
    instant("skipped_at"),
    instant("failed_at"),
    instant("held_out_at"),
    # An entry may come to a step again: its patience counts from the last time.
    instant("last_entered_at"),
)

ENTRY_COUNTS = (
    "entered",
    "active",
    "waiting",
    "completed",
    "converted",
    "stopped",
    "exited",
    "failed",
)

entry_counters = workspace_table(
    "entry_counters",
    Column("journey_id", IdColumn, primary_key=True),
    Column("bucket_seconds", Integer, primary_key=True),
    Column("at", BigInteger, primary_key=True),
    Column("in_control_group", Boolean, primary_key=True),
    *(Column(name, BigInteger, nullable=False) for name in ENTRY_COUNTS),
)

STEP_COUNTS = ("entered", "waiting", "completed", "failed")

step_counters = workspace_table(
    "step_counters",
    Column("journey_id", IdColumn, primary_key=True),
    Column("step_id", IdColumn, primary_key=True),
    *(Column(name, BigInteger, nullable=False) for name in STEP_COUNTS),
)
