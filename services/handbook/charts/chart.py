"""Lays out an event's rules: one lane a rule, one box a message, an arrow for each wait."""

from dataclasses import dataclass
from datetime import date

from services.handbook import phrases
from services.handbook.question import follow, triggers_of
from services.protocol.loader import Library
from services.protocol.policy.rule_language.grammar import Rule, Step
from services.protocol.policy.rule_language.periods import format_period
from services.protocol.policy.rule_language.vocabulary import Trigger
from services.safeguarding.roles import Role


@dataclass(frozen=True)
class Box:
    """One telling. `after` labels the arrow that leads to it; `again` says how the last one repeats."""

    role: Role
    who: str
    says: str
    after: str
    only_if_not_taken: bool = False
    again: str = ""


@dataclass(frozen=True)
class ChartLane:
    """A rule: its first telling and the escalation after it. `source` is the lane whose duty sets it off."""

    rule: str
    boxes: tuple[Box, ...]
    condition: str
    ends: str
    cites: str
    source: str | None = None


@dataclass(frozen=True)
class Chart:
    trigger: Trigger
    protocol: str
    lanes: tuple[ChartLane, ...]


def charts(event_kind: str, library: Library, authority: str, on: date | None = None) -> list[Chart]:
    """One for each thing that the event may turn out to be, as `explain`. Raises ValueError for an unknown one."""
    protocol = library.current(authority, on)
    return [
        Chart(
            trigger, protocol.label, tuple(_lane(rule, after) for rule, after in follow(protocol.on(trigger), protocol))
        )
        for trigger in triggers_of(event_kind, protocol)
    ]


def _lane(rule: Rule, after: tuple[str, str] | None) -> ChartLane:
    source, becomes = after or (None, "")
    start = ", ".join(filter(None, [becomes and f"when {becomes}", phrases.start(rule)]))
    first = Box(rule.tell, phrases.who(rule.tell, rule.among), _says(rule.by or "as before", rule.message), start)
    boxes = (first, *(_box(step, rule) for step in rule.otherwise))
    cites = ", ".join(rule.because.cite)
    return ChartLane(rule.id, boxes, phrases.condition(rule), phrases.ends(rule), cites, source)


def _box(step: Step, rule: Rule) -> Box:
    role = step.tell or rule.tell
    says = "once more" if step.again else _says(step.by or "", step.message or rule.message)
    name = phrases.who(role, rule.among if step.again else None)
    again = "" if step.repeat is None else f"again every {format_period(step.repeat)}"
    return Box(role, name, says, format_period(step.after), step.unless is not None, again)


def _says(by: str, message: str) -> str:
    return f"{by} · {message.replace('-', ' ')}"
