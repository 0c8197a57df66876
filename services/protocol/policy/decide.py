"""`decide`: what follows from one message, for one child."""

from datetime import datetime

from services.protocol.policy import episodes, outcomes
from services.protocol.policy.case import Case, Cause, DutyOfCase, Episode, Telling
from services.protocol.policy.draft import Decision, Draft, Happened, Protocols
from services.protocol.policy.facts import Facts
from services.protocol.policy.recipients import everyone_told, recipient_of
from services.protocol.policy.rules import apply_all, make_duty, rule_due, stand_down, take_up_again
from services.protocol.policy.steps import step_due
from services.protocol.policy.telling import message_of
from services.protocol.policy.vocabulary import Trigger
from services.safeguarding.decisions import (
    DutyChanged,
    EpisodeChanged,
    EpisodeState,
    MessageDeadLettered,
    StepRecord,
    Verdict,
)
from services.safeguarding.events import DutyStepDue, RuleDue
from services.safeguarding.message import CONTRACTS, Topic
from services.safeguarding.outcomes import DutyFailed, Outcome
from services.safeguarding.roles import Role

ALL_CLEAR = {EpisodeState.RETURNED: Trigger.CHILD_RETURNED, EpisodeState.RETRACTED: Trigger.MISSING_RETRACTED}
NO_HUMAN_NEEDED = frozenset({Topic.DECISIONS, Topic.DEAD_LETTERS})


def decide(case: Case, happened: Happened, facts: Facts, protocols: Protocols, now: datetime) -> Decision:
    """The same arguments give the same decision, ids included. `now` is story time; the case passed in is left as it was."""
    draft = Draft(case, happened, facts, protocols, now)
    content = happened.content
    if isinstance(content, Outcome):
        outcomes.apply(draft, content)
    elif isinstance(content, DutyStepDue):
        _step_due(draft, content)
    elif isinstance(content, RuleDue):
        rule_due(draft, content)
    elif isinstance(content, MessageDeadLettered) and content.original_kind is not None:
        _dead_letter(draft, content)
    else:
        _event(draft)
    _follow_up(draft)
    return _decision(draft)


def _event(draft: Draft) -> None:
    happened = draft.happened
    cause = Cause(
        id=happened.key,
        time=happened.time,
        person=draft.speaker,
        words=getattr(happened.content, "words", ()),
        exercise=happened.exercise,
    )
    for reading in episodes.read(draft):
        name = None if reading.episode is None else reading.episode.episode
        if reading.verdict is not None:
            draft.note(reading.verdict, episode=name)
        if reading.trigger is None:
            continue
        if reading.episode is not None:
            stand_down(draft, reading.trigger, reading.episode)
            if reading.trigger == Trigger.RETURN_RETRACTED:
                take_up_again(draft, reading.episode)
        protocol = draft.protocol_for(reading.episode)
        apply_all(draft, protocol.on(reading.trigger), protocol, reading.episode, cause)


def _step_due(draft: Draft, event: DutyStepDue) -> None:
    duty = draft.duties.get(event.duty)
    if duty is None or duty.next is None or duty.deadline_version != event.version:
        draft.note(Verdict.OUTGROWN, episode=None if duty is None else duty.episode, duty=event.duty)
        return
    draft.note(Verdict.TOLD, draft.rule_of(duty), episode=duty.episode, duty=duty.duty)
    step_due(draft, duty)


def _dead_letter(draft: Draft, letter: MessageDeadLettered) -> None:
    """A telling that its service could not work on has failed. An unread record of decisions reaches nobody less: no duty."""
    original = CONTRACTS.get(letter.original_kind or "")
    if original is not None and original.topic in NO_HUMAN_NEEDED:
        draft.note(Verdict.ALREADY_SO)
        return
    for duty in draft.duties.values():
        for telling in duty.tellings:
            if str(message_of(duty.duty, telling.step, "tell")) == letter.original_id:
                failure = DutyFailed(
                    duty=duty.duty,
                    step=telling.step,
                    authority=draft.facts.authority,
                    episode=duty.episode,
                    reason="undeliverable",
                )
                outcomes.apply(draft, failure)
                return
    _event(draft)


def _follow_up(draft: Draft) -> None:
    """Rules set off by what duties have become, and the all-clear of those whom a withdrawn telling reached after all."""
    while draft.became:
        name, becomes = draft.became.pop(0)
        duty = draft.duties[name]
        episode, protocol = draft.episode_of(duty.episode), draft.protocols.of(duty.protocol)
        apply_all(draft, protocol.on_duty(duty.rule, becomes), protocol, episode, _cause_of(draft, duty))
    for name, step in draft.late:
        duty = draft.duties[name]
        episode, telling = draft.episode_of(duty.episode), duty.telling(step)
        if episode is not None and telling is not None and episode.state in ALL_CLEAR:
            _all_clear(draft, episode, duty, telling)


def _cause_of(draft: Draft, duty: DutyOfCase) -> Cause:
    return Cause(id=draft.happened.key, time=draft.happened.time, exercise=duty.cause.exercise)


def _all_clear(draft: Draft, episode: Episode, duty: DutyOfCase, telling: Telling) -> None:
    recipient = recipient_of(draft, episode, duty, telling)
    protocol = draft.protocol_for(episode)
    for rule in protocol.on(ALL_CLEAR[episode.state]):
        if rule.tell == Role.EVERYONE_TOLD and recipient in everyone_told(draft, episode):
            make_duty(draft, rule, protocol, episode, _cause_of(draft, duty), recipient)


def _decision(draft: Draft) -> Decision:
    for name in draft.episodes_changed:
        episode = draft.episodes[name]
        draft.episodes[name] = episode.model_copy(update={"revision": episode.revision + 1})
    for name in draft.duties_changed:
        duty = draft.duties[name]
        draft.duties[name] = duty.model_copy(update={"revision": duty.revision + 1})
    changes: list[EpisodeChanged | DutyChanged] = [
        _episode_changed(draft, draft.episodes[name]) for name in draft.episodes_changed
    ]
    changes.extend(_duty_changed(draft, draft.duties[name]) for name in draft.duties_changed)
    exercises = {name for name in draft.episodes_changed if draft.episodes[name].exercise}
    exercises |= {name for name in draft.duties_changed if draft.duties[name].cause.exercise}
    case = Case.model_construct(
        child=draft.child,
        episodes=draft.episodes,
        duties=draft.duties,
        waiting=draft.waiting,
        returned_at=draft.returned_at,
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
        protocol=protocol.label,
    )


def _duty_changed(draft: Draft, duty: DutyOfCase) -> DutyChanged:
    rule = draft.rule_of(duty)
    step = None if duty.next is None else rule.otherwise[duty.next]
    return DutyChanged(
        authority=draft.facts.authority,
        episode=duty.episode,
        duty=duty.duty,
        revision=duty.revision,
        rule=rule.id,
        wording=duty.wording,
        state=duty.state,
        ended_because=duty.ended_because,
        steps=tuple(
            StepRecord(
                step=each.step,
                role=each.role,
                person=each.person,
                channel=each.channel,
                told_at=each.told_at,
                state=each.state,
                changed_at=each.changed_at,
            )
            for each in duty.tellings
        ),
        next_step_at=duty.next_at,
        next_role=None if step is None else step.tell or duty.role,
        protocol=rule.protocol,
        cites=rule.because.cite,
    )
