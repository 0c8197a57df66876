"""Answers a rule's questions: yes, no, or None where nobody knows."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.protocol.policy.awareness import aware_since
from services.protocol.policy.case import NOTHING, DutyOfCase, Episode, Record
from services.protocol.policy.facts import Facts
from services.protocol.policy.grammar import Asked, Rule, When
from services.protocol.policy.questions import Question
from services.protocol.policy.vocabulary import Condition, Mark
from services.safeguarding.decisions import EpisodeState
from services.safeguarding.first_hours import in_first_hours
from services.safeguarding.identifiers import is_provisional
from services.safeguarding.roles import Channel, Role, Wording
from services.safeguarding.working_time import ENGLAND, in_working_hours

PHOTOGRAPH_KEEPS = timedelta(days=90)
CONTACTS_KEEP = timedelta(days=30)
DISCUSSION_TAKES = timedelta(hours=2)
"""From the call until it is over: within the hour it meets, and it lasts three quarters of one."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What questions are asked of."""

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


@dataclass(frozen=True, slots=True)
class Answer:
    holds: bool
    unknown: tuple[str, ...] = ()
    """The questions that nobody could answer, and that mattered."""


def answer(rule: Rule, standing: Standing) -> Answer:
    unknown: list[str] = []
    result = _weigh(rule.when, standing, unknown)
    if result is None:
        return Answer(rule.unknown == "counts-as-yes", tuple(unknown))
    return Answer(result)


def _weigh(when: When, standing: Standing, unknown: list[str]) -> bool | None:
    parts: list[bool | None] = []
    if when.any:
        none_of_them = _each(when.any, standing, unknown, wanted=False)
        parts.append(None if none_of_them is None else not none_of_them)
    if when.all:
        parts.append(_each(when.all, standing, unknown, wanted=True))
    if when.none:
        parts.append(_each(when.none, standing, unknown, wanted=False))
    if False in parts:
        return False
    return None if None in parts else True


def _each(asked: Iterable[Asked], standing: Standing, unknown: list[str], *, wanted: bool) -> bool | None:
    """Whether each question is answered as wanted: no as soon as one is not, unknown if that could still turn out so."""
    gaps = []
    for each in asked:
        found = ask(each, standing)
        if found is None:
            gaps.append(each.words)
        elif found is not wanted:
            return False
    unknown.extend(gaps)
    return None if gaps else True


def ask(asked: Asked, standing: Standing) -> bool | None:
    if asked.question == Question.CHILD_AGE_UNDER:
        return _younger_than(asked.number or 0, standing)
    if asked.question in MISSING_TIMES_WITHIN:
        since = standing.now - MISSING_TIMES_WITHIN[asked.question]
        return sum(opened > since for opened in standing.record.opened) >= (asked.number or 0)
    if asked.question == Question.CARERS_AWARE_WITHIN:
        aware = aware_since(standing.record, standing.facts)
        return aware is not None and standing.now - aware <= timedelta(days=asked.number or 0)
    if asked.question == Question.GUARDIAN_ASKED_WITHIN:
        asked_for = standing.record.marks.get(Mark.GUARDIAN_ASKED)
        return asked_for is not None and standing.now - asked_for.since <= timedelta(days=asked.number or 0)
    return QUESTIONS[asked.question](standing)


def _younger_than(years: int, standing: Standing) -> bool | None:
    born = standing.facts.date_of_birth
    return None if born is None else age_on(born, standing.now.astimezone(ENGLAND).date()) < years


def age_on(born: date, day: date) -> int:
    """Whole years. Someone born on 29 February comes of a year's age on 1 March of a common year, as English law has it."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _placed_out_of_area(standing: Standing) -> bool | None:
    host = standing.facts.host_authority
    return None if host is None else host != standing.facts.authority


def _in_first_hours(standing: Standing) -> bool | None:
    entered = standing.facts.entered_care_at
    return None if entered is None else in_first_hours(entered, standing.now)


def _age_disputed(standing: Standing) -> bool | None:
    """A lawful assessment ends the dispute also for a register that has not heard of it."""
    marked = standing.record.marks.get(Mark.AGE_DISPUTED)
    return standing.facts.age_disputed if marked is None else marked.on


def _modern_slavery_concern(standing: Standing) -> bool | None:
    return True if standing.record.has(Mark.TREATED_AS_VICTIM) else standing.facts.modern_slavery_concern


def _photographed(standing: Standing) -> bool | None:
    taken = standing.record.photo_taken_on
    return taken is not None and standing.now.astimezone(ENGLAND).date() - taken < PHOTOGRAPH_KEEPS


def _contacts_checked(standing: Standing) -> bool | None:
    checked = standing.record.contacts_checked_at
    return checked is not None and standing.now - checked < CONTACTS_KEEP


def _marked(mark: Mark) -> Callable[[Standing], bool | None]:
    return lambda standing: standing.record.has(mark)


def _in_state(*states: EpisodeState) -> Callable[[Standing], bool | None]:
    return lambda standing: standing.episode is not None and standing.episode.state in states


def _met(condition: Condition) -> Callable[[Standing], bool | None]:
    return lambda standing: standing.episode is not None and condition in standing.episode.met


def _social_worker_told_of_return(standing: Standing) -> bool | None:
    """Of this return: an earlier one may have been a mistake."""
    episode = standing.episode
    return (
        episode is not None
        and episode.returned_at is not None
        and any(
            each.episode == episode.episode
            and (each.role, each.wording) == (Role.CHILD_SOCIAL_WORKER, Wording.RETURNED_NOTICE)
            and each.created_at >= episode.returned_at
            for each in standing.duties
        )
    )


def _reported_by_carer(standing: Standing) -> bool | None:
    people = [] if standing.episode is None else [each.person for each in standing.episode.reports]
    carers = standing.facts.carers
    return bool(people) if carers is None else not set(carers).isdisjoint(people)


def _carers_told(standing: Standing) -> bool | None:
    return standing.episode is not None and any(
        each.episode == standing.episode.episode and each.role == Role.CARERS_ALL for each in standing.duties
    )


def _nrm_check_asked(standing: Standing) -> bool | None:
    return any(
        each.goes_on and each.wording == Wording.NRM_CHECK_DUE and each.cause.exercise == standing.exercise
        for each in standing.duties
    )


def _return_unconfirmed_asked(standing: Standing) -> bool | None:
    """Of this absence: of a child whom nobody reported, beside any."""
    episode = None if standing.episode is None else standing.episode.episode
    return any(
        each.goes_on
        and (each.wording, each.episode) == (Wording.RETURN_UNCONFIRMED, episode)
        and each.cause.exercise == standing.exercise
        for each in standing.duties
    )


def _discussion_called(standing: Standing) -> bool | None:
    """What is called for at this very moment is this discussion itself."""
    since = max(filter(None, (standing.now - DISCUSSION_TAKES, standing.record.discussion_over_at)))
    return any(
        since < each.created_at < standing.now
        and (each.channel, each.wording) == (Channel.INVITATION, Wording.STRATEGY_DISCUSSION)
        and each.cause.exercise == standing.exercise
        for each in standing.duties
    )


MISSING_TIMES_WITHIN = {
    Question.CHILD_MISSING_TIMES: timedelta(days=90),
    Question.CHILD_MISSING_TIMES_IN_A_MONTH: timedelta(days=30),
}
QUESTIONS: dict[Question, Callable[[Standing], bool | None]] = {
    Question.WORKING_HOURS: lambda standing: in_working_hours(standing.now),
    Question.CHILD_UNACCOMPANIED: lambda standing: standing.facts.unaccompanied,
    Question.CHILD_MODERN_SLAVERY_CONCERN: _modern_slavery_concern,
    Question.CHILD_SUBJECT_TO_IMMIGRATION_CONTROL: lambda standing: standing.facts.subject_to_immigration_control,
    Question.IMMIGRATION_CONTROL_KNOWN: lambda standing: standing.facts.subject_to_immigration_control is not None,
    Question.CHILD_AGE_DISPUTED: _age_disputed,
    Question.CHILD_GUARDIAN_ALLOCATED: lambda standing: standing.facts.guardian_allocated,
    Question.CHILD_PLACED_OUT_OF_AREA: _placed_out_of_area,
    Question.CHILD_IN_FIRST_72_HOURS: _in_first_hours,
    Question.CHILD_PROVISIONAL: lambda standing: is_provisional(standing.child),
    Question.CHILD_MISSING: _in_state(EpisodeState.MISSING),
    Question.CHILD_LOCATED: _in_state(EpisodeState.LOCATED),
    Question.CHILD_NOT_BACK: _in_state(EpisodeState.MISSING, EpisodeState.LOCATED),
    Question.CHILD_WATCHED: lambda standing: standing.watched,
    Question.CHILD_MISSING_AGAIN: lambda standing: standing.missing_again,
    Question.CHILD_ACCOMMODATED: _marked(Mark.ACCOMMODATED),
    Question.CHILD_LOOKED_AFTER: _marked(Mark.LOOKED_AFTER),
    Question.CHILD_NRM_REFERRED: _marked(Mark.NRM_REFERRED),
    Question.NRM_CHECK_ASKED: _nrm_check_asked,
    Question.RETURN_UNCONFIRMED_ASKED: _return_unconfirmed_asked,
    Question.STRATEGY_DISCUSSION_CALLED: _discussion_called,
    Question.CHILD_TURNED_18: _marked(Mark.TURNED_18),
    Question.CHILD_BIRTH_DATE_KNOWN: lambda standing: standing.facts.date_of_birth is not None,
    Question.LEAVE_DATE_KNOWN: lambda standing: standing.leave_date_known,
    Question.CHILD_PHOTOGRAPHED: _photographed,
    Question.CONTACTS_CHECKED: _contacts_checked,
    Question.SOCIAL_WORKER_TOLD_OF_RETURN: _social_worker_told_of_return,
    Question.REPORTED_BY_CARER: _reported_by_carer,
    Question.CARERS_TOLD: _carers_told,
    Question.POLICE_ACCEPTED: lambda standing: standing.police_accepted,
    Question.STRATEGY_DISCUSSION_OVER: lambda standing: (
        standing.episode is not None and standing.episode.discussion_over
    ),
    Question.POLICE_REFERENCE_KNOWN: lambda standing: standing.episode is not None and standing.episode.reference_known,
    Question.SAFE_AND_WELL_RECORDED: _met(Condition.SAFE_AND_WELL_CHECK),
    Question.RETURN_INTERVIEW_OFFERED: lambda standing: (
        standing.episode is not None and standing.episode.interview_offered
    ),
    Question.RETURN_INTERVIEW_DONE: _met(Condition.RETURN_INTERVIEW),
}
