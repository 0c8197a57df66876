"""Opens episodes, and finds the earlier episode that an event is about, by the event's own time."""

from datetime import datetime
from typing import Any
from uuid import UUID

from services.protocol.policy.case import Episode
from services.protocol.policy.draft import Draft, Reading
from services.protocol.policy.rule_language.vocabulary import Condition, Mark, Trigger
from services.safeguarding.duty.decisions import OVER, EpisodeState
from services.safeguarding.identifiers import PlacementId, derived

OPENINGS_KEPT = 30


def episode_id(draft: Draft) -> UUID:
    """The id of the episode that this event would open."""
    return derived("episode", draft.child, draft.happened.key)


def open_episode(draft: Draft, *, placement: PlacementId | None = None, **more: Any) -> Episode:
    """Opens an episode under the protocol now in force, which holds for all of it. `more`: its further fields."""
    happened = draft.happened
    _forget_what_is_over(draft)
    opened = Episode(
        episode=episode_id(draft),
        protocol=draft.protocols.current.hash,
        authority=draft.facts.authority,
        force=draft.facts.force,
        placement=placement or draft.facts.placement,
        exercise=happened.exercise,
        opened_at=happened.time,
        last_report_at=happened.time,
        immigration_control_unknown=draft.facts.subject_to_immigration_control is None,
        no_guardian_known=not draft.facts.guardian_allocated,
        **more,
    )
    if draft.record.has(Mark.AWAY):
        draft.mark(Mark.AWAY, happened.time, on=False)
    draft.keep(opened=(*draft.record.opened[1 - OPENINGS_KEPT :], happened.time))
    return draft.put_episode(opened)


def _forget_what_is_over(draft: Draft) -> None:
    """Keeps the case small: drops ended duties of closed episodes (the audit has them). Waiting ones stay."""
    over = {each.episode for each in draft.episodes.values() if each.state in OVER}
    draft.duties = {
        key: each for key, each in draft.duties.items() if each.episode not in over or each.next_at is not None
    }
    draft.waiting = {
        key: each for key, each in draft.waiting.items() if each.episode not in over or each.stood_down is None
    }


def find_earlier_episode(draft: Draft, found: Episode | None) -> Episode | None:
    """The earlier episode that the event is about, since it ended only after the event. None: the event is about
    `found`.

    Of a report and an end at one moment the one heard last holds, unless an episode has opened since.
    """
    time: datetime = draft.happened.time
    if found is not None and time >= found.opened_at:
        return None
    for each in draft.episodes.values():
        if each.exercise != draft.happened.exercise or each == found or each.over_at is None:
            continue
        if time < each.over_at or (found is not None and time == each.over_at):
            return each
    return None


def lose_again(found: Episode, reported_at: datetime) -> dict[str, Any]:
    """What a report changes of a located child's episode; nothing, where it is older than the finding. A check or an
    interview from before is of no return, and a force that had closed its case has yet to close it again.
    """
    if found.state is not EpisodeState.LOCATED or found.located_at is None or reported_at <= found.located_at:
        return {}
    return {"state": EpisodeState.MISSING, "met": frozenset(), "interview_offered": False}


def read_lost_again(before: Episode, now: Episode) -> list[Reading]:
    """Nothing, unless a located child is missing again. A force that had closed its case as found closed it on a child
    who is missing.
    """
    if before.state is not EpisodeState.LOCATED or now.state is not EpisodeState.MISSING:
        return []
    closed = [Reading(Trigger.POLICE_CLOSED, now)] if Condition.POLICE_CLOSED in before.met else []
    return [Reading(Trigger.CHILD_LOST_AGAIN, now), *closed]
