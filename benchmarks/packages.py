"""Packages: what the peers that run on Node stand on, from npm."""

import re
import shutil
import subprocess
from pathlib import Path

FOLDER = Path(__file__).parent / "node"
_NODE_AT_LEAST = (20, 9)


class PackagesMissing(Exception):
    """Node or its packages are not to be had; the message says what to do."""


def install() -> None:
    """Bring the folder's node_modules to what its lock says; raises PackagesMissing."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise PackagesMissing("they need Node 20.9 or later, and npm.")
    said = subprocess.run(["node", "--version"], check=True, capture_output=True, text=True).stdout
    if node_version(said) < _NODE_AT_LEAST:
        raise PackagesMissing(f"they need Node 20.9 or later, and this one is {said.strip()}.")
    stamp, lock = FOLDER / "node_modules" / ".installed", FOLDER / "package-lock.json"
    if stamp.exists() and stamp.stat().st_mtime >= lock.stat().st_mtime:
        return
    done = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=FOLDER,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise PackagesMissing(f"npm could not install them: {done.stderr.strip()[-500:]}")
    stamp.touch()


def node_version(said: str) -> tuple[int, int]:
    """From what `node --version` prints, such as v20.9.0."""
    found = re.match(r"v(\d+)\.(\d+)\.", said)
    if found is None:
        raise PackagesMissing(f"Node does not say its version but {said[:40]!r}.")
    return int(found[1]), int(found[2])
