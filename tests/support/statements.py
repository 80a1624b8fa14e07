"""Statements: which SQL was run inside a block."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from store import Database


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The texts of what is read inside the block, in order."""
    statements: list[str] = []
    engine = database._reader.sync_engine

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)
