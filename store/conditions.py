"""Conditions: filters as SQL, each part knowing whether an index can answer it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, false, func, not_, or_, select, true

from store import diagnosis, tables
from store.entities import Entity
from store.filters import (
    ActivityFilter,
    CommunicationFilter,
    ContactEventFilter,
    ContactFilter,
    DeliveryEventFilter,
    Diagnosed,
    EntryFilter,
    JobErrorFilter,
    JobFilter,
    JourneyFilter,
    Period,
    Text,
    WebhookDeliveryFilter,
    WebhookEndpointFilter,
)
from store.folding import found_by, matches
from store.jobs import STANDING
from store.words import OPEN_STATES, DeliveryStatus, DiagnosisCode

Clause = Callable[[FromClause], ColumnElement[bool]]

Filter = (
    JourneyFilter
    | EntryFilter
    | CommunicationFilter
    | ContactFilter
    | ActivityFilter
    | DeliveryEventFilter
    | JobFilter
    | JobErrorFilter
    | WebhookEndpointFilter
    | WebhookDeliveryFilter
    | ContactEventFilter
)


@dataclass(frozen=True, slots=True)
class Term:
    """A part of a filter, all of which must hold.

    `column` with `is_equality`: the column has one value; with `is_range`: it lies in a period.
    Such a term costs nothing where an index begins with the column. `is_cheap`: so few rows fail it
    that a search need not be bounded for it.
    """

    clause: Clause
    column: str | None = None
    is_equality: bool = False
    is_range: bool = False
    is_cheap: bool = False


MILESTONE_COLUMNS: dict[DeliveryStatus, str] = {
    DeliveryStatus.SENT: "sent_at",
    DeliveryStatus.DEFERRED: "deferred_at",
    DeliveryStatus.SUPPRESSED: "suppressed_at",
    DeliveryStatus.DELIVERED: "delivered_at",
    DeliveryStatus.FAILED: "failed_at",
    DeliveryStatus.BOUNCED: "bounced_at",
    DeliveryStatus.IMPRESSION: "first_impression_at",
    DeliveryStatus.OPENED: "first_open_at",
    DeliveryStatus.CLICKED: "first_click_at",
    DeliveryStatus.UNSUBSCRIBED: "unsubscribed_at",
    DeliveryStatus.COMPLAINED: "complained_at",
}


def terms(entity: Entity[Any], asked: Filter | None, workspace_id: int) -> list[Term]:
    """The parts of a filter over `entity`, with what always holds of its rows."""
    always: list[Term] = []
    if entity.name == "contact":
        always.append(Term(lambda t: t.c.deleted_at.is_(None), is_cheap=True))
    elif entity.name == "activity":
        always.append(Term(lambda t: t.c.activity.is_not(None)))
    elif entity.name == "delivery_event":
        always.append(Term(lambda t: t.c.delivery.is_not(None)))
    elif entity.name == "job":
        always.append(Term(lambda t: t.c.kind.not_in(STANDING), is_cheap=True))
    elif entity.name == "webhook_endpoint":
        always.append(Term(lambda t: t.c.removed_at.is_(None), is_cheap=True))
    return always + ([] if asked is None else _terms(asked, workspace_id))


def _terms(asked: Filter, workspace_id: int) -> list[Term]:
    found: list[Term]
    match asked:
        case JourneyFilter():
            found = _journey(asked)
        case EntryFilter():
            found = _entry(asked, workspace_id)
        case CommunicationFilter():
            found = _communication(asked, workspace_id)
        case ContactFilter():
            found = _contact(asked)
        case ActivityFilter():
            return _activity(asked, workspace_id)
        case DeliveryEventFilter():
            return _delivery_event(asked, workspace_id)
        case JobFilter():
            return [*_one_of("id", asked.id), *_one_of("kind", asked.kind)]
        case JobErrorFilter():
            return _one_of("job_id", asked.job_id)
        case WebhookEndpointFilter():
            return _one_of("id", asked.id)
        case WebhookDeliveryFilter():
            return _one_of("endpoint_id", asked.endpoint_id)
        case ContactEventFilter():
            return [*_one_of("contact_id", asked.contact_id), *_one_of("name", asked.name)]
    for part in asked.and_:
        found.extend(_terms(part, workspace_id))
    if asked.or_:
        alternatives = [_terms(part, workspace_id) for part in asked.or_]
        found.append(Term(lambda t: or_(*(_all(part, t) for part in alternatives))))
    if asked.not_ is not None:
        inner = _terms(asked.not_, workspace_id)
        if inner:
            # NOT over a null is null: a row of which the opposite cannot be said does match.
            found.append(Term(lambda t: not_(_known(_all(inner, t)))))
    return found


def _all(parts: Sequence[Term], table: FromClause) -> ColumnElement[bool]:
    return and_(true(), *(part.clause(table) for part in parts))


def _known(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return func.coalesce(condition, false())


def _one_of(column: str, values: Sequence[Any] | None) -> list[Term]:
    if values is None:
        return []
    if len(values) == 1:
        return [Term(lambda t: t.c[column] == values[0], column, is_equality=True)]
    return [Term(lambda t: t.c[column].in_(values), column)]


def _within(column: str, period: Period | None) -> list[Term]:
    if period is None:
        return []
    found: list[Term] = []
    start, end = period.start, period.end
    if start is not None:
        found.append(Term(lambda t: t.c[column] >= start, column, is_range=True))
    if end is not None:
        found.append(Term(lambda t: t.c[column] < end, column, is_range=True))
    if start is None and end is None:
        found.append(Term(lambda t: t.c[column].is_not(None), column, is_range=True))
    return found


def _is(condition: bool | None, clause: Clause) -> list[Term]:
    if condition is None:
        return []
    return [Term(clause if condition else lambda t: not_(clause(t)))]


def _is_set(column: str, asked: bool | None) -> list[Term]:
    return _is(asked, lambda t: t.c[column].is_not(None))


def _journey(asked: JourneyFilter) -> list[Term]:
    found = _one_of("status", asked.status)
    search = asked.search
    if search:
        found.append(Term(lambda t: found_by(t.c.search, search)))
    return found


def _contact_found(search: str, workspace_id: int) -> Term:
    contacts = tables.contacts

    def clause(table: FromClause) -> ColumnElement[bool]:
        return (
            select(contacts.c.id)
            .where(
                contacts.c.workspace_id == workspace_id,
                contacts.c.id == table.c.contact_id,
                found_by(contacts.c.search, search),
            )
            .correlate(table)
            .exists()
        )

    return Term(clause)


def _resource_matches(asked: Text, workspace_id: int) -> Term:
    resources = tables.resources
    ids = select(resources.c.id).where(
        resources.c.workspace_id == workspace_id,
        matches(resources.c.name, resources.c.search, asked),
    )
    return Term(lambda t: t.c.resource_id.in_(ids))


def _entry(asked: EntryFilter, workspace_id: int) -> list[Term]:
    found = [
        *_one_of("id", asked.id),
        *_one_of("journey_id", asked.journey_id),
        *_one_of("contact_id", asked.contact_id),
        *_one_of("state", asked.state),
        *_one_of("current_step_id", asked.current_step_id),
        *_within("entered_at", asked.entered_within),
        *_within("converted_at", asked.converted_within),
        *_within("stopped_at", asked.stopped_within),
        *_is(asked.in_control_group, lambda t: t.c.in_control_group.is_(True)),
        *_is(asked.is_active, lambda t: t.c.state.in_(OPEN_STATES)),
        *_is_set("converted_at", asked.is_converted),
    ]
    if asked.diagnosis is not None:
        found.extend(_diagnosed(asked.diagnosis, workspace_id))
    if asked.search:
        found.append(_contact_found(asked.search, workspace_id))
    activity = asked.activity
    if activity is not None:
        log = tables.log.alias()
        inner = _activity(activity, workspace_id)

        def happened(table: FromClause) -> ColumnElement[bool]:
            return (
                select(log.c.seq)
                .where(
                    log.c.workspace_id == workspace_id,
                    log.c.entry_id == table.c.id,
                    log.c.activity.is_not(None),
                    log.c.is_ignored.is_(False),
                    log.c.is_suspected_bot.is_(False),
                    *(part.clause(log) for part in inner),
                )
                .correlate(table)
                .exists()
            )

        found.append(Term(happened))
    return found


def _diagnosed(asked: Diagnosed, workspace_id: int) -> list[Term]:
    found = _one_of("state", diagnosis.states(asked.code))
    if asked.code == (DiagnosisCode.NO_PROGRESS,):
        # It follows from the code, and spares looking for the messages of all who are in time.
        found.append(Term(lambda t: diagnosis.is_overdue(t, workspace_id, asked.now)))
    if not diagnosis.follows_from_state(asked.code):
        found.append(Term(lambda t: diagnosis.code_of(t, workspace_id, asked.now).in_(asked.code)))
    return found


def _communication(asked: CommunicationFilter, workspace_id: int) -> list[Term]:
    found = [
        *_one_of("journey_id", asked.journey_id),
        *_one_of("entry_id", asked.entry_id),
        *_one_of("contact_id", asked.contact_id),
        *_one_of("channel", asked.channel),
        *_one_of("status", asked.status),
        *_within("created_at", asked.created_within),
        *_is_set("first_click_at", asked.is_clicked),
    ]
    reached = asked.has_reached
    if reached is not None:
        found.append(_has_reached(reached))
    if asked.resource is not None:
        found.append(_resource_matches(asked.resource, workspace_id))
    if asked.contact_search:
        found.append(_contact_found(asked.contact_search, workspace_id))
    return found


def _has_reached(reached: Sequence[DeliveryStatus]) -> Term:
    if DeliveryStatus.QUEUED in reached:
        # Every message has; said as a condition, so that its opposite finds none.
        return Term(lambda t: true(), is_cheap=True)
    columns = [MILESTONE_COLUMNS[one] for one in reached]
    return Term(lambda t: or_(false(), *(t.c[column].is_not(None) for column in columns)))


def _contact(asked: ContactFilter) -> list[Term]:
    found = [
        *_one_of("id", asked.id),
        *_one_of("status", asked.status),
        *_one_of("source", asked.source),
        *_one_of("imported_as", asked.imported_as),
        *_within("converted_at", asked.converted_within),
        *_is_set("converted_at", asked.is_converted),
        *_is_set("imported_at", asked.is_imported),
    ]
    search = asked.search
    if search:
        found.append(Term(lambda t: found_by(t.c.search, search)))
    return found


def _activity(asked: ActivityFilter, workspace_id: int) -> list[Term]:
    found = [
        *_one_of("journey_id", asked.journey_id),
        *_one_of("entry_id", asked.entry_id),
        *_one_of("contact_id", asked.contact_id),
        *_one_of("activity", asked.kind),
        *_one_of("step_id", asked.step_id),
        *_one_of("channel", asked.channel),
        *_within("occurred_at", asked.within),
    ]
    if asked.resource is not None:
        found.append(_resource_matches(asked.resource, workspace_id))
    if asked.contact_search:
        found.append(_contact_found(asked.contact_search, workspace_id))
    return found


def _delivery_event(asked: DeliveryEventFilter, workspace_id: int) -> list[Term]:
    found = [
        *_one_of("journey_id", asked.journey_id),
        *_one_of("contact_id", asked.contact_id),
        *_one_of("communication_id", asked.communication_id),
        *_one_of("channel", asked.channel),
        *_one_of("delivery", asked.kind),
    ]
    if asked.resource is not None:
        found.append(_resource_matches(asked.resource, workspace_id))
    if not asked.include_suspected_bots:
        found.append(Term(lambda t: t.c.is_suspected_bot.is_(False), is_cheap=True))
    return found
