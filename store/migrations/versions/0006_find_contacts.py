"""Contacts by what filters ask for: indexes, labels, and survey answers folded for searching."""

import sqlalchemy as sa
from alembic import op

import store.types
from store.folding import search_text

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_INDEXES: dict[str, tuple[str, str | None]] = {
    "contacts_status_idx": ("status", None),
    "contacts_source_idx": ("source", None),
    "contacts_imported_as_idx": ("imported_as", "imported_as IS NOT NULL"),
    "contacts_imported_idx": ("imported_at", "imported_at IS NOT NULL"),
    "contacts_converted_idx": ("converted_at", "converted_at IS NOT NULL"),
    "contacts_last_interaction_idx": ("last_interaction_at", "last_interaction_at IS NOT NULL"),
    "contacts_preferred_reward_idx": ("preferred_reward_id", "preferred_reward_id IS NOT NULL"),
    "contacts_reward_balance_idx": ("reward_balance", "reward_balance > 0"),
}
_OF_ENTRIES = """
SELECT DISTINCT c.workspace_id, e.journey_id, c.created_at, c.id FROM entries e JOIN contacts c
ON c.workspace_id = e.workspace_id AND c.id = e.contact_id
"""
_OF_REDEMPTIONS = """
SELECT DISTINCT c.workspace_id, {label}, c.created_at, c.id FROM promo_redemptions r JOIN contacts c
ON c.workspace_id = r.workspace_id AND c.id = r.contact_id
"""


def upgrade() -> None:
    for name, (column, condition) in _INDEXES.items():
        where = None if condition is None else sa.text(condition)
        op.create_index(
            name,
            "contacts",
            ["workspace_id", column, "created_at", "id"],
            sqlite_where=where,
            postgresql_where=where,
        )
    op.create_table(
        "contact_labels",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("label", store.types.BytesColumn(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", store.types.IdColumn(), nullable=False),
        sa.PrimaryKeyConstraint(
            "workspace_id", "label", "created_at", "contact_id", name=op.f("contact_labels_pkey")
        ),
        sqlite_with_rowid=False,
    )
    op.add_column("survey_answers", sa.Column("search", sa.Text(), nullable=True))
    is_postgres = op.get_bind().dialect.name == "postgresql"
    id_ = "decode(replace({0}::text, '-', ''), 'hex')" if is_postgres else "{0}"
    word = "convert_to({0}, 'UTF8')" if is_postgres else "CAST({0} AS BLOB)"
    promo, kind = id_.format("r.promo_id"), word.format("r.kind")
    joined = f"{promo} || {kind}" if is_postgres else f"CAST({promo} || {kind} AS BLOB)"
    into = "INSERT INTO contact_labels (workspace_id, label, created_at, contact_id) "
    op.execute(into + _OF_ENTRIES.replace("e.journey_id", id_.format("e.journey_id")))
    for label in (promo, kind, joined):
        op.execute(into + _OF_REDEMPTIONS.format(label=label))
    _answers()


def _answers() -> None:
    """The texts are folded in Python, and the choices stand in lists."""
    bind = op.get_bind()
    answers = sa.table(
        "survey_answers",
        sa.column("workspace_id", sa.BigInteger()),
        sa.column("contact_id", store.types.IdColumn()),
        sa.column("question_id", store.types.IdColumn()),
        sa.column("choices", store.types.JsonColumn),
        sa.column("text", sa.Text()),
        sa.column("search", sa.Text()),
    )
    contacts = sa.table(
        "contacts",
        sa.column("workspace_id", sa.BigInteger()),
        sa.column("id", store.types.IdColumn()),
        sa.column("created_at", sa.BigInteger()),
    )
    labels = sa.table(
        "contact_labels",
        sa.column("workspace_id", sa.BigInteger()),
        sa.column("label", store.types.BytesColumn()),
        sa.column("created_at", sa.BigInteger()),
        sa.column("contact_id", store.types.IdColumn()),
    )
    of_contact = (contacts.c.workspace_id == answers.c.workspace_id) & (
        contacts.c.id == answers.c.contact_id
    )
    found = bind.execute(
        sa.select(answers, contacts.c.created_at).join_from(answers, contacts, of_contact)
    ).all()
    labelled = {
        (row.workspace_id, label, row.created_at, row.contact_id)
        for row in found
        for label in (row.question_id, *map(bytes.fromhex, row.choices))
    }
    if labelled:
        names = ("workspace_id", "label", "created_at", "contact_id")
        bind.execute(
            labels.insert(), [dict(zip(names, one, strict=True)) for one in sorted(labelled)]
        )
    for row in found:
        if row.text is not None:
            bind.execute(
                answers.update()
                .where(
                    answers.c.workspace_id == row.workspace_id,
                    answers.c.contact_id == row.contact_id,
                    answers.c.question_id == row.question_id,
                )
                .values(search=search_text(row.text))
            )


def downgrade() -> None:
    op.drop_column("survey_answers", "search")
    op.drop_table("contact_labels")
    for name in _INDEXES:
        op.drop_index(name, table_name="contacts")
