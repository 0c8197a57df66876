"""What a run over the faults has found: a line a fault, written as it goes, so that a run that is stopped keeps what it did."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

HEAD = """| fault | reports | times done | to the police desk, longest | median | whole again after, longest |
| --- | --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True)
class Finding:
    """`desk_seconds` of each report, `whole_seconds` of each time that the fault was done."""

    fault: str
    desk_seconds: Sequence[float]
    whole_seconds: Sequence[float]

    def line(self) -> str:
        desk, whole = self.desk_seconds, self.whole_seconds
        seconds = f"{max(desk):.1f} s | {median(desk):.2f} s | {max(whole):.1f} s"
        return f"| {self.fault.replace('-', ' ')} | {len(desk)} | {len(whole)} | {seconds} |\n"


class Findings:
    """A Markdown table in a file. A run goes on below the one before it."""

    def __init__(self, file: Path, about: str) -> None:
        self._file = file
        self._lines: list[str] = []
        file.parent.mkdir(parents=True, exist_ok=True)
        self._write(f"\n{about}\n\n{HEAD}")

    def add(self, finding: Finding) -> None:
        self._lines.append(finding.line())
        self._write(finding.line())

    def table(self) -> str:
        return HEAD + "".join(self._lines)

    def _write(self, text: str) -> None:
        with self._file.open("a") as end:
            end.write(text)
