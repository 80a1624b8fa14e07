"""Contact statuses: giving chosen contacts another one."""

from dataclasses import dataclass
from typing import Any

from resolvers import auditing, bulk_contacts, contact_selections
from resolvers.bulk_contacts import Part
from resolvers.contact_selections import Chosen, Found
from resolvers.context import Context
from resolvers.once import once
from resolvers.work import Work
from store import Connection, contact_statuses, jobs
from store.contact_statuses import Appended
from store.refusals import Refusal
from store.types import Id
from store.words import ContactStatus, JobKind, Scope


@dataclass(frozen=True, slots=True)
class StatusesChanged:
    """How many contacts were chosen, and how many got the status.

    changed: None for a dry run, for a refusal, and while a job is at it.
    """

    matched: int = 0
    changed: int | None = None
    job_id: Id | None = None
    refusals: tuple[Refusal, ...] = ()


async def change(
    context: Context,
    chosen: Chosen,
    to: ContactStatus,
    *,
    is_dry_run: bool = False,
    idempotency_key: str | None = None,
) -> StatusesChanged:
    """At once for as many as a transaction takes, else as a job."""
    context.require(Scope.OPERATE)
    refusal = contact_selections.refusal(chosen)
    if refusal is not None:
        return StatusesChanged(refusals=(refusal,))
    found = await contact_selections.find(context, chosen)
    changing = _Change(context, chosen, found, to, is_dry_run=is_dry_run)
    said = (chosen.said, to, is_dry_run)
    done = await once(context, "changeContactStatus", idempotency_key, said, changing.run)
    if isinstance(done, Refusal):
        return StatusesChanged(refusals=(done,))
    changing.announce()
    job = done["job"]
    return StatusesChanged(
        done["matched"], done["changed"], None if job is None else bytes.fromhex(job)
    )


async def run(work: Work) -> None:
    """The job: give the chosen contacts the status."""
    to = ContactStatus(work.claim.input["to"])

    async def act(connection: Connection, ids: list[Id]) -> Part:
        done = await contact_statuses.change(
            connection, work.workspace_id, ids, to, by=work.claim.created_by, now=work.now()
        )
        return Part(
            updated=len(done.ids),
            unchanged=done.matched - len(done.ids),
            skipped=len(ids) - done.matched,
            appended=done.appended,
        )

    await bulk_contacts.walk(work, act)


class _Change:
    """One change, in a transaction that may be tried again."""

    def __init__(
        self,
        context: Context,
        chosen: Chosen,
        found: Found,
        to: ContactStatus,
        *,
        is_dry_run: bool,
    ) -> None:
        self._context, self._chosen, self._found, self._to = context, chosen, found, to
        self._is_dry_run = is_dry_run
        self._appended = Appended()
        self._has_job = False

    async def run(self, connection: Connection) -> dict[str, Any]:
        self._appended, self._has_job = Appended(), False
        if self._is_dry_run:
            return {"matched": self._found.matched, "changed": None, "job": None}
        context, by, now = self._context, self._context.viewer.token_name, self._context.now()
        changed: int | None = None
        job_id: Id | None = None
        matched = self._found.matched
        if self._found.is_large:
            self._has_job = True
            job_id = await jobs.enqueue(
                connection,
                context.workspace_id,
                JobKind.BULK_STATUS,
                {"contacts": contact_selections.encode(self._chosen), "to": self._to},
                by=by,
                now=now,
                total=matched,
            )
        else:
            done = await contact_statuses.change(
                connection, context.workspace_id, self._found.ids, self._to, by=by, now=now
            )
            matched, changed, self._appended = done.matched, len(done.ids), done.appended
        if job_id is not None or changed:
            await auditing.note(
                connection,
                context,
                "changeContactStatus",
                affected=matched if changed is None else changed,
                to=self._to,
                job=job_id,
            )
        return {
            "matched": matched,
            "changed": changed,
            "job": None if job_id is None else job_id.hex(),
        }

    def announce(self) -> None:
        """Tell subscribers and the worker, behind the commit."""
        bulk_contacts.ring(self._context, self._appended)
        if self._has_job:
            self._context.wake_worker()
