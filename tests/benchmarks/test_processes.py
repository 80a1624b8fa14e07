"""Processes: CPU time and memory read from /proc."""

import os
import subprocess
import sys

from benchmarks.processes import family, read_stat, usage

# A line of Linux 6.18; the name is as awkward as names may be.
LINE = (
    "1149 (a (b) c) S 1146 1146 31468 0 -1 4194304 101 0 1 0 250 50 30 20 20 0 1 0 381894 "
    "3133440 399 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0"
)
SPENDS_CPU = """
import time
while time.process_time() < 0.3:
    pass
"""


def test_cpu_time_is_that_of_the_process_and_of_its_ended_children() -> None:
    assert read_stat(LINE).cpu_s == (250 + 50 + 30 + 20) / os.sysconf("SC_CLK_TCK")


def test_memory_is_counted_in_pages() -> None:
    assert read_stat(LINE).resident_bytes == 399 * os.sysconf("SC_PAGE_SIZE")


def test_usage_counts_what_a_process_spends() -> None:
    with _python(SPENDS_CPU + "print(); input()") as process:
        _until_it_writes(process)

        spent = usage(process.pid)

        process.communicate(b"\n")

    assert 0.28 <= spent.cpu_s < 30
    assert 1_000_000 < spent.resident_bytes < 500_000_000


def test_usage_counts_what_the_children_spend() -> None:
    parent = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {SPENDS_CPU + "print(); input()"!r}], stdin=0)
child.wait()
"""
    with _python(parent) as process:
        _until_it_writes(process)

        spent, processes = usage(process.pid), family(process.pid)

        process.communicate(b"\n")

    assert spent.cpu_s >= 0.28
    assert len(processes) == 2


def test_the_family_begins_with_the_process_itself() -> None:
    assert family(os.getpid())[0] == os.getpid()


def _python(program: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-u", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def _until_it_writes(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == b"\n"
