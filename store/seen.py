"""Seen: the e-mail addresses of a file so far, each with the row that brought it first."""

import sqlite3
from collections.abc import Sequence

from store.contact_imports import Row


class Seen:
    """In a nameless file that SQLite deletes: however long the list is, it takes 16 MB of memory.

    It knows addresses by 64 bits of a hash: two among a million are taken for one with a
    probability of 1 in 30 million.
    """

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -16384"):
            self._connection.execute(f"PRAGMA {setting}")
        self._connection.execute("CREATE TABLE seen (hash INTEGER PRIMARY KEY, row INTEGER)")

    def add(self, rows: Sequence[Row]) -> dict[int, int]:
        """Take rows in the order of the file; of those that were there, the first row's number."""
        pairs = [(hash(row.email_key), row.number) for row in rows]
        self._connection.execute("BEGIN")
        added = self._connection.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?)", pairs)
        self._connection.execute("COMMIT")
        if added.rowcount == len(pairs):
            return {}
        found: dict[int, int] = {}
        for key, number in pairs:
            first = self._connection.execute("SELECT row FROM seen WHERE hash = ?", (key,))
            ((own,),) = first.fetchall()
            if own != number:
                found[number] = own
        return found

    def close(self) -> None:
        self._connection.close()
