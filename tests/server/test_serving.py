"""Serving: what the process is allowed before it begins."""

import subprocess
import sys


def test_a_shell_that_allows_few_files_does_not_limit_the_sockets() -> None:
    script = (
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 512))\n"
        "from server import serving\n"
        "serving.allow_sockets()\n"
        "print(*resource.getrlimit(resource.RLIMIT_NOFILE))\n"
    )

    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert told.stdout.split() == ["512", "512"]
