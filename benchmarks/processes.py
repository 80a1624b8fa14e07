"""Processes: the CPU time and the memory of a server, as Linux tells them under /proc (proc(5))."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds, to a hundredth, those of ended children included; memory in bytes."""

    cpu_s: float
    resident_bytes: int


def usage(pid: int) -> Usage:
    """Of this process and all below it."""
    each = [read_stat((_PROC / str(one) / "stat").read_text()) for one in family(pid)]
    return Usage(sum(one.cpu_s for one in each), sum(one.resident_bytes for one in each))


def family(pid: int) -> list[int]:
    """The process and its descendants, parents first."""
    found = [pid]
    for one in found:
        for task in (_PROC / str(one) / "task").iterdir():
            # A thread may end while we look; its children go to another one.
            with suppress(FileNotFoundError):
                found.extend(int(child) for child in (task / "children").read_text().split())
    return found


def read_stat(line: str) -> Usage:
    """From the text of /proc/PID/stat."""
    # The program's name stands in brackets and may hold blanks and brackets itself.
    fields = line[line.rindex(")") + 2 :].split()
    # Counted from 3 after the name: 14 and 15 are utime and stime, 16 and 17 those of children
    # that were waited for, 24 the resident pages.
    ticks = sum(int(fields[number - 3]) for number in (14, 15, 16, 17))
    return Usage(ticks / _TICKS_A_SECOND, int(fields[24 - 3]) * _PAGE_BYTES)
