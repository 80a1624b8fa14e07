"""trackside itself as a process, to stop, kill and start on the same port and database."""

import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from resolvers.token_secrets import hash_of, new_secret
from server.services import utc_now
from store import Database, tokens, workspaces
from store.words import Scope
from tests.support.ports import free_port
from tests.support.process import Process
from tests.support.waiting import SOON

ROOT = Path(__file__).parent.parent.parent
_SECRET = "a-secret-key-of-thirty-two-bytes-or-more"


class TracksideServer:
    """`trackside serve` over one database, which the tests share with it, and other servers may."""

    def __init__(
        self,
        database_url: str,
        *settings: str,
        broadcast_url: str = "memory://",
        workers: int = 1,
    ) -> None:
        """Further settings as NAME=VALUE."""
        self.database_url = database_url
        self._settings = settings
        self.broadcast_url = broadcast_url
        self.workers = workers
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.files = tempfile.mkdtemp(prefix="trackside-files-")
        self._process: Process | None = None

    def start(self) -> None:
        """Nothing happens when it runs."""
        if self._process is not None:
            return
        settings = [
            f"TRACKSIDE_DATABASE_URL={self.database_url}",
            f"TRACKSIDE_BROADCAST_URL={self.broadcast_url}",
            f"TRACKSIDE_SECRET_KEY={_SECRET}",
            f"TRACKSIDE_PUBLIC_URL={self.url}",
            f"TRACKSIDE_FILES_DIR={self.files}",
            f"PYTHONPATH={ROOT}",
            *self._settings,
        ]
        serve = ["serve", "--port", str(self.port), "--workers", str(self.workers)]
        self._process = Process(
            ["env", *settings, sys.executable, "-m", "server.cli", *serve],
            folder=Path(tempfile.mkdtemp(prefix="trackside-server-")),
        )
        # Several workers on a busy machine take their time to import.
        self._process.wait_until(self._is_ready, timeout_s=90)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """What it said since its start."""
        assert self._process is not None
        return self._process.log

    def stop(self) -> None:
        """In order, as an upgrade does."""
        if self._process is not None:
            self._process.stop(signal.SIGTERM)
            self._process = None

    def kill(self) -> None:
        """As a power cut."""
        assert self._process is not None
        self._process.kill()
        self._process = None

    async def a_workspace(self) -> "Trackside":
        """A new one, with a token that may do everything in it."""
        name = f"acme-{uuid4().hex[:8]}"
        database = Database(self.database_url)
        async with database.write() as connection:
            workspace_id = await workspaces.create(connection, name, utc_now())
        await database.dispose()
        made = Trackside(self, name, workspace_id, token="")
        made.token = await made.make_token(*Scope)
        return made

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False


@dataclass
class Trackside:
    """One workspace of a running server."""

    server: TracksideServer
    workspace: str
    workspace_id: int
    token: str

    @property
    def url(self) -> str:
        return self.server.url

    async def make_token(self, *scopes: Scope) -> str:
        secret = new_secret(self.workspace_id)
        database = Database(self.server.database_url)
        async with database.write() as connection:
            await tokens.create(
                connection,
                self.workspace_id,
                name="ops",
                email=None,
                scopes=scopes,
                secret_hash=hash_of(secret),
                now=utc_now(),
            )
        await database.dispose()
        return secret

    async def ask(self, query: str, **variables: Any) -> Any:
        """The data of an operation without errors."""
        async with httpx.AsyncClient(timeout=SOON) as client:
            response = await client.post(
                f"{self.url}/graphql",
                json={"query": query, "variables": variables},
                headers={"Authorization": f"Bearer {self.token}"},
            )
        answer = response.json()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]
