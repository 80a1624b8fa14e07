"""Accounts: the system user a server runs as when the tests run as root."""

import fcntl
import os
import pwd
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

NAME = "trackside-test"


class AccountMissing(Exception):
    """There is no user for the server; the message says what to do."""


@dataclass(frozen=True)
class Account:
    """Whom a process runs as: without a uid, whoever runs the tests."""

    uid: int | None = None
    gid: int | None = None

    @property
    def groups(self) -> list[int] | None:
        """None where the groups stay as they are."""
        return None if self.uid is None else []

    def own(self, path: Path) -> None:
        """Give the file or folder to this user."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


OURS = Account()


def unprivileged() -> Account:
    """Ourselves, or a system user made for it when we are root."""
    if os.geteuid() != 0:
        return OURS
    # Two workers of one run come here at the same time.
    with (Path(tempfile.gettempdir()) / f"{NAME}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            found = pwd.getpwnam(NAME)
        except KeyError:
            _add_user()
            found = pwd.getpwnam(NAME)
    return Account(found.pw_uid, found.pw_gid)


def open_folder() -> Path:
    """A folder for temporary data that the user may enter."""
    candidates = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]  # noqa: S108
    for folder in candidates:
        if os.geteuid() != 0 or _may_be_entered(folder.resolve()):
            return folder
    raise AccountMissing(
        f"No temporary folder which the user {NAME} may enter, among "
        f"{', '.join(map(str, candidates))}: set TMPDIR to one, or run the tests as another user "
        "than root."
    )


def _add_user() -> None:
    command = ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", NAME]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        reason = error.stderr if isinstance(error, subprocess.CalledProcessError) else error
        raise AccountMissing(
            f"PostgreSQL does not run as root, and the user {NAME} could not be made "
            f"({str(reason).strip()}): run the tests as another user than root, or make that one "
            f"with `{' '.join(command)}`."
        ) from error


def _may_be_entered(folder: Path) -> bool:
    """By any user, so each folder above too."""
    return folder.is_dir() and all(
        path.stat().st_mode & 0o001 for path in (folder, *folder.parents)
    )
