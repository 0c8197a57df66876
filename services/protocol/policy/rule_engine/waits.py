"""Schedules rules that wait for their time: so long after an event, so long before a date, or again and again.

The dates that the law counts by are reckoned in England's calendar.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar
from uuid import UUID

from services.protocol.policy.case import Cause, Episode, Waiting
from services.protocol.policy.draft import Deadline, Draft
from services.protocol.policy.duties.steps import first_step
from services.protocol.policy.rule_language.grammar import Before, Calendar, Letter, Protocol, Rule
from services.protocol.policy.rule_language.vocabulary import DateOf
from services.safeguarding.child_events.care_events import LeaveGranted
from services.safeguarding.child_events.events import ChildRecordChanged, RuleDue
from services.safeguarding.duty.duties import Because
from services.safeguarding.identifiers import derived
from services.safeguarding.working_time import (
    ADULT,
    ENGLAND,
    MOMENTS,
    birthday,
    day_in_england,
    in_england,
    in_evening,
    last_working_moment,
    working_day_after,
)

IN_THE_MORNING = time(9)
DAY = timedelta(days=1)


def date_of(which: DateOf, draft: Draft) -> date | None:
    """None while nobody knows it."""
    if which == DateOf.LEAVE_EXPIRES:
        return draft.leave_expires_on
    day = draft.facts.adult_on
    return None if day == draft.record.wrong_adult_on else day


def letter_differs(letter: Letter, draft: Draft) -> bool:
    """Whether the letter of this grant names another last day than the law gives. False where nobody can tell."""
    grant, adult_on = draft.happened.content, date_of(DateOf.CHILD_TURNS_18, draft)
    if not isinstance(grant, LeaveGranted) or grant.granted_on is None or grant.leave not in letter.lasts:
        return False
    lawful = {letter.lasts[grant.leave].after(grant.granted_on)}
    if grant.leave in letter.until_age:
        if adult_on is None:
            return False
        born = birthday(adult_on, -ADULT)
        ages = (letter.until_age[grant.leave].after(day) for day in (born, born - DAY))  # perhaps 29 February
        lawful = {min(*lawful, age) for age in ages}
    return grant.expires_on not in {*lawful, max(lawful) - DAY}


def morning_of(day: date) -> datetime:
    """Nine o'clock in England, summer and winter, in UTC."""
    return datetime.combine(day, IN_THE_MORNING, ENGLAND).astimezone(UTC)


CAME = "came"
"""A dated rule no longer waits: its time has come. It is kept, so that one date does not count twice."""
SETTLED = "settled"
"""The matter of a dated rule has been settled: the same day, recorded again, sets nothing off."""
UNMET = "unmet"
"""Its time has come, and its condition was not met. It is asked again when the rule is next set off; or when a located
child is lost again; or when a second report of a missing child turns out to be a mistake.
"""

K = TypeVar("K")


def last_of_the_same(by_time: Iterable[tuple[K, Rule]]) -> set[K]:
    """The keys of the rules that remain when only the last of those that tell the same people the same is kept."""
    last = {(rule.tell, rule.by, rule.message, rule.among, rule.when): name for name, rule in by_time}
    return set(last.values())


def must_wait(draft: Draft, rule: Rule) -> bool:
    return rule.waits or _find_allowed(rule, draft.now) > draft.now


def wait(draft: Draft, rule: Rule, protocol: Protocol, episode: Episode | None, cause: Cause) -> Waiting | None:
    """Schedules the rule. Returns what a dated rule must now tell late, since nobody here knew of the date in time."""
    if rule.before is not None:
        return _wait_for_date(draft, rule, rule.before, protocol, cause)
    name = None if episode is None else episode.episode
    deadline = _deadline(draft, rule, name, cause)
    known = draft.waiting.get(deadline) if rule.every is not None else None
    if (known is not None and known.stood_down is None) or _waits_to_call(draft, rule, name):
        return None
    waiting = Waiting(
        deadline=deadline,
        version=1 if known is None else known.version + 1,
        rule=rule.id,
        protocol=protocol.hash,
        episode=name,
        cause=cause,
        due_at=_due_at(draft, rule, cause),
    )
    announce(draft, waiting)
    return None


def _waits_to_call(draft: Draft, rule: Rule, episode: UUID | None) -> bool:
    """Whether a call for the episode's discussion on the next working day is to come already."""
    about = rule.id, episode
    calls = rule.meets is not None and rule.workdays is not None
    return calls and any(
        (each.rule, each.episode) == about and each.stood_down is None for each in draft.waiting.values()
    )


def _deadline(draft: Draft, rule: Rule, episode: UUID | None, cause: Cause) -> UUID:
    if rule.every is not None:
        return derived("series", draft.child, rule.id, str(episode or ""), str(cause.exercise))
    return derived("rule deadline", draft.child, rule.id, cause.id)


def _due_at(draft: Draft, rule: Rule, cause: Cause) -> datetime:
    if rule.wait is not None:
        return _find_allowed(rule, draft.now + rule.wait)
    if rule.period is not None:
        return time_of_period(rule, rule.period, cause)
    if rule.workdays is not None:
        return working_day_after(cause.time, rule.workdays)
    return _find_allowed(rule, draft.now)


def time_of_period(rule: Rule, period: timedelta, cause: Cause) -> datetime:
    """When a rule with this `period` comes to its time."""
    # An evening is counted by the clock on the wall: on the day on which it moves, 24 hours later is another time.
    at = (in_england(cause.time) if rule.hours == "evening" else cause.time) + period
    if rule.latest is None:
        return _find_allowed(rule, at)
    before = last_working_moment(at)
    return before if before > cause.time else put_off(rule, cause, at)


def put_off(rule: Rule, cause: Cause, at: datetime) -> datetime:
    """The first moment from `at` on that the rule's `hours` allow; `at` itself, if that comes after its `latest`, or
    while the evening lasts.
    """
    moment = at if rule.hours == "evening" and in_evening(at) else _find_allowed(rule, at)
    return at if rule.latest is not None and at <= cause.time + rule.latest < moment else moment


def is_overtaken(draft: Draft, waiting: Waiting, moment: datetime) -> bool:
    """Whether another evening's question about the same has its turn by `moment`."""
    if draft.rule_of(waiting).hours != "evening":
        return False
    others = (each for each in draft.waiting.values() if each.stood_down is None and each.due_at <= moment)
    asked = [waiting, *(each for each in others if each.cause == waiting.cause)]
    return waiting.deadline not in last_of_the_same((each.deadline, draft.rule_of(each)) for each in asked)


def _find_allowed(rule: Rule, at: datetime) -> datetime:
    return MOMENTS[rule.first_hours](at)


def _wait_for_date(draft: Draft, rule: Rule, before: Before, protocol: Protocol, cause: Cause) -> Waiting | None:
    """Schedules the rule anew, since the date may have changed. Where it has not, nothing changes."""
    day = cause.day if before.date == DateOf.EVENT else date_of(before.date, draft)
    if day is None:
        return None
    if before.after is not None:
        day = before.after.after(day)
    missed, stands = None, {None, CAME, SETTLED}
    if isinstance(draft.happened.content, ChildRecordChanged):
        stands.add(Because.DONE)  # Done in good time: a change of the record asks for it no more.
    for length in before.by:
        waiting = _dated_wait(draft, rule, protocol, cause, length, day)
        known = draft.waiting.get(waiting.deadline)
        if known is not None and known.due_at == waiting.due_at and known.stood_down in stands:
            continue
        if waiting.due_at > draft.now:
            announce(draft, waiting)
            continue
        draft.put_waiting(waiting.model_copy(update={"stood_down": CAME}))
        if known is not None:
            draft.deadlines[waiting.deadline] = None
        waited = known is not None and known.stood_down == UNMET and rule.about == "child"
        was_told = known is not None and known.stood_down == CAME and _is_asked(draft, waiting)
        if not was_told and _worth_telling(draft, before, length, day, waited=waited):
            missed = waiting
    return missed


def _is_asked(draft: Draft, waiting: Waiting) -> bool:
    """Whether people are still asked on account of another day of the same matter."""
    cause = waiting.cause
    about = (waiting.rule, cause.matter, cause.exercise)
    return any(
        each.goes_on and (each.rule, each.cause.matter, each.cause.exercise) == about for each in draft.duties.values()
    )


def _dated_wait(draft: Draft, rule: Rule, protocol: Protocol, cause: Cause, length: Calendar, day: date) -> Waiting:
    of = (cause.matter,) if cause.matter else ()
    whose = ("exercise",) if cause.exercise else ()
    deadline = derived("date deadline", draft.child, rule.id, length.written, *of, *whose)
    known = draft.waiting.get(deadline)
    name = " ".join((rule.id, length.written, "before", str(day), *of, *whose))
    return Waiting(
        deadline=deadline,
        version=1 if known is None else known.version + 1,
        rule=rule.id,
        protocol=protocol.hash,
        cause=cause.model_copy(update={"id": name, "person": None}),
        due_at=morning_of(length.before(day)),
    )


def _worth_telling(draft: Draft, before: Before, length: Calendar, day: date, *, waited: bool) -> bool:
    """No reminder comes after its date. The day itself is told late, unless it was too long ago when we learnt of it:
    one that has `waited` for its condition, such as the end of a dispute, is told whenever that comes.
    """
    today = day_in_england(draft.now)
    if length.months > 0 or length.days > 0:
        return today <= day
    return waited or before.late is None or before.late.before(today) <= day


def announce(draft: Draft, waiting: Waiting) -> None:
    """Puts the rule's deadline in place of any earlier version."""
    draft.put_waiting(waiting)
    rule = draft.protocols.of(waiting.protocol).by_id[waiting.rule]
    step = first_step(rule, waiting.due_at)
    content = RuleDue(
        authority=draft.facts.authority,
        deadline=waiting.deadline,
        version=waiting.version,
        rule=waiting.rule,
        episode=waiting.episode,
        wording=rule.message,
        role=rule.tell if step is None else step.tell,
    )
    draft.deadlines[waiting.deadline] = Deadline(
        waiting.deadline, waiting.version, waiting.due_at, content, waiting.cause.exercise
    )


def supersede(draft: Draft, waiting: Waiting) -> None:
    draft.put_waiting(waiting.model_copy(update={"stood_down": str(Because.SUPERSEDED)}))
    draft.deadlines[waiting.deadline] = None


def come_to_its_time(draft: Draft, waiting: Waiting, rule: Rule) -> None:
    if rule.before is not None:
        draft.put_waiting(waiting.model_copy(update={"stood_down": CAME}))
    elif rule.every is not None:
        _schedule_next(draft, waiting, rule, rule.every)
    else:
        del draft.waiting[waiting.deadline]


def _schedule_next(draft: Draft, waiting: Waiting, rule: Rule, every: timedelta) -> None:
    """Schedules the next of the series. Times that a stopped clock missed are told once, not once each."""
    due_at = (in_england(waiting.due_at) if rule.hours == "evening" else waiting.due_at) + every
    while due_at <= draft.now:
        due_at += every
    version = waiting.version + 1
    cause = waiting.cause.model_copy(update={"id": f"{waiting.cause.id.partition(' again ')[0]} again {version}"})
    announce(
        draft, waiting.model_copy(update={"due_at": _find_allowed(rule, due_at), "version": version, "cause": cause})
    )
