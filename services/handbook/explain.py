"""Explains in sentences who would be told if an event happened, when and why. Sends nothing."""

from collections.abc import Iterator, Mapping
from datetime import date

from services.handbook import phrases
from services.handbook.question import follow, triggers_of
from services.protocol.loader import Library, Origin, files
from services.protocol.policy.rule_language.grammar import Protocol, Rule, Step
from services.protocol.policy.rule_language.periods import format_period
from services.protocol.policy.rule_language.vocabulary import Trigger
from services.protocol.rule_file import DEFAULT


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
    lines = [
        f"When {phrases.words_of(trigger)}, for {protocol.authority} on {on:%-d %B %Y} (protocol {protocol.label}):",
        "",
    ]
    for rule, after in follow(protocol.on(trigger), protocol):
        lines += [f"When the duty of {after[0]} is {after[1]}:"] if after else []
        lines.extend(_sentences(rule, origins))
    if len(lines) == 2:
        lines.append("No rule is set off.")
    if trigger in protocol.watch_on:
        lines += ["It opens a watch: see below.", ""]
    ended = [rule.id for rule in protocol.rules if trigger in rule.until]
    if ended:
        lines += [f"It ends the duties of: {', '.join(ended)}.", ""]
    return "\n".join(lines).rstrip()


def _sentences(rule: Rule, origins: Mapping[str, Origin]) -> Iterator[str]:
    start, condition = phrases.start(rule), phrases.condition(rule)
    among = "" if rule.among is None else f" ({rule.among} only)"
    yield (
        f"{rule.id}: {start}{', ' if start else ''}{rule.tell}{among} is told {phrases.channel(rule)} ({rule.message})"
        f"{', ' if condition else ''}{condition}."
    )
    if rule.meets is not None:
        yield f"  The discussion: {phrases.meets(rule)}."
    if rule.within is not None:
        yield f"  Their system should have taken it within {format_period(rule.within)}."
    for step in rule.otherwise:
        yield f"  {_step_sentence(step, rule)}"
    yield f"  It ends when {phrases.ends(rule)}."
    yield f"  Because: {rule.because.note} ({', '.join(rule.because.cite)}; {rule.because.kind}; {rule.protocol}; {origins[rule.id]})"
    days = phrases.days(rule.since, rule.to)
    if days:
        yield f"  In force {days}."
    if rule.approved is not None:
        yield f"  Asks less than the default: approved by {rule.approved.by}, because {rule.approved.reasons}."
    yield ""


def _step_sentence(step: Step, rule: Rule) -> str:
    after = f"After {format_period(step.after)}, {phrases.unless(step)}:"
    if step.again:
        return f"{after} {rule.tell} again."
    repeat = phrases.repeating(step)
    return f"{after} {step.tell} by {step.by} ({step.message or rule.message}){', and ' if repeat else ''}{repeat}."
