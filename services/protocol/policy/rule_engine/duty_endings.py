"""Ends duties and waiting rules, and sets them going again when their end proves a mistake."""

from datetime import datetime
from uuid import UUID

from services.protocol.policy.case import DutyOfCase, Episode, Waiting
from services.protocol.policy.draft import Draft
from services.protocol.policy.duties.steps import call_back_untaken, end, resume, schedule
from services.protocol.policy.rule_engine.waits import CAME, SETTLED, UNMET, announce, last_of_the_same
from services.protocol.policy.rule_language.grammar import Rule
from services.protocol.policy.rule_language.vocabulary import Trigger
from services.safeguarding.deeds import DEED_SPECS
from services.safeguarding.duty.decisions import DutyState
from services.safeguarding.duty.duties import Because
from services.safeguarding.working_time import day_in_england

ENDS = {
    Trigger.CHILD_RETURNED: Because.RETURNED,
    Trigger.MISSING_RETRACTED: Because.RETRACTED,
    Trigger.RETURN_RETRACTED: Because.RETRACTED,
    Trigger.EPISODE_CLOSED: Because.CLOSED,
    Trigger.POLICE_REFERENCE_GIVEN: Because.ANSWERED,
}
"""Why a duty ends on this trigger. On any other it is superseded."""
OF_ONE_MATTER = frozenset(
    {
        Trigger.INTERPRETER_CHECKED, Trigger.COMPANION_GOES, Trigger.PLAN_STEP_DONE,
        Trigger.TEXT_ACTED_ON, Trigger.TEXT_NEEDS_NOTHING,
    }
)  # fmt: skip
"""Triggers that end only duties about the same meeting, stage, step or text, and none about a later one."""

OF_ONE_DISCUSSION = frozenset(
    {
        Trigger.STRATEGY_DISCUSSION_HELD,
        Trigger.STRATEGY_HELD_URGENT,
        Trigger.STRATEGY_HELD_IN_FULL,
        Trigger.STRATEGY_DISCUSSION_CANCELLED,
        Trigger.STRATEGY_CANCELLED_URGENT,
        Trigger.STRATEGY_CANCELLED_IN_FULL,
        Trigger.STRATEGY_QUORUM_REACHED,
    }
)
"""Triggers that end only what is about the discussion that the event names."""


def stand_down(draft: Draft, trigger: Trigger, episode: Episode | None) -> None:
    """Ends duties and waiting rules that hold until `trigger`: this episode's, and the child's outside any."""
    report = episode.episode if trigger == Trigger.CHILD_REPORTED_MISSING and episode is not None else None
    meant = _settle_matter(draft, trigger, episode) if trigger in OF_ONE_MATTER else None
    for duty in list(draft.duties.values()):
        if _ends_on(draft, duty, trigger, episode) and _is_about(duty, meant):
            _stand_down_duty(draft, duty, _reason(draft.rule_of(duty), trigger), report)
    for waiting in list(draft.waiting.values()):
        ended_for_good = waiting.stood_down not in {None, UNMET} and (
            waiting.ended_by_report is None or report is not None
        )
        ends = _ends_on(draft, waiting, trigger, episode) and _is_about(waiting, meant)
        if not ended_for_good and ends and not _is_one_of_series(draft.rule_of(waiting), trigger):
            because = str(_reason(draft.rule_of(waiting), trigger))
            draft.put_waiting(waiting.model_copy(update={"stood_down": because, "ended_by_report": report}))
            draft.deadlines[waiting.deadline] = None


def _reason(rule: Rule, trigger: Trigger) -> Because:
    return Because.DONE if _does_deed(rule, trigger) else ENDS.get(trigger, Because.SUPERSEDED)


def _does_deed(rule: Rule, trigger: Trigger) -> bool:
    return rule.deed is not None and trigger in DEED_SPECS[rule.deed].ends


def _stand_down_duty(draft: Draft, duty: DutyOfCase, because: Because, report: UUID | None) -> None:
    if duty.goes_on:
        end(draft, duty, because)
        draft.put_duty(draft.duties[duty.duty].model_copy(update={"ended_by_report": report}))
    elif duty.ended_by_report is not None and report is None:
        draft.put_duty(duty.model_copy(update={"ended_by_report": None}))
    elif any(telling.state == "told" for telling in duty.tellings):
        schedule(draft, call_back_untaken(draft, duty, because))


def _ends_on(draft: Draft, holder: DutyOfCase | Waiting, trigger: Trigger, episode: Episode | None) -> bool:
    until = draft.rule_of(holder).until
    if trigger not in until or not _concerns(draft, holder, episode):
        return False
    if trigger is Trigger.REPORT_ADDED and draft.happened.time < holder.cause.time:
        return False  # A report that comes late says nothing of what was said after it.
    if trigger is Trigger.ADVOCACY_EXPLAINED and Trigger.GUARDIAN_APPOINTED in until:
        return _has_no_scheme(holder)
    if trigger is Trigger.MISSING_RETRACTED and not OF_ONE_DISCUSSION.isdisjoint(until):
        return holder.episode is not None  # A discussion outside any episode is of a concern, which was no false alarm.
    return trigger not in OF_ONE_DISCUSSION or _is_of_discussion(draft, holder)


def _has_no_scheme(holder: DutyOfCase | Waiting) -> bool:
    """An advocate stands in for a guardian only where the area's scheme could not be asked for one."""
    return isinstance(holder, DutyOfCase) and holder.tellings[0].state == "failed"


def _is_of_discussion(draft: Draft, holder: DutyOfCase | Waiting) -> bool:
    """Whether the discussion that the event names may be the holder's. One outside any episode goes by its own id."""
    named = getattr(draft.happened.content, "episode", None)
    if named is None:
        return True
    if draft.episode_named(named) is not None:
        return holder.episode is not None
    discussion = holder.refers_to if isinstance(holder, DutyOfCase) else None
    return holder.episode is None and discussion in {None, named}


def _is_one_of_series(rule: Rule, trigger: Trigger) -> bool:
    """Whether the trigger does this time's deed of a series, which goes on. Turning 18 is planned anew at each date."""
    goes_on = rule.every is not None or trigger is Trigger.ADULTHOOD_PLANNED
    return goes_on and _does_deed(rule, trigger) and trigger not in rule.on


def _is_about(holder: DutyOfCase | Waiting, meant: str | None) -> bool:
    """A holder without matter and day is about any matter. `meant` is None: all matters are meant."""
    return meant is None or holder.cause.matter == meant or (holder.cause.day is None and not holder.cause.matter)


def _settle_matter(draft: Draft, trigger: Trigger, episode: Episode | None) -> str:
    """The matter that this event settles: the one that it names, else the nearest unsettled. Marks its dates."""
    dated = [
        (each.cause.day, each)
        for each in draft.waiting.values()
        if each.cause.day is not None and each.stood_down in {None, CAME} and _ends_on(draft, each, trigger, episode)
    ]
    today = day_in_england(draft.happened.time)
    asked = [each for each in draft.duties.values() if each.goes_on and _ends_on(draft, each, trigger, episode)]
    causes = [*(each.cause for each in asked), *(waiting.cause for _, waiting in dated)]
    days = [(each.day < today, abs(each.day - today), each.matter) for each in causes if each.day is not None]
    content = draft.happened.content
    duty = getattr(content, "duty", None)
    asked_of = None if duty is None else draft.duties.get(duty)
    said = str(getattr(content, "matter", "")) or ("" if asked_of is None else asked_of.cause.matter)
    meant = said or min(days, default=(False, today - today, ""))[2]
    for _, waiting in dated:
        if waiting.cause.matter == meant:
            draft.put_waiting(waiting.model_copy(update={"stood_down": SETTLED}))
            if waiting.stood_down is None:
                draft.deadlines[waiting.deadline] = None
    return meant


def _concerns(draft: Draft, holder: DutyOfCase | Waiting, episode: Episode | None) -> bool:
    """A holder or an event outside any episode concerns the whole child."""
    if holder.episode is None or episode is None:
        return holder.cause.exercise == draft.happened.exercise
    return holder.episode == episode.episode


def _was_called_back(draft: Draft, duty: DutyOfCase) -> bool:
    """Whether somebody answered in place of the first recipient, who was never reached. An answer by an event stays."""
    withdrawn = any(telling.state == "withdrawn" and telling.role == duty.role for telling in duty.tellings)
    by_person = duty.state is DutyState.ACKNOWLEDGED
    return by_person and withdrawn and not duty.accepted and Trigger.CHILD_RETURNED in draft.rule_of(duty).until


def take_up_again(draft: Draft, episode: Episode) -> None:
    """The return was a mistake: the duties that it ended go on, except those that such a mistake ends."""
    for duty in list(draft.duties.values()):
        ended = duty.ended_because == Because.RETURNED or _was_called_back(draft, duty)
        if duty.episode == episode.episode and ended and not _over_when_mistaken(draft, duty):
            resume(draft, duty)
    for waiting in list(draft.waiting.values()):
        ended = waiting.stood_down == Because.RETURNED
        if waiting.episode == episode.episode and ended and not _over_when_mistaken(draft, waiting):
            _wait_again(draft, waiting, waiting.due_at)


def _wait_again(draft: Draft, waiting: Waiting, due_at: datetime) -> None:
    again = {"stood_down": None, "ended_by_report": None, "version": waiting.version + 1, "due_at": due_at}
    announce(draft, waiting.model_copy(update=again))


def _over_when_mistaken(draft: Draft, holder: DutyOfCase | Waiting) -> bool:
    """Whether it ends when a return proves a mistake: a child who is not back is missing, and nobody can fetch it."""
    return Trigger.RETURN_RETRACTED in draft.rule_of(holder).until


def go_on(draft: Draft, retracted: Episode) -> None:
    """The child was never missing: what the report ended goes on as if nobody had reported."""
    for duty in list(draft.duties.values()):
        if duty.ended_by_report == retracted.episode:
            resume(draft, duty.model_copy(update={"ended_by_report": None}))
    for waiting in list(draft.waiting.values()):
        if waiting.ended_by_report == retracted.episode:
            _wait_again(draft, waiting, max(waiting.due_at, draft.now))
        elif waiting.stood_down == UNMET and waiting.episode not in {None, retracted.episode}:
            _wait_again(draft, waiting, draft.now)


def go_on_after_return(draft: Draft, returned: Episode) -> None:
    """The child is back: what had to be done before the report, and rested while the child was missing, goes on; so do
    the questions of the evenings that are still to come.
    """
    for duty in list(draft.duties.values()):
        if duty.ended_by_report == returned.episode and draft.rule_of(duty).deed is not None:
            resume(draft, duty.model_copy(update={"ended_by_report": None}))
    for waiting in list(draft.waiting.values()):
        is_to_come = waiting.ended_by_report == returned.episode and waiting.due_at > draft.now
        if is_to_come and draft.rule_of(waiting).hours == "evening":
            _wait_again(draft, waiting, waiting.due_at)


def ask_again(draft: Draft, episode: Episode) -> None:
    """The child is lost again: rules due while it was located apply at once; of those that say the same, the last."""
    unmet = [each for each in draft.waiting.values() if each.episode == episode.episode and each.stood_down == UNMET]
    by_time = sorted(unmet, key=lambda each: each.due_at)
    last = last_of_the_same((each.deadline, draft.rule_of(each)) for each in by_time)
    for waiting in unmet:
        if waiting.deadline in last:
            _wait_again(draft, waiting, draft.now)
