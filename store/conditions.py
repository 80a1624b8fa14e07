"""Conditions: filters as SQL, each part knowing whether an index can answer it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, false, func, not_, or_, select, true

from store import diagnosis, lookups, tables
from store.contact_conditions import contact
from store.entities import Entity
from store.filters import (
    ActivityFilter,
    AuditFilter,
    CommunicationFilter,
    ConnectorFilter,
    ContactEventFilter,
    ContactFilter,
    DeadLetterFilter,
    DeliveryEventFilter,
    Diagnosed,
    EntryFilter,
    JobErrorFilter,
    JobFilter,
    JourneyFilter,
    RewardTransactionFilter,
    Text,
    WebhookDeliveryFilter,
    WebhookEndpointFilter,
)
from store.folding import found_by, matches
from store.jobs import STANDING
from store.lookups import Lookup
from store.tables.communications import MARKS
from store.terms import Clause, Term, is_set, of_index, one_of, within
from store.types import Id
from store.words import DeliveryStatus, DiagnosisCode

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
    | ConnectorFilter
    | DeadLetterFilter
    | AuditFilter
    | ContactEventFilter
    | RewardTransactionFilter
)


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
    elif entity.name in ("webhook_endpoint", "connector"):
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
            found = contact(asked, workspace_id)
        case ActivityFilter():
            return _activity(asked, workspace_id)
        case DeliveryEventFilter():
            return _delivery_event(asked, workspace_id)
        case JobFilter():
            return [*one_of("id", asked.id), *one_of("kind", asked.kind)]
        case JobErrorFilter():
            return one_of("job_id", asked.job_id)
        case WebhookEndpointFilter():
            return one_of("id", asked.id)
        case WebhookDeliveryFilter():
            return one_of("endpoint_id", asked.endpoint_id)
        case ConnectorFilter():
            return one_of("id", asked.id)
        case DeadLetterFilter():
            return [*one_of("id", asked.id), *one_of("connector_id", asked.connector_id)]
        case AuditFilter():
            return [
                *one_of("id", asked.id),
                *one_of("by", None if asked.by is None else (asked.by,)),
                *one_of("action", asked.action),
                *within("at", asked.within),
            ]
        case RewardTransactionFilter():
            return one_of("contact_id", asked.contact_id)
        case ContactEventFilter():
            return [*one_of("contact_id", asked.contact_id), *one_of("name", asked.name)]
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


def _journey(asked: JourneyFilter) -> list[Term]:
    found = one_of("status", asked.status)
    search = asked.search
    if search:
        found.append(Term(lambda t: found_by(t.c.search, search)))
    return found


def _of_contact_found(search: str, workspace_id: int) -> Term:
    found = lookups.of_contacts_found(search, workspace_id)
    return Term(_contact_found(search, workspace_id), lookup=Lookup("contact_id", found))


def _contact_found(search: str, workspace_id: int) -> Clause:
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

    return clause


def _resource_matches(asked: Text, workspace_id: int) -> Term:
    resources = tables.resources
    ids = select(resources.c.id).where(
        resources.c.workspace_id == workspace_id,
        matches(resources.c.name, resources.c.search, asked),
    )
    return Term(lambda t: t.c.resource_id.in_(ids))


def _entry(asked: EntryFilter, workspace_id: int) -> list[Term]:
    found = [
        *one_of("id", asked.id),
        *one_of("journey_id", asked.journey_id),
        *one_of("contact_id", asked.contact_id),
        *one_of("state", asked.state),
        *one_of("current_step_id", asked.current_step_id),
        *within("entered_at", asked.entered_within),
        *within("converted_at", asked.converted_within),
        *within("stopped_at", asked.stopped_within),
        *_control_group(asked.in_control_group),
        *of_index("is_open", asked.is_active, lambda t: t.c.stopped_at.is_(None)),
        *of_index("is_converted", asked.is_converted, lambda t: t.c.converted_at.is_not(None)),
    ]
    if asked.diagnosis is not None:
        found.extend(_diagnosed(asked.diagnosis, asked.journey_id, workspace_id))
    if asked.search:
        found.append(_of_contact_found(asked.search, workspace_id))
    if asked.activity is not None:
        found.append(_happened(asked.activity, workspace_id))
    return found


def _happened(activity: ActivityFilter, workspace_id: int) -> Term:
    log = tables.log.alias()
    inner = _activity(activity, workspace_id)

    def effective(row: FromClause) -> list[ColumnElement[bool]]:
        return [
            row.c.is_ignored.is_(False),
            row.c.is_suspected_bot.is_(False),
            *(part.clause(row) for part in inner),
        ]

    def clause(table: FromClause) -> ColumnElement[bool]:
        return (
            select(log.c.seq)
            .where(
                log.c.workspace_id == workspace_id,
                log.c.entry_id == table.c.id,
                log.c.activity.is_not(None),
                *effective(log),
            )
            .correlate(table)
            .exists()
        )

    if not activity.kind:
        return Term(clause)
    found = lookups.entries_with_activity(activity.kind, effective, workspace_id)
    return Term(clause, lookup=Lookup("id", found))


def _diagnosed(asked: Diagnosed, journey_ids: Sequence[Id] | None, workspace_id: int) -> list[Term]:
    found = one_of("state", diagnosis.states(asked.code))
    if asked.code == (DiagnosisCode.NO_PROGRESS,):
        # The index begins behind all who entered too lately to be overdue anywhere.
        since = diagnosis.impatient_since(workspace_id, journey_ids, asked.now)
        found.append(Term(lambda t: t.c.entered_at < since, "entered_at", is_range=True))
        # It follows from the code, and spares looking for the messages of all who are in time.
        found.append(Term(lambda t: diagnosis.is_overdue(t, workspace_id, asked.now)))
    if not diagnosis.follows_from_state(asked.code):
        found.append(Term(lambda t: diagnosis.code_of(t, workspace_id, asked.now).in_(asked.code)))
    return found


def _communication(asked: CommunicationFilter, workspace_id: int) -> list[Term]:
    found = [
        *one_of("journey_id", asked.journey_id),
        *one_of("entry_id", asked.entry_id),
        *one_of("contact_id", asked.contact_id),
        *one_of("channel", asked.channel),
        *_status(asked.status),
        *within("created_at", asked.created_within),
        *_clicked(asked.is_clicked),
    ]
    reached = asked.has_reached
    if reached is not None:
        found.append(_has_reached(reached))
    if asked.resource is not None:
        found.append(_resource_matches(asked.resource, workspace_id))
    if asked.contact_search:
        found.append(_of_contact_found(asked.contact_search, workspace_id))
    return found


def _status(asked: Sequence[DeliveryStatus] | None) -> list[Term]:
    found = one_of("status", asked)
    if asked is None or len(asked) != 1 or asked[0] not in MARKS:
        return found
    # Few messages have the status who have not the mark of the same name: none.
    return [replace(found[0], mark=asked[0].value)]


def _clicked(asked: bool | None) -> list[Term]:
    if not asked:
        return is_set("first_click_at", asked)
    clicked = DeliveryStatus.CLICKED.value
    return [Term(lambda t: t.c.first_click_at.is_not(None), mark=clicked, is_marked=True)]


def _control_group(asked: bool | None) -> list[Term]:
    if asked is None:
        return []
    return [Term(lambda t: t.c.in_control_group == asked, "in_control_group", is_equality=True)]


def _has_reached(reached: Sequence[DeliveryStatus]) -> Term:
    if DeliveryStatus.QUEUED in reached:
        # Every message has; said as a condition, so that its opposite finds none.
        return Term(lambda t: true(), is_cheap=True)
    columns = [MILESTONE_COLUMNS[one] for one in reached]
    mark = reached[0].value if len(reached) == 1 and reached[0] in MARKS else None
    return Term(
        lambda t: or_(false(), *(t.c[column].is_not(None) for column in columns)),
        mark=mark,
        is_marked=mark is not None,
    )


def _activity(asked: ActivityFilter, workspace_id: int) -> list[Term]:
    found = [
        *one_of("journey_id", asked.journey_id),
        *one_of("entry_id", asked.entry_id),
        *_activity_of_contacts(asked.contact_id, workspace_id),
        *one_of("activity", asked.kind),
        *one_of("step_id", asked.step_id),
        *one_of("channel", asked.channel),
        *within("occurred_at", asked.within),
    ]
    if asked.resource is not None:
        found.append(_resource_matches(asked.resource, workspace_id))
    if asked.contact_search:
        searched = lookups.entries_of_contacts_found(asked.contact_search, workspace_id)
        clause = _contact_found(asked.contact_search, workspace_id)
        found.append(Term(clause, lookup=Lookup("entry_id", searched)))
    return found


def _activity_of_contacts(ids: Sequence[Id] | None, workspace_id: int) -> list[Term]:
    return [
        replace(term, lookup=Lookup("entry_id", lookups.entries_of_contacts(ids, workspace_id)))
        for term in one_of("contact_id", ids)
        if ids is not None
    ]


def _delivery_event(asked: DeliveryEventFilter, workspace_id: int) -> list[Term]:
    found = [
        *one_of("journey_id", asked.journey_id),
        *one_of("contact_id", asked.contact_id),
        *one_of("communication_id", asked.communication_id),
        *one_of("channel", asked.channel),
        *one_of("delivery", asked.kind),
    ]
    if asked.resource is not None:
        found.append(_resource_matches(asked.resource, workspace_id))
    if not asked.include_suspected_bots:
        found.append(Term(lambda t: t.c.is_suspected_bot.is_(False), is_cheap=True))
    return found
