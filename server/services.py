"""Services: what one process of the server holds, made in one place and handed on."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import structlog
from graphql import GraphQLSchema

from resolvers.context import Context, Viewer
from resolvers.mail import Mail
from resolvers.recorder import Recorder
from server.auth import Access
from server.closing import Closing
from server.files import Files
from server.guests import Guests
from server.hooks import providers as hook_providers
from server.hooks.providers import Providers
from server.hooks.ses import Fetch
from server.mail import Outbox, Smtp
from server.mailed_files import MailedFiles
from server.metrics import Metrics
from server.operations import Operations
from server.retention import Retention
from server.settings import Settings
from server.streaming import Streaming
from server.uploads import ContactLists
from server.webhooks import Webhooks
from server.worker import Worker, runs
from store import Database, erasure_keys
from store.types import Instant
from subscriptions import Hub
from subscriptions.signing import Signer

logger = structlog.get_logger(__name__)

_HAND_IN = "TRACKSIDE_SECRET_KEY was changed: name the old key behind the new one, once."


def utc_now() -> Instant:
    return time.time_ns() // 1_000


def mail_of(settings: Settings, now: Callable[[], Instant]) -> Mail | None:
    """To the mail server, or into the outbox; None in production without a server."""
    if settings.mail_server is not None:
        return Smtp(settings.mail_server, settings.mail_from, now)
    if settings.outbox_dir is not None:
        return Outbox(settings.outbox_dir, settings.mail_from, now)
    return None


@dataclass(frozen=True)
class Services:
    """Begun with `start`, ended with `stop`, both in the loop that uses them."""

    settings: Settings
    database: Database
    hub: Hub
    recorder: Recorder
    signer: Signer
    access: Access
    guests: Guests
    closing: Closing
    operations: Operations
    metrics: Metrics
    files: Files
    mail: Mail | None
    worker: Worker
    providers: Providers
    now: Callable[[], Instant]

    @classmethod
    def make(
        cls,
        settings: Settings,
        schema: GraphQLSchema,
        *,
        now: Callable[[], Instant] = utc_now,
        fetch: Fetch = hook_providers.fetch,
    ) -> "Services":
        database = Database(settings.database_url)
        files = Files(settings.files_dir)
        mail, signer = mail_of(settings, now), settings.signer()
        providers, access = hook_providers.all_of(fetch), Access(database, now)
        hub = Hub(settings.broadcast_url, watch=database.data_version)
        return cls(
            settings=settings,
            database=database,
            hub=hub,
            recorder=Recorder(database, hub, now),
            signer=signer,
            access=access,
            guests=Guests(database, access, now),
            closing=Closing(),
            operations=Operations(schema),
            metrics=Metrics(),
            files=files,
            mail=mail,
            worker=Worker(
                database,
                hub,
                now,
                Webhooks(allows_private=not settings.is_production),
                runs(files, MailedFiles(files, mail, signer, settings.public_url), providers),
                partial(_keep_erasure_keys, database, signer),
                Retention(settings.keeping, files),
            ),
            providers=providers,
            now=now,
        )

    async def start(self) -> None:
        await self.hub.start()
        self.guests.start()
        self.worker.start()

    async def stop(self) -> None:
        await self.worker.stop()
        await self.guests.stop()
        await self.recorder.drain()
        await self.hub.stop()
        await self.access.close()
        await self.database.dispose()

    @cached_property
    def streaming(self) -> Streaming:
        """Of the whole process: those who ask the same share what they are told."""
        return Streaming(self.context, self.metrics)

    def context(self, viewer: Viewer) -> Context:
        """For one operation."""
        return Context(
            viewer=viewer,
            database=self.database,
            hub=self.hub,
            signer=self.signer,
            public_url=self.settings.public_url,
            now=self.now,
            recorder=self.recorder,
            files=self.files,
            mail=self.mail,
            uploads=ContactLists(self.files, self.settings.upload_bytes_at_most),
            wake_worker=self.worker.wake,
            refuses_private_addresses=self.settings.is_production,
        )


async def _keep_erasure_keys(database: Database, signer: Signer) -> None:
    """Once a process: a secret that was retired is needed no more from then on."""
    lost = await database.transact(lambda connection: erasure_keys.hide_anew(connection, signer))
    if lost:
        logger.error("secret_of_erasures_missing", workspaces=lost, remedy=_HAND_IN)
