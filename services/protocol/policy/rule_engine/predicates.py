"""Answers a rule's questions: yes, no, or None where nobody knows.

Among them whether those who care for a child know its risks, and what to do when it is missing or lured (S23, S62).
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.protocol.policy.case import NOTHING, DutyOfCase, Episode, Facts, Record
from services.protocol.policy.draft import newly_placed
from services.protocol.policy.rule_language.grammar import Asked, Rule, When
from services.protocol.policy.rule_language.vocabulary import Condition, Mark
from services.safeguarding.child_events.events import RiskGrade
from services.safeguarding.duty.decisions import EpisodeState
from services.safeguarding.duty.duties import Because
from services.safeguarding.identifiers import PersonId, is_provisional
from services.safeguarding.roles import ON_DUTY, Role, Wording
from services.safeguarding.working_time import ADULT, birthday, day_in_england, in_working_hours

NOBODY_BY_NAME = ""
"""Stands for the carers where the register names none."""


def with_aware(record: Record, facts: Facts, carer: PersonId | None, at: datetime) -> dict[str, datetime]:
    """The record's `carers_aware`, with this carer aware since `at`. None: each carer of the child."""
    carers = _carers(facts) if carer is None else (carer,)
    newest = {each: max(at, record.carers_aware.get(each, at)) for each in carers}
    return record.carers_aware | newest


def aware_since(record: Record, facts: Facts) -> datetime | None:
    """Of the child's present carers, when the one recorded longest ago was recorded. None: one of them never was."""
    known = [record.carers_aware.get(each) for each in _carers(facts)]
    return None if None in known else min(each for each in known if each is not None)


def _carers(facts: Facts) -> tuple[str, ...]:
    return facts.carers or (NOBODY_BY_NAME,)


PHOTOGRAPH_KEEPS = timedelta(days=90)
CONTACTS_KEEP = timedelta(days=30)
DISCUSSION_TAKES = timedelta(hours=2)
"""From the call until a discussion is over: it meets within the hour and lasts three quarters of one."""
ONE_CALL = timedelta(hours=1)
"""Within so long the rules that one event sets off for one moment have come to their time, on a slow day too."""


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that a rule's questions are asked of."""

    child: str
    facts: Facts
    episode: Episode | None
    now: datetime
    police_accepted: bool = False
    missing_again: bool = False
    watched: bool = False
    record: Record = NOTHING
    leave_date_known: bool = False
    duties: Collection[DutyOfCase] = ()
    exercise: bool = False
    cause: str = ""
    """The id of what set the rule off."""
    already_asked: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    holds: bool
    unknown: tuple[str, ...] = ()
    """The questions that nobody could answer and that mattered."""


def answer(rule: Rule, situation: Situation) -> Answer:
    unknown: list[str] = []
    result = _weigh(rule.when, situation, unknown)
    if result is None:
        return Answer(rule.unknown == "counts-as-yes", tuple(unknown))
    return Answer(result)


def _weigh(when: When, situation: Situation, unknown: list[str]) -> bool | None:
    parts: list[bool | None] = []
    if when.any:
        none_of_them = _each(when.any, situation, unknown, wanted=False)
        parts.append(None if none_of_them is None else not none_of_them)
    parts.append(_each(when.all, situation, unknown, wanted=True))
    parts.append(_each(when.none, situation, unknown, wanted=False))
    if False in parts:
        return False
    return None if None in parts else True


def _each(asked: Iterable[Asked], situation: Situation, unknown: list[str], *, wanted: bool) -> bool | None:
    """Whether every question has the wanted answer: False as soon as one has not, None if an unknown one decides."""
    gaps = []
    for each in asked:
        found = ask(each, situation)
        if found is None:
            gaps.append(each.words)
        elif found is not wanted:
            return False
    unknown.extend(gaps)
    return None if gaps else True


def ask(asked: Asked, situation: Situation) -> bool | None:
    if asked.question == "child.age-under":
        return _younger_than(asked.number or 0, situation)
    if asked.question == "child.in-care-for-weeks":
        began = situation.facts.entered_care_at
        return None if began is None else situation.now - began >= timedelta(weeks=asked.number or 0)
    if asked.question in MISSING_TIMES_WITHIN:
        since = situation.now - MISSING_TIMES_WITHIN[asked.question]
        return sum(opened > since for opened in situation.record.opened) >= (asked.number or 0)
    if asked.question == "carers.aware-within-days":
        aware = aware_since(situation.record, situation.facts)
        return aware is not None and situation.now - aware <= timedelta(days=asked.number or 0)
    if asked.question == "guardian.asked-within-days":
        asked_for = situation.record.marks.get(Mark.GUARDIAN_ASKED)
        return asked_for is not None and situation.now - asked_for.since <= timedelta(days=asked.number or 0)
    return QUESTIONS[asked.question](situation)


def _younger_than(years: int, situation: Situation) -> bool | None:
    adult_on = situation.facts.adult_on
    today = day_in_england(situation.now)
    return None if adult_on is None else today < birthday(adult_on, years - ADULT)


def _placed_out_of_area(situation: Situation) -> bool | None:
    host = situation.facts.host_authority
    return None if host is None else host != situation.facts.authority


def _age_disputed(situation: Situation) -> bool | None:
    """A lawful assessment ends the dispute, also where the register has not heard of it."""
    marked = situation.record.marks.get(Mark.AGE_DISPUTED)
    return situation.facts.age_disputed if marked is None else marked.on


def _modern_slavery_concern(situation: Situation) -> bool | None:
    return True if situation.record.has(Mark.TREATED_AS_VICTIM) else situation.facts.modern_slavery_concern


def _photographed(situation: Situation) -> bool | None:
    taken = situation.record.photo_taken_on
    return taken is not None and day_in_england(situation.now) - taken < PHOTOGRAPH_KEEPS


def _contacts_checked(situation: Situation) -> bool | None:
    checked = situation.record.contacts_checked_at
    return checked is not None and situation.now - checked < CONTACTS_KEEP


def _marked(mark: Mark) -> Callable[[Situation], bool | None]:
    return lambda situation: situation.record.has(mark)


def _of_episode(holds: Callable[[Episode], bool]) -> Callable[[Situation], bool | None]:
    """The answer is no where no episode is open."""
    return lambda situation: situation.episode is not None and holds(situation.episode)


def _in_state(*states: EpisodeState) -> Callable[[Situation], bool | None]:
    return _of_episode(lambda episode: episode.state in states)


def _met(condition: Condition) -> Callable[[Situation], bool | None]:
    return _of_episode(lambda episode: condition in episode.met)


def _social_worker_told_of_return(situation: Situation) -> bool | None:
    """Counts this return alone: an earlier one may have been a mistake."""
    episode = situation.episode
    return (
        episode is not None
        and episode.returned_at is not None
        and any(
            each.episode == episode.episode
            and (each.role, each.wording) == (Role.CHILD_SOCIAL_WORKER, Wording("returned-notice"))
            and each.created_at >= episode.returned_at
            for each in situation.duties
        )
    )


def _reported_by_carer(situation: Situation) -> bool | None:
    people = [] if situation.episode is None else [each.person for each in situation.episode.reports]
    carers = situation.facts.carers
    return bool(people) if carers is None else not set(carers).isdisjoint(people)


def _carers_told(situation: Situation) -> bool | None:
    episode = situation.episode
    return episode is not None and any(each.tells_carers_missing(episode.episode) for each in situation.duties)


def _return_unconfirmed_asked(situation: Situation) -> bool | None:
    """Counts this episode alone; for a child whom nobody reported, everything outside any episode."""
    episode = None if situation.episode is None else situation.episode.episode
    return any(
        each.goes_on
        and (each.wording, each.episode) == (Wording("return-unconfirmed"), episode)
        and each.cause.exercise == situation.exercise
        for each in situation.duties
    )


def _news_since_update(situation: Situation) -> bool | None:
    episode = situation.episode
    if episode is None or episode.news_at is None:
        return False
    return not any(
        each.created_at >= episode.news_at
        and (each.episode, each.wording) == (episode.episode, Wording("missing-update"))
        and each.role != Role.POLICE_CONTROL_ROOM
        and each.role not in ON_DUTY
        for each in situation.duties
    )


def _discussion_called(situation: Situation) -> bool | None:
    """A discussion called for at this very moment is the one in question, and does not count."""
    since = max(filter(None, (situation.now - DISCUSSION_TAKES, situation.record.discussion_over_at)))
    return any(
        since < each.created_at < situation.now
        and each.cause.exercise == situation.exercise
        and each.ended_because != Because.RETRACTED
        for each in _invitations(situation)
    )


def _invited(situation: Situation) -> list[DutyOfCase]:
    """The invitations to this episode's discussion, but for one that was called off."""
    episode = situation.episode
    return [
        each
        for each in _invitations(situation)
        if episode and each.episode == episode.episode and each.ended_because != Because.SUPERSEDED
    ]


def _called_here(situation: Situation) -> bool | None:
    """What one event calls for is one call, though its rules may come to their time one after the other."""
    before = situation.now - ONE_CALL
    return any(each.created_at <= before or each.cause.id != situation.cause for each in _invited(situation))


def _invitations(situation: Situation) -> list[DutyOfCase]:
    return [each for each in situation.duties if each.invites_to_discussion]


MISSING_TIMES_WITHIN = {
    "child.missing-times-in-90-days": timedelta(days=90),
    "child.missing-times-in-30-days": timedelta(days=30),
}
QUESTIONS: dict[str, Callable[[Situation], bool | None]] = {
    "time.working-hours": lambda situation: in_working_hours(situation.now),
    "child.unaccompanied": lambda situation: situation.facts.unaccompanied,
    "child.modern-slavery-concern": _modern_slavery_concern,
    "child.subject-to-immigration-control": lambda situation: situation.facts.subject_to_immigration_control,
    "child.immigration-control-known": lambda situation: situation.facts.subject_to_immigration_control is not None,
    "child.age-disputed": _age_disputed,
    "child.guardian-allocated": lambda situation: situation.facts.guardian_allocated,
    "child.placed-out-of-area": _placed_out_of_area,
    "child.in-first-72-hours": lambda situation: newly_placed(situation.record, situation.facts, situation.now),
    "child.provisional": lambda situation: is_provisional(situation.child),
    "child.missing": _in_state(EpisodeState.MISSING),
    "child.located": _in_state(EpisodeState.LOCATED),
    "child.not-back": _in_state(EpisodeState.MISSING, EpisodeState.LOCATED),
    "child.watched": lambda situation: situation.watched,
    "child.missing-again": lambda situation: situation.missing_again,
    "child.accommodated": _marked(Mark.ACCOMMODATED),
    "child.looked-after": _marked(Mark.LOOKED_AFTER),
    "child.nrm-referred": _marked(Mark.NRM_REFERRED),
    "already.asked": lambda situation: situation.already_asked,
    "return-unconfirmed.asked": _return_unconfirmed_asked,
    "strategy-discussion.called": _discussion_called,
    "strategy-discussion.called-here": _called_here,
    "strategy-discussion.called-by-now": lambda situation: bool(_invited(situation)),
    "child.away": _marked(Mark.AWAY),
    "child.turned-18": _marked(Mark.TURNED_18),
    "child.birth-date-known": lambda situation: situation.facts.adult_on is not None,
    "leave.date-known": lambda situation: situation.leave_date_known,
    "child.photographed": _photographed,
    "contacts.checked": _contacts_checked,
    "social-worker.told-of-return": _social_worker_told_of_return,
    "report.by-carer": _reported_by_carer,
    "carers.told": _carers_told,
    "police.accepted": lambda situation: situation.police_accepted,
    "strategy-discussion.over": _of_episode(lambda episode: episode.discussion_over),
    "police.reference-known": _of_episode(lambda episode: episode.reference_known),
    "police.graded": _of_episode(lambda episode: episode.grade is not None),
    "police.graded-high": _of_episode(lambda episode: episode.grade is RiskGrade.HIGH),
    "news.since-update": _news_since_update,
    "safe-and-well-check.recorded": _met(Condition.SAFE_AND_WELL_CHECK),
    "return-interview.offered": _of_episode(lambda episode: episode.interview_offered),
    "return-interview.done": _met(Condition.RETURN_INTERVIEW),
}
