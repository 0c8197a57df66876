"""Draws an event's rules as one SVG file, without script, font or stylesheet: any browser shows it, and it prints.

One lane a rule, one box a message, an arrow for each wait.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from services.handbook import phrases
from services.handbook.explain import follow, triggers_of
from services.handbook.phrases import render
from services.protocol.loader import Library
from services.protocol.policy.rule_language.grammar import Rule, Step, format_period
from services.protocol.policy.rule_language.vocabulary import Trigger
from services.safeguarding.roles import Role

SIZES = {"wide": 226, "high": 46, "gap": 96, "lane": 104, "left": 28, "top": 96, "event_wide": 168}
FIRST_BOX = SIZES["left"] + SIZES["event_wide"] + SIZES["gap"] + 48
AGAIN_WIDE = 170
KINDS: dict[str, dict[str, str]] = yaml.load(Path(__file__).with_name("kinds.yaml").read_text(), yaml.CSafeLoader)
Followed = list[tuple[Rule, tuple[str, str] | None]]
"""Each rule, and where the duty of another sets it off, that rule and its duty's state."""


def draw(event_kind: str, library: Library, authority: str, on: date | None = None) -> str:
    """One below the other, a chart for each thing that the event may turn out to be. Raises ValueError for an unknown
    event.
    """
    protocol = library.current(authority, on)
    charts = [(trigger, list(follow(protocol.on(trigger), protocol))) for trigger in triggers_of(event_kind, protocol)]
    columns = max((1 + len(rule.otherwise) for _, rules in charts for rule, _ in rules), default=1)
    width = max(FIRST_BOX + columns * (SIZES["wide"] + SIZES["gap"]) - SIZES["gap"] + AGAIN_WIDE, 1000)
    heights = [SIZES["top"] + max(len(rules), 1) * SIZES["lane"] + 24 for _, rules in charts]
    return render(
        "chart.svg",
        **SIZES,
        first_box=FIRST_BOX,
        width=width,
        height=sum(heights),
        named=" or ".join(phrases.words_of(trigger) for trigger, _ in charts),
        protocol=protocol.label,
        legend=list(_legend(width)),
        charts=[_chart(trigger, rules, sum(heights[:index])) for index, (trigger, rules) in enumerate(charts)],
    )


def _chart(trigger: Trigger, rules: Followed, top: int) -> dict[str, Any]:
    """`trunk`: the place of the last lane that begins at the event. Its name stands in two lines."""
    ys = {rule.id: SIZES["top"] + 22 + index * SIZES["lane"] for index, (rule, _) in enumerate(rules)}
    own = [index for index, (_, after) in enumerate(rules) if after is None]
    event = phrases.words_of(trigger)
    name = event.split(" ")
    half = (len(name) + 1) // 2
    return {
        "top": top,
        "event": event,
        "name": (" ".join(name[:half]), " ".join(name[half:])),
        "trunk": own[-1] if own else 0,
        "lanes": [_lane(rule, after, ys) for rule, after in rules],
    }


def _lane(rule: Rule, after: tuple[str, str] | None, ys: dict[str, int]) -> dict[str, Any]:
    """A rule: its first telling and the escalation after it."""
    source, becomes = after or (None, "")
    start = ", ".join(filter(None, [becomes and f"when {becomes}", phrases.start(rule)]))
    first = {
        "who": phrases.who(rule.tell, rule.among),
        "says": _says(rule.by or "as before", rule.message),
        "colours": _colours(rule.tell),
        "again": "",
    }
    return {
        "rule": rule.id,
        "cites": ", ".join(rule.because.cite),
        "y": ys[rule.id],
        "from_y": None if source is None else ys[source],
        "waits": list(_waits(start)),
        "boxes": [first, *(_box(step, rule) for step in rule.otherwise)],
        "below": " · ".join(filter(None, [phrases.condition(rule), f"until {phrases.ends(rule)}"])),
    }


def _box(step: Step, rule: Rule) -> dict[str, Any]:
    """One telling. `after` labels the arrow that leads to it; `again` says how the last one repeats."""
    role = step.tell or rule.tell
    return {
        "who": phrases.who(role, rule.among if step.again else None),
        "says": "once more" if step.again else _says(step.by or "", step.message or rule.message),
        "colours": _colours(role),
        "after": format_period(step.after),
        "only_if_not_taken": step.unless is not None,
        "again": "" if step.repeat is None else f"again every {format_period(step.repeat)}",
    }


def _says(by: str, message: str) -> str:
    return f"{by} · {message.replace('-', ' ')}"


def _waits(words: str) -> Iterator[tuple[int, str]]:
    """The lines beside an arrow, each with its height from the arrow: two above it, the rest below."""
    lines = _wrapped(words, 18)
    for index, line in enumerate(lines):
        yield (-6 - 13 * (min(len(lines), 2) - 1 - index) if index < 2 else 16 + 13 * (index - 2)), line


def _colours(role: Role) -> tuple[str, str]:
    kind = KINDS.get(role.split(".", maxsplit=1)[0].removesuffix("s"), KINDS["others"])
    return kind["fill"], kind["edge"]


def _legend(width: int) -> Iterator[tuple[int, str, str, str]]:
    x = width - 40
    for kind in reversed(KINDS.values()):
        x -= 30 + round(6.3 * len(kind["says"]))
        yield x, kind["fill"], kind["edge"], kind["says"]


def _wrapped(words: str, room: int) -> list[str]:
    lines: list[str] = []
    for word in words.split():
        if lines and len(lines[-1]) + len(word) < room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
