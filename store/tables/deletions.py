"""Deletions of contacts, and which contacts each of them holds deleted."""

from sqlalchemy import Column, Index, Text

from store.tables.base import instant, own_id, reference, workspace_table
from store.types import IdColumn

contact_deletions = workspace_table(
    "contact_deletions",
    # It is also the id of the stop of their entries (entries.stop_id, stop_entries).
    own_id(),
    Column("by", Text, nullable=False),
    instant("at", nullable=False),
    instant("undoable_until", nullable=False),
    instant("undone_at"),
    # The jobs that delete and restore, where it is too much for one transaction.
    reference("job_id", nullable=True),
    reference("undo_job_id", nullable=True),
)

# Those who can be restored: the line goes when the contact is, or is erased.
deleted_contacts = workspace_table(
    "deleted_contacts",
    Column("contact_id", IdColumn, primary_key=True),
    reference("deletion_id"),
    Index("deleted_contacts_deletion_idx", "workspace_id", "deletion_id", "contact_id"),
)
