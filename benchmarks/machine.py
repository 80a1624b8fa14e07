"""The machine and the versions that a figure holds for."""

import os
import platform
import resource
import sqlite3
from importlib.metadata import version
from pathlib import Path


def described(postgres: str) -> list[str]:
    """Lines for the head of a report; `postgres` is that server's version and settings."""
    load = ", ".join(f"{one:.2f}" for one in os.getloadavg())
    packages = ", ".join(
        f"{name} {version(name)}"
        for name in ("strawberry-graphql", "graphql-core", "sqlalchemy", "asyncpg", "uvicorn")
    )
    return [
        f"machine:   {os.cpu_count()} cores ({_processor()}), Linux {platform.release()}",
        f"databases: PostgreSQL {postgres}, SQLite {sqlite3.sqlite_version}",
        f"Python:    {platform.python_version()}, {packages}",
        f"load:      {load} (1, 5, 15 minutes) at the start",
        "Servers, databases and clients share these cores: latencies and rates are of all of them",
        "together, and what else runs here moves them. CPU time and ratios hold better.",
        "A figure is the median of the rounds (least … greatest).",
    ]


def postgres_settings() -> dict[str, str]:
    """A quarter of the memory, as its manual advises, and checkpoints by time."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"shared_buffers": f"{memory // 4 >> 20}MB", "max_wal_size": "8GB"}


class TooFewFiles(Exception):
    """This machine lets a process open fewer files and sockets than are needed; says what to do."""


def allow_files(number: int) -> None:
    """Let this process and those that it starts open so many; raises TooFewFiles."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < number:
        if hard != resource.RLIM_INFINITY and hard < number:
            raise TooFewFiles(
                f"{number:,} open files are needed: raise `ulimit -Hn`, now {hard:,}."
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
