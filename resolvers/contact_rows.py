"""Contact rows: what one row of an imported file says, or why it says nothing that can be kept."""

from collections.abc import Sequence

from resolvers import emails
from store.contact_imports import Row
from store.jobs import RowRefusal
from store.words import ErrorCode

COLUMNS = ("firstname", "lastname", "email")

_LONGEST = {"firstname": 200, "lastname": 200, "email": 320}
_SHOWN = 200


def read(number: int, cells: Sequence[str]) -> Row | RowRefusal | None:
    """The row, its refusal, or None for a blank one."""
    values = [cell.strip() for cell in cells]
    if not any(values):
        return None
    if len(values) != len(COLUMNS):
        return _miscounted(number, cells)
    first_name, last_name, email = values
    if len(first_name) > 200 or len(last_name) > 200 or len(email) > 320:
        return _too_long(number, values)
    if "\0" in first_name or "\0" in last_name:
        return _null(number, values)
    if not email:
        return refused(
            number,
            "email",
            None,
            "there is no e-mail address: a contact is known by it. Add it, or leave the row out.",
        )
    problem = emails.problem(email)
    if problem is not None:
        return refused(
            number, "email", email, f"{_quoted(email)} is not an e-mail address: {problem}"
        )
    return Row.of(number, first_name or None, last_name or None, email)


def refused(
    number: int,
    column: str | None,
    value: str | None,
    message: str,
    code: ErrorCode = ErrorCode.INVALID,
) -> RowRefusal:
    """The refusal of a row; the message begins with where it is."""
    shown = None if value is None else _shown(value)
    return RowRefusal(number, column, shown, f"Row {number:,}: {message}", code)


def is_twice(row: Row, first: int) -> RowRefusal:
    return refused(
        row.number,
        "email",
        row.email,
        f"{_quoted(row.email)} is in row {first:,} already: keep one of the two.",
        ErrorCode.DUPLICATE_EMAIL,
    )


def is_deleted(row: Row) -> RowRefusal:
    return refused(
        row.number,
        "email",
        row.email,
        f"The contact {_quoted(row.email)} was deleted, and an import does not bring it back: "
        "restore it, or leave the row out.",
        ErrorCode.CONFLICT,
    )


def is_erased(row: Row) -> RowRefusal:
    return refused(
        row.number,
        "email",
        # Its address is not kept again with the job.
        None,
        "the personal data of this address were erased on request, and an import does not bring "
        "them back: leave the row out.",
        ErrorCode.CONFLICT,
    )


def _miscounted(number: int, cells: Sequence[str]) -> RowRefusal:
    count = len(cells)
    return refused(
        number,
        None,
        ",".join(cells),
        f"{count} cell{'s are' if count > 1 else ' is'} in the row, but {len(COLUMNS)} are wanted: "
        f"{', '.join(COLUMNS)}. Quote a cell that holds the delimiter.",
    )


def _too_long(number: int, values: Sequence[str]) -> RowRefusal:
    column, value = next(
        (column, value)
        for column, value in zip(COLUMNS, values, strict=True)
        if len(value) > _LONGEST[column]
    )
    return refused(
        number,
        column,
        value,
        f"{column} has {len(value):,} characters: shorten it to at most {_LONGEST[column]}.",
        ErrorCode.TOO_LONG,
    )


def _null(number: int, values: Sequence[str]) -> RowRefusal:
    column, value = next(
        (column, value) for column, value in zip(COLUMNS, values, strict=True) if "\0" in value
    )
    return refused(
        number, column, value, f"{column} holds a null character: save the file again as text."
    )


def _quoted(value: str) -> str:
    return f'"{_shown(value)}"'


def _shown(value: str) -> str:
    """What databases can hold of it, and people want to read."""
    text = value.replace("\0", "\N{SYMBOL FOR NULL}")
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
