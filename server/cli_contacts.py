"""Contacts on the command line: lists that are imported and exported, with a progress bar."""

import asyncio
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from resolvers import contact_imports, contact_selections, exports, jobs
from resolvers.context import Context, Viewer
from resolvers.exports import ContactExport
from server.app import core_schema
from server.services import Services
from server.settings import Settings, WrongSetting
from store import migrate as bring_up_to_date
from store import rows, workspaces
from store.filters import ContactFilter, JobErrorFilter
from store.jobs import Due
from store.lists import Order, PageRequest
from store.refusals import Refusal
from store.types import Id
from store.want import want
from store.words import OPEN_JOBS, ContactColumn, ContactStatus, JobState, Scope

Tell = Callable[[str], None]

_NAME = "command line"
_BLOCK = 1 << 18
_ERRORS_SHOWN = 10
_WAIT_S = 0.25
_SHOWN = want(
    ["id", "kind", "state", "done", "total", "counts", "failure_reason", "file_name", "expires_at"]
)


@dataclass(frozen=True, slots=True)
class Import:
    """A list to import; the rejected rows go into a file of their own, if one is named."""

    path: Path
    workspace: str
    status: ContactStatus
    is_dry_run: bool
    rejected: Path | None


@dataclass(frozen=True, slots=True)
class Export:
    """No output: what was written goes to the standard output. No statuses: contacts of any."""

    workspace: str
    output: Path | None
    columns: tuple[ContactColumn, ...]
    statuses: tuple[ContactStatus, ...]


async def import_list(settings: Settings, asked: Import, tell: Tell) -> int:
    """Returns the exit code; raises WrongSetting."""
    async with _at_work(settings, asked.workspace) as (services, context):
        with asked.path.open("rb") as file:
            handed_in = await contact_imports.hand_in(
                context, _blocks(file), asked.status, is_dry_run=asked.is_dry_run
            )
        if isinstance(handed_in, Refusal):
            tell(handed_in.message)
            return 1
        job = await _done(services, context, handed_in, f"Importing {asked.path.name}")
        _tell_counts(job, asked, tell)
        await _tell_errors(context, job, tell)
        written = services.files.path(context.workspace_id, job.id)
        if asked.rejected is not None and job.file_name is not None:
            await asyncio.to_thread(shutil.copyfile, written, asked.rejected)
            tell(f"The rejected rows are in {asked.rejected}.")
        return _ended(job, tell)


async def export_list(settings: Settings, asked: Export, tell: Tell) -> int:
    """Returns the exit code; raises WrongSetting."""
    async with _at_work(settings, asked.workspace) as (services, context):
        chosen = contact_selections.Chosen(is_all=True)
        if asked.statuses:
            chosen = contact_selections.Chosen(filter=ContactFilter(status=asked.statuses))
        columns = asked.columns or exports.DEFAULT_COLUMNS
        handed_in = await exports.of_contacts(context, ContactExport(chosen, columns, None))
        if isinstance(handed_in, Refusal):
            tell(handed_in.message)
            return 1
        job = await _done(services, context, handed_in, "Exporting contacts")
        if job.state == JobState.COMPLETED:
            written = services.files.path(context.workspace_id, job.id)
            await asyncio.to_thread(_hand_over, written, asked.output)
            tell(f"contacts exported: {job.done:,}")
        return _ended(job, tell)


@asynccontextmanager
async def _at_work(settings: Settings, workspace: str) -> AsyncIterator[tuple[Services, Context]]:
    """What a server's process has, and a request of somebody who may do everything."""
    if not settings.is_production:
        await bring_up_to_date(settings.database_url)
    services = Services.make(settings, core_schema())
    await services.hub.start()
    try:
        async with services.database.read() as connection:
            workspace_id = await workspaces.find(connection, workspace)
        if workspace_id is None:
            raise WrongSetting(f"There is no workspace {workspace!r}: token create makes one.")
        viewer = Viewer(
            workspace_id=workspace_id,
            workspace=workspace,
            token_id=bytes(16),
            token_name=_NAME,
            email=None,
            scopes=frozenset([Scope.ADMIN]),
        )
        yield services, services.context(viewer)
    finally:
        await services.stop()


async def _blocks(file: BinaryIO) -> AsyncIterator[bytes]:
    while block := await asyncio.to_thread(file.read, _BLOCK):
        yield block


async def _done(services: Services, context: Context, job_id: Id, what: str) -> rows.Job:
    """The job when it is over: done here, or by a server that was faster. Ctrl-C cancels it."""
    is_interrupted = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, is_interrupted.set)
    doing = asyncio.create_task(_do(services, context, job_id))
    cancelling = asyncio.create_task(_cancel_when(is_interrupted, context, job_id))
    try:
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        ) as bar:
            task = bar.add_task(what, total=None)
            async for job in jobs.follow(context, job_id, _SHOWN):
                bar.update(task, completed=job.done, total=job.total)
        await doing
    finally:
        doing.cancel()
        cancelling.cancel()
        await asyncio.gather(doing, cancelling, return_exceptions=True)
    return await _job(context, job_id)


async def _do(services: Services, context: Context, job_id: Id) -> None:
    job = await _job(context, job_id)
    while job.state in OPEN_JOBS:
        due = Due(context.workspace_id, job_id, job.kind)
        if not await services.worker.do(due):
            await asyncio.sleep(_WAIT_S)
        job = await _job(context, job_id)


async def _cancel_when(is_interrupted: asyncio.Event, context: Context, job_id: Id) -> None:
    await is_interrupted.wait()
    await jobs.cancel(context, job_id)


async def _job(context: Context, job_id: Id) -> rows.Job:
    return (await jobs.changed(context, [job_id], _SHOWN))[job_id]


def _tell_counts(job: rows.Job, asked: Import, tell: Tell) -> None:
    counts = job.counts
    words = {name: counts[name] for name in ("created", "updated", "unchanged")}
    words |= {"blank": counts["skipped"], "rejected": counts["failed"]}
    told = ", ".join(f"{number:,} {name}" for name, number in words.items())
    tell(f"{job.done:,} rows{' in a dry run' if asked.is_dry_run else ''}: {told}.")
    if job.done and not counts["created"] + counts["updated"]:
        tell("The list changes nothing: nobody in it is new or named otherwise.")


async def _tell_errors(context: Context, job: rows.Job, tell: Tell) -> None:
    shown = await jobs.errors.page(
        context,
        JobErrorFilter(job_id=(job.id,)),
        Order("row", is_descending=False),
        PageRequest(_ERRORS_SHOWN),
        want(["message"]),
    )
    for one in shown.rows:
        tell(one.message)
    more = job.counts["failed"] - len(shown.rows)
    if more:
        tell(f"… and {more:,} more: --rejected FILE keeps them all.")


def _hand_over(written: Path, output: Path | None) -> None:
    if output is not None:
        shutil.copyfile(written, output)
        return
    with written.open("rb") as file:
        shutil.copyfileobj(file, sys.stdout.buffer)
    sys.stdout.buffer.flush()


def _ended(job: rows.Job, tell: Tell) -> int:
    if job.state == JobState.COMPLETED:
        return 0
    if job.state == JobState.CANCELED:
        tell("It was cancelled: what was done stays done.")
        return 130
    tell(job.failure_reason or "It failed.")
    return 1
