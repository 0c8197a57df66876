"""Draws charts as one SVG file, without script, font or stylesheet: any browser shows it, and it prints."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from services.handbook.charts.chart import Chart, ChartLane
from services.handbook.phrases import words_of
from services.handbook.templates import render
from services.safeguarding.roles import Role

SIZES = {"wide": 226, "high": 46, "gap": 96, "lane": 104, "left": 28, "top": 96, "event_wide": 168}
FIRST_BOX = SIZES["left"] + SIZES["event_wide"] + SIZES["gap"] + 48
AGAIN_WIDE = 170
KINDS: dict[str, dict[str, str]] = yaml.safe_load(Path(__file__).with_name("kinds.yaml").read_text())


def svg(charts: list[Chart]) -> str:
    """One below the other."""
    columns = max((len(lane.boxes) for chart in charts for lane in chart.lanes), default=1)
    width = max(FIRST_BOX + columns * (SIZES["wide"] + SIZES["gap"]) - SIZES["gap"] + AGAIN_WIDE, 1000)
    heights = [SIZES["top"] + max(len(chart.lanes), 1) * SIZES["lane"] + 24 for chart in charts]
    return render(
        "chart.svg",
        **SIZES,
        first_box=FIRST_BOX,
        width=width,
        height=sum(heights),
        named=" or ".join(words_of(chart.trigger) for chart in charts),
        legend=list(_legend(width)),
        charts=[_chart(chart, sum(heights[:index])) for index, chart in enumerate(charts)],
    )


def _chart(chart: Chart, top: int) -> dict[str, Any]:
    """`trunk`: the place of the last lane that begins at the event. Its name stands in two lines."""
    ys = {lane.rule: SIZES["top"] + 22 + index * SIZES["lane"] for index, lane in enumerate(chart.lanes)}
    own = [index for index, lane in enumerate(chart.lanes) if lane.source is None]
    event = words_of(chart.trigger)
    name = event.split(" ")
    half = (len(name) + 1) // 2
    return {
        "top": top,
        "event": event,
        "name": (" ".join(name[:half]), " ".join(name[half:])),
        "protocol": chart.protocol,
        "trunk": own[-1] if own else 0,
        "lanes": [_lane(lane, ys) for lane in chart.lanes],
    }


def _lane(lane: ChartLane, ys: dict[str, int]) -> dict[str, Any]:
    return {
        "rule": lane.rule,
        "cites": lane.cites,
        "y": ys[lane.rule],
        "from_y": None if lane.source is None else ys[lane.source],
        "waits": list(_waits(lane.boxes[0].after)),
        "boxes": [vars(box) | {"colours": _colours(_kind(box.role))} for box in lane.boxes],
        "below": " · ".join(filter(None, [lane.condition, f"until {lane.ends}"])),
    }


def _waits(words: str) -> Iterator[tuple[int, str]]:
    """The lines beside an arrow, each with its height from the arrow: two above it, the rest below."""
    lines = _wrapped(words, 18)
    for index, line in enumerate(lines):
        yield (-6 - 13 * (min(len(lines), 2) - 1 - index) if index < 2 else 16 + 13 * (index - 2)), line


def _kind(role: Role) -> str:
    family = role.split(".", maxsplit=1)[0].removesuffix("s")
    return family if family in KINDS else "others"


def _colours(kind: str) -> tuple[str, str]:
    return KINDS[kind]["fill"], KINDS[kind]["edge"]


def _legend(width: int) -> Iterator[tuple[int, str, str, str]]:
    x = width - 40
    for kind, about in reversed(KINDS.items()):
        x -= 30 + round(6.3 * len(about["says"]))
        yield x, *_colours(kind), about["says"]


def _wrapped(words: str, room: int) -> list[str]:
    lines: list[str] = []
    for word in words.split():
        if lines and len(lines[-1]) + len(word) < room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
