"""Exports: asking for contacts, or for a journey's lists, as a file."""

import re
from dataclasses import dataclass
from typing import Any

from resolvers import auditing, contact_selections, recipients
from resolvers.contact_selections import Chosen
from resolvers.context import Context
from resolvers.once import Act, once
from store import Connection, filter_codec, jobs, lists
from store.entities import JOURNEY
from store.filters import CommunicationFilter, EntryFilter
from store.refusals import Refusal
from store.types import Id, new_id
from store.want import want
from store.words import ContactColumn, ErrorCode, JobKind, Scope

_NAME_AT_MOST = 60


@dataclass(frozen=True, slots=True)
class JourneyExport:
    """Either of the filters chooses the rows; `said` is all that was asked for, as it was."""

    journey_id: Id
    users: EntryFilter | None
    communications: CommunicationFilter | None
    email: str | None
    said: str


_LINKS = (ContactColumn.REFERRAL_LINK, ContactColumn.FLOW_LINK)
DEFAULT_COLUMNS = tuple(one for one in ContactColumn if one not in _LINKS)


@dataclass(frozen=True, slots=True)
class ContactExport:
    """Which contacts, with what of each, and to whom it is mailed."""

    chosen: Chosen
    columns: tuple[ContactColumn, ...]
    email: str | None


async def of_journey(
    context: Context, asked: JourneyExport, *, idempotency_key: str | None = None
) -> Id | Refusal:
    """Hand in the job that writes the users of a journey, or its communications."""
    context.require(Scope.OPERATE)
    chosen: EntryFilter | CommunicationFilter
    if asked.users is not None and asked.communications is None:
        name = "users"
        chosen = EntryFilter(journey_id=(asked.journey_id,), and_=(asked.users,))
    elif asked.communications is not None and asked.users is None:
        name = "communications"
        chosen = CommunicationFilter(journey_id=(asked.journey_id,), and_=(asked.communications,))
    else:
        return Refusal(
            ErrorCode.INVALID,
            "Give one of users and communications; an empty filter, {}, means all.",
            ("users",),
        )

    if asked.email is not None:
        not_allowed = recipients.refusal(context, asked.email)
        if not_allowed is not None:
            return not_allowed

    async def hand_in(connection: Connection) -> Any:
        journey = await lists.get(
            connection,
            JOURNEY,
            context.workspace_id,
            want(["external_id", "name"]),
            id=asked.journey_id,
        )
        if journey is None:
            return Refusal(
                ErrorCode.NOT_FOUND, "This workspace has no such journey.", ("journeyId",)
            )
        job_id = await jobs.enqueue(
            connection,
            context.workspace_id,
            JobKind.JOURNEY_EXPORT,
            {
                "list": name,
                "filter": filter_codec.encode(chosen),
                "until": new_id().hex(),
                "email": asked.email,
                "name": slug(journey.external_id or journey.name),
            },
            by=context.viewer.token_name,
            now=context.now(),
        )
        await auditing.note(
            connection, context, "exportJourney", affected=0, journey=asked.journey_id, job=job_id
        )
        return {"job": job_id.hex()}

    return await handed_in(context, "exportJourney", idempotency_key, asked.said, hand_in)


async def of_contacts(
    context: Context, asked: ContactExport, *, idempotency_key: str | None = None
) -> Id | Refusal:
    """Hand in the job that writes the chosen contacts."""
    context.require(Scope.OPERATE)
    refusal = contact_selections.refusal(asked.chosen) or wrong_columns(asked.columns)
    if refusal is None and asked.email is not None:
        refusal = recipients.refusal(context, asked.email)
    if refusal is not None:
        return refusal

    async def hand_in(connection: Connection) -> Any:
        job_id = await jobs.enqueue(
            connection,
            context.workspace_id,
            JobKind.CONTACT_EXPORT,
            {
                "list": "contacts",
                "columns": list(asked.columns),
                "filter": filter_codec.encode(asked.chosen.asked()),
                "until": new_id().hex(),
                "email": asked.email,
                "name": None,
            },
            by=context.viewer.token_name,
            now=context.now(),
        )
        await auditing.note(connection, context, "exportContacts", affected=0, job=job_id)
        return {"job": job_id.hex()}

    said = (asked.chosen.said, asked.columns, asked.email)
    return await handed_in(context, "exportContacts", idempotency_key, said, hand_in)


async def handed_in(
    context: Context, mutation: str, key: str | None, said: object, hand_in: Act
) -> Id | Refusal:
    done = await once(context, mutation, key, said, hand_in)
    if isinstance(done, Refusal):
        return done
    context.wake_worker()
    return bytes.fromhex(done["job"])


def wrong_columns(columns: tuple[ContactColumn, ...]) -> Refusal | None:
    if not columns:
        message = "No column is chosen: give at least one, or leave columns out."
        return Refusal(ErrorCode.INVALID, message, ("columns",))
    twice = [one for one in columns if columns.count(one) > 1]
    if twice:
        message = f"The column {twice[0]} is there twice: give each once."
        return Refusal(ErrorCode.INVALID, message, ("columns",))
    return None


def slug(name: str) -> str:
    """The name as a part of a file's name, on any system."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:_NAME_AT_MOST] or "journey"
