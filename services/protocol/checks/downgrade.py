"""Finds where an authority's rule asks less than the default: that takes a named person's reasons (S6)."""

from collections.abc import Iterator

from services.protocol.checks.rule_checks import Fault
from services.protocol.loader import RulesFile
from services.protocol.policy.rule_engine.recipients import MEANT
from services.protocol.policy.rule_language.grammar import Protocol, Rule, format_period
from services.safeguarding.meetings import AtOnce, InFull, Meets

APPROVE = "`approved: { by: ..., reasons: ... }`, or no less than the default"
ON_WORD = {"by-text": "word"}
GIVEN_UP = (
    "stand-down by-text: word gives up the code from the carer's own handset: one text that a machine reads as 'the child is back', sent "
    "or forged from a carer's number, ends the search, and police and all who search are stood down on it"
)
"""Says what an authority gives up that takes a carer's word for proof."""


def weaker(default: Rule, own: Rule) -> Iterator[Fault]:
    """Nothing unless guidance itself asks for the default (`kind: guidance`): an authority may change what we ask."""
    if default.because.kind == "guidance":
        for says in _less(default, own):
            yield f"it asks less than the default: {says}", APPROVE


def _less(default: Rule, own: Rule) -> Iterator[str]:
    yield from _fewer(default, own)
    if set(default.on) - set(own.on):
        yield "it is no longer set off by all that sets off the default"
    if own.when != default.when:
        yield "its conditions differ"
    if own.unknown == "counts-as-no" and default.unknown == "counts-as-yes":
        yield "an unknown fact no longer protects"
    if own.enough == "accepted" and default.enough != "accepted":
        yield "nobody need acknowledge"
    if own.enough == "acknowledged" and default.enough == "done":
        yield "an answer ends it, done or not"
    if default.rests is not None and (own.rests is None or own.rests > default.rests):
        yield "an answer lets it rest longer"
    if set(own.until) - set(default.until) or (own.day is not None and default.day is None):
        yield "it ends sooner"
    if default.meets is not None and own.meets is not None:
        yield from _meets_later(default.meets, own.meets)
    yield from _later(default, own)


def _fewer(default: Rule, own: Rule) -> Iterator[str]:
    left_out = MEANT[default.among] - MEANT[own.among]
    if own.tell != default.tell:
        yield f"{default.tell} is no longer told"
    elif left_out:
        yield f"of {default.tell}, {', '.join(sorted(left_out))} are no longer told"


def _meets_later(default: Meets, own: Meets) -> Iterator[str]:
    if isinstance(default, AtOnce) and isinstance(own, AtOnce):
        for hours, before, now in (("day", default.day, own.day), ("night", default.night, own.night)):
            if now > before:
                yield f"the discussion meets within {format_period(now)} by {hours}, not {format_period(before)}"
    elif isinstance(default, InFull) and isinstance(own, InFull):
        if own.latest > default.latest:
            yield f"the full meeting may be on working day {own.latest}"
    else:
        yield "it invites to a discussion of another form"
    if set(own.unless) - set(default.unless):
        yield "the discussion is called off sooner"


def _later(default: Rule, own: Rule) -> Iterator[str]:
    for name, before, now in (("wait", default.wait, own.wait), ("period", default.period, own.period)):
        if now is not None and (before is None or now > before):
            yield f"its {name} of {format_period(now)} is longer"
    if own.workdays is not None and (default.workdays is None or own.workdays > default.workdays):
        yield f"its {own.workdays} working days are longer"
    for step in default.otherwise:
        if not step.again and not any(each.tell == step.tell and each.after <= step.after for each in own.otherwise):
            yield f"{step.tell} is no longer told after {format_period(step.after)}"


def lacking(own: RulesFile, default: Protocol) -> Iterator[tuple[str, str, str]]:
    """Key, fault and correction, where a file's lists leave out entries of the default."""
    lists = (("closing", own.closing, default.closing), ("watch-on", own.watch_on, default.watch_on))
    for key, mine, asked in lists:
        left_out = [str(each) for each in asked if each not in mine]
        if mine and left_out:
            yield key, f"{key} leaves out {', '.join(left_out)}, which the default asks", APPROVE
    if own.stand_down == ON_WORD and default.stand_down.by_text != "word":
        yield "stand-down", GIVEN_UP, APPROVE
