"""Explains in sentences who would be told if an event happened, when and why. Sends nothing.

An event is named by its kind, or by one of the things that it may turn out to be.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from difflib import get_close_matches

from services.handbook import phrases
from services.handbook.phrases import render
from services.protocol.loader import DEFAULT, Library, Origin, files
from services.protocol.policy.readings.care import STEPS_DONE
from services.protocol.policy.rule_language.grammar import Protocol, Rule, format_period
from services.protocol.policy.rule_language.vocabulary import Trigger

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
    told = render(
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
