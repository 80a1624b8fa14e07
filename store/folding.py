"""Folding text for searching: the same on both databases, for any script."""

import unicodedata

from sqlalchemy import ColumnElement, and_, true

from store.filters import Text

SEPARATOR = "\n"


def fold(value: str) -> str:
    """NFKC and casefold: neither SQLite's LIKE nor a C locale's ILIKE folds more than ASCII."""
    if value.isascii():
        # All that the two do to ASCII, at a tenth of the cost: an import folds millions of names.
        return value.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).casefold())


def fold_email(value: str) -> str:
    """An e-mail address as it is compared: without regard to case."""
    return fold(value.strip())


def search_text(*values: str | None) -> str:
    """The search column of a row: each value begins behind a separator."""
    return "".join(SEPARATOR + " ".join(fold(value).split()) for value in values if value)


def contact_text(
    first_name: str | None,
    last_name: str | None,
    username: str | None,
    external_username: str | None,
    email: str | None,
) -> str:
    """The search column of a contact."""
    name = " ".join(one for one in (first_name, last_name) if one)
    return search_text(name, last_name, username, external_username, email)


def found_by(column: ColumnElement[str], asked: str) -> ColumnElement[bool]:
    """Whether a search column holds `asked`: anywhere, or under three characters as a prefix."""
    words = " ".join(fold(asked).split())
    if len(words) < 3:
        return column.contains(SEPARATOR + words, autoescape=True)
    return column.contains(words, autoescape=True)


def matches(
    column: ColumnElement[str], search: ColumnElement[str], asked: Text
) -> ColumnElement[bool]:
    """A text filter over an exact column and its folded search column (one value)."""
    conditions: list[ColumnElement[bool]] = []
    if asked.eq is not None:
        conditions.append(column == asked.eq)
    if asked.in_ is not None:
        conditions.append(column.in_(asked.in_))
    if asked.contains is not None:
        conditions.append(search.contains(" ".join(fold(asked.contains).split()), autoescape=True))
    if asked.starts_with is not None:
        conditions.append(
            search.startswith(
                SEPARATOR + " ".join(fold(asked.starts_with).split()), autoescape=True
            )
        )
    if asked.is_null is not None:
        conditions.append(column.is_(None) if asked.is_null else column.is_not(None))
    return and_(true(), *conditions)
