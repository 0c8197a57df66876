"""Applies the rules that an event sets off: now, or when the rule's own time has come."""

from collections.abc import Collection
from datetime import timedelta
from operator import attrgetter
from uuid import UUID

from services.protocol.policy.case import Cause, DutyOfCase, Episode, Waiting
from services.protocol.policy.draft import Draft
from services.protocol.policy.duties.steps import begin
from services.protocol.policy.duties.tellings import is_ended_by_reference, wants_officer
from services.protocol.policy.rule_engine.predicates import Answer, Situation, answer
from services.protocol.policy.rule_engine.recipients import Recipient, police_accepted, police_notice, recipients
from services.protocol.policy.rule_engine.waits import (
    UNMET,
    announce,
    come_to_its_time,
    is_overtaken,
    last_of_the_same,
    letter_differs,
    must_wait,
    put_off,
    wait,
)
from services.protocol.policy.rule_language.grammar import ALWAYS, Protocol, Rule
from services.protocol.policy.rule_language.vocabulary import Trigger
from services.safeguarding.child_events.events import HumanReason, RuleDue, TextNeedsHuman
from services.safeguarding.duty.decisions import EpisodeState, Verdict
from services.safeguarding.identifiers import derived
from services.safeguarding.roles import Channel, Wording

OFFICER_UNNAMED = Wording("officer-unnamed")
SAYS_MORE = {
    Trigger.REPORT_ADDED: {Trigger.CHILD_LOST_AGAIN},
    Trigger.CHILD_IDENTIFIED: {Trigger.CHILD_LOST_AGAIN},
    Trigger.EPISODE_MOVED: {Trigger.CHILD_IDENTIFIED, Trigger.CHILD_TRANSFERRED},
}
"""By a trigger, those that say more of the same event."""


def find_rules(protocol: Protocol, trigger: Trigger, of_event: Collection[Trigger | None]) -> tuple[Rule, ...]:
    """The rules on this trigger, except those whose people hear more of the same event by a rule on another of its
    triggers: they are told once.
    """
    more = SAYS_MORE.get(trigger, set()).intersection(of_event)
    heard = [_audience(rule) for each in more for rule in protocol.on(each)]
    return tuple(each for each in protocol.on(trigger) if _audience(each) not in heard)


def _audience(rule: Rule) -> tuple[object, ...]:
    return rule.tell, rule.by, rule.among, rule.when, rule.wait, rule.period, rule.hours


def apply_rules(
    draft: Draft, rules: tuple[Rule, ...], protocol: Protocol, episode: Episode | None, cause: Cause
) -> None:
    overtaken = _find_overtaken(draft, rules, cause)
    for rule in rules:
        if rule.id in overtaken:
            continue
        if not must_wait(draft, rule):
            apply_rule(draft, rule, protocol, episode, cause)
            continue
        missed = wait(draft, rule, protocol, episode, cause)
        if missed is not None:
            _apply_dated(draft, rule, protocol, missed)


def _find_overtaken(draft: Draft, rules: tuple[Rule, ...], cause: Cause) -> set[str]:
    """Where an event is heard of late, the rules that ask the same at several past times, except the last of them."""
    late = [rule for rule in rules if rule.period is not None and cause.time + rule.period <= draft.now]
    by_time = sorted(late, key=lambda rule: rule.period or timedelta())
    return {rule.id for rule in late} - last_of_the_same((rule.id, rule) for rule in by_time)


def _apply_dated(draft: Draft, rule: Rule, protocol: Protocol, waiting: Waiting) -> None:
    """If its condition is not met now, the date counts again when the rule is next set off."""
    episode = draft.open_episode if rule.about == "episode" else draft.episode_of(waiting.episode)
    if not apply_rule(draft, rule, protocol, episode, waiting.cause):
        draft.put_waiting(waiting.model_copy(update={"stood_down": UNMET}))


def apply_rule(draft: Draft, rule: Rule, protocol: Protocol, episode: Episode | None, cause: Cause) -> bool:
    """Makes the duties of a rule whose condition is met. True: somebody is told."""
    found = _answer(draft, rule, episode, cause)
    name = None if episode is None else episode.episode
    holds = found.holds and (rule.letter is None or letter_differs(rule.letter, draft))
    told = recipients(draft, rule, episode, cause) if holds else []
    if not told:
        draft.note(Verdict.CONDITION_NOT_MET, rule, episode=name, unknown=found.unknown)
    for recipient in told:
        make_duty(draft, rule, protocol, episode, cause, recipient, found.unknown)
    if told and rule.marks is not None:
        draft.mark(rule.marks, draft.now)
    if told and rule.watch is not None and not cause.exercise:
        draft.opens_watch = cause
    if told and rule.episode is not None:
        draft.opens_episode = cause
    return bool(told)


def _answer(draft: Draft, rule: Rule, episode: Episode | None, cause: Cause) -> Answer:
    if rule.when == ALWAYS:
        return Answer(holds=True)
    situation = Situation(
        child=draft.child,
        facts=draft.facts,
        episode=episode,
        now=draft.now,
        police_accepted=police_accepted(draft, episode),
        missing_again=draft.open_episode is not None and draft.open_episode != episode,
        watched=draft.watched_since is not None,
        record=draft.record,
        leave_date_known=draft.leave_expires_on is not None,
        duties=draft.duties.values(),
        exercise=cause.exercise,
        cause=cause.id,
        already_asked=_is_asked_already(draft, rule, episode, cause),
    )
    return answer(rule, situation)


def _is_asked_already(draft: Draft, rule: Rule, episode: Episode | None, cause: Cause) -> bool:
    """Whether people are still asked for the same. Of one episode, what more events would end gives way to the rule."""
    name = None if episode is None else episode.episode
    if rule.message == OFFICER_UNNAMED:
        return not _is_officer_unnamed(draft, name)
    return any(
        each.goes_on
        and (each.wording, each.cause.exercise) == (rule.message, cause.exercise)
        and not (name is not None and each.episode == name and set(rule.until) < set(draft.rule_of(each).until))
        for each in draft.duties.values()
    )


def _is_officer_unnamed(draft: Draft, episode: UUID | None) -> bool:
    """Whether police's newest notice ended with a reference, no officer has answered it since, and nobody was asked."""
    of_episode = [each for each in draft.duties.values() if each.episode == episode]
    newest = max(
        (each for each in of_episode if wants_officer(draft, each)), key=attrgetter("created_at"), default=None
    )
    if newest is None or not is_ended_by_reference(draft, newest):
        return False
    return not any(each.wording == OFFICER_UNNAMED and each.created_at > newest.created_at for each in of_episode)


def make_duty(
    draft: Draft,
    rule: Rule,
    protocol: Protocol,
    episode: Episode | None,
    cause: Cause,
    recipient: Recipient,
    unknown: tuple[str, ...] = (),
) -> None:
    """Its id follows from child, rule, cause and recipient: one cause never makes it twice."""
    name = None if episode is None else episode.episode
    parts = (
        rule.id,
        cause.id,
        recipient.role,
        recipient.channel,
        recipient.person or "",
        *_id_parts(draft, episode, recipient),
    )
    duty = derived("duty", draft.child, *parts)
    if duty in draft.duties:
        draft.note(Verdict.ALREADY_SO, rule, episode=name, duty=duty)
        return
    draft.note(Verdict.TOLD, rule, episode=name, duty=duty, unknown=unknown)
    begin(
        draft,
        DutyOfCase(
            duty=duty,
            rule=rule.id,
            protocol=protocol.hash,
            episode=name,
            cause=cause,
            role=recipient.role,
            person=recipient.person,
            channel=recipient.channel,
            wording=_choose_wording(draft, rule),
            refers_to=recipient.refers_to or _discussion_id(draft, rule, episode, cause),
            force=recipient.force,
            authority=recipient.authority,
            created_at=draft.now,
            counted_from=draft.now,
        ),
    )


OF_REASON: dict[HumanReason, Wording] = {
    "in-danger": Wording("danger-texted"),
    "still-unclear": Wording("carer-unclear"),
    "replies-spent": Wording("ring-carer"),
}
"""What whoever is to read a text is told of a carer's, where more is known than that nothing understood it."""


def _choose_wording(draft: Draft, rule: Rule) -> Wording:
    content = draft.happened.content
    if not isinstance(content, TextNeedsHuman) or Trigger.TEXT_NEEDS_HUMAN not in rule.on:
        return rule.message
    return OF_REASON.get(content.reason, rule.message)


def _id_parts(draft: Draft, episode: Episode | None, recipient: Recipient) -> tuple[str, ...]:
    """Parts of the id for another force than the episode's, and for another notice than the force's first."""
    if episode is None or recipient.force is None:
        return ()
    force = () if recipient.force == episode.force else (recipient.force,)
    first = police_notice(draft, episode, recipient.force)
    return force if recipient.refers_to in {None, first} else (*force, str(recipient.refers_to))


def _discussion_id(draft: Draft, rule: Rule, episode: Episode | None, cause: Cause) -> UUID | None:
    """Outside an episode, the event that called for a discussion holds its invitations together."""
    if rule.by != Channel.INVITATION or episode is not None:
        return None
    if rule.message == Wording("strategy-record"):
        return UUID(cause.matter)
    return derived("discussion", draft.child, cause.id)


def apply_due_rule(draft: Draft, event: RuleDue) -> None:
    """Applies a waiting rule whose time has come. One that comes late, outside its `hours`, is put off until them. Of
    one evening's questions the last is asked.
    """
    waiting = draft.waiting.get(event.deadline)
    if waiting is None or waiting.version != event.version or not _comes(draft, waiting):
        draft.note(Verdict.OUTGROWN, episode=event.episode)
        return
    protocol = draft.protocols.of(waiting.protocol)
    rule = protocol.by_id[waiting.rule]
    if rule.before is not None:
        come_to_its_time(draft, waiting, rule)
        _apply_dated(draft, rule, protocol, waiting)
        return
    moment = put_off(rule, waiting.cause, draft.now)
    if is_overtaken(draft, waiting, moment):
        draft.note(Verdict.OUTGROWN, rule, episode=waiting.episode)
        come_to_its_time(draft, waiting, rule)
        return
    if moment > draft.now:
        draft.note(Verdict.WAITS, rule, episode=waiting.episode)
        announce(draft, waiting.model_copy(update={"due_at": moment, "version": waiting.version + 1}))
        return
    episode = draft.episode_of(waiting.episode)
    unmet = False
    if rule.every is not None and _still_asked(draft, waiting):
        draft.note(Verdict.ALREADY_SO, rule, episode=waiting.episode)
    elif not apply_rule(draft, rule, protocol, episode, waiting.cause):
        unmet = _may_yet_be_met(draft, episode)
    waiting = waiting.model_copy(update={"stood_down": UNMET if unmet else None})
    if unmet and rule.every is None:
        draft.put_waiting(waiting)
    else:
        come_to_its_time(draft, waiting, rule)


def _comes(draft: Draft, waiting: Waiting) -> bool:
    """A series goes on, also where its condition was not met the last time."""
    return waiting.stood_down is None or (waiting.stood_down == UNMET and draft.rule_of(waiting).every is not None)


def _may_yet_be_met(draft: Draft, episode: Episode | None) -> bool:
    """The child may be lost again, or a later report that stands in the way may prove a mistake."""
    later = draft.open_episode is not None and draft.open_episode != episode
    return episode is not None and (episode.state == EpisodeState.LOCATED or later)


def _still_asked(draft: Draft, waiting: Waiting) -> bool:
    """Whether what a repeating rule asked last is still unanswered: then it is not asked again."""
    return any(
        duty.goes_on and duty.rule == waiting.rule and duty.episode == waiting.episode for duty in draft.duties.values()
    )
