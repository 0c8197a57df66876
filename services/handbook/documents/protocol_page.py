"""Renders `docs/protocol.md` from the rules: for each event who is told, when, why and by which paragraph."""

from collections.abc import Iterator

from services.handbook import phrases
from services.protocol.policy.rule_language.grammar import Protocol, Rule, Step
from services.protocol.policy.rule_language.periods import format_period
from services.protocol.policy.rule_language.vocabulary import Trigger

HEAD = """\
# The protocol: who is told, when, and why

Rendered by `make schemas` from [services/protocol/rules/](../services/protocol/rules/): edit those. An authority's own files
take the place of these rules by id; `python -m services explain EVENT --authority NAME --folder FOLDER` says what then holds, and
from which file and line. S36 is paragraph 36 of the statutory guidance of 2017; other sources are named in the practice digest. *Guidance*
is asked by the guidance itself, a *default* carries out what it asks in a way that it leaves open, *local* is good practice.

Minutes of the next steps count from the first telling. Nobody is told twice of one thing; who holds a role is looked up when it is sent.

![Who is told when a child is reported missing](protocol/child.reported-missing.svg)
"""


def page(protocol: Protocol) -> str:
    """Markdown, the same bytes for the same rules."""
    asked = [trigger for trigger in Trigger if protocol.on(trigger)]
    parts = [HEAD, "| when | who is told |\n| --- | --- |", *(_line(trigger, protocol) for trigger in asked), ""]
    for trigger in asked:
        parts.append(f"## {_heading(trigger)}\n")
        parts.extend([_note(trigger, protocol), ""] if _note(trigger, protocol) else [])
        for rule in protocol.on(trigger):
            parts.extend(_rule(rule, protocol))
    parts += [
        "## What must have happened before an episode closes\n",
        phrases.sentence(", ".join(phrases.words_of(each) for each in protocol.closing)) + ". Never by time.",
    ]
    return "\n".join(parts) + "\n"


def _heading(trigger: Trigger) -> str:
    return phrases.sentence(phrases.words_of(trigger))


def _line(trigger: Trigger, protocol: Protocol) -> str:
    told = dict.fromkeys(phrases.who(rule.tell, rule.among) for rule in protocol.on(trigger))
    return f"| [{phrases.words_of(trigger)}](#{_heading(trigger).lower().replace(' ', '-')}) | {', '.join(told)} |"


def _note(trigger: Trigger, protocol: Protocol) -> str:
    opens = "It opens a [watch](#watch-opened). " if trigger in protocol.watch_on else ""
    ended = [f"`{rule.id}`" for rule in protocol.rules if trigger in rule.until]
    return opens + (f"It ends what is still open of {', '.join(ended)}." if ended else "")


def _rule(rule: Rule, protocol: Protocol, after: str = "") -> Iterator[str]:
    cites = ", ".join(rule.because.cite)
    yield f"**{phrases.sentence(phrases.who(rule.tell, rule.among))}** {phrases.channel(rule)}: {phrases.words_of(rule.message)} (`{rule.id}`)  "
    when = ", ".join(filter(None, [after, phrases.start(rule) or "at once", phrases.condition(rule)]))
    taken = "" if rule.within is None else f"; taken by the other end within {format_period(rule.within)}"
    yield f"When: {when}{taken}.  "
    if rule.meets is not None:
        yield f"The discussion: {phrases.meets(rule)}.  "
    if rule.otherwise:
        yield f"While nobody answers: {'; '.join(_step(step, rule) for step in rule.otherwise)}.  "
    yield f"Until {phrases.ends(rule)}.  "
    yield f"Why: {rule.because.note} *{rule.because.kind}: {cites}*"
    yield ""
    for becomes in ("accepted", "acknowledged", "failed"):
        for following in protocol.on_duty(rule.id, becomes):
            yield from _rule(following, protocol, f"when that is {becomes}")


def _step(step: Step, rule: Rule) -> str:
    name = (
        f"{phrases.who(rule.tell, rule.among)} again"
        if step.again
        else f"{phrases.who(step.tell or rule.tell)} by {step.by}"
    )
    says = "" if step.again else f" ({phrases.words_of(step.message or rule.message)})"
    taken = ", if it has not been taken" if step.unless else ""
    repeat = phrases.repeating(step)
    return f"at {format_period(step.after)} {name}{says}{taken}{', ' if repeat else ''}{repeat}"
