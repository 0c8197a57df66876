"""Finds rules that contradict another or the event that sets them off, and rules that can never apply."""

from collections.abc import Iterator, Mapping

from services.protocol.checks.rule_checks import Fault
from services.protocol.checks.wordings import WORDINGS
from services.protocol.policy.rule_language.grammar import DutyBecomes, Protocol, Rule, When
from services.protocol.policy.rule_language.vocabulary import Question, Trigger
from services.safeguarding.roles import Role

NOT_MISSING = frozenset(map(Question, ("child.missing", "child.located", "child.not-back")))
NEVER_SO: Mapping[Trigger, frozenset[Question]] = {
    Trigger.CHILD_RETURNED: NOT_MISSING,
    Trigger.MISSING_RETRACTED: NOT_MISSING,
    Trigger.EPISODE_CLOSED: NOT_MISSING,
    Trigger.CHILD_LOCATED: frozenset({Question("child.missing")}),
    Trigger.CHILD_LOST_AGAIN: frozenset({Question("child.located")}),
}
"""Questions whose answer is always no at the moment of the trigger. By the time of a rule that waits, it may be yes."""


def faults_of(rule: Rule, protocol: Protocol) -> Iterator[Fault]:
    yield from _untrue_when_said(rule)
    yield from _never_comes_about(rule, protocol)
    for other in protocol.rules:
        if other.id != rule.id and _meet(rule, other):
            yield from _against(rule, other)
        if _invite_to_one(rule, other) and rule.meets != other.meets:
            yield f"{other.id} invites to the same discussion at another time", "the same `meets` in both"


def _invite_to_one(rule: Rule, other: Rule) -> bool:
    invites = rule.meets is not None and rule.message == other.message
    return invites and bool(set(rule.on) & set(other.on)) and not _exclude(rule.when, other.when)


def _untrue_when_said(rule: Rule) -> Iterator[Fault]:
    allowed = WORDINGS.said_only_on.get(rule.message)
    wrong = (
        [] if allowed is None else [str(on) for on in rule.on if not isinstance(on, DutyBecomes) and on not in allowed]
    )
    if allowed is not None and wrong:
        yield (
            f"{rule.message} is not true on {', '.join(wrong)}",
            f"`on: {', '.join(sorted(allowed))}`, or another message",
        )


def _never_comes_about(rule: Rule, protocol: Protocol) -> Iterator[Fault]:
    for on in rule.on:
        if isinstance(on, DutyBecomes):
            earlier = protocol.by_id.get(on.duty)
            if earlier is not None and earlier.enough == "accepted" and on.becomes == "acknowledged":
                yield (
                    f"the duty of {on.duty} ends when it is accepted, and is never acknowledged",
                    "`becomes: accepted`",
                )
        elif not rule.waits:
            impossible = [each.words for each in rule.when.all if each.question in NEVER_SO.get(on, ())]
            if impossible:
                yield f"on {on} it is never so that {impossible[0]}", "another condition, or another event"


def _meet(one: Rule, other: Rule) -> bool:
    """Whether both can tell the same recipient, at the same time, of the same event."""
    same_time = _time_of(one) == _time_of(other)
    same_people = one.tell == other.tell and (
        one.tell != Role.EVERYONE_TOLD or one.among is None or other.among is None or one.among == other.among
    )
    return same_time and same_people and bool(set(one.on) & set(other.on)) and not _exclude(one.when, other.when)


def _time_of(rule: Rule) -> tuple[object, ...]:
    return rule.wait, rule.period, rule.workdays, rule.before, rule.hours


def _exclude(one: When, other: When) -> bool:
    return bool({*one.all} & {*other.none} or {*other.all} & {*one.none})


def _against(rule: Rule, other: Rule) -> Iterator[Fault]:
    if {rule.message, other.message} in WORDINGS.opposites:
        yield (
            f"it says {rule.message} where {other.id} says {other.message} to the same",
            "conditions of which only one can hold, or one of the two rules",
        )
    elif (rule.message, rule.by) == (other.message, other.by):
        yield f"{other.id} tells the same to the same: it would be said twice", "one of the two rules"
