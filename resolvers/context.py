"""The context: who asks, and everything a resolver needs from the outside world."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from resolvers.mail import Mail
from resolvers.recorder import Recorder
from resolvers.uploads import Uploads
from resolvers.written_files import WrittenFiles
from store import Database
from store.types import Id, Instant
from store.words import Scope
from subscriptions import Hub
from subscriptions.signing import Signer


@dataclass(frozen=True, slots=True)
class Viewer:
    """The holder of a token, in the one workspace that the token opens."""

    workspace_id: int
    workspace: str
    token_id: Id
    token_name: str
    email: str | None
    scopes: frozenset[Scope]
    allowed_recipients: tuple[str, ...] = ()
    currency: str = "EUR"

    def has(self, scope: Scope) -> bool:
        return scope in self.scopes or Scope.ADMIN in self.scopes


def _nobody() -> None:
    """Where no worker runs in this process, one of another finds the job."""


class Forbidden(Exception):
    """The token lacks the scope that the operation needs."""

    def __init__(self, needed: Scope) -> None:
        super().__init__(
            f"This needs the scope {needed.lower()}: "
            f"use a token made with --scope {needed.lower()}."
        )
        self.needed = needed


@dataclass(slots=True)
class Context:
    """Made anew for every operation, so that nothing read for one is served to another."""

    viewer: Viewer
    database: Database
    hub: Hub
    signer: Signer
    public_url: str
    now: Callable[[], Instant]
    recorder: Recorder
    uploads: Uploads
    files: WrittenFiles
    mail: Mail | None = None
    """None where no mail can be sent."""
    wake_worker: Callable[[], None] = _nobody
    refuses_private_addresses: bool = False
    resume_after: str | None = None
    """A LogCursor with which the transport resumes a stream: it wins over the argument."""
    begins_now: bool = False
    """A stream tells only what comes, whatever the argument says, and where it passed nothing."""
    loaders: dict[Any, Any] = field(default_factory=dict)

    @property
    def workspace_id(self) -> int:
        return self.viewer.workspace_id

    def require(self, scope: Scope) -> None:
        if not self.viewer.has(scope):
            raise Forbidden(scope)
