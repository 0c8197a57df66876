"""Applies the rules that something sets off: now, or when the rule's own time has come."""

from services.protocol.policy.case import Cause, DutyOfCase, Episode
from services.protocol.policy.draft import Draft
from services.protocol.policy.grammar import ALWAYS, Protocol, Rule
from services.protocol.policy.predicates import Answer, Standing, answer
from services.protocol.policy.recipients import Recipient, police_accepted, recipients
from services.protocol.policy.steps import begin
from services.protocol.policy.waiting import come_to_its_time, must_wait, wait
from services.safeguarding.decisions import Verdict
from services.safeguarding.events import RuleDue
from services.safeguarding.identifiers import derived


def apply_all(draft: Draft, rules: tuple[Rule, ...], protocol: Protocol, episode: Episode | None, cause: Cause) -> None:
    for rule in rules:
        if must_wait(draft, rule):
            wait(draft, rule, protocol, episode, cause)
        else:
            apply(draft, rule, protocol, episode, cause)


def apply(draft: Draft, rule: Rule, protocol: Protocol, episode: Episode | None, cause: Cause) -> None:
    found = _answer(draft, rule, episode)
    name = None if episode is None else episode.episode
    told = recipients(draft, rule, episode, cause) if found.holds else []
    if not told:
        draft.note(Verdict.CONDITION_NOT_MET, rule, episode=name, unknown=found.unknown)
    for recipient in told:
        make_duty(draft, rule, protocol, episode, cause, recipient, found.unknown)


def _answer(draft: Draft, rule: Rule, episode: Episode | None) -> Answer:
    if rule.when == ALWAYS:
        return Answer(holds=True)
    standing = Standing(
        child=draft.child,
        facts=draft.facts,
        episode=episode,
        now=draft.now,
        police_accepted=police_accepted(draft, episode),
        missing_again=draft.open_episode is not None and draft.open_episode != episode,
        watched=draft.watched_since is not None,
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


def rule_due(draft: Draft, event: RuleDue) -> None:
    """A waiting rule has come to its time: what it asks is asked now."""
    waiting = draft.waiting.get(event.deadline)
    if waiting is None or waiting.version != event.version or waiting.stood_down is not None:
        draft.note(Verdict.OUTGROWN, episode=event.episode)
        return
    protocol = draft.protocols.of(waiting.protocol)
    rule = protocol.by_id[waiting.rule]
    come_to_its_time(draft, waiting, rule)
    apply(draft, rule, protocol, draft.episode_of(waiting.episode), waiting.cause)
