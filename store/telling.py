"""Telling words: those of a search that few contacts have, for which PostgreSQL's index is asked.

It reads the places of every trigram that it is asked for, of a word that all contacts have a
million each. Such words are left to the rows that the others find.
"""

import re
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    func,
    literal_column,
    select,
    union_all,
)

from store import tables
from store.database import Connection
from store.folding import SEPARATOR, fold, found_by

_SEEN = 100
"""So many of the oldest contacts, and of the newest, show what is common."""
_COMMON = 10
"""Of those, so many have a common word."""
_RARE = 3
"""Of those, fewer have a text for which no list of contacts is worth looking through."""
_WORDS_AT_MOST = 8

_WORD = re.compile(r"[^\W_]{3,}")


async def found(
    connection: Connection, workspace_id: int, asked: str
) -> tuple[ColumnElement[bool], bool]:
    """That a contact has the text, said so that the index has little to read; and whether it
    seems to be rare."""
    search = tables.contacts.c.search
    text = " ".join(fold(asked).split())
    words = _words(text)
    texts = [text if len(text) > 2 else SEPARATOR + text, *words]
    given = {f"text_{number}": one for number, one in enumerate(texts)}
    seen = await connection.execute(_times_seen(len(texts)), {"workspace": workspace_id, **given})
    whole, *times = seen.one()
    is_rare = whole < _RARE
    telling = [word for word, number in zip(words, times, strict=True) if number < _COMMON]
    if len(telling) in (0, len(words)):
        return found_by(search, asked), is_rare
    # Of this expression there is no index: the rows themselves are asked.
    rest = found_by(search.concat(literal_column("''")), asked)
    return and_(*(search.contains(word, autoescape=True) for word in telling), rest), is_rare


def _words(text: str) -> list[str]:
    """Each with the sign on either side, by which the index knows that it ends there."""
    words = [text[max(one.start() - 1, 0) : one.end() + 1] for one in _WORD.finditer(text)]
    return words[:_WORDS_AT_MOST]


@cache
def _times_seen(texts: int) -> Select[Any]:
    """How many of the oldest and the newest contacts have each of so many texts."""
    contacts = tables.contacts
    has = [
        (func.strpos(contacts.c.search, bindparam(f"text_{number}", type_=String)) > 0)
        .cast(Integer)
        .label(f"has_{number}")
        for number in range(texts)
    ]
    order = (contacts.c.created_at, contacts.c.id)
    ends = [
        select(*has)
        .where(contacts.c.workspace_id == bindparam("workspace"))
        .order_by(*directed)
        .limit(_SEEN)
        .subquery()
        for directed in (order, [one.desc() for one in order])
    ]
    both = union_all(*(select(one) for one in ends)).subquery()
    return select(*(func.coalesce(func.sum(one), 0) for one in both.c))
