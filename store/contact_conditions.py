"""Contact conditions: what contacts can be chosen by, and the indexes that find them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Text,
    and_,
    cast,
    false,
    literal_column,
    or_,
    select,
    true,
    union,
)

from store import labels, tables
from store.filters import (
    ContactFilter,
    Period,
    PromoFilter,
    RewardStateFilter,
    SurveyAnswerFilter,
)
from store.folding import found_by, matches
from store.labels import Label
from store.lookups import contacts_found
from store.terms import Clause, Found, Term, claim, is_set, one_of, within

_contacts = tables.contacts


def contact(asked: ContactFilter, workspace_id: int) -> list[Term]:
    """The parts of a filter of contacts, but and, or and not."""
    own = _Own(workspace_id)
    found = [
        *one_of("id", asked.id),
        *one_of("status", asked.status),
        *one_of("source", asked.source),
        *one_of("imported_as", asked.imported_as),
        *one_of("preferred_reward_id", asked.preferred_reward_id),
        *own.ranged("converted_at", asked.converted_within),
        *own.converted(asked.is_converted),
        *is_set("imported_at", asked.is_imported),
    ]
    if asked.interacted_or_imported_within is not None:
        found.append(own.interacted_or_imported(asked.interacted_or_imported_within))
    if asked.journey_id is not None:
        found.append(own.labelled(asked.journey_id))
    found.extend(map(own.answered, asked.survey_answer or ()))
    if asked.reward is not None:
        found.extend(own.rewarded(asked.reward))
    if asked.promo is not None:
        found.append(own.redeemed(asked.promo))
    if asked.search:
        found.append(own.named(asked.search))
    return found


class _Own:
    """Conditions within one workspace."""

    def __init__(self, workspace_id: int) -> None:
        self.workspace_id = workspace_id

    def labelled(self, wanted: tuple[Label, ...]) -> Term:
        """By the labels alone."""
        table = tables.contact_labels

        def clause(contacts: FromClause) -> ColumnElement[bool]:
            return _is_there(
                select(table.c.contact_id).where(
                    table.c.workspace_id == self.workspace_id,
                    table.c.label.in_(wanted),
                    table.c.created_at == contacts.c.created_at,
                    table.c.contact_id == contacts.c.id,
                ),
                contacts,
            )

        return Term(clause, labels=wanted)

    def answered(self, asked: SurveyAnswerFilter) -> Term:
        answers = tables.survey_answers
        conditions = [answers.c.question_id == asked.question_id]
        wanted: tuple[Label, ...] = (asked.question_id,)
        if asked.choice_id is not None:
            # The ids stand in a JSON list, each between quotes.
            chosen = cast(answers.c.choices, Text)
            named = [chosen.contains(f'"{one.hex()}"') for one in asked.choice_id]
            conditions.append(or_(false(), *named))
            wanted = asked.choice_id
        if asked.text is not None:
            conditions.append(matches(answers.c.text, answers.c.search, asked.text))
        decide = asked.text is None
        return Term(self._has(answers, *conditions), labels=wanted, labels_decide=decide)

    def redeemed(self, asked: PromoFilter) -> Term:
        redemptions = tables.promo_redemptions
        conditions = []
        if asked.promo_id is not None:
            conditions.append(redemptions.c.promo_id.in_(asked.promo_id))
        if asked.redeemed_by is not None:
            conditions.append(redemptions.c.kind.in_(asked.redeemed_by))
        return Term(
            self._has(redemptions, *conditions),
            labels=labels.promos(asked.promo_id, asked.redeemed_by),
        )

    def rewarded(self, asked: RewardStateFilter) -> list[Term]:
        found: list[Term] = []
        if asked.has_positive_balance is not None:
            found.extend(self._balance(None, asked.has_positive_balance))
        if asked.balance_at_least is not None:
            found.extend(self._balance(asked.balance_at_least, True))
        if asked.has_been_sent is not None:
            transactions = tables.reward_transactions
            (sent,) = claim(
                asked.has_been_sent, self._has(transactions, transactions.c.kind == "SENT")
            )
            wanted = (labels.REWARD_SENT,) if asked.has_been_sent else None
            found.append(Term(sent.clause, labels=wanted))
        return found

    def _balance(self, at_least: Decimal | None, is_positive: bool) -> list[Term]:
        def clause(contacts: FromClause) -> ColumnElement[bool]:
            # A constant: the index of balances holds the positive ones alone.
            positive: ColumnElement[bool] = contacts.c.reward_balance > literal_column("0")
            if at_least is None:
                return positive
            enough = contacts.c.reward_balance >= at_least
            return and_(positive, enough) if at_least > 0 else enough

        found = self._found_by(clause) if is_positive and (at_least or 1) > 0 else None
        (term,) = claim(is_positive, clause)
        return [Term(term.clause, found=found)]

    def ranged(self, column: str, period: Period | None) -> list[Term]:
        parts = within(column, period)
        if not parts:
            return []

        def clause(contacts: FromClause) -> ColumnElement[bool]:
            return and_(true(), *(part.clause(contacts) for part in parts))

        return [Term(clause, found=self._found_by(clause))]

    def converted(self, asked: bool | None) -> list[Term]:
        if asked:
            return self.ranged("converted_at", Period())
        return is_set("converted_at", asked)

    def interacted_or_imported(self, period: Period) -> Term:
        parts = [
            self.ranged(column, period)[0] for column in ("last_interaction_at", "imported_at")
        ]

        def clause(contacts: FromClause) -> ColumnElement[bool]:
            return or_(false(), *(part.clause(contacts) for part in parts))

        def found(is_sqlite: bool, columns: Sequence[str]) -> Select[Any]:
            each = [self._found_by(part.clause)(is_sqlite, columns) for part in parts]
            return select(*union(*(one for one in each if one is not None)).subquery().c)

        return Term(clause, found=found)

    def named(self, search: str) -> Term:
        def clause(contacts: FromClause) -> ColumnElement[bool]:
            return found_by(contacts.c.search, search)

        def found(is_sqlite: bool, columns: Sequence[str]) -> Select[Any] | None:
            ids = contacts_found(search, self.workspace_id, is_sqlite=is_sqlite)
            if ids is None or not is_sqlite:
                return None if ids is None else ids.with_only_columns(*_named(columns))
            chosen = ids.subquery()
            own = (_contacts.c.workspace_id == self.workspace_id) & (_contacts.c.id == chosen.c[0])
            return select(*_named(columns)).select_from(chosen.join(_contacts, own))

        return Term(clause, found=found)

    def _found_by(self, clause: Clause) -> Found:
        def found(is_sqlite: bool, columns: Sequence[str]) -> Select[Any]:
            return select(*_named(columns)).where(
                _contacts.c.workspace_id == self.workspace_id, clause(_contacts)
            )

        return found

    def _has(self, table: Any, *conditions: ColumnElement[bool]) -> Clause:
        """That the contact has such a row there."""

        def clause(contacts: FromClause) -> ColumnElement[bool]:
            return _is_there(
                select(table.c.contact_id).where(
                    table.c.workspace_id == self.workspace_id,
                    table.c.contact_id == contacts.c.id,
                    *conditions,
                ),
                contacts,
            )

        return clause


def _named(columns: Sequence[str]) -> list[ColumnElement[Any]]:
    return [_contacts.c[name] for name in columns]


def _is_there(rows: Select[Any], contacts: FromClause) -> ColumnElement[bool]:
    """Looked up contact by contact: of an EXISTS PostgreSQL makes a join with all such rows, also
    where 50 are wanted."""
    return rows.correlate(contacts).limit(1).scalar_subquery().is_not(None)
