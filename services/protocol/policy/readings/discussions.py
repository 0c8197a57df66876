"""Reads records of strategy discussions: held, called off, without a quorum, and the steps of their plans."""

from collections.abc import Iterable
from uuid import UUID

from services.protocol.policy.case import DutyOfCase, Episode, Waiting
from services.protocol.policy.draft import Draft, Reader, Reading
from services.protocol.policy.duties.steps import end
from services.protocol.policy.rule_language.vocabulary import Mark, Trigger
from services.safeguarding.child_events import discussion_events
from services.safeguarding.duty.decisions import EpisodeState
from services.safeguarding.duty.duties import Because
from services.safeguarding.message import Message

HELD = {"urgent": Trigger.STRATEGY_HELD_URGENT, "full": Trigger.STRATEGY_HELD_IN_FULL}
CALLED_OFF = {"urgent": Trigger.STRATEGY_CANCELLED_URGENT, "full": Trigger.STRATEGY_CANCELLED_IN_FULL}


def _read_held(draft: Draft, event: discussion_events.StrategyDiscussionHeld) -> list[Reading]:
    """A section 47 enquiry belongs to the child: its clock runs on when the episode is over, or another begins. A
    correction invites nobody again: it may start the enquiry. Nor does a second record of an urgent one, while what the
    first set off goes on: the full meeting is of both.
    """
    was_open = draft.record.has(Mark.SECTION_47)
    draft.mark(Mark.SECTION_47, draft.happened.time, on=event.section_47 != "no-enquiry")
    started = [Reading(Trigger.SECTION_47_STARTED)] if event.section_47 == "enquiry" else []
    if event.corrects_event is not None:
        return [] if was_open else started
    draft.keep(discussion_over_at=draft.now)
    found = _mark_over(draft, draft.episode_of_discussion(event.episode))
    going_on = [each for each in _holders(draft) if isinstance(each, Waiting) or each.goes_on]
    again = event.form == "urgent" and was_held(draft, None if found is None else found.episode, going_on)
    held = [] if again else [Reading(HELD[event.form], found)]
    return [Reading(Trigger.STRATEGY_DISCUSSION_HELD, found), *held, *started]


def _read_conference(draft: Draft, _event: Message) -> list[Reading]:
    draft.mark(Mark.SECTION_47, draft.happened.time, on=False)
    return [Reading(Trigger.CONFERENCE_HELD)]


def _read_step(draft: Draft, _event: Message) -> list[Reading]:
    """The plan outlives the episode. While the child is not back, its steps are to recover it."""
    recovers = [] if draft.open_episode is None else [Reading(Trigger.RECOVERY_STEP_SET, draft.open_episode)]
    return [Reading(Trigger.PLAN_STEP_SET), *recovers]


def _read_called_off(draft: Draft, event: discussion_events.StrategyDiscussionCancelled) -> list[Reading]:
    found = draft.episode_of_discussion(event.episode)
    if event.form != "full":
        draft.keep(discussion_over_at=draft.now)
        found = _call_off(draft, found)
    forms = CALLED_OFF if event.form is None else (event.form,)
    return [
        Reading(Trigger.STRATEGY_DISCUSSION_CANCELLED, found),
        *(Reading(CALLED_OFF[form], found) for form in forms),
    ]


def _call_off(draft: Draft, found: Episode | None) -> Episode | None:
    """One that is called off since the child is back or located may be called again: that may prove a mistake. What has
    been recorded was held, and the child needs no other.
    """
    if (
        found is None
        or was_held(draft, found.episode, _holders(draft))
        or found.state not in {EpisodeState.RETURNED, EpisodeState.LOCATED}
    ):
        return _mark_over(draft, found)
    for duty in list(draft.duties.values()):
        if duty.episode == found.episode and duty.invites_to_discussion:
            end(draft, duty, Because.SUPERSEDED)
    return draft.put_episode(found.model_copy(update={"discussion_over": False}))


def _holders(draft: Draft) -> list[DutyOfCase | Waiting]:
    return [*draft.duties.values(), *draft.waiting.values()]


def was_held(draft: Draft, episode: UUID | None, holders: Iterable[DutyOfCase | Waiting]) -> bool:
    """By what its record has set off: that nobody is asked for the record any more says nothing."""
    return any(each.episode == episode and Trigger.STRATEGY_HELD_URGENT in draft.rule_of(each).on for each in holders)


def _read_record_due(draft: Draft, event: discussion_events.StrategyRecordDue) -> list[Reading]:
    found = draft.episode_of_discussion(event.episode)
    return [Reading(Trigger.STRATEGY_RECORD_DUE, _mark_over(draft, found))]


def _mark_over(draft: Draft, found: Episode | None) -> Episode | None:
    return None if found is None else draft.put_episode(found.model_copy(update={"discussion_over": True}))


READERS: dict[type[Message], Reader] = {
    discussion_events.StrategyRecordDue: _read_record_due,
    discussion_events.StrategyDiscussionHeld: _read_held,
    discussion_events.StrategyDiscussionCancelled: _read_called_off,
    discussion_events.ChildProtectionConferenceHeld: _read_conference,
    discussion_events.PlanStepSet: _read_step,
}
