"""Contact conditions: what contacts can be chosen by, and the indexes that find them."""

from collections.abc import Sequence
from dataclasses import replace
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

from store import labels, tables, telling
from store.database import Connection
from store.filters import (
    ContactFilter,
    Period,
    PromoFilter,
    RewardStateFilter,
    SurveyAnswerFilter,
)
from store.folding import found_by, matches
from store.labels import Label
from store.lookups import NUMBERED, contacts_found, numbers_found
from store.terms import Clause, Finding, Found, Term, claim, is_set, of_index, one_of, within

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

        return Term(clause, labels=wanted, labels_are_all=True)

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
            found.extend(self._has_balance(asked.has_positive_balance))
        if asked.balance_at_least is not None:
            found.extend(self._has_at_least(asked.balance_at_least))
        if asked.has_been_sent is not None:
            transactions = tables.reward_transactions
            (sent,) = claim(
                asked.has_been_sent, self._has(transactions, transactions.c.kind == "SENT")
            )
            wanted = (labels.REWARD_SENT,) if asked.has_been_sent else None
            found.append(Term(sent.clause, labels=wanted))
        return found

    def _has_balance(self, asked: bool) -> list[Term]:
        def clause(contacts: FromClause) -> ColumnElement[bool]:
            # A constant: the indexes of balances hold the positive ones alone.
            return contacts.c.reward_balance > literal_column("0")

        (term,) = of_index("has_balance", asked, clause)
        return [replace(term, found=self._found_by(clause))] if asked else [term]

    def _has_at_least(self, balance: Decimal) -> list[Term]:
        def clause(contacts: FromClause) -> ColumnElement[bool]:
            return contacts.c.reward_balance >= balance

        if balance <= 0:
            return [Term(clause)]
        (positive,) = self._has_balance(True)

        def both(contacts: FromClause) -> ColumnElement[bool]:
            return and_(positive.clause(contacts), clause(contacts))

        return [Term(clause, found=self._found_by(both, is_quick=True)), positive]

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

        def found(_is_sqlite: bool, columns: Sequence[str]) -> Found:
            each = [self._chosen(part.clause, columns) for part in parts]
            return Found(select(*union(*each).subquery().c))

        return Term(clause, found=found)

    def named(self, search: str) -> Term:
        def clause(contacts: FromClause) -> ColumnElement[bool]:
            return found_by(contacts.c.search, search)

        def found(is_sqlite: bool, columns: Sequence[str]) -> Found | None:
            if is_sqlite:
                numbers = numbers_found(search, self.workspace_id)
                if numbers is None:
                    return None
                return Found(numbers, lambda hits: self._numbered(hits, columns), is_quick=True)
            ids = contacts_found(search, self.workspace_id, is_sqlite=False)
            if ids is None:
                return None

            async def weighed(connection: Connection) -> Found:
                condition, is_rare = await telling.found(connection, self.workspace_id, search)
                return Found(self._chosen(lambda _: condition, columns), is_rare=is_rare)

            return Found(ids.with_only_columns(*_named(columns)), weighed=weighed)

        return Term(clause, found=found)

    def _numbered(self, hits: FromClause, columns: Sequence[str]) -> Select[Any]:
        own = (_contacts.c.workspace_id == self.workspace_id) & (
            _contacts.c.id == NUMBERED.c.contact_id
        )
        found = hits.join(NUMBERED, NUMBERED.c.number == hits.c.rowid).join(_contacts, own)
        return select(*_named(columns)).select_from(found)

    def _found_by(self, clause: Clause, *, is_quick: bool = False) -> Finding:
        return lambda _, columns: Found(self._chosen(clause, columns), is_quick=is_quick)

    def _chosen(self, clause: Clause, columns: Sequence[str]) -> Select[Any]:
        return select(*_named(columns)).where(
            _contacts.c.workspace_id == self.workspace_id, clause(_contacts)
        )

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
