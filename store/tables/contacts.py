"""Contacts: who they are, what they agreed to, what is known about them."""

from sqlalchemy import BigInteger, Boolean, Column, Index, String, Text, text

from store.tables.base import belongs_to, instant, own_id, reference, workspace_table
from store.types import BytesColumn, IdColumn, InstantColumn, JsonColumn, MoneyColumn


def _chosen_by(column: str, *, condition: str | None = None) -> Index:
    """Of the contacts that have the value, by it and then in the order of creation."""
    where = None if condition is None else text(condition)
    return Index(
        f"contacts_{column.removesuffix('_id').removesuffix('_at')}_idx",
        "workspace_id",
        column,
        "created_at",
        "id",
        sqlite_where=where,
        postgresql_where=where,
    )


def _with_balance(name: str, order: str) -> Index:
    """Of the contacts with a balance, in an order of the list."""
    where = text("reward_balance > 0")
    return Index(name, "workspace_id", order, "id", sqlite_where=where, postgresql_where=where)


contacts = workspace_table(
    "contacts",
    own_id(),
    Column("external_username", Text),
    Column("username", Text),
    Column("email", Text),
    # The e-mail folded for comparing: unique in the workspace.
    Column("email_key", Text),
    Column("first_name", Text),
    Column("last_name", Text),
    Column("phone", Text),
    Column("search", Text, nullable=False),
    Column("last_name_key", Text, nullable=False),
    Column("status", String(8), nullable=False),
    Column("source", String(10), nullable=False),
    Column("imported_as", String(8)),
    instant("imported_at"),
    instant("created_at", nullable=False),
    instant("converted_at"),
    instant("last_interaction_at"),
    # The same, or created_at before the first interaction: never null, so that lists order by it.
    instant("active_at", nullable=False),
    reference("referred_by_id", nullable=True),
    reference("preferred_reward_id", nullable=True),
    instant("preferred_reward_at"),
    Column("reward_balance", MoneyColumn, nullable=False, server_default="0"),
    instant("deleted_at"),
    instant("erased_at"),
    Column("erased_key", BytesColumn),
    Index("contacts_external_username_key", "workspace_id", "external_username", unique=True),
    Index("contacts_username_key", "workspace_id", "username", unique=True),
    Index("contacts_email_key", "workspace_id", "email_key", unique=True),
    Index("contacts_created_idx", "workspace_id", "created_at", "id"),
    Index("contacts_active_idx", "workspace_id", "active_at", "id"),
    Index("contacts_last_name_idx", "workspace_id", "last_name_key", "id"),
    Index(
        "contacts_erased_idx",
        "workspace_id",
        "id",
        sqlite_where=text("erased_at IS NOT NULL"),
        postgresql_where=text("erased_at IS NOT NULL"),
    ),
    Index("contacts_erased_key_idx", "workspace_id", "erased_key"),
    # What filters ask for, so that a page under one of them is read along its index.
    _chosen_by("status"),
    _chosen_by("source"),
    _chosen_by("imported_as", condition="imported_as IS NOT NULL"),
    _chosen_by("imported_at", condition="imported_at IS NOT NULL"),
    _chosen_by("converted_at", condition="converted_at IS NOT NULL"),
    _chosen_by("last_interaction_at", condition="last_interaction_at IS NOT NULL"),
    _chosen_by("preferred_reward_id", condition="preferred_reward_id IS NOT NULL"),
    _chosen_by("reward_balance", condition="reward_balance > 0"),
    _with_balance("contacts_with_balance_idx", "created_at"),
    _with_balance("contacts_active_with_balance_idx", "active_at"),
)

# An index kept by hand (store/labels.py): contacts by what they have to do with, in the order of
# their creation. Rows of other tables hold no order that a list of contacts could be read along.
contact_labels = workspace_table(
    "contact_labels",
    Column("label", BytesColumn, primary_key=True),
    Column("created_at", InstantColumn, primary_key=True),
    Column("contact_id", IdColumn, primary_key=True),
)

# Without a foreign key, as the log: whoever writes here holds the contact's row, and to look each
# up again took PostgreSQL 5 of the 65 s of a million imported rows.
contact_status_changes = workspace_table(
    "contact_status_changes",
    Column("contact_id", IdColumn, primary_key=True),
    own_id(),
    Column("from_status", String(8)),
    Column("to_status", String(8), nullable=False),
    instant("at", nullable=False),
    Column("by", Text, nullable=False),
)

contact_consents = workspace_table(
    "contact_consents",
    Column("contact_id", IdColumn, primary_key=True),
    Column("channel", String(10), primary_key=True),
    Column("is_subscribed", Boolean, nullable=False),
    instant("since", nullable=False),
    Column("source", Text, nullable=False),
    belongs_to("contact_id", "contacts"),
)

contact_events = workspace_table(
    "contact_events",
    Column("contact_id", IdColumn, primary_key=True),
    own_id(),
    Column("name", Text, nullable=False),
    instant("occurred_at", nullable=False),
    Column("properties", JsonColumn),
    Index("contact_events_occurred_idx", "workspace_id", "contact_id", "occurred_at", "id"),
)

contact_facts = workspace_table(
    "contact_facts",
    Column("contact_id", IdColumn, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", JsonColumn, nullable=False),
    instant("updated_at", nullable=False),
)

contact_profiles = workspace_table(
    "contact_profiles",
    Column("contact_id", IdColumn, primary_key=True),
    # Gamification and financial figures by name, each with the moment that it is true of:
    # {"points": {"value": "12.5", "at": 1760000000000000}}. The later moment wins, name by name.
    Column("gamification", JsonColumn, nullable=False),
    Column("financials", JsonColumn, nullable=False),
)

contact_counters = workspace_table(
    "contact_counters",
    *(
        Column(name, BigInteger, nullable=False)
        for name in ("leads", "customers", "lost", "none", "converted")
    ),
)
