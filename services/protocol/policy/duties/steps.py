"""Leads a duty from person to person until somebody answers. It never ends in silence."""

from datetime import datetime, timedelta
from uuid import UUID

from services.protocol.policy.case import ASKS_AGAIN, DutyOfCase, Rest, Telling
from services.protocol.policy.draft import Deadline, Draft
from services.protocol.policy.duties.tellings import call_back, tell, wants_officer
from services.protocol.policy.rule_language.grammar import Rule, Step
from services.protocol.policy.rule_language.vocabulary import Trigger
from services.safeguarding.child_events.events import DutyStepDue
from services.safeguarding.duty.decisions import DutyState, Verdict
from services.safeguarding.duty.duties import Because
from services.safeguarding.roles import ON_DUTY, Channel, Role, Wording
from services.safeguarding.working_time import (
    MOMENTS,
    day_in_england,
    in_evening,
    in_working_hours,
    last_working_moment,
    working_moment,
)

BACK_OFF = (timedelta(hours=1), timedelta(hours=4), timedelta(days=1))
"""Whoever has answered is left in peace so long: after a first answer, a second, and each later one."""
PATIENT_AFTER = timedelta(hours=2)
"""Unanswered for so long, somebody beyond is asked, and the last person of the steps only this often."""
CLAIM_RESTS = timedelta(minutes=5)
LATE = timedelta(minutes=1)
"""A step that is heard of later than this, as after an outage, is put off by so long."""


def begin(draft: Draft, duty: DutyOfCase) -> None:
    """Tells the first recipient and sets the time of the next step. Somebody on duty who is told in their place is not
    told again by the step that names them.
    """
    rule = draft.rule_of(duty)
    step = first_step(rule, draft.now)
    if step is not None:
        passed = rule.otherwise.index(step) + 1
        told = {"role": step.tell, "channel": step.by, "wording": step.message or duty.wording}
        duty = duty.model_copy(update={"passed": passed, "counted_from": draft.now - step.after, **told})
    schedule(draft, _tell_first(draft, duty, Because.FIRST))


def first_step(rule: Rule, at: datetime) -> Step | None:
    """The step to begin with where a rule comes to its time out of working hours and cannot wait: the one that tells
    somebody on duty. None: the rule's own recipient is told first.
    """
    if rule.latest is None or in_working_hours(at):
        return None
    return next((step for step in rule.otherwise if step.tell in ON_DUTY), None)


def take_due_step(draft: Draft, duty: DutyOfCase) -> None:
    """The time to answer is over: takes the next step. Ends a duty whose day is over, or that another repeats. A step
    that comes late, as after an outage, is put off once, so that answers waiting on another topic come first. The steps
    after it keep their distance to it.
    """
    rule = draft.rule_of(duty)
    if duty.next is None:
        return
    was_put_off = _was_put_off(rule, duty)
    if draft.happened.late > LATE and not was_put_off:
        draft.note(Verdict.WAITS, rule, episode=duty.episode, duty=duty.duty)
        _set_deadline(draft, duty, duty.next, draft.now + LATE)
        return
    role = _role_of_next(rule, duty)
    if _is_day_over(rule, duty, draft.now) or any(
        _gives_way(draft, duty, later, role) for later in _rivals(draft, duty)
    ):
        end(draft, duty, Because.SUPERSEDED)
        return
    if was_put_off and _would_wake(rule, duty, draft.now):
        schedule(draft, duty.model_copy(update={"passed": duty.next + 1}))
        return
    repeats = _repeats(rule, duty)
    if repeats and (later := _time_after_others(draft, duty, role)) > draft.now + LATE:
        draft.note(Verdict.WAITS, rule, episode=duty.episode, duty=duty.duty)
        _set_deadline(draft, duty.model_copy(update={"state": DutyState.OVERDUE}), duty.next, later)
        return
    draft.note(Verdict.TOLD, rule, episode=duty.episode, duty=duty.duty)
    if duty.rest is not None:
        _ask_again(draft, duty, rule, duty.rest)
        return
    step = _beyond(duty, rule.otherwise[duty.next], draft.now) if repeats else rule.otherwise[duty.next]
    because = Because.NOT_ACKNOWLEDGED if duty.accepted else Because.NOT_ACCEPTED
    update = {
        "passed": max(duty.passed, duty.next + 1),
        "state": DutyState.OVERDUE if repeats else duty.state,
        "counted_from": draft.now - step.after
        if not repeats and (was_put_off or not rule.urgent)
        else duty.counted_from,
    }
    duty = duty.model_copy(update=update)
    duty = _take_step(draft, duty, step, Because.AGAIN if repeats else because)
    schedule(draft, duty)


def _time_after_others(draft: Draft, duty: DutyOfCase, role: Role) -> datetime:
    """When this role may be asked again: another matter of the child stands for all, where the role was told of it
    lately or is about to be. Only that police do not know of the child waits for nothing.
    """
    if wants_officer(draft, duty):
        return draft.now
    others = (each for each in draft.duties.values() if each.duty != duty.duty)
    same = [each for each in others if each.cause.exercise == duty.cause.exercise]
    told = (telling for each in same for telling in each.tellings if telling.role == role)
    moments = [each.told_at for each in told if each.state not in {"failed", "withdrawn"}]
    moments += [draft.now for each in same if _goes_before(draft, each, duty, role)]
    window = PATIENT_AFTER if _is_patient(duty, draft.now) else timedelta(minutes=30)
    return max(moments, default=draft.now - window) + window


def _goes_before(draft: Draft, other: DutyOfCase, duty: DutyOfCase, role: Role) -> bool:
    """Whether the role is about to be told of the other matter, which has the right of way. Of what falls due at one
    moment we hear in any order: it must not decide what is said.
    """
    if other.next is None or other.next_at is None or other.next_at > draft.now + LATE:
        return False
    rule = draft.rule_of(other)
    by_right = not _repeats(rule, other) or wants_officer(draft, other)
    return _role_of_next(rule, other) == role and (by_right or _rank(draft, other) < _rank(draft, duty))


def _rank(draft: Draft, duty: DutyOfCase) -> tuple[bool, str, UUID]:
    rule = draft.rule_of(duty)
    return not rule.urgent, rule.id, duty.duty


def _role_of_next(rule: Rule, duty: DutyOfCase) -> Role:
    if duty.rest is not None or duty.next is None:
        return duty.role if duty.rest is None else duty.rest.role
    return rule.otherwise[duty.next].tell or duty.role


def _repeats(rule: Rule, duty: DutyOfCase) -> bool:
    return duty.rest is None and duty.passed >= len(rule.otherwise)


def _beyond(duty: DutyOfCase, step: Step, now: datetime) -> Step:
    """Who is asked in place of a head of service who has not answered for `PATIENT_AFTER`, once."""
    asked = any(each.role == Role.DUTY_ASSISTANT_DIRECTOR for each in duty.tellings)
    is_of_head = step.tell == Role.DUTY_HEAD_OF_SERVICE and step.repeat is not None and step.repeat < PATIENT_AFTER
    if asked or not is_of_head or _answers_of(duty, Role.DUTY_HEAD_OF_SERVICE) or not _is_patient(duty, now):
        return step
    return step.model_copy(update={"tell": Role.DUTY_ASSISTANT_DIRECTOR})


def _is_patient(duty: DutyOfCase, at: datetime) -> bool:
    return at - duty.counted_from >= PATIENT_AFTER


def _answers_of(duty: DutyOfCase, role: Role) -> int:
    return sum(each.state == "acknowledged" and each.role == role for each in duty.tellings)


def _was_put_off(rule: Rule, duty: DutyOfCase) -> bool:
    """Whether the step to come has another time than it had at first."""
    return duty.next_at is not None and duty.next_at != _time_of_next(rule, duty, duty.next_at)[1]


def _would_wake(rule: Rule, duty: DutyOfCase, now: datetime) -> bool:
    """Whether the step would ask at night whoever was asked in the evening. The next, to those on duty, comes then."""
    asks_again = duty.rest is None and duty.next is not None and rule.otherwise[duty.next].again
    return asks_again and rule.hours == "evening" and not in_evening(now)


def _is_day_over(rule: Rule, duty: DutyOfCase, now: datetime) -> bool:
    return rule.day == "ends" and duty.cause.day is not None and duty.cause.day < day_in_england(now)


def _rivals(draft: Draft, duty: DutyOfCase) -> list[DutyOfCase]:
    """The open duties of the same episode and matter, where this one stands for a deed."""
    about = (duty.episode, duty.cause.matter, duty.cause.exercise)
    return [
        each
        for each in (draft.duties.values() if draft.rule_of(duty).deed is not None else ())
        if each.goes_on and (each.episode, each.cause.matter, each.cause.exercise) == about
    ]


def _gives_way(draft: Draft, earlier: DutyOfCase, later: DutyOfCase, role: Role) -> bool:
    """Whether the later duty asks this role for what the earlier one would ask it: nobody is asked twice for one deed,
    and the earlier ends with whatever ends the later. Of two that come due at one moment, in whatever order we hear of
    them, the later is the one that fewer events end.
    """
    before, after = draft.rule_of(earlier), draft.rule_of(later)
    is_same = before.deed is not None and after.deed is not None and set(after.until) <= set(before.until)
    lasts_as_long = after.day in {None, before.day}
    apart = later.created_at - earlier.created_at
    is_later = apart > -LATE if set(after.until) < set(before.until) else apart > timedelta()
    return is_same and lasts_as_long and is_later and later.tellings[-1].role == role


def advance_after_failure(draft: Draft, duty: DutyOfCase, because: Because) -> None:
    """The newest telling reached nobody: takes the next step now, or at nine where it can wait. After the last, the
    duty waits for its repeat.
    """
    rule = draft.rule_of(duty)
    if duty.rest is None:
        deputy = _asks_a_deputy(rule, duty, because, draft.now)
        upcoming = duty.passed if deputy else _upcoming(rule, duty, draft.now)
        if upcoming is not None and _find_allowed(rule, rule.otherwise[upcoming], draft.now) > draft.now:
            duty = duty.model_copy(update={"counted_from": draft.now - rule.otherwise[upcoming].after})
        elif upcoming is None:
            duty = duty.model_copy(update={"state": DutyState.OVERDUE})
        else:
            duty = duty.model_copy(update={"passed": upcoming + 1})
            duty = _take_step(draft, duty, rule.otherwise[upcoming], because)
    schedule(draft, duty)


def _asks_a_deputy(rule: Rule, duty: DutyOfCase, because: Because, now: datetime) -> bool:
    """Whether the next step tells the same role again, which may have a deputy with a number that works."""
    step = rule.otherwise[duty.passed] if duty.passed < len(rule.otherwise) else None
    if step is None or not step.again or duty.counted_from + step.after < now or because is not Because.FAILED:
        return False
    return duty.role != Role.POLICE_CONTROL_ROOM and duty.tellings[-1].role == duty.role


def resume(draft: Draft, duty: DutyOfCase) -> None:
    """The duty's end was a mistake: the escalation starts again, and its minutes count from now."""
    state = DutyState.ACCEPTED if duty.accepted else DutyState.OPEN
    fresh = {"ended_because": None, "counted_from": draft.now, "passed": 0, "rest": None}
    duty = duty.model_copy(update={"state": state, **fresh})
    if not duty.accepted:
        duty = _tell_first(draft, duty, Because.AGAIN)
    schedule(draft, duty)


def rest(draft: Draft, duty: DutyOfCase, rule: Rule, answered: Telling, length: timedelta) -> None:
    """Somebody has the duty, and it is not done yet: nobody is told for `length`. About a deed the same person is then
    asked once more; after their second answer the next person is told when the rest is over. Later steps keep their
    distance. After the last step its repetition goes on.
    """
    until = _end_of_rest(rule, duty, answered, draft.now, length)
    if rule.deed is not None and not _answered_before(duty, answered):
        schedule(
            draft, duty.model_copy(update={"rest": Rest(role=answered.role, channel=answered.channel, until=until)})
        )
        return
    duty = duty.model_copy(update={"rest": None})
    upcoming, at = _time_of_next(rule, duty, draft.now)
    if upcoming is not None and at is not None and upcoming >= duty.passed and at < until:
        duty = duty.model_copy(update={"counted_from": duty.counted_from + (until - at)})
    schedule(draft, duty)


def rest_on_claim(draft: Draft, duty: DutyOfCase, claimed: Telling, *, rested: bool) -> None:
    """A text that anybody could have sent says that somebody has it: they are asked once more after `CLAIM_RESTS`, and
    no step that comes sooner is taken before. All other steps keep their times. `rested`: it has rested so before.
    """
    if not rested and duty.rest is None:
        until = draft.now + CLAIM_RESTS
        duty = duty.model_copy(update={"rest": Rest(role=claimed.role, channel=claimed.channel, until=until)})
    schedule(draft, duty)


def _end_of_rest(rule: Rule, duty: DutyOfCase, answered: Telling, now: datetime, length: timedelta) -> datetime:
    """After `length`; under `hours: working`, at the next working moment from then. Where that is later than the rule's
    `latest`, at the last working moment before; where that has passed too, after `length` at any hour.
    """
    until = now + length
    if rule.hours != "working":
        return MOMENTS[rule.hours_of(answered.role, answered.channel)](until)
    moment, last = working_moment(until), last_working_moment(until)
    if rule.latest is None or moment <= duty.cause.time + rule.latest:
        return moment
    return last if last > now else until


def _answered_before(duty: DutyOfCase, answered: Telling) -> bool:
    earlier = (each for each in duty.tellings if each.step < answered.step and each.role == answered.role)
    return any(each.state == "acknowledged" for each in earlier)


def _ask_again(draft: Draft, duty: DutyOfCase, rule: Rule, rest: Rest) -> None:
    """The rest is over. The next step comes as long after this telling as after the step before it; after a rest on
    a mere claim, when it would have come without, and this telling takes the place of one that was to ask again, in
    the words of the one that was answered.
    """
    behind = rule.otherwise[duty.passed - 1].after if duty.passed else timedelta()
    asked = [each for each in duty.tellings if each.role == rest.role]
    on_claim = not any(each.state == "acknowledged" for each in asked)
    passed = _passed_by(rule, duty, draft.now) if on_claim else duty.passed
    counted_from = duty.counted_from if on_claim else draft.now - behind
    duty = duty.model_copy(update={"rest": None, "counted_from": counted_from, "passed": passed})
    person = duty.person if rest.role == duty.role else None
    wording = asked[-1].wording if on_claim else duty.wording
    schedule(draft, _add_telling(draft, duty, rest.role, person, rest.channel, wording, Because.AGAIN))


def _passed_by(rule: Rule, duty: DutyOfCase, now: datetime) -> int:
    """How many steps lie behind, once whoever is asked again is asked now."""
    passed = duty.passed
    while (
        passed < len(rule.otherwise)
        and rule.otherwise[passed].again
        and duty.counted_from + rule.otherwise[passed].after <= now
    ):
        passed += 1
    return passed


def end(draft: Draft, duty: DutyOfCase, because: Because) -> None:
    """Ends the duty, done or cancelled, and withdraws each telling that may still be on its way."""
    draft.note(Verdict.ENDED, draft.rule_of(duty), episode=duty.episode, duty=duty.duty)
    ended = call_back_untaken(draft, duty, because)
    state = DutyState.DONE if because is Because.DONE else DutyState.CANCELLED
    schedule(draft, ended.model_copy(update={"state": state, "ended_because": str(because)}))


def call_back_untaken(draft: Draft, duty: DutyOfCase, because: Because) -> DutyOfCase:
    """Withdraws each telling that nobody has taken yet, also of a duty that somebody answered in another's place. Who
    knows by a call is sent the notice all the same.
    """
    known = Role.POLICE_CONTROL_ROOM if because is Because.ANSWERED else None
    untaken = [each for each in duty.tellings if each.state == "told" and each.role != known]
    return call_back(draft, duty, untaken, because)


def schedule(draft: Draft, duty: DutyOfCase) -> None:
    """Puts the duty, and sets or cancels its one deadline, by the duty's id. A step that was put off stays so."""
    rule = draft.rule_of(duty)
    upcoming, at = None, None
    if duty.goes_on:
        upcoming, at = _time_of_next(rule, duty, draft.now)
        if upcoming is None:
            duty = duty.model_copy(update={"state": DutyState.OVERDUE})
    if at is not None and duty.next_at is not None and upcoming == duty.next and at <= draft.now < duty.next_at:
        at = duty.next_at
    if (upcoming, at) == (duty.next, duty.next_at):
        draft.put_duty(duty)
        return
    _set_deadline(draft, duty, upcoming, at)


def _set_deadline(draft: Draft, duty: DutyOfCase, upcoming: int | None, at: datetime | None) -> None:
    version = duty.deadline_version + 1
    duty = draft.put_duty(duty.model_copy(update={"next": upcoming, "next_at": at, "deadline_version": version}))
    if at is None:
        draft.deadlines[duty.duty] = None
        return
    due = DutyStepDue(
        authority=draft.facts.authority, deadline=duty.duty, version=version, duty=duty.duty, step=duty.told
    )
    draft.deadlines[duty.duty] = Deadline(duty.duty, version, at, due, duty.cause.exercise)


def _time_of_next(rule: Rule, duty: DutyOfCase, now: datetime) -> tuple[int | None, datetime | None]:
    if duty.rest is not None:
        return ASKS_AGAIN, duty.rest.until
    upcoming = _upcoming(rule, duty, now)
    if upcoming is not None:
        step = rule.otherwise[upcoming]
        return upcoming, _find_allowed(rule, step, duty.counted_from + step.after)
    repeated = _time_of_repeat(rule, duty)
    return (
        (None, None)
        if repeated is None
        else (len(rule.otherwise) - 1, _find_allowed(rule, rule.otherwise[-1], repeated))
    )


def _find_allowed(rule: Rule, step: Step, at: datetime) -> datetime:
    """What can wait wakes nobody."""
    return MOMENTS[rule.hours_of(step.tell or rule.tell, step.by or rule.by)](at)


def _time_of_repeat(rule: Rule, duty: DutyOfCase) -> datetime | None:
    """When the last step is repeated. None: it is not. Whoever has answered is asked ever more seldom, but each hour
    where police do not know of the child.
    """
    step = rule.otherwise[-1] if rule.otherwise else None
    if step is None or step.repeat is None or not duty.tellings:
        return None
    last = duty.tellings[-1].told_at
    if answers := _answers_of(duty, step.tell or duty.role):
        knows = Trigger.POLICE_REFERENCE_GIVEN not in rule.until
        return last + max(step.repeat, BACK_OFF[min(answers, len(BACK_OFF) if knows else 1) - 1])
    return last + (max(step.repeat, PATIENT_AFTER) if _is_patient(duty, last) else step.repeat)


def _upcoming(rule: Rule, duty: DutyOfCase, now: datetime) -> int | None:
    """Index of the first step ahead that applies now. It is asked again after every acceptance and failure."""
    for index in range(duty.passed, len(rule.otherwise)):
        step = rule.otherwise[index]
        if step.again and (not duty.accepted or duty.counted_from + step.after < now):
            continue
        if step.unless == "accepted" and duty.accepted:
            continue
        return index
    return None


def _take_step(draft: Draft, duty: DutyOfCase, step: Step, because: Because) -> DutyOfCase:
    if step.again:
        return _tell_first(draft, duty, Because.AGAIN)
    role = step.tell or duty.role
    person = duty.person if role == Role.DIRECTORY_CONTACT else None
    undone = draft.rule_of(duty).enough == "done" and any(each.state == "acknowledged" for each in duty.tellings)
    # Somebody has answered: that nobody has would be untrue, and what is still to be done says more.
    wording = duty.wording if undone else step.message or duty.wording
    return _add_telling(draft, duty, role, person, step.by or duty.channel, wording, because)


def _tell_first(draft: Draft, duty: DutyOfCase, because: Because) -> DutyOfCase:
    return _add_telling(draft, duty, duty.role, duty.person, duty.channel, duty.wording, because)


def _add_telling(
    draft: Draft, duty: DutyOfCase, role: Role, person: str | None, channel: Channel, wording: Wording, because: Because
) -> DutyOfCase:
    telling = Telling(
        step=duty.told,
        role=role,
        person=person,
        channel=channel,
        wording=wording,
        told_at=draft.now,
        changed_at=draft.now,
    )
    duty = duty.with_telling(telling)
    tell(draft, duty, telling, because)
    for earlier in _rivals(draft, duty):
        if earlier.tellings[-1].role == role and _gives_way(draft, earlier, duty, role):
            end(draft, earlier, Because.SUPERSEDED)
    return duty
