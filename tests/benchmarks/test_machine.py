"""The machine: how many files a process may open."""

import subprocess
import sys

from tests.support.trackside import ROOT

# The limits are those of a process, so it is one of its own.
LIMITED = """
import resource
from benchmarks import machine

resource.setrlimit(resource.RLIMIT_NOFILE, (50, 100))
machine.allow_files(40)
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
machine.allow_files(80)
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
try:
    machine.allow_files(101)
except machine.TooFewFiles as too_few:
    print(too_few)
"""


def test_files_are_allowed_up_to_the_hard_limit() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED], cwd=ROOT, check=True, capture_output=True, text=True
    )

    said = "101 open files are needed: raise `ulimit -Hn`, now 100."
    assert done.stdout.splitlines() == ["50", "80", said]
