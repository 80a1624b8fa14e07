"""A server ends with the tests, however they end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.process import Process, ServerDidNotStart, is_alive

TESTS_WITH_A_SERVER = """
import sys, time
from pathlib import Path
from tests.support.process import Process
print(Process(["sleep", "600"], folder=Path(sys.argv[1])).pid, flush=True)
time.sleep(600)
"""


def test_a_server_and_its_folder_go_when_the_tests_are_killed(tmp_path: Path) -> None:
    folder = tmp_path / "server"
    folder.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", TESTS_WITH_A_SERVER, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    ) as tests:
        assert tests.stdout is not None
        server = int(tests.stdout.readline())

        tests.send_signal(signal.SIGKILL)

    deadline = time.monotonic() + 20
    while (is_alive(server) or folder.exists()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert (is_alive(server), folder.exists()) == (False, False)


def test_a_server_that_ends_at_once_says_why(tmp_path: Path) -> None:
    server = Process(["sh", "-c", "echo the port is taken; exit 1"], folder=tmp_path)

    with pytest.raises(ServerDidNotStart, match="the port is taken"):
        server.wait_until(lambda: False)


def test_a_killed_server_takes_its_children_along(tmp_path: Path) -> None:
    child_file = tmp_path / "child"
    server = Process(
        [
            "sh",
            "-c",
            f"sleep 600 & echo $! > {child_file}.new; mv {child_file}.new {child_file}; wait",
        ],
        folder=tmp_path,
    )
    server.wait_until(child_file.exists)

    server.kill()

    assert not is_alive(int(child_file.read_text()))
