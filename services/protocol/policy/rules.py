"""Applies the rules that something sets off: now, or after the rule's own time; and stands down those that it ends."""

from services.protocol.policy.case import Cause, DutyOfCase, Episode, Waiting
from services.protocol.policy.draft import Deadline, Draft
from services.protocol.policy.grammar import Protocol, Rule
from services.protocol.policy.predicates import Answer, Standing, answer
from services.protocol.policy.recipients import Recipient, police_accepted, recipients
from services.protocol.policy.steps import begin, resume, schedule
from services.protocol.policy.telling import call_back
from services.protocol.policy.vocabulary import Trigger
from services.safeguarding.decisions import DutyState, Verdict
from services.safeguarding.duties import Because
from services.safeguarding.events import RuleDue
from services.safeguarding.identifiers import derived

ENDS = {
    Trigger.CHILD_RETURNED: Because.RETURNED,
    Trigger.MISSING_RETRACTED: Because.RETRACTED,
    Trigger.RETURN_RETRACTED: Because.RETRACTED,
    Trigger.EPISODE_CLOSED: Because.CLOSED,
    Trigger.SAFE_AND_WELL_CHECK_RECORDED: Because.ANSWERED,
    Trigger.RETURN_INTERVIEW_OFFERED: Because.ANSWERED,
    Trigger.RETURN_INTERVIEW_DONE: Because.ANSWERED,
    Trigger.POLICE_REFERENCE_GIVEN: Because.ANSWERED,
}
"""Why a duty ends on this. On anything else: superseded."""


def apply_all(draft: Draft, rules: tuple[Rule, ...], protocol: Protocol, episode: Episode | None, cause: Cause) -> None:
    for rule in rules:
        if rule.wait is None and rule.period is None:
            apply(draft, rule, protocol, episode, cause)
        else:
            _set_waiting(draft, rule, protocol, episode, cause)


def apply(draft: Draft, rule: Rule, protocol: Protocol, episode: Episode | None, cause: Cause) -> None:
    found = _answer(draft, rule, episode)
    name = None if episode is None else episode.episode
    told = recipients(draft, rule, episode, cause) if found.holds else []
    if not told:
        draft.note(Verdict.CONDITION_NOT_MET, rule, episode=name, unknown=found.unknown)
    for recipient in told:
        make_duty(draft, rule, protocol, episode, cause, recipient, found.unknown)


def _answer(draft: Draft, rule: Rule, episode: Episode | None) -> Answer:
    standing = Standing(
        child=draft.child,
        facts=draft.facts,
        episode=episode,
        now=draft.now,
        police_accepted=police_accepted(draft, episode),
        missing_again=draft.open_episode is not None and draft.open_episode != episode,
    )
    return answer(rule, standing)


def make_duty(
    draft: Draft,
    rule: Rule,
    protocol: Protocol,
    episode: Episode | None,
    cause: Cause,
    recipient: Recipient,
    unknown: tuple[str, ...] = (),
) -> None:
    """Its id follows from child, rule, cause and recipient: the same cause can never make it twice."""
    name = None if episode is None else episode.episode
    duty = derived("duty", draft.child, rule.id, cause.id, recipient.role, recipient.channel, recipient.person or "")
    if duty in draft.duties:
        draft.note(Verdict.ALREADY_SO, rule, episode=name, duty=duty)
        return
    draft.note(Verdict.TOLD, rule, episode=name, duty=duty, unknown=unknown)
    begin(
        draft,
        DutyOfCase(
            duty=duty,
            revision=0,
            rule=rule.id,
            protocol=protocol.hash,
            episode=name,
            cause=cause,
            role=recipient.role,
            person=recipient.person,
            channel=recipient.channel,
            wording=rule.message,
            refers_to=recipient.refers_to,
            created_at=draft.now,
            counted_from=draft.now,
        ),
    )


def _set_waiting(draft: Draft, rule: Rule, protocol: Protocol, episode: Episode | None, cause: Cause) -> None:
    deadline = derived("rule deadline", draft.child, rule.id, cause.id)
    due_at = draft.now + rule.wait if rule.wait is not None else cause.time + (rule.period or draft.now - draft.now)
    waiting = Waiting(
        deadline=deadline,
        rule=rule.id,
        protocol=protocol.hash,
        episode=None if episode is None else episode.episode,
        cause=cause,
        due_at=due_at,
    )
    draft.put_waiting(waiting)
    _announce(draft, waiting)


def _announce(draft: Draft, waiting: Waiting) -> None:
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


def rule_due(draft: Draft, event: RuleDue) -> None:
    """A waiting rule has come to its time: what it asks is asked now."""
    waiting = draft.waiting.get(event.deadline)
    if waiting is None or waiting.version != event.version or waiting.stood_down is not None:
        draft.note(Verdict.OUTGROWN, episode=event.episode)
        return
    del draft.waiting[event.deadline]
    protocol = draft.protocols.of(waiting.protocol)
    apply(draft, protocol.by_id[waiting.rule], protocol, draft.episode_of(waiting.episode), waiting.cause)


def stand_down(draft: Draft, trigger: Trigger, episode: Episode) -> None:
    """Ends the episode's duties and waiting rules that hold only until this."""
    because = ENDS.get(trigger, Because.SUPERSEDED)
    for duty in list(draft.duties.values()):
        if duty.episode != episode.episode or trigger not in draft.rule_of(duty).until:
            continue
        if duty.goes_on:
            end(draft, duty, because)
        elif any(telling.state == "told" for telling in duty.tellings):
            schedule(draft, _call_back(draft, duty, because))
    for waiting in list(draft.waiting.values()):
        if (
            waiting.episode == episode.episode
            and waiting.stood_down is None
            and trigger in draft.rule_of(waiting).until
        ):
            draft.put_waiting(waiting.model_copy(update={"stood_down": str(because)}))
            draft.deadlines[waiting.deadline] = None


def end(draft: Draft, duty: DutyOfCase, because: Because) -> None:
    """Cancels the duty, and withdraws each telling that may still be on its way."""
    draft.note(Verdict.ENDED, draft.rule_of(duty), episode=duty.episode, duty=duty.duty)
    ended = _call_back(draft, duty, because)
    schedule(draft, ended.model_copy(update={"state": DutyState.CANCELLED, "ended_because": str(because)}))


def _call_back(draft: Draft, duty: DutyOfCase, because: Because) -> DutyOfCase:
    """Also of a duty that a person has answered in another's place: the notice to that other may still be on its way."""
    return call_back(draft, duty, [each for each in duty.tellings if each.state == "told"], because)


def _called_back(draft: Draft, duty: DutyOfCase) -> bool:
    """Answered by a person in another's place, while the one meant has never been reached."""
    withdrawn = any(telling.state == "withdrawn" and telling.role == duty.role for telling in duty.tellings)
    return withdrawn and not duty.accepted and Trigger.CHILD_RETURNED in draft.rule_of(duty).until


def take_up_again(draft: Draft, episode: Episode) -> None:
    """The return was a mistake: what it had ended goes on."""
    for duty in list(draft.duties.values()):
        if duty.episode == episode.episode and (duty.ended_because == Because.RETURNED or _called_back(draft, duty)):
            resume(draft, duty)
    for waiting in list(draft.waiting.values()):
        if waiting.episode == episode.episode and waiting.stood_down == Because.RETURNED:
            again = waiting.model_copy(update={"stood_down": None, "version": waiting.version + 1})
            draft.put_waiting(again)
            _announce(draft, again)
