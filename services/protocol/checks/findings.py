"""Describes a fault that `check` has found."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Finding:
    """One fault: its place, its nature, and a correction if there is one."""

    file: Path | None
    line: int | None
    rule: str | None
    says: str
    instead: str | None = None
    unreadable: bool = False
    """The file cannot be checked further until this is put right."""

    def __str__(self) -> str:
        place = "" if self.file is None else f"{self.file.name}:{self.line or 1}: "
        rule = "" if self.rule is None else f"{self.rule}: "
        return f"{place}{rule}{self.says}" + ("" if self.instead is None else f"; write {self.instead}")
