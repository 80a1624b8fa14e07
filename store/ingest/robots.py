"""Robots: which clicks of a message no person made, judged anew whenever another one comes.

A mail scanner follows the links of a message all at once, and is often known by its third only. So
the verdict is a function of all clicks on the message's tracked links, whatever their order: those
on at least LINKS_AT_ONCE different links within WITHIN are suspected. When that concerns clicks
that were counted, the message is folded anew from the log, and so its status, its first dates and
all counters become what they would have been had the verdict been known at once.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import bindparam, select, update

from store import tables
from store.database import Connection
from store.ingest.batch import Batch
from store.merge import Message
from store.types import SECOND, Id, Instant
from store.words import DeliveryKind

LINKS_AT_ONCE = 3
WITHIN = 10 * SECOND
SIGNAL = "ALL_LINKS_AT_ONCE"
EVENTS_AT_MOST = 500
"""A message that was opened and clicked more often is judged no more: each click would read all."""

_FIXED = ("id", "external_id", "entry_id", "journey_id", "contact_id", "step_id")
_FIXED_TOO = ("resource_id", "channel", "created_at")
_READ = (
    *("seq", "recorded_at", "communication_id", "delivery", "occurred_at", "url", "reason"),
    *("is_suspected_bot", "bot_signals", "detail"),
)
_MARK = (
    update(tables.log)
    .where(
        tables.log.c.workspace_id == bindparam("b_workspace_id"),
        tables.log.c.seq == bindparam("b_seq"),
        tables.log.c.recorded_at == bindparam("b_recorded_at"),
    )
    .values(
        is_suspected_bot=True,
        bot_signals=bindparam("b_signals", type_=tables.log.c.bot_signals.type),
    )
)


async def judge(connection: Connection, workspace_id: int, batch: Batch) -> None:
    """Judge the messages of which links were clicked in this batch, before it is written.

    The log is append-only but for these marks (and those of `store/undo.py`): each row of an event
    says itself whether a robot is suspected, which every list and stream reads.
    """
    clicked = {
        one.id: one
        for one in batch.known.messages.values()
        if one.id in batch.clicked and one.raw_click_count + one.raw_open_count <= EVENTS_AT_MOST
    }
    if not clicked:
        return
    recorded = await _recorded(connection, workspace_id, clicked.keys())
    arrived: dict[Id, list[dict[str, Any]]] = defaultdict(list)
    for fact in batch.facts:
        if fact["delivery"] is not None and fact["communication_id"] in clicked:
            arrived[fact["communication_id"]].append(fact)
    marks: list[dict[str, Any]] = []
    for message_id, message in clicked.items():
        rows = recorded[message_id]
        suspects = _suspects([*rows, *arrived[message_id]])
        was_counted = any(not one["is_suspected_bot"] for one in suspects)
        for one in suspects:
            one["is_suspected_bot"] = True
            one["bot_signals"] = [*(one["bot_signals"] or ()), SIGNAL]
        marks.extend(_mark(workspace_id, one) for one in suspects if "seq" in one)
        if was_counted:
            _fold_anew(batch, message, [*rows, *arrived[message_id]])
        if suspects:
            batch.fact(
                "robots",
                batch.now,
                change="ROBOT_SUSPECTED",
                message=message,
                detail={"events": len(suspects), "signals": [SIGNAL]},
            )
    if marks:
        await connection.execute(_MARK, sorted(marks, key=lambda one: int(one["b_seq"])))


async def _recorded(
    connection: Connection, workspace_id: int, message_ids: Collection[Id]
) -> Mapping[Id, list[dict[str, Any]]]:
    """The events of messages that the log holds. The messages are locked: no others come in."""
    log = tables.log
    found = await connection.execute(
        select(*(log.c[name] for name in _READ))
        .where(
            log.c.workspace_id == workspace_id,
            log.c.communication_id.in_(message_ids),
            log.c.delivery.is_not(None),
        )
        .order_by(log.c.seq)
    )
    rows: dict[Id, list[dict[str, Any]]] = defaultdict(list)
    for row in found.mappings():
        rows[bytes(row["communication_id"])].append(dict(row))
    return rows


def _suspects(events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those which the burst that they are in gives away, and which do not say so yet."""
    clicks = sorted(
        (
            _Click(one["occurred_at"], one["detail"]["link"], index)
            for index, one in enumerate(events)
            if one["delivery"] == DeliveryKind.CLICKED and (one["detail"] or {}).get("link")
        ),
        key=lambda click: (click.at, click.link),
    )
    found: set[int] = set()
    start = 0
    for end, click in enumerate(clicks):
        while click.at - clicks[start].at > WITHIN:
            start += 1
        burst = clicks[start : end + 1]
        if len({one.link for one in burst}) >= LINKS_AT_ONCE:
            found.update(one.index for one in burst)
    return [
        events[index]
        for index in sorted(found)
        if SIGNAL not in (events[index]["bot_signals"] or ())
    ]


@dataclass(frozen=True, slots=True)
class _Click:
    at: Instant
    link: int
    index: int


def _fold_anew(batch: Batch, message: Message, events: Sequence[dict[str, Any]]) -> None:
    """Make the message what all its events make it, now that some are a robot's."""
    if not any(one["delivery"] == DeliveryKind.QUEUED for one in events):
        # The log no longer reaches back to its beginning: what was folded of that has to stay.
        return
    batch.touch_message(message)
    fresh = Message(**{name: getattr(message, name) for name in (*_FIXED, *_FIXED_TOO)})
    for one in events:
        fresh.fold(
            DeliveryKind(one["delivery"]),
            one["occurred_at"],
            one["url"],
            one["reason"],
            is_suspected_bot=one["is_suspected_bot"],
        )
    for field in fields(Message):
        setattr(message, field.name, getattr(fresh, field.name))


def _mark(workspace_id: int, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "b_workspace_id": workspace_id,
        "b_seq": row["seq"],
        "b_recorded_at": row["recorded_at"],
        "b_signals": row["bot_signals"],
    }
