"""Links: the job that gives contacts their links into a journey, and writes them into a file."""

import secrets
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks import contact_book
from benchmarks.contact_book import ContactBook
from benchmarks.figures import short
from benchmarks.report import section, table
from benchmarks.run import Run
from benchmarks.stores import Kind
from resolvers.work import Work
from server.exports import Exports
from server.files import Files
from server.mailed_files import MailedFiles
from server.services import utc_now
from store import Database, filter_codec, jobs, journeys
from store.drafts import JourneyDraft
from store.filters import ContactFilter
from store.types import SECOND, new_id
from store.words import ContactColumn, JobKind, LinkKind
from subscriptions import Hub
from subscriptions.signing import Signer
from tests.support.loops import run as wait_for

WANTED_S = 60


def measure(run: Run) -> None:
    """Print the figures of both databases."""
    contacts = 5_000 if run.is_quick else 50_000
    links = contacts * len(LinkKind)
    run.say(
        section(
            f"links: {links:,} links, {contacts:,} contacts with one of each kind",
            "The job of generateReferralLinks, from its beginning to the file that is offered; "
            "then the same again, when all links are there.",
            f"Wanted: 100,000 new links in {WANTED_S} s.",
        )
    )
    lines = []
    for kind in Kind:
        with ExitStack() as ending:
            url = ending.enter_context(run.stores.fresh(kind))
            folder = ending.enter_context(tempfile.TemporaryDirectory(prefix="trackside-links-"))
            book = wait_for(contact_book.make(url, contacts=contacts))
            first = wait_for(_generate(book, Path(folder), contacts))
            again = wait_for(_generate(book, Path(folder), contacts))
        lines.append([kind.value, short(links / first), short(first), short(again)])
    run.say("\n" + table(["", "links/s", "s", "s again"], lines))


async def _generate(book: ContactBook, folder: Path, contacts: int) -> float:
    """The seconds that the job takes."""
    database = Database(book.url)
    try:
        now = utc_now()
        async with database.write() as connection:
            draft = JourneyDraft("links", "Links", landing_url="https://shop.example/welcome")
            journey_id = await journeys.upsert(connection, book.workspace_id, draft, now)
            await jobs.enqueue(
                connection,
                book.workspace_id,
                JobKind.REFERRAL_LINKS,
                {
                    "list": "links",
                    "journey": journey_id.hex(),
                    "kinds": list(LinkKind),
                    "columns": [
                        ContactColumn.EMAIL,
                        ContactColumn.REFERRAL_LINK,
                        ContactColumn.FLOW_LINK,
                    ],
                    "filter": filter_codec.encode(ContactFilter()),
                    "until": new_id().hex(),
                    "email": None,
                    "name": "links",
                },
                by="benchmark",
                now=now,
            )
        (due,) = await _due(database)
        claim = await database.transact(
            lambda connection: jobs.claim(connection, due, "benchmark", now, now + 900 * SECOND)
        )
        assert claim is not None
        files = Files(folder)
        signer = Signer(secrets.token_bytes(32))
        mailed = MailedFiles(files, None, signer, "https://track.example")
        work = Work(claim, database, Hub(), utc_now, lambda: False)
        begun = time.perf_counter()
        await Exports(files, mailed).run(work)
        seconds = time.perf_counter() - begun
        done = await work.progress()
        assert done.counts.created == contacts, done
        return seconds
    finally:
        await database.dispose()


async def _due(database: Database) -> list[jobs.Due]:
    async with database.read() as connection:
        found = await jobs.due(connection, utc_now(), None)
    return [one for one in found if one.kind == JobKind.REFERRAL_LINKS][-1:]
