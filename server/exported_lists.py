"""Exported lists: of what an export writes a line, and which columns the line has."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from schema.scalars import write_instant
from schema.types.communication import failed_at
from server.csv_lines import Cell
from store import Connection
from store.entities import COMMUNICATION, ENTRY, Entity
from store.filters import CommunicationFilter, EntryFilter
from store.lists import Order
from store.types import Instant
from store.want import Want, want

ROWS_A_PAGE = 1_000

Prepare = Callable[[Connection, int, Sequence[Any]], Awaitable[None]]
"""Makes what a page of rows is to hold; done again, it makes nothing more."""

Column = tuple[str, Callable[[Any], Cell]]

_CONTACT = want(["external_username", "username", "email", "first_name", "last_name"])


def _at(moment: Instant | None) -> str | None:
    return None if moment is None else write_instant(moment)


def _of_contact(name: str) -> Callable[[Any], Cell]:
    return lambda row: getattr(row.contact, name)


_WHO: tuple[Column, ...] = (
    ("externalUsername", _of_contact("external_username")),
    ("username", _of_contact("username")),
    ("email", _of_contact("email")),
    ("firstName", _of_contact("first_name")),
    ("lastName", _of_contact("last_name")),
)

_USERS: tuple[Column, ...] = (
    ("entry", lambda row: row.external_id),
    *_WHO,
    ("state", lambda row: row.state),
    ("enteredAt", lambda row: _at(row.entered_at)),
    ("convertedAt", lambda row: _at(row.converted_at)),
    ("stoppedAt", lambda row: _at(row.stopped_at)),
    ("stopReason", lambda row: row.stop_reason),
    ("stoppedBy", lambda row: row.stop_actor),
    ("stopNote", lambda row: row.stop_note),
    ("inControlGroup", lambda row: row.in_control_group),
    ("currentStep", lambda row: None if row.current_step is None else row.current_step.name),
)

_COMMUNICATIONS: tuple[Column, ...] = (
    ("communication", lambda row: row.external_id),
    ("entry", lambda row: row.entry.external_id),
    *_WHO,
    ("channel", lambda row: row.channel),
    ("resource", lambda row: row.resource.name),
    ("step", lambda row: None if row.step is None else row.step.name),
    ("status", lambda row: row.status),
    ("createdAt", lambda row: _at(row.created_at)),
    ("sentAt", lambda row: _at(row.sent_at)),
    ("deliveredAt", lambda row: _at(row.delivered_at)),
    ("firstImpressionAt", lambda row: _at(row.first_impression_at)),
    ("firstOpenAt", lambda row: _at(row.first_open_at)),
    ("firstClickAt", lambda row: _at(row.first_click_at)),
    ("clickCount", lambda row: row.click_count),
    ("lastAction", lambda row: row.last_action_kind),
    ("lastActionUrl", lambda row: row.last_action_url),
    ("lastActionAt", lambda row: _at(row.last_action_at)),
    ("failedAt", lambda row: _at(failed_at(row))),
    ("failureReason", lambda row: row.failure_reason),
)


async def _as_they_are(_: Connection, __: int, rows: Sequence[Any]) -> Sequence[Any]:
    return rows


@dataclass(frozen=True, slots=True)
class Listed:
    """A list that can be exported, in the order of a column that never changes.

    `complete` adds to the rows of a page what its columns read besides, behind the transaction in
    which `prepare` made it.
    """

    entity: Entity[Any]
    order: Order
    want: Want
    columns: Sequence[Column]
    filter: type[Any]
    complete: Callable[[Connection, int, Sequence[Any]], Awaitable[Sequence[Any]]] = _as_they_are
    prepare: Prepare | None = None
    rows_a_page: int = ROWS_A_PAGE


LISTS = {
    "users": Listed(
        ENTRY,
        Order("entered_at", is_descending=False),
        want(
            [
                "id",
                "external_id",
                "state",
                "entered_at",
                "converted_at",
                "stopped_at",
                "stop_reason",
                "stop_actor",
                "stop_note",
                "in_control_group",
            ],
            {"contact": _CONTACT, "current_step": want(["name"])},
        ),
        _USERS,
        EntryFilter,
    ),
    "communications": Listed(
        COMMUNICATION,
        Order("created_at", is_descending=False),
        want(
            [
                "id",
                "external_id",
                "channel",
                "status",
                "created_at",
                "sent_at",
                "delivered_at",
                "first_impression_at",
                "first_open_at",
                "first_click_at",
                "click_count",
                "last_action_kind",
                "last_action_url",
                "last_action_at",
                "failed_at",
                "bounced_at",
                "failure_reason",
            ],
            {
                "contact": _CONTACT,
                "entry": want(["external_id"]),
                "resource": want(["name"]),
                "step": want(["name"]),
            },
        ),
        _COMMUNICATIONS,
        CommunicationFilter,
    ),
}
