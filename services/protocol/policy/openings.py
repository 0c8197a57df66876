"""How an episode opens, and which one a word is about: by the word's own time, what is older than an end says nothing of what came after."""

from datetime import datetime
from typing import Any
from uuid import UUID

from services.protocol.policy.case import Episode
from services.protocol.policy.draft import Draft
from services.safeguarding.decisions import OVER
from services.safeguarding.identifiers import PlacementId, derived

OPENINGS_KEPT = 30


def name_of(draft: Draft) -> UUID:
    """Of the episode that this event would open."""
    return derived("episode", draft.child, draft.happened.key)


def open_episode(draft: Draft, *, placement: PlacementId | None = None, **more: Any) -> Episode:
    """By the protocol that is in force now, which holds for the whole episode. `more`: what the event says of it."""
    happened = draft.happened
    _forget_what_is_over(draft)
    opened = Episode(
        episode=name_of(draft),
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
    draft.keep(opened=(*draft.record.opened[1 - OPENINGS_KEPT :], happened.time))
    return draft.put_episode(opened)


def _forget_what_is_over(draft: Draft) -> None:
    """A case would grow for ever. Answered duties of closed episodes are kept by the audit, not here. What still waits is asked."""
    over = {each.episode for each in draft.episodes.values() if each.state in OVER}
    draft.duties = {
        key: each for key, each in draft.duties.items() if each.episode not in over or each.next_at is not None
    }
    draft.waiting = {
        key: each for key, each in draft.waiting.items() if each.episode not in over or each.stood_down is None
    }


def over_since(draft: Draft, found: Episode | None) -> Episode | None:
    """The earlier episode that this is about, which ended only after it: of the one found, which opened later, it says nothing.

    Of a report and an end of one moment the one heard last holds, unless an episode has opened since.
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
