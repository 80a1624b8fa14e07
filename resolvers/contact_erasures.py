"""Contact erasures: what is personal of chosen contacts, taken out of everywhere for good."""

from typing import Any

from resolvers import auditing, bulk_contacts, contact_selections
from resolvers.bulk_contacts import Part
from resolvers.contact_selections import Chosen, Found
from resolvers.context import Context
from resolvers.work import Work
from resolvers.written_files import WrittenFiles
from store import Connection, erasure_traces, erasures, jobs
from store.contact_statuses import Appended
from store.erasure_keys import Keyring
from store.types import Id, new_id
from store.words import DeletionMode, JobKind

AT_ONCE = 100
"""So many are erased in the call, more by a job: the log is rewritten for each."""

CONTACTS_A_TRANSACTION = 20


class Erasure:
    """One erasure, in a transaction that may be tried again."""

    def __init__(self, context: Context, chosen: Chosen, found: Found) -> None:
        self._context, self._chosen, self._found = context, chosen, found
        self._now, self._id = context.now(), new_id()
        self._appended = Appended()
        self._ended: list[Id] = []
        self._has_job = False

    async def run(self, connection: Connection) -> dict[str, Any]:
        context, found = self._context, self._found
        workspace_id, by = context.workspace_id, context.viewer.token_name
        self._appended, self._ended, self._has_job = Appended(), [], False
        job_id: Id | None = None
        erased: int | None = None
        if found.matched > AT_ONCE:
            self._has_job = True
            job_id = await jobs.enqueue(
                connection,
                workspace_id,
                JobKind.BULK_DELETE,
                {
                    "contacts": contact_selections.encode(self._chosen),
                    "erasure": self._id.hex(),
                },
                by=by,
                now=self._now,
                total=found.matched,
            )
        else:
            self._ended = await erasure_traces.end_files(connection, workspace_id, self._now)
            done = await erasures.erase(
                connection,
                workspace_id,
                self._id,
                found.ids,
                context.signer,
                by=by,
                now=self._now,
            )
            self._appended, erased = done.appended, len(done.ids)
        await auditing.note(
            connection,
            context,
            "deleteContacts",
            affected=found.matched if erased is None else erased,
            mode=DeletionMode.ERASE,
            job=job_id,
        )
        return {
            "matched": found.matched,
            "deleted": erased,
            "deletion": None,
            "until": None,
            "job": None if job_id is None else job_id.hex(),
        }

    async def announce(self) -> None:
        """Delete the files, and tell subscribers and the worker, behind the commit."""
        await self._context.files.forget(self._context.workspace_id, self._ended)
        bulk_contacts.ring(self._context, self._appended)
        if self._has_job:
            self._context.wake_worker()


async def run(work: Work, keyring: Keyring, files: WrittenFiles) -> None:
    """The job: erase the chosen contacts."""
    erasure_id = bytes.fromhex(work.claim.input["erasure"])
    ended: set[Id] = set()

    async def act(connection: Connection, ids: list[Id]) -> Part:
        now = work.now()
        ended.update(await erasure_traces.end_files(connection, work.workspace_id, now))
        done = await erasures.erase(
            connection,
            work.workspace_id,
            erasure_id,
            ids,
            keyring,
            by=work.claim.created_by,
            now=now,
        )
        return Part(updated=len(done.ids), skipped=len(ids) - len(done.ids), appended=done.appended)

    try:
        await bulk_contacts.walk(work, act, CONTACTS_A_TRANSACTION)
    finally:
        await files.forget(work.workspace_id, ended)
