"""Renders `docs/protocol.md` from the rules: for each event who is told, when, why and by which paragraph."""

from collections.abc import Iterator
from pathlib import Path

from services.handbook import phrases
from services.handbook.question import follow
from services.protocol.law.law import Law
from services.protocol.policy.rule_language.grammar import Protocol, Rule, Step
from services.protocol.policy.rule_language.periods import format_period
from services.protocol.policy.rule_language.vocabulary import Trigger

HEAD = Path(__file__).with_name("protocol_head.md").read_text()


def page(protocol: Protocol, law: Law) -> str:
    """Markdown, the same bytes for the same rules and the same law."""
    asked = [trigger for trigger in Trigger if protocol.on(trigger)]
    parts = [HEAD, "| when | who is told |\n| --- | --- |", *(_line(trigger, protocol) for trigger in asked), ""]
    for trigger in asked:
        parts.append(f"## {_heading(trigger)}\n")
        parts.extend([_note(trigger, protocol), ""] if _note(trigger, protocol) else [])
        for rule, after in follow(protocol.on(trigger), protocol):
            parts.extend(_rule(rule, f"when that is {after[1]}" if after else ""))
    parts += [
        "## What must have happened before an episode closes\n",
        phrases.sentence(", ".join(phrases.words_of(each) for each in protocol.closing)) + ". Never by time.",
    ]
    return "\n".join([*parts, *_law(law)]) + "\n"


def _law(law: Law) -> Iterator[str]:
    yield "\n## The law that these rules go by\n"
    yield "Numbers of the law, and the days on which they hold. What is *to be confirmed* is off: no rule uses it.\n"
    yield "| number | is | days | state | source | |\n| --- | --- | --- | --- | --- | --- |"
    for value in law.values.all:
        days = phrases.days(value.since, value.to) or "always"
        yield f"| {value.id} | {value.amount} | {days} | {_state(value.state)} | {', '.join(value.cite)} | {value.note or ''} |"
    yield "\nTexts that are cited, or that have moved since ours. `check` warns of one that is cited and was not checked for 180 days.\n"
    yield "| source | edition | days | checked on | state | |\n| --- | --- | --- | --- | --- | --- |"
    for source in law.sources.all:
        days = phrases.days(source.since, source.to)
        checked = "never" if source.checked_on is None else f"{source.checked_on:%-d %B %Y}"
        replaced = "" if source.replaced_by is None else f" Replaced by {source.replaced_by}."
        name = f"{source.id}: {source.title}"
        yield f"| {name} | {source.edition} | {days} | {checked} | {_state(source.state)} | {source.note or ''}{replaced} |"


def _state(state: str) -> str:
    return state.replace("-", " ")


def _heading(trigger: Trigger) -> str:
    return phrases.sentence(phrases.words_of(trigger))


def _line(trigger: Trigger, protocol: Protocol) -> str:
    told = dict.fromkeys(phrases.who(rule.tell, rule.among) for rule in protocol.on(trigger))
    return f"| [{phrases.words_of(trigger)}](#{_heading(trigger).lower().replace(' ', '-')}) | {', '.join(told)} |"


def _note(trigger: Trigger, protocol: Protocol) -> str:
    opens = "It opens a [watch](#watch-opened). " if trigger in protocol.watch_on else ""
    ended = [f"`{rule.id}`" for rule in protocol.rules if trigger in rule.until]
    return opens + (f"It ends what is still open of {', '.join(ended)}." if ended else "")


def _rule(rule: Rule, after: str) -> Iterator[str]:
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
    days = phrases.days(rule.since, rule.to)
    if days:
        yield f"In force {days}.  "
    yield f"Why: {rule.because.note} *{rule.because.kind}: {cites}*"
    yield ""


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
