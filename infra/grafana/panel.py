"""Describes a dashboard to its reader: each panel says what it shows, why it matters, and where its runbook is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import yaml

from services.console import monitoring

Kind: TypeAlias = Literal["number", "lines", "bars", "stack"]
Limits: TypeAlias = Sequence[tuple[float, Literal["orange", "red"]]]
WIDTH = 24


@dataclass(frozen=True)
class Panel:
    """`ask` is PromQL, or several by legend. `runbook` is a page of `docs/runbooks/`. `limits`: from which value on what colour."""

    title: str
    says: str
    ask: str | dict[str, str]
    runbook: str
    legend: str = ""
    unit: str = "short"
    kind: Kind = "lines"
    limits: Limits = ()
    width: int = 8
    height: int = 7

    @property
    def questions(self) -> dict[str, str]:
        """PromQL by legend."""
        return self.ask if isinstance(self.ask, dict) else {self.legend: self.ask}


@dataclass(frozen=True)
class Row:
    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True)
class Board:
    """`name` is the file's and the address's; `since` is how far back it first looks. `chooses`: variables, by the metric that has them."""

    name: str
    title: str
    says: str
    rows: Sequence[Row]
    since: str = "6h"
    chooses: dict[str, str] = field(default_factory=dict)

    @property
    def panels(self) -> list[Panel]:
        return [panel for row in self.rows for panel in row.panels]


def number(title: str, says: str, ask: str, runbook: str, *, unit: str = "short", limits: Limits = ()) -> Panel:
    """One big number, as it is now."""
    return Panel(title, says, ask, runbook, unit=unit, kind="number", limits=limits, width=4, height=5)


COUNTED = yaml.safe_load(Path(monitoring.__file__).with_name("gauges.yaml").read_text())
LABELS: dict[str, list[str]] = {
    name: gauge["by"] for group in COUNTED.values() for each in group for name, gauge in each["gauges"].items()
}
"""Of what the console counts in the database. Every replica shows the same: the most of them, never their sum. Which
labels tell replicas apart depends on who asks them (instance, job, pod), so what stays is named.
"""


def standing(metric: str, *by: str, matching: str = "", over: str = "sum") -> str:
    """PromQL for what stands in the database, added up by these labels; nought where there is nothing."""
    added = f"{over} by ({', '.join(by)}) " if by else f"{over} "
    asked = f"{metric}{{{matching}}}"
    if over == "sum":
        asked = f"max by ({', '.join(LABELS[metric])}) ({asked})"
    asked = f"{added}({asked})"
    return asked if by else f"{asked} or vector(0)"


def share_under(metric: str, quantile: float, *by: str, matching: str = "", window: str = "24h") -> str:
    """PromQL for what this share of a histogram's observations stayed under."""
    labels = ", ".join(("le", *by))
    return f"histogram_quantile({quantile}, sum by ({labels}) (increase({metric}_bucket{{{matching}}}[{window}])))"
