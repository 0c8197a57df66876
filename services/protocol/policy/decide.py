"""Decides the consequences of one message, for one child.

Each fact that a message holds is decided on in turn; then what the message as a whole brought about is summed up.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from services.protocol.policy.case import Case, Cause, DutyOfCase, Episode, Facts, Telling
from services.protocol.policy.decision_record import decision_of
from services.protocol.policy.draft import Deadline, Decision, Draft, Happened, Protocols, Reading
from services.protocol.policy.duties.outcomes import apply_outcome
from services.protocol.policy.duties.steps import take_due_step
from services.protocol.policy.duties.tellings import message_of, wants_officer
from services.protocol.policy.readings import episodes
from services.protocol.policy.readings.openings import open_episode
from services.protocol.policy.rule_engine.duty_endings import (
    ask_again,
    go_on,
    go_on_after_return,
    stand_down,
    take_up_again,
)
from services.protocol.policy.rule_engine.recipients import (
    CONTROL_ROOM,
    Recipient,
    everyone_told,
    is_among,
    recipient_of,
)
from services.protocol.policy.rule_engine.rules import apply_due_rule, apply_rules, find_rules, make_duty
from services.protocol.policy.rule_engine.waits import morning_of
from services.protocol.policy.rule_language.grammar import Rule
from services.protocol.policy.rule_language.vocabulary import Trigger
from services.safeguarding.child_events.care_events import ReviewDue
from services.safeguarding.child_events.events import ChildReportedMissing, DutyStepDue, PoliceRiskGraded, RuleDue
from services.safeguarding.duty.decisions import (
    DutyChanged,
    EpisodeChanged,
    EpisodeState,
    Evidence,
    MessageDeadLettered,
    Verdict,
)
from services.safeguarding.duty.duties import DutyFailed, Outcome, part_ids, parts_of
from services.safeguarding.identifiers import derived
from services.safeguarding.message import CONTRACTS, Message, Topic
from services.safeguarding.roles import Role
from services.safeguarding.working_time import day_in_england

ALL_CLEAR = {EpisodeState.RETURNED: Trigger.CHILD_RETURNED, EpisodeState.RETRACTED: Trigger.MISSING_RETRACTED}
DAYS_COUNTED_DOWN_TO = ("on", "sent_on", "review_on", "supervision_until", "due_on")
DAYS_COUNTED_FROM = ("sent_on", "taken_on", "due_on", "held_on")
READ_ONE_BY_ONE = {Trigger.TEXT_NEEDS_HUMAN, Trigger.CHILD_INFORMATION_RECEIVED}
"""Who has read one text has not read the next: each is a matter of its own."""
SETS_GOING_AGAIN = {
    Trigger.CHILD_RETURNED: go_on_after_return,
    Trigger.RETURN_RETRACTED: take_up_again,
    Trigger.CHILD_LOST_AGAIN: ask_again,
    Trigger.MISSING_RETRACTED: go_on,
}
NO_HUMAN_NEEDED = frozenset({Topic.DECISIONS, Topic.EVIDENCE, Topic.DEAD_LETTERS})


def decide(
    case: Case, happened: Happened, facts: Facts, protocols: Protocols, now: datetime, joined: Case | None = None
) -> Decision:
    """The same arguments give the same decision, ids included. `now` is story time. Leaves `case` as it was.

    `joined` is the case of a provisional child who has been identified as this child.
    """
    draft = Draft(case, happened, facts, protocols, now, joined)
    content = happened.content
    if isinstance(content, Outcome):
        apply_outcome(draft, content)
    elif isinstance(content, DutyStepDue):
        _read_step_due(draft, content)
    elif isinstance(content, RuleDue):
        apply_due_rule(draft, content)
    elif isinstance(content, MessageDeadLettered) and content.original_kind is not None:
        _read_dead_letter(draft, content)
    else:
        _read_event(draft)
    _follow_up(draft)
    return decision_of(draft)


def _read_event(draft: Draft) -> None:
    happened = draft.happened
    if happened.key in draft.heard:
        # The child may be missing again by now: read again, the same event would mean something else.
        draft.note(Verdict.ALREADY_SO)
        return
    draft.remember(happened.key)
    waited = frozenset(draft.waiting)
    cause = Cause(
        id=happened.key,
        time=_cause_time(happened),
        person=draft.speaker or getattr(happened.content, "contact", None),
        words=getattr(happened.content, "words", ()),
        exercise=happened.exercise,
        owner=getattr(happened.content, "owner", None),
        day=_day_of(happened),
        matter=getattr(happened.content, "matter", ""),
        last_seen_at=getattr(happened.content, "last_seen_at", None),
        reporter=_reporter_of(happened),
    )
    readings = episodes.read(draft)
    for reading in readings:
        name = None if reading.episode is None else reading.episode.episode
        if reading.verdict is not None:
            draft.note(reading.verdict, episode=name)
        if reading.trigger is None:
            continue
        stand_down(draft, reading.trigger, reading.episode)
        if reading.trigger in SETS_GOING_AGAIN and reading.episode is not None:
            SETS_GOING_AGAIN[reading.trigger](draft, reading.episode)
        protocol = draft.protocol_for(reading.episode)
        behind = _cause_behind(draft, reading, cause)
        rules = find_rules(protocol, reading.trigger, {each.trigger for each in readings})
        apply_rules(draft, rules, protocol, reading.episode, behind)
    if any(reading.trigger == Trigger.WATCH_OPENED for reading in readings):
        draft.opens_watch = None  # It is one watch, though several readings may open it.
    if not draft.decided and draft.waiting.keys() - waited:
        draft.note(Verdict.WAITS)


def _cause_behind(draft: Draft, reading: Reading, cause: Cause) -> Cause:
    if reading.trigger in READ_ONE_BY_ONE:
        return cause.model_copy(update={"matter": draft.happened.key})
    if reading.trigger == Trigger.WATCH_OPENED:
        return _count_from_watch(draft, cause)
    if reading.trigger == Trigger.EPISODE_MOVED and reading.episode is not None:
        before = draft.before(reading.episode)
        return (
            cause
            if before and before.force == reading.episode.force
            else _with_words_told(draft, reading.episode, cause)
        )
    return cause


def _with_words_told(draft: Draft, episode: Episode, cause: Cause) -> Cause:
    """Adds what the forces before were told, so that the new one has the report too: the move itself says nothing."""
    told = [each for each in draft.duties.values() if (each.episode, each.role) == (episode.episode, CONTROL_ROOM)]
    words = dict.fromkeys(name for each in [*(duty.cause for duty in told), cause] for name in each.words)
    return cause.model_copy(update={"words": tuple(words)})


def _count_from_watch(draft: Draft, cause: Cause) -> Cause:
    """Counts a watch's days from the one on which it began, not from an earlier day of the decision behind it."""
    began = morning_of(day_in_england(draft.watched_since or draft.happened.time))
    return cause.model_copy(update={"time": max(cause.time, began)})


def _reporter_of(happened: Happened) -> UUID | None:
    """The agency for an agency's report; for any other the placement, or else the person who made it."""
    content = happened.content
    if not isinstance(content, ChildReportedMissing):
        return None
    of_agency = happened.source if content.channel == "agency" else None
    named = of_agency or content.placement or content.said_by
    return None if named is None else derived("reporter", named, str(happened.exercise))


def _day_of(happened: Happened) -> date | None:
    """The day that a rule counts down to. A review that names no day is due now."""
    named = _first_of(DAYS_COUNTED_DOWN_TO, happened.content)
    is_now = named is None and isinstance(happened.content, ReviewDue)
    return day_in_england(happened.time) if is_now else named


def _cause_time(happened: Happened) -> datetime:
    """Periods run from the day that the event names: a letter sent, a photograph taken, a discussion held. Of a grade
    they run from the moment at which police look at it again.
    """
    content = happened.content
    if isinstance(content, PoliceRiskGraded) and content.review_at is not None:
        return content.review_at
    day = _first_of(DAYS_COUNTED_FROM, content)
    return happened.time if day is None else morning_of(day)


def _first_of(fields: Iterable[str], content: Message) -> date | None:
    return next(filter(None, (getattr(content, name, None) for name in fields)), None)


def _read_step_due(draft: Draft, event: DutyStepDue) -> None:
    duty = draft.duties.get(event.duty)
    if duty is None or duty.next is None or duty.deadline_version != event.version:
        draft.note(Verdict.OUTGROWN, episode=None if duty is None else duty.episode, duty=event.duty)
        return
    take_due_step(draft, duty)


def _read_dead_letter(draft: Draft, letter: MessageDeadLettered) -> None:
    """Counts a telling that its service could not process as failed. An unread record needs no duty."""
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
                    reason="undeliverable",
                )
                apply_outcome(draft, failure)
                return
    _read_event(draft)


def _follow_up(draft: Draft) -> None:
    """Applies rules set off by changed duties, and gives the all-clear if a withdrawn telling arrived after all."""
    while draft.became:
        name, becomes = draft.became.pop(0)
        duty = draft.duties[name]
        episode, protocol = draft.episode_of(duty.episode), draft.protocols.of(duty.protocol)
        if becomes == "acknowledged" and wants_officer(draft, duty):
            stand_down(draft, Trigger.POLICE_ACKNOWLEDGED, episode)
        apply_rules(draft, protocol.on_duty(duty.rule, becomes), protocol, episode, _cause_of(draft, duty))
    _open_watch(draft)
    _open_episode(draft)
    for name, step in draft.late:
        duty = draft.duties[name]
        episode, telling = draft.episode_of(duty.episode), duty.telling(step)
        if episode is not None and telling is not None and episode.state in ALL_CLEAR:
            _give_all_clear(draft, episode, duty, telling)


def _open_watch(draft: Draft) -> None:
    """Opens the watch of a rule: a date that raises the risk has come, such as the end of leave."""
    cause = draft.opens_watch
    if cause is None:
        return
    draft.watched_since = draft.now
    stand_down(draft, Trigger.WATCH_OPENED, None)
    current = draft.protocols.current
    apply_rules(draft, current.on(Trigger.WATCH_OPENED), current, None, cause.model_copy(update={"time": draft.now}))


def _open_episode(draft: Draft) -> None:
    """A child who was away is reported missing: by the rule's time, or because it is at risk."""
    cause = draft.opens_episode
    if cause is None or draft.open_episode is not None:
        return
    opened = open_episode(draft)
    protocol = draft.protocol_for(opened)
    for trigger in (Trigger.CHILD_REPORTED_MISSING, Trigger.EPISODE_COUNTED):
        stand_down(draft, trigger, opened)
        apply_rules(draft, protocol.on(trigger), protocol, opened, cause.model_copy(update={"time": draft.now}))


def _cause_of(draft: Draft, duty: DutyOfCase) -> Cause:
    return Cause(id=draft.happened.key, time=draft.happened.time, exercise=duty.cause.exercise)


def _give_all_clear(draft: Draft, episode: Episode, duty: DutyOfCase, telling: Telling) -> None:
    recipient = recipient_of(draft, episode, duty, telling)
    protocol = draft.protocol_for(episode)
    for rule in protocol.on(ALL_CLEAR[episode.state]):
        meant = (
            rule.tell == Role.EVERYONE_TOLD and is_among(rule, recipient) and recipient in everyone_told(draft, episode)
        )
        if meant and not _on_its_way(draft, rule, episode, recipient):
            make_duty(draft, rule, protocol, episode, _cause_of(draft, duty), recipient)


def _on_its_way(draft: Draft, rule: Rule, episode: Episode, recipient: Recipient) -> bool:
    """Whether the same all-clear is on its way: it arrives after the withdrawn telling, so no second one is needed."""
    return any(
        each.goes_on
        and (each.rule, each.episode, each.role, each.refers_to, each.force)
        == (rule.id, episode.episode, recipient.role, recipient.refers_to, recipient.force)
        and each.tellings[0].state == "told"
        for each in draft.duties.values()
    )


@dataclass(frozen=True, slots=True)
class Turn:
    """One fact, the case that it met, and what was decided upon it."""

    happened: Happened
    before: Case
    decision: Decision


def take_turns(
    case: Case, happened: Happened, facts: Facts, protocols: Protocols, now: datetime, joined: Case | None = None
) -> list[Turn]:
    """As `decide`, for each part of the message under its own id: the next one meets the case as this one left it.
    Evidence, such as an attempt, is decided upon by nobody.
    """
    turns: list[Turn] = []
    content = happened.content
    for part, name in zip(parts_of(content), part_ids(content, happened.id), strict=True):
        if isinstance(part, Evidence):
            continue
        alone = happened if part is content else replace(happened, content=part, id=name)
        turns.append(Turn(alone, case, decide(case, alone, facts, protocols, now, joined)))
        case = turns[-1].decision.case
    return turns


def sum_up(case: Case, turns: Sequence[Turn]) -> Decision:
    """One decision on the whole message. Each deadline, episode and duty is in it once, as the last turn left it.

    `case` is the one that the first turn met: a message without any part leaves it as it is.
    """
    if len(turns) == 1:
        return turns[0].decision
    whole = Decision(case=turns[-1].decision.case if turns else case)
    deadlines: dict[UUID, Deadline | None] = {}
    changes: dict[UUID, EpisodeChanged | DutyChanged] = {}
    for decision in (turn.decision for turn in turns):
        deadlines |= dict.fromkeys(decision.cancelled) | {each.deadline: each for each in decision.deadlines}
        changes |= {each.duty if isinstance(each, DutyChanged) else each.episode: each for each in decision.changes}
        whole.duties += decision.duties
        whole.decided += decision.decided
        whole.exercises |= decision.exercises
    whole.deadlines = [each for each in deadlines.values() if each is not None]
    whole.cancelled = [name for name, each in deadlines.items() if each is None]
    whole.changes = list(changes.values())
    return whole
