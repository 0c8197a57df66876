"""Records a decision: the case as it now is, and the state of each changed episode and duty."""

from services.protocol.policy.case import DutyOfCase, Episode
from services.protocol.policy.draft import Decision, Draft
from services.protocol.policy.rule_language.grammar import Rule
from services.safeguarding.duty.decisions import DutyChanged, EpisodeChanged
from services.safeguarding.roles import Role


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
