"""Who would be told if this happened, when and why: the protocol in sentences, and as a flow chart. Sends nothing."""

from collections.abc import Iterator
from pathlib import Path

from services.protocol.loading import Library, files
from services.protocol.policy.grammar import Protocol, Rule, Step, When
from services.protocol.policy.periods import spoken
from services.protocol.policy.vocabulary import Trigger


def explain(event_kind: str, authority: str, authorities: Path | None = None) -> str:
    """Plain sentences for `child.reported-missing` (with or without `.v1`). Raises ValueError, naming the known, for an unknown one."""
    trigger = _trigger(event_kind)
    protocol = Library(files(authorities)).current(authority)
    lines = [f"When {_happens(trigger)}, for {authority} (protocol {protocol.label}):", ""]
    for rule in protocol.on(trigger):
        lines.extend(_sentences(rule, protocol))
    if len(lines) == 2:
        lines.append("No rule is set off.")
    ended = [rule.id for rule in protocol.rules if trigger in rule.until]
    if ended:
        lines += [f"It ends the duties of: {', '.join(ended)}.", ""]
    return "\n".join(lines).rstrip() + "\n"


def flow_chart(event_kind: str, authority: str, authorities: Path | None = None) -> str:
    """The same as a Mermaid flow chart."""
    trigger = _trigger(event_kind)
    protocol = Library(files(authorities)).current(authority)
    lines = ["flowchart LR", f'  event(["{trigger}"])']
    for rule in protocol.on(trigger):
        lines.extend(_chart_of(rule, protocol, "event"))
    return "\n".join(lines) + "\n"


def _trigger(kind: str) -> Trigger:
    name = kind.rsplit(".v", 1)[0] if kind.rsplit(".v", 1)[-1].isdigit() else kind
    try:
        return Trigger(name)
    except ValueError:
        raise ValueError(f"{kind} sets nothing off; known are {', '.join(Trigger)}") from None


def _happens(trigger: Trigger) -> str:
    return str(trigger).replace(".", " ").replace("-", " ")


def _sentences(rule: Rule, protocol: Protocol) -> Iterator[str]:
    yield f"{rule.id}: {_start_of(rule)}{rule.tell} is told{_channel(rule)} ({rule.message}){_condition(rule)}."
    if rule.within is not None:
        yield f"  Their system should have taken it within {spoken(rule.within)}."
    for step in rule.otherwise:
        yield f"  {_step_sentence(step, rule)}"
    yield f"  It ends when {_end_of(rule)}."
    yield f"  Because: {rule.because.note} ({', '.join(rule.because.cite)}; {rule.because.kind}; {rule.protocol})"
    yield ""
    for becomes in ("accepted", "acknowledged", "failed"):
        for following in protocol.on_duty(rule.id, becomes):
            yield f"When the duty of {rule.id} is {becomes}:"
            yield from _sentences(following, protocol)


def _start_of(rule: Rule) -> str:
    if rule.wait is not None:
        return f"{spoken(rule.wait)} later, "
    return "" if rule.period is None else f"{spoken(rule.period)} after it happened, "


def _channel(rule: Rule) -> str:
    return " by the channel by which each was told" if rule.by is None else f" by {rule.by}"


def _condition(rule: Rule) -> str:
    parts = [*_each_condition(rule.when)]
    if not parts:
        return ""
    unknown = "yes" if rule.unknown == "counts-as-yes" else "no"
    return f", if {' and '.join(parts)} (unknown counts as {unknown})"


def _each_condition(when: When) -> Iterator[str]:
    if when.any:
        yield " or ".join(each.words for each in when.any)
    yield from (each.words for each in when.all)
    yield from (f"not {each.words}" for each in when.none)


def _step_sentence(step: Step, rule: Rule) -> str:
    unless = "if their system has not taken it" if step.unless else "if nobody has answered"
    if step.again:
        return f"After {spoken(step.after)}, {unless}: {rule.tell} again."
    repeat = "" if step.repeat is None else f", and again every {spoken(step.repeat)} until somebody answers"
    return f"After {spoken(step.after)}, {unless}: {step.tell} by {step.by} ({step.message or rule.message}){repeat}."


def _end_of(rule: Rule) -> str:
    answered = "somebody answers" if rule.enough == "acknowledged" else "their system has taken it"
    return " or on ".join([answered, *map(str, rule.until)])


def _chart_of(rule: Rule, protocol: Protocol, source: str) -> Iterator[str]:
    delay = rule.wait or rule.period
    arrow = f"-->|{spoken(delay)}|" if delay is not None else "-->"
    node = rule.id.replace("-", "_")
    yield f'  {source} {arrow} {node}["{rule.tell}: {rule.message}"]'
    before = node
    for index, step in enumerate(rule.otherwise):
        after = f"{node}_{index}"
        yield f'  {before} -.->|{spoken(step.after)}| {after}["{rule.tell if step.again else step.tell}"]'
        before = after
    for becomes in ("accepted", "acknowledged", "failed"):
        for following in protocol.on_duty(rule.id, becomes):
            yield from _chart_of(following, protocol, node)
