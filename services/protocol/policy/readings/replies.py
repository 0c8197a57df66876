"""Reads replies about an episode: police references, grades and closings, safe and well checks, return interviews."""

from services.protocol.policy.case import OPEN_STATES, Episode
from services.protocol.policy.draft import Draft, Reading
from services.protocol.policy.rule_language.vocabulary import Condition, Trigger
from services.safeguarding.child_events import events
from services.safeguarding.duty.decisions import EpisodeState, Verdict

GRADED = {
    events.RiskGrade.NO_APPARENT_RISK: Trigger.POLICE_GRADED_LOW,
    events.RiskGrade.LOW: Trigger.POLICE_GRADED_LOW,
    events.RiskGrade.HIGH: Trigger.POLICE_GRADED_HIGH,
}


def check_recorded(draft: Draft, event: events.SafeAndWellCheckRecorded) -> list[Reading]:
    return [
        Reading(Trigger.SAFE_AND_WELL_CHECK_RECORDED, _meet(draft, each, Condition.SAFE_AND_WELL_CHECK))
        for each in _find_covered(draft, event)
    ] or _too_old(draft, event)


def _find_covered(draft: Draft, event: events.ToldOfEpisode) -> list[Episode]:
    found = _after_return(draft) if event.episode is None else _up_to(draft, draft.episode_named(event.episode))
    if isinstance(event, events.ReturnInterviewRecorded) and event.covers == "this-absence":
        newest = max((each.opened_at for each in found), default=None)
        return [each for each in found if event.episode in {each.episode, None} and each.opened_at == newest]
    return found


def _too_old(draft: Draft, event: events.ToldOfEpisode) -> list[Reading]:
    return [] if event.episode is None else [Reading(None, draft.episode_named(event.episode), Verdict.TOO_OLD)]


def _up_to(draft: Draft, named: Episode | None) -> list[Episode]:
    """The episodes that a check or interview of this one counts for: earlier ones too, none that opened later, and this
    one even before its return.
    """
    if named is None:
        return []
    back = [
        each
        for each in _after_return(draft)
        if each.state == EpisodeState.RETURNED and each.opened_at <= named.opened_at and each != named
    ]
    return [*back, named] if named.state in (*OPEN_STATES, EpisodeState.RETURNED) else back


def interview_recorded(draft: Draft, event: events.ReturnInterviewRecorded) -> list[Reading]:
    readings = []
    for each in _find_covered(draft, event):
        offered = draft.put_episode(each.model_copy(update={"interview_offered": True}))
        readings.append(Reading(Trigger.RETURN_INTERVIEW_OFFERED, offered))
        if event.state != "offered":
            readings.append(Reading(Trigger.RETURN_INTERVIEW_DONE, _meet(draft, offered, Condition.RETURN_INTERVIEW)))
    return readings or _too_old(draft, event)


def _after_return(draft: Draft) -> list[Episode]:
    """One check or interview may cover several returns (practice). One before the return is of the open episode."""
    back = [
        each
        for each in draft.episodes.values()
        if each.state == EpisodeState.RETURNED and each.exercise == draft.happened.exercise
    ]
    found = back or ([] if draft.open_episode is None else [draft.open_episode])
    return [each for each in found if each.opened_at <= draft.happened.time]


def _meet(draft: Draft, episode: Episode, condition: Condition) -> Episode:
    return draft.put_episode(episode.model_copy(update={"met": episode.met | {condition}}))


def risk_graded(draft: Draft, event: events.PoliceRiskGraded) -> list[Reading]:
    found = draft.episode_meant(event.episode)
    if found is not None:
        found = draft.put_episode(found.model_copy(update={"grade": event.grade}))
    further = [GRADED.get(event.grade), None if event.review_at is None else Trigger.POLICE_REVIEW_SET]
    return [Reading(each, found) for each in (Trigger.POLICE_RISK_GRADED, *further) if each is not None]


def police_closed(draft: Draft, event: events.PoliceClosed) -> list[Reading]:
    found = draft.episode_meant(event.episode)
    return [Reading(Trigger.POLICE_CLOSED, None if found is None else _meet(draft, found, Condition.POLICE_CLOSED))]


def reference_given(draft: Draft, event: events.PoliceReferenceGiven | events.PoliceReferenceTexted) -> list[Reading]:
    """One that is unlike all earlier ones of its kind is a difference. A texted one is an incident's, from a call."""
    found, by_force = draft.episode_meant(event.episode), isinstance(event, events.PoliceReferenceGiven)
    triggers = [Trigger.POLICE_REFERENCE_GIVEN, *([] if by_force else [Trigger.POLICE_REFERENCE_TEXTED])]
    if found is not None:
        kind = event.reference_kind if isinstance(event, events.PoliceReferenceGiven) else events.ReferenceKind.INCIDENT
        earlier = {words for words, known in found.references.items() if known == kind}
        if earlier and earlier.issubset(draft.facts.unlike_references):
            own = [Trigger.POLICE_OWN_REFERENCE_DIFFERS] if by_force else []
            triggers += [Trigger.POLICE_REFERENCES_DIFFER, *own]
        given = found.references | dict.fromkeys(event.words, kind)
        found = draft.put_episode(found.model_copy(update={"reference_known": True, "references": given}))
    return [Reading(each, found) for each in triggers]
