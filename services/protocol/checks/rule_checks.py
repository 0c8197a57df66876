"""Checks each rule by itself, and against the others. Each check yields faults, with a correction.

Finds rules that contradict another or the event that sets them off, and rules that can never apply. Which words each
kind of recipient understands, and when they are true, stands in `wordings.yaml`.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import yaml
from pydantic import BaseModel, ConfigDict

from services.protocol.policy.rule_language.grammar import DutyBecomes, Protocol, Rule, When, format_period
from services.protocol.policy.rule_language.vocabulary import Question, Trigger
from services.safeguarding.deeds import DEED_SPECS
from services.safeguarding.duty.facts import PRESUPPOSED, Fact, Presupposition
from services.safeguarding.roles import CARERS, ROLES, Channel, Role, Wording


class FittingWordings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=lambda name: name.replace("_", "-"))

    police: frozenset[Wording]
    carers_and_others: frozenset[Wording]
    carers_alone: frozenset[Wording]
    escalations: frozenset[Wording]
    to_be_done: frozenset[Wording]
    said_only_on: dict[Wording, frozenset[Trigger]]
    opposites: frozenset[frozenset[Wording]]

    @property
    def carers(self) -> frozenset[Wording]:
        return self.carers_and_others | self.carers_alone


WORDINGS = FittingWordings.model_validate(
    yaml.load(Path(__file__).with_name("wordings.yaml").read_text(), yaml.CSafeLoader)
)


Fault: TypeAlias = tuple[str, str | None]

HUMANS = frozenset(role for role, each in ROLES.items() if each.hours == "every")
"""Roles that somebody on duty holds at every hour."""
CLAIMED = frozenset(
    {
        Trigger.CHILD_RETURN_CLAIMED, Trigger.MISSING_RETRACTION_CLAIMED, Trigger.CHILD_LOCATION_CLAIMED,
        Trigger.CLAIM_SECONDED,
    }
)  # fmt: skip
UNPROVEN = CLAIMED | {Trigger.RETURN_UNVERIFIED, Trigger.RETRACTION_UNVERIFIED, Trigger.RETURN_UNREPORTED_CLAIMED}
WHILE_MISSING = CLAIMED | {Trigger.CHILD_REPORTED_MISSING, Trigger.REPORT_ADDED}
ENDS_OF_MISSING = (Trigger.CHILD_RETURNED, Trigger.MISSING_RETRACTED)
GIVEN_BY: dict[str, tuple[frozenset[str], frozenset[Trigger]]] = {
    Fact.CHILD_NOT_BACK: (frozenset({"child.not-back", "child.missing"}), frozenset(ENDS_OF_MISSING)),
    Fact.NO_REFERENCE: (frozenset({"not police.reference-known"}), frozenset({Trigger.POLICE_REFERENCE_GIVEN})),
    Fact.NOT_GRADED: (frozenset({"not police.graded"}), frozenset({Trigger.POLICE_RISK_GRADED})),
}
"""By what a wording without an `else` presupposes: what a rule's `when` may ask, and what must be under its `until`."""
OWN = HUMANS | {Role.CHILD_SOCIAL_WORKER, Role.CHILD_TEAM_MANAGER, Role.PLAN_OWNER}


def faults_of(rule: Rule, protocol: Protocol) -> Iterator[Fault]:
    for check in CHECKS:
        yield from check(rule, protocol)


def _ends_in_a_human(rule: Rule, _protocol: Protocol) -> Iterator[Fault]:
    last = rule.otherwise[-1] if rule.otherwise else None
    if last is None or last.tell not in HUMANS:
        yield (
            "if nobody answers, it ends without a person on duty",
            "a last step such as { after: 30m, tell: duty.head-of-service, by: text, message: not-acknowledged, repeat: 30m }",
        )
    elif last.repeat is None:
        yield "its last person is asked only once, and then it is silent", "`repeat: 30m` in the last step"


def _steps_can_be_reached(rule: Rule, _protocol: Protocol) -> Iterator[Fault]:
    for earlier, later in zip(rule.otherwise, rule.otherwise[1:], strict=False):
        if later.after <= earlier.after:
            yield "a step comes no later than the one before it", "steps in order, each `after` longer than the last"
        if earlier.repeat is not None:
            yield "a step follows one that repeats, and is never reached", "`repeat` in the last step alone"
    if rule.enough == "accepted" and any(step.again for step in rule.otherwise):
        yield "`again` waits for an acceptance that ends this duty, and is never reached", "the step without `again`"


def _rests_no_longer_than_it_repeats(rule: Rule, _protocol: Protocol) -> Iterator[Fault]:
    repeat = rule.otherwise[-1].repeat if rule.otherwise else None
    if rule.rests is not None and repeat is not None and rule.rests > repeat:
        yield (
            "an answer lets it rest longer than its last person is left in peace",
            "`rests` no longer than the last `repeat`",
        )


def _deeds_end_it(rule: Rule, _protocol: Protocol) -> Iterator[Fault]:
    if rule.deed is None:
        asked = [each.deed for each in DEED_SPECS.values() if set(each.ends) & set(rule.until)]
        is_of_police = rule.tell == Role.POLICE_CONTROL_ROOM or rule.among == "police"
        is_word_enough = rule.enough == "acknowledged" and rule.by != Channel.INVITATION and not is_of_police
        if is_word_enough and asked:
            yield f"an answer ends it, although {' or '.join(asked)} is to be done", f"`deed: {asked[0]}` and `rests`"
        elif is_word_enough and rule.message in WORDINGS.to_be_done and rule.tell in OWN:
            yield (
                f"an answer ends it, although {rule.message} asks for a deed",
                "`deed`, or `enough: done`, and `rests`",
            )
        return
    lacks = [each for each in DEED_SPECS[rule.deed].ends if each not in set(rule.until)]
    if lacks:
        yield f"it would go on after {rule.deed} is done", f"`until` with {', '.join(lacks)}"


def _conditions_can_hold(rule: Rule, _protocol: Protocol) -> Iterator[Fault]:
    never = {*rule.when.all} & {*rule.when.none}
    if never:
        yield f"it asks {next(iter(never)).words} to be both so and not so", "one of the two"
    if rule.when.any and {*rule.when.any} <= {*rule.when.none}:
        yield "all that it asks under `any` it refuses under `none`", "one of the two"
    waits = rule.waits or rule.hours == "working"
    if not waits and set(rule.until) & {each for each in rule.on if isinstance(each, Trigger)}:
        yield "what sets it off also ends it", "another event under `until`"


def _ends_with_what_it_is_about(rule: Rule, _protocol: Protocol) -> Iterator[Fault]:
    missing = [each for each in ENDS_OF_MISSING if each not in rule.until]
    if set(rule.on) & WHILE_MISSING and missing:
        yield "it would go on for a child who is back", f"`until` with {', '.join(missing)}"
    if Trigger.CHILD_RETURNED in rule.on and Trigger.RETURN_RETRACTED not in rule.until:
        yield "it would go on although the return was a mistake", "`until` with return.retracted"


def _ends_on_proof(rule: Rule, _protocol: Protocol) -> Iterator[Fault]:
    for each in sorted(UNPROVEN.intersection(rule.until)):
        yield f"it ends on {each}, which is said and not proved", "an event that is proven, such as child.returned"


def _known_duties(rule: Rule, protocol: Protocol) -> Iterator[Fault]:
    for on in rule.on:
        if isinstance(on, DutyBecomes) and on.duty not in protocol.by_id:
            yield f"there is no rule {on.duty}", "the id of a rule"
    if _comes_back_to(rule.id, rule.id, protocol, frozenset()):
        yield "its duty sets itself off again, round and round", "an event that begins the chain"


def _comes_back_to(start: str, here: str, protocol: Protocol, seen: frozenset[str]) -> bool:
    if here in seen or here not in protocol.by_id:
        return False
    earlier = [on.duty for on in protocol.by_id[here].on if isinstance(on, DutyBecomes)]
    return any(each == start or _comes_back_to(start, each, protocol, seen | {here}) for each in earlier)


def _words_fit_the_recipient(rule: Rule, _protocol: Protocol) -> Iterator[Fault]:
    tellings = [(rule.tell, rule.by, rule.message)]
    tellings += [(step.tell, step.by, step.message or rule.message) for step in rule.otherwise if step.tell is not None]
    for role, channel, wording in tellings:
        police = role == Role.POLICE_CONTROL_ROOM
        if channel is not None and channel not in ROLES[role].channels:
            yield f"{role} is not told by {channel}", f"`by:` one of {', '.join(ROLES[role].channels)}"
        if police and wording not in WORDINGS.police:
            yield f"{wording} has no words for police", f"one of {', '.join(sorted(WORDINGS.police))}"
        if role in CARERS and wording not in WORDINGS.carers:
            yield f"{wording} has no words for a carer", f"one of {', '.join(sorted(WORDINGS.carers))}"
        if role not in CARERS and wording in WORDINGS.carers_alone:
            yield f"{wording} has words for carers alone", "another message"


def _says_what_its_conditions_give(rule: Rule, _protocol: Protocol) -> Iterator[Fault]:
    """What a wording presupposes, or else another takes its place. `when` gives it as the rule sets off, `until` as
    somebody is told later.
    """
    said = dict.fromkeys([rule.message, *(step.message for step in rule.otherwise if step.message is not None)])
    when = {str(each.question) for each in rule.when.all} | {f"not {each.question}" for each in rule.when.none}
    for wording in said:
        line = PRESUPPOSED.get(wording, Presupposition())
        for fact in sorted(line.holds) if line.otherwise is None else ():
            asked, ends = GIVEN_BY[fact]
            if not when & asked:
                yield (
                    f"{wording} presupposes {fact}, which `when` does not give",
                    f"`when` with {' or '.join(sorted(asked))}",
                )
            if not ends <= set(rule.until):
                yield (
                    f"{wording} presupposes {fact}, and it would be said once that is over",
                    f"`until` with {', '.join(sorted(ends))}",
                )


def _steps_say_what_the_rule_is_about(rule: Rule, _protocol: Protocol) -> Iterator[Fault]:
    for step in rule.otherwise:
        if step.message not in {None, rule.message, *WORDINGS.escalations}:
            yield (
                f"its step after {format_period(step.after)} says {step.message}, which is of another matter",
                f"the step without `message`, which says {rule.message}, or one of {', '.join(sorted(WORDINGS.escalations))}",
            )


CHECKS: tuple[Callable[[Rule, Protocol], Iterator[Fault]], ...] = (
    _ends_in_a_human,
    _steps_can_be_reached,
    _rests_no_longer_than_it_repeats,
    _deeds_end_it,
    _conditions_can_hold,
    _ends_with_what_it_is_about,
    _ends_on_proof,
    _known_duties,
    _words_fit_the_recipient,
    _says_what_its_conditions_give,
    _steps_say_what_the_rule_is_about,
)


NOT_MISSING = frozenset(map(Question, ("child.missing", "child.located", "child.not-back")))
NEVER_SO: Mapping[Trigger, frozenset[Question]] = {
    Trigger.CHILD_RETURNED: NOT_MISSING,
    Trigger.MISSING_RETRACTED: NOT_MISSING,
    Trigger.EPISODE_CLOSED: NOT_MISSING,
    Trigger.CHILD_LOCATED: frozenset({Question("child.missing")}),
    Trigger.CHILD_LOST_AGAIN: frozenset({Question("child.located")}),
}
"""Questions whose answer is always no at the moment of the trigger. By the time of a rule that waits, it may be yes."""


def conflicts_of(rule: Rule, protocol: Protocol) -> Iterator[Fault]:
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
    return _forbids(one, other) or _forbids(other, one)


def _forbids(one: When, other: When) -> bool:
    return bool({*one.none} & {*other.all}) or (bool(other.any) and {*other.any} <= {*one.none})


def _against(rule: Rule, other: Rule) -> Iterator[Fault]:
    if {rule.message, other.message} in WORDINGS.opposites:
        yield (
            f"it says {rule.message} where {other.id} says {other.message} to the same",
            "conditions of which only one can hold, or one of the two rules",
        )
    elif (rule.message, rule.by) == (other.message, other.by):
        yield f"{other.id} tells the same to the same: it would be said twice", "one of the two rules"
