"""Ids as clients see them: opaque, and typed by their first letters."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from resolvers.log_reading import LogId
from schema.errors import bad_input, shown
from store.types import Id

JOURNEY = "jrn"
STEP = "stp"
ENTRY = "ent"
COMMUNICATION = "com"
CONTACT = "ctc"
RESOURCE = "res"
ACTIVITY = "act"
DELIVERY_EVENT = "evt"
JOB = "job"
STOP = "und"
REWARD = "rwd"
SURVEY = "srv"
QUESTION = "qst"
CHOICE = "chc"
PROMO = "prm"
REFERRAL_LINK = "lnk"
REWARD_TRANSACTION = "rtx"
DELETION = "del"
WEBHOOK_ENDPOINT = "whk"
WEBHOOK_DELIVERY = "msg"
CONNECTOR = "cnn"
DEAD_LETTER = "ddl"
AUDIT_RECORD = "aud"
TOKEN = "tok"  # noqa: S105  Of a token's id, which opens nothing.

_NAMES = {
    JOURNEY: "a journey",
    STEP: "a journey step",
    ENTRY: "an entry",
    COMMUNICATION: "a communication",
    CONTACT: "a contact",
    RESOURCE: "a resource",
    ACTIVITY: "an activity",
    DELIVERY_EVENT: "a delivery event",
    JOB: "a job",
    STOP: "a stop that can be undone",
    REWARD: "a reward",
    SURVEY: "a survey",
    QUESTION: "a survey question",
    CHOICE: "a survey choice",
    PROMO: "a promo",
    REFERRAL_LINK: "a referral link",
    REWARD_TRANSACTION: "a reward transaction",
    DELETION: "a deletion that can be undone",
    WEBHOOK_ENDPOINT: "a webhook endpoint",
    WEBHOOK_DELIVERY: "a webhook delivery",
    CONNECTOR: "a connector",
    DEAD_LETTER: "a dead letter",
    AUDIT_RECORD: "an audit record",
    TOKEN: "a token",
}
_ROW = re.compile(
    r"(jrn|stp|ent|com|ctc|res|job|und|rwd|srv|qst|chc|prm|lnk|rtx|del|whk|msg|cnn|ddl|aud|tok)_([0-9a-f]{32})",
    re.ASCII,
)
_LOGGED = re.compile(r"(act|evt)_([1-9][0-9]{0,17})_([0-9a-f]{8})", re.ASCII)


def of(kind: str) -> Callable[[Any], str]:
    """A function that writes the id of a row of this kind."""
    prefix = kind + "_"
    return lambda row: prefix + row.id.hex()


def of_logged(kind: str) -> Callable[[Any], str]:
    return lambda row: f"{kind}_{row.seq}_{row.nonce.hex()}"


def parse(text: str, kind: str) -> Id:
    """The 16 bytes of an id of this kind; BAD_USER_INPUT for any other text."""
    match = _ROW.fullmatch(text)
    if match is None or match[1] != kind:
        raise bad_input(
            f"{shown(text)} is not the id of {_NAMES[kind]}: such ids begin with {kind}_."
        )
    return bytes.fromhex(match[2])


def parse_all(texts: Iterable[str], kind: str) -> tuple[Id, ...]:
    return tuple(parse(text, kind) for text in texts)


def parse_any(text: str) -> tuple[str, Id | LogId]:
    """The kind and the value of any id; BAD_USER_INPUT for a text that is none."""
    if match := _ROW.fullmatch(text):
        return match[1], bytes.fromhex(match[2])
    if match := _LOGGED.fullmatch(text):
        return match[1], LogId(int(match[2]), bytes.fromhex(match[3]))
    raise bad_input(f"{shown(text)} is not an id: hand back an id that we gave, unchanged.")
