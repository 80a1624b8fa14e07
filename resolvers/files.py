"""Files: the links by which what a job has written is downloaded."""

from dataclasses import dataclass
from struct import Struct

from resolvers.context import Context
from store import rows
from store.types import Id, Instant
from subscriptions.signing import Signer, Tampered

_PURPOSE = "file"
_LAYOUT = Struct(">I16sQ")


@dataclass(frozen=True, slots=True)
class FileLink:
    """Whoever has the link may download, until it expires."""

    workspace_id: int
    job_id: Id
    expires_at: Instant

    def token(self, signer: Signer) -> str:
        return signer.seal(_PURPOSE, _LAYOUT.pack(self.workspace_id, self.job_id, self.expires_at))

    @classmethod
    def read(cls, signer: Signer, text: str) -> "FileLink":
        """Raises Tampered."""
        packed = signer.open(_PURPOSE, text)
        if len(packed) != _LAYOUT.size:
            raise Tampered(_PURPOSE)
        return cls(*_LAYOUT.unpack(packed))


def url(context: Context, job: rows.Job) -> str | None:
    """Where the job's file is to be had; None while there is none, and when it is gone."""
    if job.file_name is None or job.expires_at is None or job.expires_at <= context.now():
        return None
    link = FileLink(context.workspace_id, job.id, job.expires_at)
    return f"{context.public_url}/files/{link.token(context.signer)}"
