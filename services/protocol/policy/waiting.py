"""Rules that wait for their time: so long after something, or so long before a date."""

from datetime import datetime

from services.protocol.policy.case import Cause, Episode, Waiting
from services.protocol.policy.dates import date_of, morning_of
from services.protocol.policy.draft import Deadline, Draft
from services.protocol.policy.grammar import Protocol, Rule
from services.safeguarding.events import RuleDue
from services.safeguarding.identifiers import derived
from services.safeguarding.working_time import working_day_after, working_moment

CAME = "came"
"""Why a dated rule no longer waits: its time has come. Kept, so that the same date is not counted twice."""


def must_wait(draft: Draft, rule: Rule) -> bool:
    return rule.waits or (rule.hours == "working" and working_moment(draft.now) > draft.now)


def wait(draft: Draft, rule: Rule, protocol: Protocol, episode: Episode | None, cause: Cause) -> None:
    if rule.before is not None:
        _wait_for_date(draft, rule, protocol, cause)
        return
    waiting = Waiting(
        deadline=derived("rule deadline", draft.child, rule.id, cause.id),
        rule=rule.id,
        protocol=protocol.hash,
        episode=None if episode is None else episode.episode,
        cause=cause,
        due_at=_due_at(draft, rule, cause),
    )
    announce(draft, waiting)


def _due_at(draft: Draft, rule: Rule, cause: Cause) -> datetime:
    if rule.wait is not None:
        return draft.now + rule.wait
    if rule.workdays is not None:
        return working_day_after(cause.time, rule.workdays)
    return working_moment(draft.now) if rule.period is None else cause.time + rule.period


def _wait_for_date(draft: Draft, rule: Rule, protocol: Protocol, cause: Cause) -> None:
    """Reckons anew whenever the date may have changed. Asked again about a date that stands, it changes nothing."""
    day = None if rule.before is None else date_of(rule.before.date, draft)
    if rule.before is None or day is None:
        return
    for length in rule.before.by:
        due_at = morning_of(length.before(day))
        deadline = derived("date deadline", draft.child, rule.id, length.written)
        known = draft.waiting.get(deadline)
        if known is not None and known.due_at == due_at and known.stood_down in {None, CAME}:
            continue
        waiting = Waiting(
            deadline=deadline,
            version=1 if known is None else known.version + 1,
            rule=rule.id,
            protocol=protocol.hash,
            cause=cause.model_copy(update={"id": f"{rule.id} {length.written} before {day}", "person": None}),
            due_at=due_at,
        )
        if due_at > draft.now:
            announce(draft, waiting)
        elif known is not None:
            draft.put_waiting(waiting.model_copy(update={"stood_down": CAME}))
            draft.deadlines[deadline] = None


def announce(draft: Draft, waiting: Waiting) -> None:
    """Puts the deadline, in place of any earlier version."""
    draft.put_waiting(waiting)
    content = RuleDue(
        authority=draft.facts.authority,
        deadline=waiting.deadline,
        version=waiting.version,
        rule=waiting.rule,
        episode=waiting.episode,
    )
    draft.deadlines[waiting.deadline] = Deadline(
        waiting.deadline, waiting.version, waiting.due_at, content, waiting.cause.exercise
    )


def come_to_its_time(draft: Draft, waiting: Waiting, rule: Rule) -> None:
    if rule.before is None:
        del draft.waiting[waiting.deadline]
    else:
        draft.put_waiting(waiting.model_copy(update={"stood_down": CAME}))
