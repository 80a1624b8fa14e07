"""Refusals: what was expected to be possible and is not, as data."""

from dataclasses import dataclass

from store.words import ErrorCode


@dataclass(frozen=True, slots=True)
class Refusal:
    """What happened, with which value, what to do; `field` is the path inside the input."""

    code: ErrorCode
    message: str
    field: tuple[str, ...] | None = None
