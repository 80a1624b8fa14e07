"""Job: long work, done in the background."""

import strawberry

from resolvers import files, jobs
from schema import ids
from schema.connections import Connection
from schema.enums import ErrorCode, JobKind, JobState
from schema.fields import derived, plain, with_context
from schema.listing import Listing, listing
from schema.node import Node
from schema.scalars import URL, DateTime
from store import filters
from store.jobs import Counts
from store.lists import Order


@strawberry.type(description="What became of the rows that a job has worked through.")
class JobCounts:
    created: int = plain("Rows that made something new.")
    updated: int = plain("Rows that changed something: entries stopped or restored, for example.")
    unchanged: int = plain("Rows that changed nothing.")
    skipped: int = plain(
        "Rows that were left out, such as entries that had ended before their turn came, and blank "
        "rows of a file."
    )
    failed: int = plain("Rows that were refused; errors says why.")


@strawberry.type(description="What was wrong with one row of a job's input.")
class RowError:
    row: int = plain("The row's number, from 1; in a file, the header is row 1.")
    column: str | None = plain("The column, if one is to blame.")
    value: str | None = plain("The value that was refused, if there is one.")
    message: str = plain("What is wrong, and what to do.")
    code: ErrorCode = plain("What kind of refusal it is.")


@strawberry.type(description="A page of rows that were refused.")
class RowErrorConnection(Connection[RowError]):
    pass


_ERRORS = Listing(
    "job.errors",
    jobs.errors,
    filters.JobErrorFilter(),
    Order("row", is_descending=False),
    "job_id",
)


@strawberry.type(
    description="Long work, done in the background in small steps. It survives the end of the "
    "process that does it: another goes on where it stopped, and no row is lost or repeated."
)
class Job(Node):
    id: strawberry.ID = derived(ids.of(ids.JOB), "Opaque; begins with job_.", needs=("id",))
    kind: JobKind = plain("What is done.")
    state: JobState = plain("Whether it is done.")
    done: int = plain("How many rows are done.")
    total: int | None = plain(
        "How many rows there are to do, as far as that was known when they were counted; null "
        "where it is not known, or not yet."
    )
    counts: JobCounts = derived(
        lambda job: Counts(**job.counts),
        "What became of the rows that are done.",
        needs=("counts",),
    )
    errors: RowErrorConnection = listing(
        _ERRORS,
        "The rows that were refused, in their order; of an import the first 10,000, and its file "
        "holds them all.",
        is_forward_only=True,
    )
    failure_reason: str | None = plain("Why it FAILED; else null.")
    download_url: URL | None = with_context(
        files.url,
        "Where its file can be downloaded, without a token: who has the address has the file. An "
        "export and a list of links are there as soon as they are begun: a download follows the "
        "job to its end, and breaks off if the job does. The file of an import holds the rejected "
        "rows with their reasons, if there are any. Null while there is none, for kinds that make "
        "none, and from expiresAt on.",
        needs=("id", "file_name", "expires_at"),
    )
    expires_at: DateTime | None = plain(
        "When its file is deleted; null where there is none. Put off once more when the job ends."
    )
    created_by: str = plain("Who asked for it: the token's name.")
    created_at: DateTime = plain("When it was asked for.")
    started_at: DateTime | None = plain("When it was first begun; null while it waits.")
    finished_at: DateTime | None = plain("When it was over; null before.")


@strawberry.type(description="A page of jobs.")
class JobConnection(Connection[Job]):
    pass


ALL = Listing("jobs", jobs, filters.JobFilter(), Order("created_at"))
