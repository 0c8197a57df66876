"""Describes one edition: the files of an authority's own rules, or of everybody's, as they were taken up together.

Reads the folder of the authorities' own files, and finds whose each file is, also of one that cannot be read.
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from services.protocol.loader import RulesFile, is_of_rules, passed_over, read_text


@dataclass(frozen=True)
class Edition:
    """`whose` is an authority, or `default` for the files that hold for everybody."""

    whose: str
    files: tuple[tuple[str, str], ...]
    """Each file's name and text."""

    @property
    def hash(self) -> str:
        return hashlib.sha256(self.written.encode()).hexdigest()

    @property
    def written(self) -> str:
        return json.dumps(sorted(self.files))

    @property
    def says_something(self) -> bool:
        """False where its files hold no rule and no list: the rules are withdrawn."""
        return any(
            each.rules or each.closing or each.watch_on or each.stand_down or each.mass_report or each.values
            for each in self.read()
        )

    def read(self) -> list[RulesFile]:
        """Raises ValueError for a file that cannot be read."""
        return [read_text(Path(name), text) for name, text in sorted(self.files)]


def edition_of(whose: str, written: str) -> Edition:
    """Reads what `Edition.written` gave."""
    return Edition(whose, tuple((name, text) for name, text in json.loads(written)))


@dataclass(frozen=True)
class Adoption:
    """Who stands behind an edition, and the first day on which it holds."""

    by: str | None
    effective_from: date


def adoption_of(read: list[RulesFile], today: date) -> Adoption:
    """The names in its files. It holds from the first day that a file names; from today where one names none."""
    names = dict.fromkeys(str(each.adopted["by"]) for each in read if isinstance(each.adopted, dict))
    days = [each.since or today for each in read]
    return Adoption(", ".join(names) or None, min(days, default=today))


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
