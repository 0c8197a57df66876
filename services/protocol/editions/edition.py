"""Describes one edition: the files of an authority's own rules, or of everybody's, as they were taken up together."""

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from services.protocol.rule_file import RulesFile, read_text


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
