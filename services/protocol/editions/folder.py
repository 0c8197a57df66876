"""Reads the folder of the authorities' own files, and finds whose each file is, also of one that cannot be read."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from services.protocol.editions.edition import Edition
from services.protocol.loader import is_of_rules, passed_over
from services.protocol.rule_file import read_text

UNKNOWN = "unknown"
"""The owner of a file that cannot be read, names no authority and was never read before."""
OWNER = re.compile(r"^authority:[ \t]*[\"']?(?P<authority>[a-z0-9]+(?:-[a-z0-9]+)*)[\"']?[ \t]*(?:#.*)?$", re.MULTILINE)
ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

Signature = tuple[tuple[str, int, int], ...]


def signature(folder: Path | None) -> Signature:
    """Changes with any file of the folder. Reads none of them, so that it can be asked every few seconds."""
    found = []
    for path in () if folder is None else sorted(folder.rglob("*.y*ml")):
        try:
            status = path.stat()
        except OSError:
            found.append((str(path), 0, -1))
        else:
            found.append((str(path), status.st_mtime_ns, status.st_size))
    return tuple(found)


@dataclass(frozen=True)
class Found:
    """The editions that lie in the folder, and by authority what is wrong with files that nobody can read."""

    editions: Mapping[str, Edition] = field(default_factory=dict)
    faults: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    overlooked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By authority, files whose place or name keeps them unread. They keep no other file from being read."""


def find_editions(folder: Path | None, known: Iterable[Edition]) -> Found:
    """`known` editions tell whose a file was before."""
    owners = {name: each.whose for each in known for name, _ in each.files}
    files: dict[str, list[tuple[str, str]]] = defaultdict(list)
    faults: dict[str, list[str]] = defaultdict(list)
    if folder is None or not folder.is_dir():
        return Found()
    for path in sorted(folder.glob("*.yaml")):
        text, fault = _text_of(path)
        whose, unreadable = _owner(path, text, owners)
        files[whose].append((path.name, text))
        if fault or unreadable:
            faults[whose].append(fault or unreadable or "")
    overlooked: dict[str, list[str]] = defaultdict(list)
    for path in filter(is_of_rules, passed_over(folder)):
        whose, _ = _owner(path, _text_of(path)[0], owners)
        overlooked[whose].append(
            f"{path.relative_to(folder)} is not read: its name ends in .yaml, in the folder itself"
        )
    return Found(
        {whose: Edition(whose, tuple(each)) for whose, each in files.items()},
        {whose: tuple(each) for whose, each in faults.items()},
        {whose: tuple(each) for whose, each in overlooked.items()},
    )


def _text_of(path: Path) -> tuple[str, str | None]:
    """The text, and the fault that keeps it from being read."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        return "", f"{path.name}:1: {error.strerror}"
    try:
        return raw.decode(), None
    except UnicodeDecodeError:
        return raw.decode(errors="replace"), f"{path.name}:1: holds what is no text"


def _owner(path: Path, text: str, owners: Mapping[str, str]) -> tuple[str, str | None]:
    """Whose the file is, and its fault if it cannot be read: then its `authority:` line decides, or whose it was."""
    try:
        whose = read_text(path, text).authority
    except ValueError as error:
        said = OWNER.search(text)
        return said["authority"] if said else owners.get(path.name, UNKNOWN), str(error)
    return (whose, None) if ID.fullmatch(whose) else (UNKNOWN, f"{path.name}: {whose!r} is no authority's id")
