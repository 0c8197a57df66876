"""Draws a chart as one SVG file, without script, font or stylesheet: any browser shows it, and it prints."""

from html import escape
from pathlib import Path

from services.handbook.charts.chart import Box, Chart, ChartLane
from services.handbook.phrases import words_of
from services.safeguarding.roles import Role

WIDE, HIGH, GAP, LANE = 226, 46, 96, 104
LEFT, TOP, EVENT_WIDE = 28, 96, 168
FIRST_BOX = LEFT + EVENT_WIDE + GAP + 48
AGAIN_WIDE = 170
COLOURS = {
    "police": ("#dbe7fb", "#2457a6"),
    "duty": ("#fde7d3", "#b45309"),
    "child": ("#ece4fb", "#6d3fc0"),
    "carer": ("#dcf3e4", "#1f7a45"),
    "others": ("#e8ebef", "#55606e"),
}
"""Fill and edge, by who is told."""
LEGEND = {
    "police": "police",
    "duty": "whoever is on duty",
    "child": "the child's own professionals",
    "carer": "carers",
    "others": "other agencies, and all who were told",
}
NAMESPACE = 'xmlns="http://www.w3.org/2000/svg"'
HEAD = Path(__file__).with_name("head.svg").read_text().splitlines()
"""The style, and the tip of each arrow."""


def svg(charts: list[Chart]) -> str:
    """One below the other."""
    columns = max((len(lane.boxes) for chart in charts for lane in chart.lanes), default=1)
    width = max(FIRST_BOX + columns * (WIDE + GAP) - GAP + AGAIN_WIDE, 1000)
    heights = [TOP + max(len(chart.lanes), 1) * LANE + 24 for chart in charts]
    size = f'viewBox="0 0 {width} {sum(heights)}" width="{width}" height="{sum(heights)}"'
    named = " or ".join(words_of(chart.trigger) for chart in charts)
    parts = [
        f'<svg {NAMESPACE} {size} role="img" aria-label="{escape(named)}: who is told">',
        *HEAD,
        f'<rect width="{width}" height="{sum(heights)}" fill="#ffffff"/>',
    ]
    for index, chart in enumerate(charts):
        parts += [f'<g transform="translate(0 {sum(heights[:index])})">', *_chart(chart, width), "</g>"]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _chart(chart: Chart, width: int) -> list[str]:
    ys = {lane.rule: TOP + index * LANE for index, lane in enumerate(chart.lanes)}
    parts = [
        _text(LEFT, 36, f"When {words_of(chart.trigger)}: who is told, and who is next while nobody answers", "title"),
        _text(LEFT, 58, f"protocol {chart.protocol}; times count from the first telling", "small"),
        *_legend(width),
        *_trunk(chart),
    ]
    for lane in chart.lanes:
        parts.extend(_lane(lane, ys))
    return parts if chart.lanes else [*parts, _text(FIRST_BOX, TOP + 49, "No rule is set off.", "who")]


def _trunk(chart: Chart) -> list[str]:
    middle = TOP + 22 + HIGH / 2
    own = [index for index, lane in enumerate(chart.lanes) if lane.source is None]
    end = middle + (own[-1] if own else 0) * LANE
    trunk = LEFT + EVENT_WIDE + 22
    name = words_of(chart.trigger).split(" ")
    half = (len(name) + 1) // 2
    first, second = " ".join(name[:half]), " ".join(name[half:])
    return [
        f'<rect x="{LEFT}" y="{middle - 27}" width="{EVENT_WIDE}" height="54" rx="27" fill="#1d2733"/>',
        f'<text x="{LEFT + EVENT_WIDE / 2}" y="{middle - (3 if second else -4)}" text-anchor="middle" class="who" style="fill:#fff">{escape(first)}</text>',
        f'<text x="{LEFT + EVENT_WIDE / 2}" y="{middle + 13}" text-anchor="middle" class="who" style="fill:#fff">{escape(second)}</text>',
        f'<path class="trunk" d="M{LEFT + EVENT_WIDE} {middle:g} H{trunk} V{end}"/>',
    ]


def _lane(lane: ChartLane, ys: dict[str, int]) -> list[str]:
    y = ys[lane.rule] + 22
    parts = [_text(FIRST_BOX, y - 7, f"{lane.rule}   ({lane.cites})", "rule"), *_way_in(lane, ys)]
    for index, box in enumerate(lane.boxes):
        parts.extend(_box(box, FIRST_BOX + index * (WIDE + GAP), y, index))
    below = " · ".join(filter(None, [lane.condition, f"until {lane.ends}"]))
    return [*parts, _text(FIRST_BOX, y + HIGH + 16, below, "small")]


def _way_in(lane: ChartLane, ys: dict[str, int]) -> list[str]:
    """From the event, or from the first telling of the rule whose duty sets this one off."""
    middle, tip = ys[lane.rule] + 22 + HIGH / 2, FIRST_BOX - 2
    if lane.source is None:
        way, end = f"M{LEFT + EVENT_WIDE + 22} {middle:g} H{tip}", FIRST_BOX - 12
    else:
        way, end = (
            f"M{FIRST_BOX} {ys[lane.source] + 22 + HIGH - 10} H{FIRST_BOX - 20} V{middle:g} H{tip}",
            FIRST_BOX - 26,
        )
    parts = [f'<path class="arrow" marker-end="url(#tip)" d="{way}"/>']
    lines = _wrapped(lane.boxes[0].after, 18)
    for index, words in enumerate(lines):
        at = middle - 6 - 13 * (min(len(lines), 2) - 1 - index) if index < 2 else middle + 16 + 13 * (index - 2)
        parts.append(f'<text x="{end}" y="{at:g}" text-anchor="end" class="wait">{escape(words)}</text>')
    return parts


def _box(box: Box, x: int, y: int, index: int) -> list[str]:
    fill, edge = COLOURS[_kind(box.role)]
    middle = y + HIGH / 2
    parts = [
        f'<rect x="{x}" y="{y}" width="{WIDE}" height="{HIGH}" rx="7" fill="{fill}" stroke="{edge}"/>',
        _fitted(x + 11, y + 19, box.who, "who", 7.4),
        _fitted(x + 11, y + 36, box.says, "small", 6),
    ]
    if index:
        parts += [
            f'<path class="arrow{" maybe" if box.only_if_not_taken else ""}" marker-end="url(#tip)" d="M{x - GAP} {middle:g} H{x - 2}"/>',
            f'<text x="{x - GAP / 2 - 3}" y="{middle - 6:g}" text-anchor="middle" class="wait">at {escape(box.after)}</text>',
        ]
        if box.only_if_not_taken:
            parts.append(
                f'<text x="{x - GAP / 2 - 3}" y="{middle + 15:g}" text-anchor="middle" class="small">if not taken</text>'
            )
    if box.again:
        right = x + WIDE
        parts += [
            f'<path class="arrow" marker-end="url(#tip)" d="M{right} {middle + 9:g} H{right + 18} V{middle - 9:g} H{right + 2}"/>',
            _text(right + 24, middle + 4, box.again, "wait"),
        ]
    return parts


def _kind(role: Role) -> str:
    family = role.split(".", maxsplit=1)[0].removesuffix("s")
    return family if family in COLOURS else "others"


def _legend(width: int) -> list[str]:
    parts, x = [], width - 40
    for kind, says in reversed(LEGEND.items()):
        x -= 30 + round(6.3 * len(says))
        fill, edge = COLOURS[kind]
        parts.append(f'<rect x="{x}" y="48" width="13" height="13" rx="3" fill="{fill}" stroke="{edge}"/>')
        parts.append(_text(x + 18, 59, says, "small"))
    return parts


def _wrapped(words: str, room: int) -> list[str]:
    lines: list[str] = []
    for word in words.split():
        if lines and len(lines[-1]) + len(word) < room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _text(x: float, y: float, words: str, kind: str) -> str:
    return f'<text x="{x}" y="{y}" class="{kind}">{escape(words)}</text>'


def _fitted(x: float, y: float, words: str, kind: str, letter: float) -> str:
    """Drawn closer where a letter's usual width would carry it over the box's edge."""
    room = WIDE - 20
    closer = f' textLength="{room}" lengthAdjust="spacingAndGlyphs"' if len(words) * letter > room else ""
    return f'<text x="{x}" y="{y}" class="{kind}"{closer}>{escape(words)}</text>'
