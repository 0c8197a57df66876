"""Keeps a folder to one stack, by a lock that the kernel releases when its holder ends, however it ends."""

import fcntl
from io import TextIOWrapper
from pathlib import Path


class AlreadyRuns(Exception):
    """Another process runs a stack in this folder."""


class RunLock:
    """Held from `take` to `release`."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._held: TextIOWrapper | None = None

    def take(self) -> None:
        """Raises AlreadyRuns at once when somebody else holds it."""
        handle = self._file.open("w")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
            raise AlreadyRuns(
                f"one runs already in {self._file.parent}; stop it with Ctrl-C where it was started"
            ) from None
        self._held = handle

    def is_held(self) -> bool:
        """Whether anybody holds it. Takes a shared lock for a moment: those who ask do not exclude each other."""
        try:
            with self._file.open() as handle:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except FileNotFoundError:
            return False
        return False

    def release(self) -> None:
        """Does nothing when it is not held."""
        if self._held is not None:
            self._held.close()
            self._held = None
