"""Dead letters: what providers sent and we could not read."""

from dataclasses import dataclass

from resolvers import auditing
from resolvers.context import Context
from resolvers.reading import Reader
from store import Connection, connectors, dead_letters, jobs, rows
from store.dead_letters import Chosen
from store.entities import DEAD_LETTER
from store.filters import DeadLetterFilter
from store.lists import Count, Order, Page, PageRequest
from store.refusals import Refusal
from store.types import Id, new_id
from store.want import Want
from store.words import ErrorCode, JobKind, Scope

AT_MOST = 1_000

_letters: Reader[rows.DeadLetter, DeadLetterFilter] = Reader(DEAD_LETTER)

pages = _letters.pages


async def page(
    context: Context, filter: DeadLetterFilter, order: Order, request: PageRequest, want: Want
) -> Page[rows.DeadLetter]:
    context.require(Scope.ADMIN)
    return await _letters.page(context, filter, order, request, want)


async def count(context: Context, filter: DeadLetterFilter) -> Count:
    context.require(Scope.ADMIN)
    return await _letters.count(context, filter)


@dataclass(frozen=True, slots=True)
class Replaying:
    """What was chosen: by ids, by the connector, or both; all when neither is set."""

    ids: tuple[Id, ...] | None = None
    connector_id: Id | None = None


async def replay(context: Context, chosen: Replaying) -> Id | Refusal:
    """Read them again, those that were kept before this call, by a job."""
    context.require(Scope.ADMIN)
    ids, connector_id = chosen.ids, chosen.connector_id
    if ids is not None and not ids:
        return Refusal(
            ErrorCode.EMPTY_SELECTION,
            "ids is empty: name dead letters, or leave it out for all of them.",
            ("ids",),
        )
    if ids is not None and len(ids) > AT_MOST:
        return Refusal(
            ErrorCode.TOO_MANY,
            f"{len(ids):,} ids are too many: give at most {AT_MOST:,}, or the connectorId.",
            ("ids",),
        )
    workspace_id, job_id, by = context.workspace_id, new_id(), context.viewer.token_name

    async def work(connection: Connection) -> Id | Refusal:
        if connector_id is not None and not await connectors.find_many(
            connection, workspace_id, [connector_id]
        ):
            return Refusal(
                ErrorCode.NOT_FOUND, "This workspace has no such connector.", ("connectorId",)
            )
        total = await dead_letters.count(
            connection, workspace_id, Chosen(job_id, ids, connector_id)
        )
        if not total:
            return Refusal(ErrorCode.NOT_FOUND, "There is no such dead letter.", ("ids",))
        await jobs.enqueue(
            connection,
            workspace_id,
            JobKind.REPLAY,
            {
                "ids": None if ids is None else [one.hex() for one in ids],
                "connector": None if connector_id is None else connector_id.hex(),
            },
            by=by,
            now=context.now(),
            total=total,
            id=job_id,
        )
        await auditing.note(connection, context, "replayDeadLetters", affected=total, job=job_id)
        return job_id

    done = await context.database.transact(work)
    if not isinstance(done, Refusal):
        context.wake_worker()
    return done
