"""`trackside work`: a process that does jobs, and ends in order."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from store import Database, jobs, tables
from store.types import new_id
from store.words import JobKind
from tests.support.factories import NOW, a_workspace


async def test_a_worker_beside_the_servers_does_their_jobs(
    database_url: str, tmp_path: Path
) -> None:
    database = Database(database_url)
    workspace = await a_workspace(database)
    job_id = await database.transact(
        lambda connection: jobs.enqueue(
            connection,
            workspace.id,
            JobKind.BULK_RESTORE,
            {"stop": new_id().hex()},
            by="ops",
            now=NOW - 86_400_000_000,
        )
    )
    kept = {name: value for name, value in os.environ.items() if "TRACKSIDE" not in name}
    environment = {
        **kept,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "TRACKSIDE_DATABASE_URL": database_url,
    }

    with subprocess.Popen(  # noqa: ASYNC220  The test waits for it, and nothing else runs.
        [sys.executable, "-m", "server.cli", "work"],
        env=environment,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        states = set()
        while "COMPLETED" not in states and process.poll() is None:
            found = await workspace.rows(tables.jobs, id=job_id)
            states = {row["state"] for row in found}
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
    await database.dispose()

    assert states == {"COMPLETED"}
    assert "working\n" in said
    assert process.returncode == 0
