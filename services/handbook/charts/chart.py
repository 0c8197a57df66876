"""Explains who would be told if an event happened, when and why: in sentences, and as a drawing. Sends nothing.

An event is named by its kind, or by one of the things that it may turn out to be. The drawing is one SVG file,
without script, font or stylesheet: any browser shows it, and it prints. One lane a rule, one box a message, an arrow
for each wait.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from services.handbook import phrases
from services.protocol.loader import DEFAULT, Library, Origin, files
from services.protocol.policy.readings.care import STEPS_DONE
from services.protocol.policy.rule_language.grammar import Protocol, Rule, Step, format_period
from services.protocol.policy.rule_language.vocabulary import Trigger
from services.safeguarding.roles import Role

MAY_TURN_OUT: Mapping[str, tuple[Trigger, ...]] = {
    "report.retracted": (Trigger.MISSING_RETRACTED, Trigger.RETURN_RETRACTED, Trigger.RETRACTION_UNVERIFIED),
    "return-interview.recorded": (Trigger.RETURN_INTERVIEW_OFFERED, Trigger.RETURN_INTERVIEW_DONE),
    "police.reference-texted": (Trigger.POLICE_REFERENCE_GIVEN, Trigger.POLICE_REFERENCES_DIFFER),
    "asylum.decision-recorded": (Trigger.DECISION_REFUSED, Trigger.DECISION_UASC_LEAVE),
    "appeal.decided": (Trigger.APPEAL_DISMISSED,),
    "nrm.decision-recorded": (Trigger.NRM_NEGATIVE,),
    "watch.reviewed": (Trigger.WATCH_ENDED,),
    "care-step.recorded": tuple(STEPS_DONE.values()),
}
"""Kinds of events that set nothing off by their own name."""


def triggers_of(kind: str, protocol: Protocol) -> list[Trigger]:
    """For `child.reported-missing`, with or without `.v1`. Raises ValueError that names the nearest or all known."""
    name, _, version = kind.rpartition(".v")
    asked = name if name and version.isdigit() else kind
    if asked in MAY_TURN_OUT:
        found = list(MAY_TURN_OUT[asked])
    elif asked in list(Trigger):
        found = [Trigger(asked)]
    else:
        known = [*map(str, Trigger), *MAY_TURN_OUT]
        near = get_close_matches(asked, known, n=1)
        raise ValueError(
            f"{kind} sets nothing off; " + (f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}")
        )
    if set(found) & set(protocol.watch_on):
        found.append(Trigger.WATCH_OPENED)
    return found


def follow(
    rules: Iterable[Rule], protocol: Protocol, after: tuple[str, str] | None = None
) -> Iterator[tuple[Rule, tuple[str, str] | None]]:
    """Each rule, and after it those that its duty sets off, each with that rule and the duty's state."""
    for rule in rules:
        yield rule, after
        for becomes in ("accepted", "acknowledged", "failed"):
            yield from follow(protocol.on_duty(rule.id, becomes), protocol, (rule.id, becomes))


def explain(event_kind: str, authority: str, library: Library | None = None, on: date | None = None) -> str:
    """Plain sentences for `child.reported-missing` (with or without `.v1`), as the rules are in force on that day; left
    out, on the day of the law's newest check. Raises ValueError that names the known.
    """
    library = library or Library(files())
    on = on or library.law.checked_on
    protocol = library.current(authority, on)
    sections = [
        _section(trigger, protocol, library.origins(authority), on) for trigger in triggers_of(event_kind, protocol)
    ]
    return "\n\n".join(sections) + "\n"


def require_known(library: Library, authority: str) -> None:
    """Raises ValueError that names the known, if this authority has no file: it may be misspelt."""
    known = sorted({DEFAULT, *(each.authority for each in library.read_files)})
    if authority not in known:
        msg = f"no rules file is of {authority}: an authority without one goes by the default. There are rules of {', '.join(known)}; --folder names where authorities' own lie"
        raise ValueError(msg)


def _section(trigger: Trigger, protocol: Protocol, origins: Mapping[str, Origin], on: date) -> str:
    told = phrases.render(
        "explain.txt",
        say=phrases,
        spoken=format_period,
        trigger=trigger,
        protocol=protocol,
        origins=origins,
        on=on,
        rules=list(follow(protocol.on(trigger), protocol)),
        ended=[rule.id for rule in protocol.rules if trigger in rule.until],
    )
    return told.rstrip()


SIZES = {"wide": 226, "high": 46, "gap": 96, "lane": 104, "left": 28, "top": 96, "event_wide": 168}
FIRST_BOX = SIZES["left"] + SIZES["event_wide"] + SIZES["gap"] + 48
AGAIN_WIDE = 170
KINDS: dict[str, dict[str, str]] = yaml.load(Path(__file__).with_name("kinds.yaml").read_text(), yaml.CSafeLoader)
Followed = list[tuple[Rule, tuple[str, str] | None]]
"""Each rule, and where the duty of another sets it off, that rule and its duty's state."""


def draw(event_kind: str, library: Library, authority: str, on: date | None = None) -> str:
    """A chart for each thing that the event may turn out to be. Raises ValueError for an unknown event."""
    protocol = library.current(authority, on)
    charts = [(trigger, list(follow(protocol.on(trigger), protocol))) for trigger in triggers_of(event_kind, protocol)]
    columns = max((1 + len(rule.otherwise) for _, rules in charts for rule, _ in rules), default=1)
    width = max(FIRST_BOX + columns * (SIZES["wide"] + SIZES["gap"]) - SIZES["gap"] + AGAIN_WIDE, 1000)
    heights = [SIZES["top"] + max(len(rules), 1) * SIZES["lane"] + 24 for _, rules in charts]
    return phrases.render(
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
