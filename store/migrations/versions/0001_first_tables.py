"""The first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import store.types

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SEARCHED = ("contacts", "journeys", "resources")


def upgrade() -> None:
    op.create_table(
        "audit_log",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", store.types.IdColumn(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column(
            "detail",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=True,
        ),
        sa.Column("affected", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("audit_log_pkey")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "communication_counters",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("journey_id", store.types.IdColumn(), nullable=False),
        sa.Column("bucket_seconds", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("resource_id", store.types.IdColumn(), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("sent", sa.BigInteger(), nullable=False),
        sa.Column("delivered", sa.BigInteger(), nullable=False),
        sa.Column("impressions", sa.BigInteger(), nullable=False),
        sa.Column("opened", sa.BigInteger(), nullable=False),
        sa.Column("clicked", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("bounced", sa.BigInteger(), nullable=False),
        sa.Column("suppressed", sa.BigInteger(), nullable=False),
        sa.Column("complained", sa.BigInteger(), nullable=False),
        sa.Column("unsubscribed", sa.BigInteger(), nullable=False),
        sa.Column("raw_opened", sa.BigInteger(), nullable=False),
        sa.Column("raw_clicked", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "workspace_id",
            "journey_id",
            "bucket_seconds",
            "at",
            "resource_id",
            "channel",
            name=op.f("communication_counters_pkey"),
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "communication_keys",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("communication_id", store.types.IdColumn(), nullable=True),
        sa.Column("is_known", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint(
            "workspace_id", "external_id", name=op.f("communication_keys_pkey")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "communications",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", store.types.IdColumn(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("entry_id", store.types.IdColumn(), nullable=False),
        sa.Column("journey_id", store.types.IdColumn(), nullable=False),
        sa.Column("contact_id", store.types.IdColumn(), nullable=False),
        sa.Column("step_id", store.types.IdColumn(), nullable=True),
        sa.Column("resource_id", store.types.IdColumn(), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("deferred_at", sa.BigInteger(), nullable=True),
        sa.Column("suppressed_at", sa.BigInteger(), nullable=True),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.Column("failed_at", sa.BigInteger(), nullable=True),
        sa.Column("bounced_at", sa.BigInteger(), nullable=True),
        sa.Column("first_impression_at", sa.BigInteger(), nullable=True),
        sa.Column("first_open_at", sa.BigInteger(), nullable=True),
        sa.Column("first_click_at", sa.BigInteger(), nullable=True),
        sa.Column("unsubscribed_at", sa.BigInteger(), nullable=True),
        sa.Column("complained_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=12), nullable=True),
        sa.Column("failure_at", sa.BigInteger(), nullable=True),
        sa.Column("failure_kind", sa.String(length=12), nullable=True),
        sa.Column("failure_reason", sa.Text(), nullable=True),
        sa.Column("last_action_at", sa.BigInteger(), nullable=True),
        sa.Column("last_action_kind", sa.String(length=12), nullable=True),
        sa.Column("last_action_url", sa.Text(), nullable=True),
        sa.Column("last_clicked_at", sa.BigInteger(), nullable=True),
        sa.Column("last_clicked_url", sa.Text(), nullable=True),
        sa.Column("click_count", sa.Integer(), nullable=False),
        sa.Column("raw_click_count", sa.Integer(), nullable=False),
        sa.Column("open_count", sa.Integer(), nullable=False),
        sa.Column("raw_open_count", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("communications_pkey")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "communications_channel_idx",
        "communications",
        ["workspace_id", "journey_id", "channel", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "communications_contact_idx",
        "communications",
        ["workspace_id", "contact_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "communications_created_idx",
        "communications",
        ["workspace_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "communications_entry_idx",
        "communications",
        ["workspace_id", "entry_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "communications_journey_idx",
        "communications",
        ["workspace_id", "journey_id", "created_at", "id"],
        unique=False,
    )
    op.create_table(
        "contact_counters",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("leads", sa.BigInteger(), nullable=False),
        sa.Column("customers", sa.BigInteger(), nullable=False),
        sa.Column("lost", sa.BigInteger(), nullable=False),
        sa.Column("none", sa.BigInteger(), nullable=False),
        sa.Column("converted", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("contact_counters_pkey")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "contact_events",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contact_id", store.types.IdColumn(), nullable=False),
        sa.Column("id", store.types.IdColumn(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "properties",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint(
            "workspace_id", "contact_id", "id", name=op.f("contact_events_pkey")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "contact_events_occurred_idx",
        "contact_events",
        ["workspace_id", "contact_id", "occurred_at", "id"],
        unique=False,
    )
    op.create_table(
        "contact_facts",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contact_id", store.types.IdColumn(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "value",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "workspace_id", "contact_id", "name", name=op.f("contact_facts_pkey")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "contact_profiles",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contact_id", store.types.IdColumn(), nullable=False),
        sa.Column(
            "gamification",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column(
            "financials",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("workspace_id", "contact_id", name=op.f("contact_profiles_pkey")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "contacts",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", store.types.IdColumn(), nullable=False),
        sa.Column("external_username", sa.Text(), nullable=True),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_key", sa.Text(), nullable=True),
        sa.Column("first_name", sa.Text(), nullable=True),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("search", sa.Text(), nullable=False),
        sa.Column("last_name_key", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("imported_as", sa.String(length=8), nullable=True),
        sa.Column("imported_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("converted_at", sa.BigInteger(), nullable=True),
        sa.Column("last_interaction_at", sa.BigInteger(), nullable=True),
        sa.Column("active_at", sa.BigInteger(), nullable=False),
        sa.Column("referred_by_id", store.types.IdColumn(), nullable=True),
        sa.Column("preferred_reward_id", store.types.IdColumn(), nullable=True),
        sa.Column("preferred_reward_at", sa.BigInteger(), nullable=True),
        sa.Column("reward_balance", store.types.MoneyColumn(), server_default="0", nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.Column("erased_at", sa.BigInteger(), nullable=True),
        sa.Column("erased_key", store.types.BytesColumn(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("contacts_pkey")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "contacts_active_idx", "contacts", ["workspace_id", "active_at", "id"], unique=False
    )
    op.create_index(
        "contacts_created_idx", "contacts", ["workspace_id", "created_at", "id"], unique=False
    )
    op.create_index("contacts_email_key", "contacts", ["workspace_id", "email_key"], unique=True)
    op.create_index(
        "contacts_erased_key_idx", "contacts", ["workspace_id", "erased_key"], unique=False
    )
    op.create_index(
        "contacts_external_username_key",
        "contacts",
        ["workspace_id", "external_username"],
        unique=True,
    )
    op.create_index(
        "contacts_last_name_idx", "contacts", ["workspace_id", "last_name_key", "id"], unique=False
    )
    op.create_index("contacts_username_key", "contacts", ["workspace_id", "username"], unique=True)
    op.create_table(
        "entry_counters",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("journey_id", store.types.IdColumn(), nullable=False),
        sa.Column("bucket_seconds", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("in_control_group", sa.Boolean(), nullable=False),
        sa.Column("entered", sa.BigInteger(), nullable=False),
        sa.Column("active", sa.BigInteger(), nullable=False),
        sa.Column("waiting", sa.BigInteger(), nullable=False),
        sa.Column("completed", sa.BigInteger(), nullable=False),
        sa.Column("converted", sa.BigInteger(), nullable=False),
        sa.Column("stopped", sa.BigInteger(), nullable=False),
        sa.Column("exited", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "workspace_id",
            "journey_id",
            "bucket_seconds",
            "at",
            "in_control_group",
            name=op.f("entry_counters_pkey"),
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "entry_keys",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("entry_id", store.types.IdColumn(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "external_id", name=op.f("entry_keys_pkey")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "entry_steps",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_id", store.types.IdColumn(), nullable=False),
        sa.Column("step_id", store.types.IdColumn(), nullable=False),
        sa.Column("journey_id", store.types.IdColumn(), nullable=False),
        sa.Column("entered_at", sa.BigInteger(), nullable=True),
        sa.Column("waiting_at", sa.BigInteger(), nullable=True),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.Column("skipped_at", sa.BigInteger(), nullable=True),
        sa.Column("failed_at", sa.BigInteger(), nullable=True),
        sa.Column("held_out_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint(
            "workspace_id", "entry_id", "step_id", name=op.f("entry_steps_pkey")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "event_keys",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", store.types.BytesColumn(), nullable=False),
        sa.Column("content", store.types.BytesColumn(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "digest", name=op.f("event_keys_pkey")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "heads",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("epoch", store.types.BytesColumn(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("nonce", store.types.BytesColumn(), nullable=False),
        sa.Column("oldest_seq", sa.BigInteger(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("heads_pkey")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("mutation", sa.String(length=40), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("input_digest", store.types.BytesColumn(), nullable=False),
        sa.Column(
            "result",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "workspace_id", "mutation", "key", name=op.f("idempotency_keys_pkey")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "job_errors",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("job_id", store.types.IdColumn(), nullable=False),
        sa.Column("row", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("column", sa.Text(), nullable=True),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "job_id", "row", name=op.f("job_errors_pkey")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "jobs",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", store.types.IdColumn(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column(
            "input",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column(
            "checkpoint",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=True,
        ),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column(
            "counts",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("failure_reason", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("is_cancel_requested", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("jobs_pkey")),
        sqlite_with_rowid=False,
    )
    op.create_index("jobs_claim_idx", "jobs", ["state", "lease_until"], unique=False)
    op.create_index("jobs_created_idx", "jobs", ["workspace_id", "created_at", "id"], unique=False)
    op.create_table(
        "journeys",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", store.types.IdColumn(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("search", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("landing_url", sa.Text(), nullable=True),
        sa.Column("starts_at", sa.BigInteger(), nullable=True),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("journeys_pkey")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "journeys_created_idx", "journeys", ["workspace_id", "created_at", "id"], unique=False
    )
    op.create_index(
        "journeys_external_id_key", "journeys", ["workspace_id", "external_id"], unique=True
    )
    op.create_index("journeys_name_idx", "journeys", ["workspace_id", "search", "id"], unique=False)
    op.create_table(
        "links",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("communication_id", store.types.IdColumn(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("target_url", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint(
            "workspace_id", "communication_id", "position", name=op.f("links_pkey")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "log",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("nonce", store.types.BytesColumn(), nullable=False),
        sa.Column("activity", sa.String(length=20), nullable=True),
        sa.Column("delivery", sa.String(length=12), nullable=True),
        sa.Column("change", sa.String(length=20), nullable=True),
        sa.Column("journey_id", store.types.IdColumn(), nullable=True),
        sa.Column("entry_id", store.types.IdColumn(), nullable=True),
        sa.Column("contact_id", store.types.IdColumn(), nullable=True),
        sa.Column("communication_id", store.types.IdColumn(), nullable=True),
        sa.Column("step_id", store.types.IdColumn(), nullable=True),
        sa.Column("resource_id", store.types.IdColumn(), nullable=True),
        sa.Column("channel", sa.String(length=10), nullable=True),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("is_suspected_bot", sa.Boolean(), nullable=False),
        sa.Column(
            "bot_signals",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=True,
        ),
        sa.Column("is_ignored", sa.Boolean(), nullable=False),
        sa.Column(
            "detail",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("workspace_id", "seq", "recorded_at", name=op.f("log_pkey")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "log_communication_idx",
        "log",
        ["workspace_id", "communication_id", "seq"],
        unique=False,
        sqlite_where=sa.text("communication_id IS NOT NULL"),
        postgresql_where=sa.text("communication_id IS NOT NULL"),
    )
    op.create_index(
        "log_entry_idx",
        "log",
        ["workspace_id", "entry_id", "seq"],
        unique=False,
        sqlite_where=sa.text("entry_id IS NOT NULL"),
        postgresql_where=sa.text("entry_id IS NOT NULL"),
    )
    op.create_index(
        "log_journey_idx",
        "log",
        ["workspace_id", "journey_id", "seq"],
        unique=False,
        sqlite_where=sa.text("journey_id IS NOT NULL"),
        postgresql_where=sa.text("journey_id IS NOT NULL"),
    )
    op.create_table(
        "pending_events",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", store.types.IdColumn(), nullable=False),
        sa.Column("awaits", sa.String(length=13), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column(
            "event",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "refusal",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pending_events_pkey")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "pending_events_awaits_idx",
        "pending_events",
        ["workspace_id", "awaits", "external_id", "id"],
        unique=False,
    )
    op.create_table(
        "promo_redemptions",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contact_id", store.types.IdColumn(), nullable=False),
        sa.Column("promo_id", store.types.IdColumn(), nullable=False),
        sa.Column("kind", sa.String(length=15), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "workspace_id", "contact_id", "promo_id", "kind", name=op.f("promo_redemptions_pkey")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "promo_redemptions_promo_idx",
        "promo_redemptions",
        ["workspace_id", "promo_id", "kind", "contact_id"],
        unique=False,
    )
    op.create_table(
        "promos",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", store.types.IdColumn(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("journey_id", store.types.IdColumn(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("promos_pkey")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "promos_external_id_key", "promos", ["workspace_id", "external_id"], unique=True
    )
    op.create_table(
        "provider_message_keys",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("provider_message_id", sa.Text(), nullable=False),
        sa.Column("communication_id", store.types.IdColumn(), nullable=False),
        sa.PrimaryKeyConstraint(
            "workspace_id", "provider_message_id", name=op.f("provider_message_keys_pkey")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "resources",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", store.types.IdColumn(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("search", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("resources_pkey")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "resources_name_key", "resources", ["workspace_id", "channel", "name"], unique=True
    )
    op.create_table(
        "step_counters",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("journey_id", store.types.IdColumn(), nullable=False),
        sa.Column("step_id", store.types.IdColumn(), nullable=False),
        sa.Column("entered", sa.BigInteger(), nullable=False),
        sa.Column("waiting", sa.BigInteger(), nullable=False),
        sa.Column("completed", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "workspace_id", "journey_id", "step_id", name=op.f("step_counters_pkey")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "stop_entries",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("stop_id", store.types.IdColumn(), nullable=False),
        sa.Column("entry_id", store.types.IdColumn(), nullable=False),
        sa.PrimaryKeyConstraint(
            "workspace_id", "stop_id", "entry_id", name=op.f("stop_entries_pkey")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "stops",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", store.types.IdColumn(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("undoable_until", sa.BigInteger(), nullable=False),
        sa.Column("undone_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("stops_pkey")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "survey_answers",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contact_id", store.types.IdColumn(), nullable=False),
        sa.Column("question_id", store.types.IdColumn(), nullable=False),
        sa.Column("journey_id", store.types.IdColumn(), nullable=False),
        sa.Column("entry_id", store.types.IdColumn(), nullable=True),
        sa.Column(
            "choices",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "workspace_id", "contact_id", "question_id", name=op.f("survey_answers_pkey")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "survey_answers_question_idx",
        "survey_answers",
        ["workspace_id", "question_id", "contact_id"],
        unique=False,
    )
    op.create_table(
        "tokens",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", store.types.IdColumn(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column(
            "scopes",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("secret_hash", store.types.BytesColumn(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("tokens_pkey")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "tokens_secret_hash_key", "tokens", ["workspace_id", "secret_hash"], unique=True
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("endpoint_id", store.types.IdColumn(), nullable=False),
        sa.Column("id", store.types.IdColumn(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.Column("next_attempt_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint(
            "workspace_id", "endpoint_id", "id", name=op.f("webhook_deliveries_pkey")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "webhook_deliveries_due_idx",
        "webhook_deliveries",
        ["workspace_id", "next_attempt_at"],
        unique=False,
    )
    op.create_table(
        "webhook_endpoints",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", store.types.IdColumn(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column(
            "kinds",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("webhook_endpoints_pkey")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "workspaces",
        sa.Column(
            "workspace_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(length=3), server_default="EUR", nullable=False),
        sa.Column(
            "allowed_recipients",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            server_default="[]",
            nullable=False,
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("workspaces_pkey")),
        sa.UniqueConstraint("name", name=op.f("workspaces_name_key")),
    )
    op.create_table(
        "contact_consents",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contact_id", store.types.IdColumn(), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("is_subscribed", sa.Boolean(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "contact_id"],
            ["contacts.workspace_id", "contacts.id"],
            name=op.f("contact_consents_workspace_id_contact_id_fkey"),
        ),
        sa.PrimaryKeyConstraint(
            "workspace_id", "contact_id", "channel", name=op.f("contact_consents_pkey")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "contact_status_changes",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contact_id", store.types.IdColumn(), nullable=False),
        sa.Column("id", store.types.IdColumn(), nullable=False),
        sa.Column("from_status", sa.String(length=8), nullable=True),
        sa.Column("to_status", sa.String(length=8), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "contact_id"],
            ["contacts.workspace_id", "contacts.id"],
            name=op.f("contact_status_changes_workspace_id_contact_id_fkey"),
        ),
        sa.PrimaryKeyConstraint(
            "workspace_id", "contact_id", "id", name=op.f("contact_status_changes_pkey")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "entries",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", store.types.IdColumn(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("journey_id", store.types.IdColumn(), nullable=False),
        sa.Column("contact_id", store.types.IdColumn(), nullable=False),
        sa.Column("in_control_group", sa.Boolean(), nullable=False),
        sa.Column("entered_at", sa.BigInteger(), nullable=False),
        sa.Column("converted_at", sa.BigInteger(), nullable=True),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.Column("exited_at", sa.BigInteger(), nullable=True),
        sa.Column("failed_at", sa.BigInteger(), nullable=True),
        sa.Column("exit_reason", sa.Text(), nullable=True),
        sa.Column("failure_reason", sa.Text(), nullable=True),
        sa.Column("stop_requested_at", sa.BigInteger(), nullable=True),
        sa.Column("stop_id", store.types.IdColumn(), nullable=True),
        sa.Column("stop_cause", sa.String(length=13), nullable=True),
        sa.Column("stop_actor", sa.Text(), nullable=True),
        sa.Column("stop_note", sa.Text(), nullable=True),
        sa.Column("step_at", sa.BigInteger(), nullable=True),
        sa.Column("step_kind", sa.String(length=14), nullable=True),
        sa.Column("step_position", sa.Integer(), nullable=True),
        sa.Column("current_step_id", store.types.IdColumn(), nullable=True),
        sa.Column("waiting_for", sa.Text(), nullable=True),
        sa.Column("waiting_until", sa.BigInteger(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("last_error_at", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("stopped_at", sa.BigInteger(), nullable=True),
        sa.Column("stop_reason", sa.String(length=13), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "contact_id"],
            ["contacts.workspace_id", "contacts.id"],
            name=op.f("entries_workspace_id_contact_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "journey_id"],
            ["journeys.workspace_id", "journeys.id"],
            name=op.f("entries_workspace_id_journey_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("entries_pkey")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "entries_contact_idx",
        "entries",
        ["workspace_id", "contact_id", "entered_at", "id"],
        unique=False,
    )
    op.create_index(
        "entries_entered_idx", "entries", ["workspace_id", "entered_at", "id"], unique=False
    )
    op.create_index(
        "entries_journey_idx",
        "entries",
        ["workspace_id", "journey_id", "entered_at", "id"],
        unique=False,
    )
    op.create_index(
        "entries_journey_state_idx",
        "entries",
        ["workspace_id", "journey_id", "state", "entered_at", "id"],
        unique=False,
    )
    op.create_table(
        "journey_steps",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", store.types.IdColumn(), nullable=False),
        sa.Column("journey_id", store.types.IdColumn(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=True),
        sa.Column("resource_id", store.types.IdColumn(), nullable=True),
        sa.Column("patience_seconds", sa.BigInteger(), nullable=True),
        sa.Column("is_archived", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "journey_id"],
            ["journeys.workspace_id", "journeys.id"],
            name=op.f("journey_steps_workspace_id_journey_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("journey_steps_pkey")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "journey_steps_key_key", "journey_steps", ["workspace_id", "journey_id", "key"], unique=True
    )
    op.create_table(
        "referral_links",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=24), nullable=False),
        sa.Column("id", store.types.IdColumn(), nullable=False),
        sa.Column("contact_id", store.types.IdColumn(), nullable=False),
        sa.Column("journey_id", store.types.IdColumn(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("visits", sa.Integer(), nullable=False),
        sa.Column("sign_ups", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "contact_id"],
            ["contacts.workspace_id", "contacts.id"],
            name=op.f("referral_links_workspace_id_contact_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "journey_id"],
            ["journeys.workspace_id", "journeys.id"],
            name=op.f("referral_links_workspace_id_journey_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("workspace_id", "code", "id", name=op.f("referral_links_pkey")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "referral_links_contact_key",
        "referral_links",
        ["workspace_id", "contact_id", "journey_id", "kind"],
        unique=True,
    )
    op.create_table(
        "reward_transactions",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contact_id", store.types.IdColumn(), nullable=False),
        sa.Column("id", store.types.IdColumn(), nullable=False),
        sa.Column("reward_id", store.types.IdColumn(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("amount", store.types.MoneyColumn(), nullable=False),
        sa.Column("journey_id", store.types.IdColumn(), nullable=True),
        sa.Column("entry_id", store.types.IdColumn(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "contact_id"],
            ["contacts.workspace_id", "contacts.id"],
            name=op.f("reward_transactions_workspace_id_contact_id_fkey"),
        ),
        sa.PrimaryKeyConstraint(
            "workspace_id", "contact_id", "id", name=op.f("reward_transactions_pkey")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "reward_transactions_entry_key",
        "reward_transactions",
        ["workspace_id", "entry_id", "kind"],
        unique=True,
    )
    op.create_table(
        "rewards",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", store.types.IdColumn(), nullable=False),
        sa.Column("journey_id", store.types.IdColumn(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", store.types.MoneyColumn(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("is_archived", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "journey_id"],
            ["journeys.workspace_id", "journeys.id"],
            name=op.f("rewards_workspace_id_journey_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("rewards_pkey")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "rewards_key_key", "rewards", ["workspace_id", "journey_id", "key"], unique=True
    )
    op.create_table(
        "surveys",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", store.types.IdColumn(), nullable=False),
        sa.Column("journey_id", store.types.IdColumn(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("is_archived", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "journey_id"],
            ["journeys.workspace_id", "journeys.id"],
            name=op.f("surveys_workspace_id_journey_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("surveys_pkey")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "surveys_key_key", "surveys", ["workspace_id", "journey_id", "key"], unique=True
    )
    op.create_table(
        "survey_questions",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", store.types.IdColumn(), nullable=False),
        sa.Column("journey_id", store.types.IdColumn(), nullable=False),
        sa.Column("survey_id", store.types.IdColumn(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("is_archived", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "survey_id"],
            ["surveys.workspace_id", "surveys.id"],
            name=op.f("survey_questions_workspace_id_survey_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("survey_questions_pkey")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "survey_questions_key_key",
        "survey_questions",
        ["workspace_id", "journey_id", "key"],
        unique=True,
    )
    op.create_table(
        "survey_choices",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", store.types.IdColumn(), nullable=False),
        sa.Column("question_id", store.types.IdColumn(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("is_archived", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "question_id"],
            ["survey_questions.workspace_id", "survey_questions.id"],
            name=op.f("survey_choices_workspace_id_question_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("survey_choices_pkey")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "survey_choices_key_key",
        "survey_choices",
        ["workspace_id", "question_id", "key"],
        unique=True,
    )
    if op.get_bind().dialect.name == "postgresql":
        # Substrings of names are found by trigrams; the log and the messages carry no such index,
        # which would cost them most of their writing rate.
        op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        op.execute("CREATE EXTENSION IF NOT EXISTS btree_gin")
        for table in _SEARCHED:
            op.create_index(
                f"{table}_search_idx",
                table,
                ["workspace_id", "search"],
                postgresql_using="gin",
                postgresql_ops={"search": "gin_trgm_ops"},
            )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in _SEARCHED:
            op.drop_index(f"{table}_search_idx", table_name=table)
    op.drop_index("survey_choices_key_key", table_name="survey_choices")
    op.drop_table("survey_choices")
    op.drop_index("survey_questions_key_key", table_name="survey_questions")
    op.drop_table("survey_questions")
    op.drop_index("surveys_key_key", table_name="surveys")
    op.drop_table("surveys")
    op.drop_index("rewards_key_key", table_name="rewards")
    op.drop_table("rewards")
    op.drop_index("reward_transactions_entry_key", table_name="reward_transactions")
    op.drop_table("reward_transactions")
    op.drop_index("referral_links_contact_key", table_name="referral_links")
    op.drop_table("referral_links")
    op.drop_index("journey_steps_key_key", table_name="journey_steps")
    op.drop_table("journey_steps")
    op.drop_index("entries_journey_state_idx", table_name="entries")
    op.drop_index("entries_journey_idx", table_name="entries")
    op.drop_index("entries_entered_idx", table_name="entries")
    op.drop_index("entries_contact_idx", table_name="entries")
    op.drop_table("entries")
    op.drop_table("contact_status_changes")
    op.drop_table("contact_consents")
    op.drop_table("workspaces")
    op.drop_table("webhook_endpoints")
    op.drop_index("webhook_deliveries_due_idx", table_name="webhook_deliveries")
    op.drop_table("webhook_deliveries")
    op.drop_index("tokens_secret_hash_key", table_name="tokens")
    op.drop_table("tokens")
    op.drop_index("survey_answers_question_idx", table_name="survey_answers")
    op.drop_table("survey_answers")
    op.drop_table("stops")
    op.drop_table("stop_entries")
    op.drop_table("step_counters")
    op.drop_index("resources_name_key", table_name="resources")
    op.drop_table("resources")
    op.drop_table("provider_message_keys")
    op.drop_index("promos_external_id_key", table_name="promos")
    op.drop_table("promos")
    op.drop_index("promo_redemptions_promo_idx", table_name="promo_redemptions")
    op.drop_table("promo_redemptions")
    op.drop_index("pending_events_awaits_idx", table_name="pending_events")
    op.drop_table("pending_events")
    op.drop_index(
        "log_journey_idx",
        table_name="log",
        sqlite_where=sa.text("journey_id IS NOT NULL"),
        postgresql_where=sa.text("journey_id IS NOT NULL"),
    )
    op.drop_index(
        "log_entry_idx",
        table_name="log",
        sqlite_where=sa.text("entry_id IS NOT NULL"),
        postgresql_where=sa.text("entry_id IS NOT NULL"),
    )
    op.drop_index(
        "log_communication_idx",
        table_name="log",
        sqlite_where=sa.text("communication_id IS NOT NULL"),
        postgresql_where=sa.text("communication_id IS NOT NULL"),
    )
    op.drop_table("log")
    op.drop_table("links")
    op.drop_index("journeys_name_idx", table_name="journeys")
    op.drop_index("journeys_external_id_key", table_name="journeys")
    op.drop_index("journeys_created_idx", table_name="journeys")
    op.drop_table("journeys")
    op.drop_index("jobs_created_idx", table_name="jobs")
    op.drop_index("jobs_claim_idx", table_name="jobs")
    op.drop_table("jobs")
    op.drop_table("job_errors")
    op.drop_table("idempotency_keys")
    op.drop_table("heads")
    op.drop_table("event_keys")
    op.drop_table("entry_steps")
    op.drop_table("entry_keys")
    op.drop_table("entry_counters")
    op.drop_index("contacts_username_key", table_name="contacts")
    op.drop_index("contacts_last_name_idx", table_name="contacts")
    op.drop_index("contacts_external_username_key", table_name="contacts")
    op.drop_index("contacts_erased_key_idx", table_name="contacts")
    op.drop_index("contacts_email_key", table_name="contacts")
    op.drop_index("contacts_created_idx", table_name="contacts")
    op.drop_index("contacts_active_idx", table_name="contacts")
    op.drop_table("contacts")
    op.drop_table("contact_profiles")
    op.drop_table("contact_facts")
    op.drop_index("contact_events_occurred_idx", table_name="contact_events")
    op.drop_table("contact_events")
    op.drop_table("contact_counters")
    op.drop_index("communications_journey_idx", table_name="communications")
    op.drop_index("communications_entry_idx", table_name="communications")
    op.drop_index("communications_created_idx", table_name="communications")
    op.drop_index("communications_contact_idx", table_name="communications")
    op.drop_index("communications_channel_idx", table_name="communications")
    op.drop_table("communications")
    op.drop_table("communication_keys")
    op.drop_table("communication_counters")
    op.drop_table("audit_log")
