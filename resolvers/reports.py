"""Reports: what providers say became of messages."""

from collections.abc import Sequence
from dataclasses import dataclass

from store.connectors import Connector
from store.ingest.events import Delivery, Event, ProviderDelivery
from store.ingest.outcomes import Arrival
from store.ingest.via import Via, scope
from store.types import DAY, MINUTE, Instant
from store.words import DeliveryKind

_AHEAD = 5 * MINUTE
_OLDEST = 30 * DAY
_NAME_AT_MOST = 200
_TEXT_AT_MOST = 2_000


@dataclass(frozen=True, slots=True)
class Report:
    """What happened to one message, which is named by the partner's id or by the provider's.

    `event_id` is the provider's own of the event; without one, the same kind, time and address of
    a message are the same event.
    """

    kind: DeliveryKind
    occurred_at: Instant
    communication: str | None
    provider_message_id: str | None
    event_id: str | None = None
    url: str | None = None
    reason: str | None = None
    bot_signals: tuple[str, ...] = ()


def problem(report: Report, received_at: Instant, now: Instant) -> str | None:
    """Why the report cannot be recorded; None when it can."""
    name = report.communication or report.provider_message_id
    if not name:
        return "It names no message: neither our communication nor the provider's message id."
    if len(name) > _NAME_AT_MOST or "\0" in name:
        return f"The message's id is longer than {_NAME_AT_MOST} characters, or no text."
    if report.occurred_at > now + _AHEAD:
        return "It is dated more than 5 minutes ahead."
    if report.occurred_at < received_at - _OLDEST:
        return "It is dated more than 30 days back."
    return None


def arrivals(connector: Connector, reports: Sequence[Report]) -> list[Arrival]:
    """As the recorder takes them; of reports without a problem."""
    return arriving(connector, [_event(one) for one in reports])


def arriving(connector: Connector, events: Sequence[Event]) -> list[Arrival]:
    """Events that came by the connector."""
    via = None if connector.channel is None else Via(connector.id, connector.channel)
    own = scope(connector.id)
    return [Arrival(one, connector.name, own, via) for one in events]


def _event(report: Report) -> Event:
    kind = Delivery if report.communication else ProviderDelivery
    name = report.communication or report.provider_message_id or ""
    event_id = report.event_id
    if event_id is None:
        event_id = f"{name}\0{report.kind}\0{report.occurred_at}\0{report.url}"
    return kind(
        key=event_id,
        occurred_at=report.occurred_at,
        communication=name,
        kind=report.kind,
        url=_short(report.url),
        reason=_short(report.reason),
        is_suspected_bot=bool(report.bot_signals),
        bot_signals=report.bot_signals,
    )


def _short(text: str | None) -> str | None:
    # No text holds a null character on PostgreSQL.
    return text[:_TEXT_AT_MOST].replace("\0", "") if text else None
