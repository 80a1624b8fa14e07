"""What contacts answer, earn, redeem and share: surveys, rewards, promos, referral links."""

from sqlalchemy import Boolean, Column, Index, Integer, String, Text, text

from store.tables.base import belongs_to, instant, own_id, reference, workspace_table
from store.types import IdColumn, JsonColumn, MoneyColumn

surveys = workspace_table(
    "surveys",
    own_id(),
    reference("journey_id"),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("is_archived", Boolean, nullable=False),
    belongs_to("journey_id", "journeys"),
    Index("surveys_key_key", "workspace_id", "journey_id", "key", unique=True),
)

survey_questions = workspace_table(
    "survey_questions",
    own_id(),
    reference("journey_id"),
    reference("survey_id"),
    Column("key", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("is_archived", Boolean, nullable=False),
    belongs_to("survey_id", "surveys"),
    # Events name a question by its key alone, so it is unique in the journey.
    Index("survey_questions_key_key", "workspace_id", "journey_id", "key", unique=True),
)

survey_choices = workspace_table(
    "survey_choices",
    own_id(),
    reference("question_id"),
    Column("key", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("is_archived", Boolean, nullable=False),
    belongs_to("question_id", "survey_questions"),
    Index("survey_choices_key_key", "workspace_id", "question_id", "key", unique=True),
)

survey_answers = workspace_table(
    "survey_answers",
    Column("contact_id", IdColumn, primary_key=True),
    Column("question_id", IdColumn, primary_key=True),
    reference("journey_id"),
    reference("entry_id", nullable=True),
    # The ids of the choices in hexadecimal, in the order of the question.
    Column("choices", JsonColumn, nullable=False),
    Column("text", Text),
    # The text folded for searching.
    Column("search", Text),
    instant("answered_at", nullable=False),
    Index("survey_answers_question_idx", "workspace_id", "question_id", "contact_id"),
)

rewards = workspace_table(
    "rewards",
    own_id(),
    reference("journey_id"),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("value", MoneyColumn, nullable=False),
    Column("position", Integer, nullable=False),
    Column("is_archived", Boolean, nullable=False),
    belongs_to("journey_id", "journeys"),
    Index("rewards_key_key", "workspace_id", "journey_id", "key", unique=True),
)

reward_transactions = workspace_table(
    "reward_transactions",
    Column("contact_id", IdColumn, primary_key=True),
    own_id(),
    reference("reward_id"),
    Column("kind", String(8), nullable=False),
    Column("amount", MoneyColumn, nullable=False),
    reference("journey_id", nullable=True),
    reference("entry_id", nullable=True),
    instant("at", nullable=False),
    # The sending that it is a part of, of those that were SENT: it is what is mailed.
    reference("sending_id", nullable=True),
    belongs_to("contact_id", "contacts"),
    # An entry earns once; what a late choice changes of that is ADJUSTED.
    Index(
        "reward_transactions_earned_key",
        "workspace_id",
        "entry_id",
        unique=True,
        sqlite_where=text("kind = 'EARNED'"),
        postgresql_where=text("kind = 'EARNED'"),
    ),
    Index(
        "reward_transactions_sending_idx",
        "workspace_id",
        "sending_id",
        "id",
        sqlite_where=text("sending_id IS NOT NULL"),
        postgresql_where=text("sending_id IS NOT NULL"),
    ),
)

reward_choices = workspace_table(
    "reward_choices",
    Column("contact_id", IdColumn, primary_key=True),
    own_id(),
    reference("journey_id"),
    # None: from then on the contact prefers none of this journey's.
    reference("reward_id", nullable=True),
    instant("at", nullable=False),
    belongs_to("contact_id", "contacts"),
)

promos = workspace_table(
    "promos",
    own_id(),
    Column("external_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    reference("journey_id", nullable=True),
    Index("promos_external_id_key", "workspace_id", "external_id", unique=True),
)

promo_redemptions = workspace_table(
    "promo_redemptions",
    Column("contact_id", IdColumn, primary_key=True),
    Column("promo_id", IdColumn, primary_key=True),
    Column("kind", String(15), primary_key=True),
    instant("at", nullable=False),
    Index("promo_redemptions_promo_idx", "workspace_id", "promo_id", "kind", "contact_id"),
)

referral_links = workspace_table(
    "referral_links",
    Column("code", String(24), primary_key=True),
    own_id(),
    reference("contact_id"),
    reference("journey_id"),
    Column("kind", String(8), nullable=False),
    Column("visits", Integer, nullable=False),
    Column("sign_ups", Integer, nullable=False),
    instant("created_at", nullable=False),
    belongs_to("contact_id", "contacts"),
    belongs_to("journey_id", "journeys"),
    Index(
        "referral_links_contact_key",
        "workspace_id",
        "contact_id",
        "journey_id",
        "kind",
        unique=True,
    ),
)
