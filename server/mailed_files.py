"""Mailed files: what a job has written, sent to who asked for it."""

import asyncio
from dataclasses import dataclass

from resolvers.files import FileLink
from resolvers.mail import Attachment, Mail, MailDelayed, MailRefused, Message
from resolvers.work import JobFailed, Work
from schema.scalars import write_instant
from server.files import Files
from store import jobs
from store.types import Instant
from subscriptions.signing import Signer

ATTACHED_AT_MOST = 10_000_000
"""In bytes: mail servers refuse from about 25 MB on, and a mail is a third larger than its file."""


@dataclass(frozen=True, slots=True)
class MailedFiles:
    """Sends a job's published file; a large one by its link alone."""

    files: Files
    mail: Mail | None
    signer: Signer
    public_url: str
    attached_at_most: int = ATTACHED_AT_MOST

    async def send(self, work: Work, to: str, file_name: str, expires_at: Instant) -> None:
        """At least once: sent again, it has the same Message-ID. Raises JobFailed, MailDelayed."""
        if self.mail is None:
            raise JobFailed("This server sends no mail: TRACKSIDE_SMTP_URL is not set.")
        claim = work.claim
        path = self.files.path(claim.workspace_id, claim.id)
        attachments: tuple[Attachment, ...] = ()
        how = "It is too large for a mail."
        if (await asyncio.to_thread(path.stat)).st_size <= self.attached_at_most:
            attachments = (Attachment(file_name, await asyncio.to_thread(path.read_bytes)),)
            how = "It is attached."
        link = FileLink(claim.workspace_id, claim.id, expires_at).token(self.signer)
        text = (
            f"The file {file_name}, which {claim.created_by} asked for, is ready. {how}\n\n"
            f"Until {write_instant(expires_at)} whoever has this link can download it:\n"
            f"{self.public_url}/files/{link}\n"
        )
        message = Message(to, f"{file_name} is ready", text, attachments, id=claim.id.hex())
        try:
            await self.mail.send(message)
        except MailRefused as refused:
            raise JobFailed(str(refused)) from refused
        except MailDelayed as delayed:
            if claim.attempts >= jobs.ATTEMPTS_AT_MOST:
                raise JobFailed(str(delayed)) from delayed
            raise
