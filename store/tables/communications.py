"""Messages: resources, communications, their keys, tracked links and counters."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, SmallInteger, String, Text

from store.tables.base import instant, own_id, reference, workspace_table
from store.types import IdColumn, InstantColumn

resources = workspace_table(
    "resources",
    own_id(),
    Column("name", Text, nullable=False),
    Column("channel", String(10), nullable=False),
    Column("search", Text, nullable=False),
    Index("resources_name_key", "workspace_id", "channel", "name", unique=True),
)

communications = workspace_table(
    "communications",
    own_id(),
    Column("external_id", Text, nullable=False),
    reference("entry_id"),
    reference("journey_id"),
    reference("contact_id"),
    reference("step_id", nullable=True),
    reference("resource_id"),
    Column("channel", String(10), nullable=False),
    instant("created_at", nullable=False),
    # The merge of the message's events: minima …
    instant("sent_at"),
    instant("deferred_at"),
    instant("suppressed_at"),
    instant("delivered_at"),
    instant("failed_at"),
    instant("bounced_at"),
    instant("first_impression_at"),
    instant("first_open_at"),
    instant("first_click_at"),
    instant("unsubscribed_at"),
    instant("complained_at"),
    # … the latest of DELIVERED, FAILED, BOUNCED, the latest failure, the latest action …
    instant("outcome_at"),
    Column("outcome", String(12)),
    instant("failure_at"),
    Column("failure_kind", String(12)),
    Column("failure_reason", Text),
    instant("last_action_at"),
    Column("last_action_kind", String(12)),
    Column("last_action_url", Text),
    instant("last_clicked_at"),
    Column("last_clicked_url", Text),
    # … and counts, of people alone and (raw) with suspected robots.
    Column("click_count", Integer, nullable=False),
    Column("raw_click_count", Integer, nullable=False),
    Column("open_count", Integer, nullable=False),
    Column("raw_open_count", Integer, nullable=False),
    # What follows from them.
    Column("status", String(12), nullable=False),
    Index("communications_created_idx", "workspace_id", "created_at", "id"),
    Index("communications_journey_idx", "workspace_id", "journey_id", "created_at", "id"),
    Index(
        "communications_channel_idx", "workspace_id", "journey_id", "channel", "created_at", "id"
    ),
    Index("communications_contact_idx", "workspace_id", "contact_id", "created_at", "id"),
    Index("communications_entry_idx", "workspace_id", "entry_id", "created_at", "id"),
)

MARKS = (
    "DEFERRED",
    "SUPPRESSED",
    "FAILED",
    "BOUNCED",
    "CLICKED",
    "UNSUBSCRIBED",
    "COMPLAINED",
)
"""The milestones that few messages reach, so that those which did are listed beside them."""

# An index of columns that events change would make each of their updates write all of the
# message's indexes again; a row of its own is written once, for the few that get there.
communication_marks = workspace_table(
    "communication_marks",
    Column("journey_id", IdColumn, primary_key=True),
    Column("mark", String(12), primary_key=True),
    Column("created_at", InstantColumn, primary_key=True),
    # Of the communication, as its created_at.
    Column("id", IdColumn, primary_key=True),
    Index("communication_marks_created_idx", "workspace_id", "mark", "created_at", "id"),
)

communication_keys = workspace_table(
    "communication_keys",
    Column("external_id", Text, primary_key=True),
    # The row is where a message and the events that wait for it meet. The id is null until the
    # message was announced; it is known once the message's own row is written.
    Column("communication_id", IdColumn),
    Column("is_known", Boolean, nullable=False),
)

provider_message_keys = workspace_table(
    "provider_message_keys",
    Column("provider_message_id", Text, primary_key=True),
    # Null while events wait under the provider's id for the message.
    reference("communication_id", nullable=True),
)

links = workspace_table(
    "links",
    # Known before the communication's row is: a message may wait for its entry.
    Column("communication_id", IdColumn, primary_key=True),
    # 0 is the open pixel; the tracked links count from 1 in the order given.
    Column("position", SmallInteger, primary_key=True),
    Column("external_id", Text, nullable=False),
    Column("target_url", Text),
)

MILESTONES = (
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
)

communication_counters = workspace_table(
    "communication_counters",
    Column("journey_id", IdColumn, primary_key=True),
    Column("bucket_seconds", Integer, primary_key=True),
    Column("at", BigInteger, primary_key=True),
    Column("resource_id", IdColumn, primary_key=True),
    Column("channel", String(10), primary_key=True),
    *(Column(name, BigInteger, nullable=False) for name in MILESTONES),
)
