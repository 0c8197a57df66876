"""Records a decision: the case as it now is, the state of each changed episode and duty, and what came about for the
first time.

Police have the report, a person has it: a carer who asks is told who has a report by now.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.protocol.policy.case import Case, DutyOfCase, Episode
from services.protocol.policy.draft import Decision, Draft
from services.protocol.policy.rule_language.grammar import Rule
from services.safeguarding.duty.decisions import (
    REACHED,
    DutyChanged,
    DutyState,
    EpisodeChanged,
    ReportTaken,
    StepRecord,
)
from services.safeguarding.roles import ON_DUTY, Channel, Role, Wording


def decision_of(draft: Draft) -> Decision:
    """Closes the draft: every changed episode and duty gets a new revision, and is published as it now is."""
    changes: list[EpisodeChanged | DutyChanged] = []
    exercises = set()
    for name in draft.episodes_changed:
        before = draft.episodes[name]
        episode = draft.episodes[name] = before.model_copy(update={"revision": before.revision + 1})
        changes.append(_episode_changed(draft, episode))
        if episode.exercise:
            exercises.add(name)
    for name in draft.duties_changed:
        known = draft.duties[name]
        duty = draft.duties[name] = known.model_copy(update={"revision": known.revision + 1})
        changes.append(_duty_changed(draft, duty))
        if duty.cause.exercise:
            exercises.add(name)
    case = draft.case.model_copy(
        update={
            "episodes": draft.episodes,
            "duties": draft.duties,
            "waiting": draft.waiting,
            "heard": draft.heard,
            "returned_at": draft.returned_at,
            "watched_since": draft.watched_since,
            "leave_expires_on": draft.leave_expires_on,
            "record": draft.record,
        }
    )
    return Decision(
        case=case,
        duties=draft.told,
        deadlines=[each for each in draft.deadlines.values() if each is not None],
        cancelled=[name for name, each in draft.deadlines.items() if each is None],
        decided=draft.decided,
        changes=changes,
        exercises=exercises,
    )


def _episode_changed(draft: Draft, episode: Episode) -> EpisodeChanged:
    protocol = draft.protocol_for(episode)
    return EpisodeChanged(
        authority=episode.authority,
        force=episode.force,
        episode=episode.episode,
        revision=episode.revision,
        state=episode.state,
        candidates=episode.candidates,
        opened_at=episode.opened_at,
        returned_at=episode.returned_at,
        open_conditions=tuple(str(each) for each in protocol.closing if each not in episode.met),
        merged_into=episode.merged_into,
        ends_on_word=protocol.stand_down.by_text == "word",
        protocol=protocol.label,
    )


def _duty_changed(draft: Draft, duty: DutyOfCase) -> DutyChanged:
    rule = draft.rule_of(duty)
    return DutyChanged(
        authority=duty.authority or draft.facts.authority,
        episode=duty.episode,
        duty=duty.duty,
        force=duty.force,
        revision=duty.revision,
        rule=rule.id,
        wording=duty.wording,
        deed=rule.deed,
        state=duty.state,
        ended_because=duty.ended_because,
        steps=duty.tellings,
        next_step_at=duty.next_at,
        next_role=_next_role(duty, rule),
        protocol=rule.protocol,
        cites=rule.because.cite,
    )


def _next_role(duty: DutyOfCase, rule: Rule) -> Role | None:
    if duty.next is None:
        return None
    return duty.rest.role if duty.rest is not None else rule.otherwise[duty.next].tell or duty.role


class Milestone(StrEnum):
    POLICE_ACCEPTED = "police-accepted"
    """From the report's own time until a police system took the notice."""
    FIRST_ACKNOWLEDGED = "first-acknowledged"
    """From the report's own time until the first person, of any agency, said that they have it."""
    TAKEN = "taken"
    """From a telling, by any channel, until it was taken."""
    ANSWERED = "answered"
    """From a duty's creation to its acknowledgement."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """`seconds` are of story time, and never negative, though an agency's clock may be ahead of ours."""

    milestone: Milestone
    seconds: float
    authority: str
    exercise: bool
    channel: Channel
    rule: str


def find_milestones(before: Case, after: Case, at: datetime, authority: str) -> Iterator[Measurement]:
    """The milestones of `after` that `before` had not, reached at `at`. `authority`: of duties without an episode."""
    for duty in after.duties.values():
        old = before.duties.get(duty.duty)
        if old is duty:
            continue
        whose = after.episodes[duty.episode].authority if duty.episode in after.episodes else authority
        for milestone, since, channel in _of_duty(before, after, old, duty):
            seconds = max(0.0, (at - since).total_seconds())
            yield Measurement(milestone, seconds, whose, duty.cause.exercise, channel, duty.rule)


def _of_duty(
    before: Case, after: Case, old: DutyOfCase | None, duty: DutyOfCase
) -> Iterator[tuple[Milestone, datetime, Channel]]:
    for telling in duty.tellings:
        was = None if old is None else old.telling(telling.step)
        if telling.state in REACHED and (was is None or was.state not in REACHED):
            yield Milestone.TAKEN, telling.told_at, telling.channel
    if _acknowledged(duty) and not _acknowledged(old):
        yield Milestone.ANSWERED, duty.created_at, duty.channel
    episode = None if duty.episode is None else after.episodes.get(duty.episode)
    if episode is None:
        return
    if _police_have_it(duty) and not _police_have_it(old):
        yield Milestone.POLICE_ACCEPTED, episode.opened_at, duty.channel
    earlier = (each for each in before.duties.values() if each.episode == duty.episode)
    if _acknowledged(duty) and not any(map(_acknowledged, earlier)):
        yield Milestone.FIRST_ACKNOWLEDGED, episode.opened_at, duty.channel


def _police_have_it(duty: DutyOfCase | None) -> bool:
    return (
        duty is not None
        and duty.role is Role.POLICE_CONTROL_ROOM
        and duty.wording is Wording("missing-notice")
        and any(each.role is Role.POLICE_CONTROL_ROOM and each.state in REACHED for each in duty.tellings)
    )


def _acknowledged(duty: DutyOfCase | None) -> bool:
    return duty is not None and any(each.state == "acknowledged" for each in duty.tellings)


OF_THE_ABSENCE = frozenset({Wording("missing-notice"), Wording("missing-update"), Wording("return-withdrawn-notice")})
"""Notices that the child is missing, and news of it. An answer to others does not mean that anyone has the report."""


def reports_taken(changes: Iterable[EpisodeChanged | DutyChanged]) -> list[tuple[DutyChanged, ReportTaken]]:
    """Each with the change that shows it; most changes show none."""
    duties = (change for change in changes if isinstance(change, DutyChanged))
    return [(duty, report) for duty in duties if (report := _report_taken(duty)) is not None]


def _report_taken(duty: DutyChanged) -> ReportTaken | None:
    if duty.episode is None or not duty.steps:
        return None
    to_police = [step for step in duty.steps if step.role is Role.POLICE_CONTROL_ROOM]
    if duty.wording is Wording("missing-notice") and to_police:
        if any(step.state == "acknowledged" for step in to_police):
            return ReportTaken(authority=duty.authority, episode=duty.episode, by="officer")
        if any(step.state in REACHED for step in to_police):
            return ReportTaken(authority=duty.authority, episode=duty.episode, by="police-system")
    elif duty.wording in OF_THE_ABSENCE and duty.steps[0].role in ON_DUTY:
        answered = [step for step in duty.steps if step.role in ON_DUTY and step.state == "acknowledged"]
        if answered:
            holds = not _asked_since(duty, answered[-1])
            return ReportTaken(authority=duty.authority, episode=duty.episode, by="duty-team", holds=holds)
    return None


def _asked_since(duty: DutyChanged, answered: StepRecord) -> bool:
    """Whether the answer only let the duty rest, and somebody was asked since."""
    later = any(step.step > answered.step and step.told_at > answered.changed_at for step in duty.steps)
    return duty.goes_on and (later or duty.state is DutyState.OVERDUE)
