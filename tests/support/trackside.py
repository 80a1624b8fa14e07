"""trackside itself as a process, to stop, kill and start on the same port and database."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx

from tests.support.ports import free_port
from tests.support.process import Process
from tests.support.waiting import SOON

_ROOT = Path(__file__).parent.parent.parent
_SECRET = "a-secret-key-of-thirty-two-bytes-or-more"


class Trackside:
    """A server of one workspace's database; `token` may do everything in it."""

    def __init__(self, database_url: str) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self._environment = {
            "TRACKSIDE_DATABASE_URL": database_url,
            "TRACKSIDE_SECRET_KEY": _SECRET,
            "TRACKSIDE_PUBLIC_URL": self.url,
        }
        self.token = self.make_token("read,operate,integrate,admin")
        self._process: Process | None = None

    def make_token(self, scopes: str) -> str:
        made = subprocess.run(
            [*_command("token", "create", "--workspace", "acme"), "--scope", scopes],
            env={**os.environ, **self._environment},
            check=True,
            capture_output=True,
            text=True,
        )
        return made.stdout.strip()

    def start(self) -> None:
        port = self.url.rpartition(":")[2]
        settings = [f"{name}={value}" for name, value in self._environment.items()]
        self._process = Process(
            ["env", *settings, f"PYTHONPATH={_ROOT}", *_command("serve", "--port", port)],
            folder=Path(tempfile.mkdtemp(prefix="trackside-server-")),
        )
        self._process.wait_until(self._is_ready)

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

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "server.cli", *words]
