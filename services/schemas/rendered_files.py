"""Compares rendered documents with the files of a folder, and writes those that differ."""

from collections.abc import Mapping
from pathlib import Path


def list_differing(wanted: Mapping[str, str], folder: Path, *, alone: bool = False) -> list[str]:
    """Paths that are missing or hold another text; where the documents are `alone` there, also any other file's."""
    others = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} if alone else set()
    return sorted(path for path in wanted.keys() | others if wanted.get(path) != _text_of(folder / path))


def write_differing(wanted: Mapping[str, str], folder: Path, *, alone: bool = False) -> list[str]:
    """Writes what differs, deletes what should not be there, and returns the paths of both."""
    changed = list_differing(wanted, folder, alone=alone)
    for path in changed:
        file = folder / path
        if path not in wanted:
            file.unlink()
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(wanted[path])
    return changed


def _text_of(file: Path) -> str | None:
    return file.read_text() if file.exists() else None
