"""Diagnoses of entries: reading them, those of a page of entries in one statement."""

from collections.abc import Sequence

from sqlalchemy import select

from store import diagnosis, rows, tables
from store.database import Connection
from store.entities import ENTRY, JOURNEY_STEP
from store.reading import alias, selected
from store.types import Id, Instant
from store.want import Want, want
from store.words import DiagnosisCode

_COLUMNS = (
    "entered_at",
    "exit_reason",
    "failure_reason",
    "id",
    "last_error",
    "state",
    "step_at",
    "step_kind",
    "stop_actor",
    "stop_note",
    "stopped_at",
    "waiting_for",
    "waiting_until",
)
_STEP_COLUMNS = {"name", "patience_seconds"}


async def read(
    connection: Connection, workspace_id: int, ids: Sequence[Id], wanted_step: Want, now: Instant
) -> dict[Id, rows.EntryDiagnosis]:
    """The diagnosis of each of these entries at that moment, by the entry's id."""
    entry, steps = alias(ENTRY), alias(JOURNEY_STEP, ("current_step",))
    visits = tables.entry_steps.alias("visit")
    messages, resources = tables.communications.alias("message"), tables.resources.alias("made_of")
    step = Want(wanted_step.columns | _STEP_COLUMNS, wanted_step.relations)
    reading = selected(ENTRY, want(_COLUMNS, {"current_step": step}), entry)
    is_message = (messages.c.workspace_id == workspace_id) & (
        messages.c.id == diagnosis.latest_message(entry, workspace_id, "id").scalar_subquery()
    )
    is_resource = (resources.c.workspace_id == workspace_id) & (
        resources.c.id == messages.c.resource_id
    )
    is_overdue = diagnosis.overdue(entry, steps, visits, now)
    statement = (
        select(
            *reading.columns,
            diagnosis.code(entry, messages.c.status, is_overdue),
            diagnosis.reached_at(entry, visits),
            messages.c.status,
            messages.c.channel,
            resources.c.name,
            messages.c.created_at,
            messages.c.outcome_at,
            messages.c.suppressed_at,
            messages.c.failure_reason,
        )
        .select_from(
            reading.source.outerjoin(visits, diagnosis.is_visit(visits, entry, workspace_id))
            .outerjoin(messages, is_message)
            .outerjoin(resources, is_resource)
        )
        .where(entry.c.workspace_id == workspace_id, entry.c.id.in_(ids))
    )
    found: dict[Id, rows.EntryDiagnosis] = {}
    for row in (await connection.execute(statement)).all():
        read_entry = reading.build(row)
        code, reached_at, *message = row[len(reading.columns) :]
        found[read_entry.id] = rows.EntryDiagnosis(
            DiagnosisCode(code),
            now,
            read_entry,
            reached_at,
            None if message[0] is None else rows.StepMessage(*message),
        )
    return found
