"""Writes a file so that nobody ever reads half of it, and a power cut does not lose it."""

import os
import shutil
from pathlib import Path
from typing import IO


def write_durably(target: Path, source: IO[bytes]) -> None:
    """Replaces any file of that name. Returns once the disk has it. Raises OSError, and leaves nothing half written."""
    unfinished = target.with_name(f".{target.name}.{os.urandom(4).hex()}")
    try:
        with unfinished.open("wb") as file:
            shutil.copyfileobj(source, file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # without this a power cut may lose the name itself
    finally:
        os.close(folder)
