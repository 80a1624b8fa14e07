"""Exports: asking for a journey's lists as a file."""

import re
from dataclasses import dataclass
from typing import Any

from resolvers import recipients
from resolvers.context import Context
from resolvers.once import once
from store import Connection, filter_codec, jobs, lists
from store.entities import JOURNEY
from store.filters import CommunicationFilter, EntryFilter
from store.refusals import Refusal
from store.types import Id, new_id
from store.want import want
from store.words import ErrorCode, JobKind, Scope

_NAME_AT_MOST = 60


@dataclass(frozen=True, slots=True)
class JourneyExport:
    """Either of the filters chooses the rows; `said` is all that was asked for, as it was."""

    journey_id: Id
    users: EntryFilter | None
    communications: CommunicationFilter | None
    email: str | None
    said: str


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
                "name": _slug(journey.external_id or journey.name),
            },
            by=context.viewer.token_name,
            now=context.now(),
        )
        return {"job": job_id.hex()}

    done = await once(context, "exportJourney", idempotency_key, asked.said, hand_in)
    if isinstance(done, Refusal):
        return done
    context.wake_worker()
    return bytes.fromhex(done["job"])


def _slug(name: str) -> str:
    """The name as a part of a file's name, on any system."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:_NAME_AT_MOST] or "journey"
