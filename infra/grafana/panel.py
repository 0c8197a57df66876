"""Describes a dashboard to its reader: each panel says what it shows, why it matters, and where its runbook is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import yaml

from services.console import metrics

Kind: TypeAlias = Literal["number", "lines", "bars", "stack"]
Colour: TypeAlias = Literal["green", "orange", "red", "blue"]
Limits: TypeAlias = Sequence[tuple[float, Colour]]
WIDTH = 24
MOST_BARS = 10


@dataclass(frozen=True)
class Panel:
    """`ask` is PromQL, or several by legend: of one question the ten greatest bars are shown, of several all, in their order.

    `runbook` is a page of `docs/runbooks/`. `limits`: from which value on what colour; below the first, `base`.
    """

    title: str
    says: str
    ask: str | dict[str, str]
    runbook: str
    legend: str = ""
    unit: str = "short"
    kind: Kind = "lines"
    limits: Limits = ()
    base: Colour | None = None
    """None: green if there are limits, else blue, which praises nothing."""
    hides_nought: bool = False
    width: int = 8
    height: int = 7

    @property
    def questions(self) -> dict[str, str]:
        """PromQL by legend."""
        return self.ask if isinstance(self.ask, dict) else {self.legend: self.ask}

    @property
    def shown(self) -> dict[str, str]:
        """What Grafana asks: of bars of one question the greatest, and of lines that mostly lie at nought those that do not."""
        if self.kind == "bars" and isinstance(self.ask, str):
            return {self.legend: f"sort_desc(topk({MOST_BARS}, {self.ask} > 0))"}
        return {legend: f"{ask} > 0" for legend, ask in self.questions.items()} if self.hides_nought else self.questions

    @property
    def steps(self) -> list[tuple[float | None, Colour]]:
        """Each colour, and from which value on it holds."""
        return [(None, self.base or ("green" if self.limits else "blue")), *self.limits]


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


def number(
    title: str,
    says: str,
    ask: str,
    runbook: str,
    *,
    unit: str = "short",
    limits: Limits = (),
    base: Colour | None = None,
) -> Panel:
    """One big number, as it is now."""
    return Panel(title, says, ask, runbook, unit=unit, kind="number", limits=limits, base=base, width=4, height=5)


COUNTED = yaml.safe_load(Path(metrics.__file__).with_name("gauges.yaml").read_text())
LABELS: dict[str, list[str]] = {
    name: gauge["by"] for group in COUNTED.values() for each in group for name, gauge in each["gauges"].items()
}
"""Of what the console counts in the database. Every replica shows the same: the most of them, never their sum. Which
labels tell replicas apart depends on who asks them (instance, job, pod), so what stays is named.
"""


GROUPS = {name: group for group, counts in COUNTED.items() for each in counts for name in each["gauges"]}
KNOWN_FOR_SECONDS = {"simplest": 120, "urgent": 120, "slow": 1200, "month": 1200}
"""How long what the console has counted is known, by group: after that, an alert says that it is not measured."""


def nought_if(known: str) -> str:
    """PromQL that is nought while this holds, and else empty: `x or vector(0)` shows a nought that nobody has measured."""
    return f"0 * ({known})"


def nought_while_up(services: str) -> str:
    """Nought while each process of these services answers Prometheus: then what they did not count has not happened."""
    return nought_if(f'min(up{{service=~"{services}"}}) == 1')


def standing(metric: str, *by: str, matching: str = "", over: str = "sum") -> str:
    """PromQL for what stands in the database, added up by these labels.

    Without labels: nought where there is nothing, and empty where nobody has looked lately.
    """
    added = f"{over} by ({', '.join(by)}) " if by else f"{over} "
    asked = f"{metric}{{{matching}}}"
    if over == "sum":
        asked = f"max by ({', '.join(LABELS[metric])}) ({asked})"
    asked = f"{added}({asked})"
    if by:
        return asked
    group = GROUPS[metric]
    measured = f'max(standing_measured_timestamp_seconds{{group="{group}"}})'
    return f"({asked} or vector(0)) + {nought_if(f'time() - {measured} < {KNOWN_FOR_SECONDS[group]}')}"


def share_under(metric: str, quantile: float, *by: str, matching: str = "", window: str = "24h") -> str:
    """PromQL for what this share of a histogram's observations stayed under."""
    labels = ", ".join(("le", *by))
    return f"histogram_quantile({quantile}, sum by ({labels}) (increase({metric}_bucket{{{matching}}}[{window}])))"


def counted(metric: str, *by: str, matching: str = "", window: str = "1h") -> str:
    """PromQL for how often something happened within the window, in whole numbers: Prometheus extrapolates."""
    return f"round(sum by ({', '.join(by)}) (increase({metric}{{{matching}}}[{window}])))"


def per_minute(metric: str, *by: str) -> str:
    """PromQL for how often something happens in a minute."""
    return f"60 * sum by ({', '.join(by)}) (rate({metric}[$__rate_interval]))"
