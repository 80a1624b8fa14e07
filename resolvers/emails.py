"""E-mail addresses: whether a text is one."""

import re
from functools import lru_cache

from email_validator import (
    SPECIAL_USE_DOMAIN_NAMES,
    EmailNotValidError,
    validate_email,
)

_WORD = "[A-Za-z0-9_+-]+"
_LABEL = "[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*"
# What most addresses look like, told in a fiftieth of the time that a full parser takes. Under 65
# characters no part of one can be too long.
_PLAIN = re.compile(rf"{_WORD}(?:\.{_WORD})*@(?:{_LABEL}\.)+([A-Za-z]{{2,}})")
_PLAIN_AT_MOST = 64
_SPECIAL = frozenset(name.rpartition(".")[2] for name in SPECIAL_USE_DOMAIN_NAMES)


def problem(address: str) -> str | None:
    """Why it is no e-mail address, as a sentence; None for one. Its domain is not looked up."""
    plain = _PLAIN.fullmatch(address) if len(address) <= _PLAIN_AT_MOST else None
    if plain is not None and plain[1].lower() not in _SPECIAL:
        return None
    return _parsed(address)


@lru_cache(maxsize=1_000)
def _parsed(address: str) -> str | None:
    try:
        validate_email(address, check_deliverability=False)
    except EmailNotValidError as error:
        return str(error)
    return None
