"""Moves a case to another placement, authority or version of the protocol, or from a provisional child to the
identified one.

Open duties and deadlines go along: what others only carry on is not told again.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from services.protocol.policy.case import (
    OPEN_STATES,
    Case,
    Cause,
    DutyOfCase,
    Episode,
    Record,
    Waiting,
    newest_sighting,
)
from services.protocol.policy.draft import Draft, Reader, Reading
from services.protocol.policy.duties.steps import end, schedule
from services.protocol.policy.duties.tellings import is_missing_notice
from services.protocol.policy.readings.discussions import was_held
from services.protocol.policy.readings.openings import lose_again, read_lost_again
from services.protocol.policy.rule_engine.waits import announce, supersede, time_of_period, wait
from services.protocol.policy.rule_language.grammar import Protocol, Rule
from services.protocol.policy.rule_language.vocabulary import Mark, Trigger
from services.safeguarding.child_events import care_events as care
from services.safeguarding.child_events.events import RiskGrade
from services.safeguarding.duty.decisions import OVER, EpisodeState, Verdict
from services.safeguarding.duty.duties import Because
from services.safeguarding.identifiers import AuthorityId
from services.safeguarding.message import Message


def follow_placement(draft: Draft) -> list[Reading]:
    """Lets an open episode follow the child to the placement in the register, and to its force: also to one that
    nobody knew before.
    """
    found, now_at = draft.open_episode, draft.facts.placement
    if found is None or now_at is None:
        return []
    force = draft.facts.force or found.force
    is_learnt = found.force is None and force is not None
    if now_at == found.placement and not is_learnt:
        return []
    follows = draft.put_episode(found.model_copy(update={"placement": now_at, "force": force}))
    if is_learnt:
        _end_notices_to_nobody(draft, follows)
    return [Reading(Trigger.EPISODE_MOVED, follows)]


def _end_notices_to_nobody(draft: Draft, episode: Episode) -> None:
    """The force has a notice of its own now: that none has reached police would be untrue."""
    for duty in list(draft.duties.values()):
        if duty.goes_on and duty.force is None and is_missing_notice(duty, episode.episode):
            end(draft, duty, Because.SUPERSEDED)


def settle_unknowns(draft: Draft) -> list[Reading]:
    """The record now has facts that nobody knew at the report: tells those who had to wait for them."""
    found = draft.open_episode
    if found is None:
        return []
    control = found.immigration_control_unknown and draft.facts.subject_to_immigration_control is not None
    guardian = found.no_guardian_known and bool(draft.facts.guardian_allocated)
    if not control and not guardian:
        return []
    known = {
        "immigration_control_unknown": found.immigration_control_unknown and not control,
        "no_guardian_known": found.no_guardian_known and not guardian,
    }
    follows = draft.put_episode(found.model_copy(update=known))
    settles = {Trigger.IMMIGRATION_CONTROL_SETTLED: control, Trigger.GUARDIAN_SETTLED: guardian}
    return [Reading(trigger, follows) for trigger, is_so in settles.items() if is_so]


def _read_proposed(draft: Draft, event: care.TransferProposed) -> list[Reading]:
    considered = Trigger.TRANSFER_CONSIDERED if event.best_interests_considered else Trigger.TRANSFER_UNCONSIDERED
    return _find_hindrance(draft, event) or [Reading(considered), Reading(Trigger.TRANSFER_PROPOSED)]


def _read_transferred(draft: Draft, event: care.ChildTransferred) -> list[Reading]:
    hindrance, former = _find_hindrance(draft, event), _former(draft, event)
    if event.to is None or event.outside_england:
        return [*hindrance, Reading(Trigger.TRANSFERRED_ELSEWHERE, draft.open_episode)]
    if event.to == former:
        return [Reading(verdict=Verdict.ALREADY_SO)]
    if draft.happened.exercise:
        return [*hindrance, Reading(Trigger.CHILD_TRANSFERRED, draft.open_episode)]
    draft.keep(authority=event.to, former_authority=former)
    draft.facts = draft.facts.model_copy(update={"authority": event.to})
    for each in list(draft.episodes.values()):
        if each.state not in OVER:
            draft.put_episode(each.model_copy(update={"authority": event.to}))
    for duty in list(draft.duties.values()):
        if duty.goes_on and duty.authority is None:
            draft.put_duty(duty)
    follows = follow_placement(draft)
    return [*hindrance, Reading(Trigger.CHILD_TRANSFERRED, draft.open_episode), *follows]


def _find_hindrance(draft: Draft, event: care.TransferProposed | care.ChildTransferred) -> list[Reading]:
    hinders = draft.record.has(Mark.SECTION_47) and not event.hindrance_accepted
    return [Reading(Trigger.TRANSFER_HINDERS_ENQUIRY)] if hinders else []


def _former(draft: Draft, event: care.ChildTransferred) -> AuthorityId:
    """The authority responsible before. The register may name the receiver by now, unless it does not know it."""
    record = draft.record
    if record.authority is not None and record.former_authority == event.authority:
        return record.authority
    return event.authority


def _read_identified(draft: Draft, event: care.ChildIdentified) -> list[Reading]:
    if draft.joined is not None:
        return _join(draft, draft.joined)
    if event.child == draft.child:
        return [Reading(verdict=Verdict.ALREADY_SO)]
    return [Reading(Trigger.RETRACTION_UNVERIFIED, verdict=Verdict.UNVERIFIED)]


def _join(draft: Draft, other: Case) -> list[Reading]:
    """Two reports of one child become one episode: the provisional child's duties go on in the one that was open."""
    here = draft.open_episode
    before = here
    lands: dict[UUID, UUID] = {}
    known = [*draft.duties.values(), *other.duties.values()]
    holders: list[DutyOfCase | Waiting] = [*known, *draft.waiting.values(), *other.waiting.values()]
    held = {
        each.episode for each in (here, *other.episodes.values()) if each and was_held(draft, each.episode, holders)
    }
    for each in other.episodes.values():
        if here is not None and each.state in OPEN_STATES and each.exercise == draft.happened.exercise:
            lands[each.episode] = here.episode
            over = _is_discussion_over(known, here, each) or not held.isdisjoint({here.episode, each.episode})
            here = draft.put_episode(here.model_copy(update=_merge_episodes(here, each, draft.now, over=over)))
            draft.put_episode(
                each.model_copy(update={"state": EpisodeState.MERGED, "merged_into": here.episode, "candidates": ()})
            )
        else:
            draft.put_episode(each.model_copy(update={"candidates": (), "authority": draft.facts.authority}))
    for duty in other.duties.values():
        draft.put_duty(duty.model_copy(update={"episode": _find_landing(lands, duty.episode)}))
    if here is not None and held & {here.episode, *lands}:
        _invite_no_more(draft, here)
    for waiting in other.waiting.values():
        _wait_for_both(draft, waiting.model_copy(update={"episode": _find_landing(lands, waiting.episode)}))
    draft.remember(*other.heard)
    already = {each.opened_at for each in draft.episodes.values() if each.state == EpisodeState.MERGED}
    draft.keep(**_merge_records(draft.record, other.record))
    draft.keep(opened=tuple(sorted({*draft.record.opened, *other.record.opened} - already)))
    if not draft.happened.exercise:
        draft.watched_since = max(filter(None, (draft.watched_since, other.watched_since)), default=None)
        draft.leave_expires_on = draft.leave_expires_on or other.leave_expires_on
    own = [draft.episodes[name] for name in other.episodes if name not in lands]
    counted = [Reading(Trigger.EPISODE_COUNTED, each) for each in own if each.state is not EpisodeState.RETRACTED]
    identified = Reading(Trigger.CHILD_IDENTIFIED, draft.open_episode, Verdict.MERGED)
    lost = [] if before is None or here is None else read_lost_again(before, here)
    return [*lost, identified, *counted, *follow_placement(draft), *settle_unknowns(draft)]


def _merge_episodes(here: Episode, other: Episode, now: datetime, *, over: bool) -> dict[str, Any]:
    """What was said of one absence under two names. Whoever is reported after it was located is lost again; no return
    from before the newest report is believed, and of two grades the higher is.
    """
    reported_at = max(here.last_report_at, other.last_report_at)
    return lose_again(here, reported_at) | {
        "reports": here.reports + other.reports,
        "last_report_at": reported_at,
        "last_seen_at": newest_sighting(here.last_seen_at, other.last_seen_at, until=now),
        "claims": here.claims + other.claims,
        "reference_known": here.reference_known or other.reference_known,
        "references": here.references | other.references,
        "grade": max(filter(None, (here.grade, other.grade)), key=[*RiskGrade].index, default=None),
        "discussion_over": over,
    }


def _is_discussion_over(duties: Iterable[DutyOfCase], *reported: Episode) -> bool:
    """Whether the child was discussed under one of its names, and no discussion under another is still to come."""
    open_ones = {each.episode for each in reported if not each.discussion_over}
    to_come = any(each.invites_to_discussion and each.episode in open_ones for each in duties)
    return len(open_ones) < len(reported) and not to_come


def _invite_no_more(draft: Draft, here: Episode) -> None:
    """The child was discussed under one of its names: strategy calls off what was to come under the other."""
    for duty in list(draft.duties.values()):
        if duty.episode == here.episode and duty.invites_to_discussion and duty.goes_on:
            end(draft, duty, Because.SUPERSEDED)


def _wait_for_both(draft: Draft, newcomer: Waiting) -> None:
    """Where both reports of one absence wait for the same, it is asked once, at the earlier time."""
    draft.put_waiting(newcomer)
    same = [each for each in draft.waiting.values() if _is_same(each, newcomer)]
    for later in sorted(same, key=lambda each: each.due_at)[1:]:
        supersede(draft, later)


def _is_same(one: Waiting, other: Waiting) -> bool:
    of_one_absence = one.episode is not None and one.episode == other.episode
    return (
        of_one_absence and one.stood_down is None and (one.rule, one.cause.matter) == (other.rule, other.cause.matter)
    )


def _merge_records(mine: Record, other: Record) -> dict[str, Any]:
    """The newest statements about either, so that nobody has to repeat them (S45)."""
    marks = dict(mine.marks)
    for mark, each in other.marks.items():
        if mark not in marks or marks[mark].since < each.since:
            marks[mark] = each
    photographs = filter(None, (mine.photo_taken_on, other.photo_taken_on))
    checks = filter(None, (mine.contacts_checked_at, other.contacts_checked_at))
    discussions = filter(None, (mine.discussion_over_at, other.discussion_over_at))
    control = other.immigration_control if mine.immigration_control is None else mine.immigration_control
    return {
        "marks": marks,
        "immigration_control": control,
        "photo_taken_on": max(photographs, default=None),
        "contacts_checked_at": max(checks, default=None),
        "discussion_over_at": max(discussions, default=None),
    }


def _find_landing(lands: dict[UUID, UUID], episode: UUID | None) -> UUID | None:
    return None if episode is None else lands.get(episode, episode)


def _read_protocol_moved(draft: Draft, event: care.EpisodeProtocolMoved) -> list[Reading]:
    found, current = draft.episode_of(event.episode), draft.protocols.current
    if found is None or found.protocol == current.hash:
        return [Reading(None, found, Verdict.OUTGROWN if found is None else Verdict.ALREADY_SO)]
    before = draft.protocol_for(found)
    now = draft.put_episode(found.model_copy(update={"protocol": current.hash}))
    for duty in list(draft.duties.values()):
        if duty.episode == found.episode and duty.goes_on and duty.rule in current.by_id:
            _move_duty(draft, duty, current)
    for waiting in list(draft.waiting.values()):
        if waiting.episode == found.episode and waiting.stood_down is None and waiting.rule in current.by_id:
            _move_waiting(draft, waiting, current)
    for rule in current.on(Trigger.CHILD_REPORTED_MISSING):
        if rule.id not in before.by_id:
            _wait_for_new(draft, rule, current, now)
    return [Reading(Trigger.EPISODE_PROTOCOL_MOVED, now, Verdict.CHANGED)]


def _move_duty(draft: Draft, duty: DutyOfCase, current: Protocol) -> None:
    """Goes on after the steps whose minutes are over by now. A duty that rests repeats no step of an unchanged rule."""
    before, rule, since = draft.rule_of(duty), current.by_id[duty.rule], draft.now - duty.counted_from
    passed = sum(step.after <= since for step in rule.otherwise)
    if rule.otherwise == before.otherwise:
        passed = max(passed, duty.passed)
    schedule(draft, duty.model_copy(update={"protocol": current.hash, "passed": passed, "next": None}))


def _move_waiting(draft: Draft, waiting: Waiting, current: Protocol) -> None:
    rule = current.by_id[waiting.rule]
    due_at = waiting.due_at
    if rule.period is not None and rule.every is None:
        due_at = time_of_period(rule, rule.period, waiting.cause)
    version = waiting.version + 1
    announce(draft, waiting.model_copy(update={"protocol": current.hash, "due_at": due_at, "version": version}))


def _wait_for_new(draft: Draft, rule: Rule, current: Protocol, episode: Episode) -> None:
    """Schedules a rule that the earlier version did not have, unless its time has passed."""
    cause = Cause(id=draft.happened.key, time=episode.opened_at, exercise=episode.exercise)
    if rule.period is not None and episode.opened_at + rule.period > draft.now:
        wait(draft, rule, current, episode, cause)


def _read_hand_over(draft: Draft, event: care.DutyHandOverAsked) -> list[Reading]:
    duty = draft.duties.get(event.duty)
    if duty is None:
        return [Reading(verdict=Verdict.OUTGROWN)]
    return [Reading(Trigger.HAND_OVER_ASKED, draft.episode_of(duty.episode))]


READERS: dict[type[Message], Reader] = {
    care.TransferProposed: _read_proposed,
    care.ChildTransferred: _read_transferred,
    care.ChildIdentified: _read_identified,
    care.EpisodeProtocolMoved: _read_protocol_moved,
    care.DutyHandOverAsked: _read_hand_over,
}
