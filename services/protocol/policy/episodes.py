"""What an event means for the child's episode. By the event's own time: what is older than a return reopens nothing."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from services.protocol.policy import care, decisions, discussions, moving, replies
from services.protocol.policy.case import OPEN_STATES, Episode, Report
from services.protocol.policy.draft import Draft
from services.protocol.policy.replies import Reading
from services.protocol.policy.sightings import newest_sighting
from services.protocol.policy.vocabulary import Trigger
from services.safeguarding import contact_events, events
from services.safeguarding.decisions import OVER, EpisodeState, MessageDeadLettered, Verdict
from services.safeguarding.identifiers import derived
from services.safeguarding.message import Message

OPENINGS_KEPT = 30


def read(draft: Draft) -> list[Reading]:
    """Moves the episode to where the event puts it, and says what the event has turned out to be."""
    readings = _READERS[type(draft.happened.content)](draft, draft.happened.content)
    closed = [_close(draft, each.episode) for each in readings if each.episode is not None]
    return [*readings, *(each for each in closed if each is not None)]


def _missing(draft: Draft, event: events.ChildReportedMissing) -> list[Reading]:
    happened = draft.happened
    report = () if draft.speaker is None else (Report(event=happened.key, person=draft.speaker, at=happened.time),)
    known = _reported_before(draft)
    if known is not None:
        return [Reading(None, known, Verdict.ALREADY_SO)]
    found = draft.open_episode
    earlier = _over_since(draft, found)
    if earlier is not None:
        return [Reading(None, earlier, Verdict.TOO_OLD)]
    if found is not None:
        added = _added(draft, found, report, event.last_seen_at)
        lost_again = found.state == EpisodeState.LOCATED and added.state == EpisodeState.MISSING
        return [
            Reading(Trigger.REPORT_ADDED, added),
            *([Reading(Trigger.CHILD_LOST_AGAIN, added)] if lost_again else []),
        ]
    if draft.returned_at is not None and happened.time < draft.returned_at:
        return [Reading(Trigger.REPORT_LATE, None)]
    _forget_what_is_over(draft)
    opened = Episode(
        episode=_name(draft),
        protocol=draft.protocols.current.hash,
        authority=draft.facts.authority,
        force=draft.facts.force,
        placement=event.placement or draft.facts.placement,
        candidates=event.candidates,
        exercise=happened.exercise,
        opened_at=happened.time,
        last_report_at=happened.time,
        reports=report,
        last_seen_at=_last_seen(draft, None, event.last_seen_at),
        immigration_control_unknown=draft.facts.subject_to_immigration_control is None,
        no_guardian_known=not draft.facts.guardian_allocated,
    )
    draft.keep(opened=(*draft.record.opened[1 - OPENINGS_KEPT :], happened.time))
    draft.put_episode(opened)
    return [Reading(Trigger.CHILD_REPORTED_MISSING, opened), Reading(Trigger.EPISODE_COUNTED, opened)]


def _name(draft: Draft) -> UUID:
    return derived("episode", draft.child, draft.happened.key)


def _reported_before(draft: Draft) -> Episode | None:
    """The episode that this very report opened or was added to. It may be over by now, and must not begin again."""
    opened = draft.episode_of(_name(draft))
    if opened is not None:
        return opened
    key = draft.happened.key
    return next((each for each in draft.episodes.values() if any(one.event == key for one in each.reports)), None)


def _over_since(draft: Draft, found: Episode | None) -> Episode | None:
    """The earlier episode that this is about, which ended only after it: of the one found, which opened later, it says nothing.

    Of a report and an end of one moment the one heard last holds, unless an episode has opened since.
    """
    time = draft.happened.time
    if found is not None and time >= found.opened_at:
        return None
    for each in draft.episodes.values():
        if each.exercise != draft.happened.exercise or each == found or each.over_at is None:
            continue
        if time < each.over_at or (found is not None and time == each.over_at):
            return each
    return None


def _last_seen(draft: Draft, known: datetime | None, told: datetime | None) -> datetime | None:
    return newest_sighting(known, told, until=max(draft.now, draft.happened.time))


def _added(draft: Draft, found: Episode, report: tuple[Report, ...], last_seen_at: datetime | None) -> Episode:
    time = draft.happened.time
    lost_again = found.located_at is not None and time > found.located_at
    return draft.put_episode(
        found.model_copy(
            update={
                "reports": found.reports + report,
                "last_report_at": max(found.last_report_at, time),
                "last_seen_at": _last_seen(draft, found.last_seen_at, last_seen_at),
                "state": EpisodeState.MISSING if lost_again else found.state,
            }
        )
    )


def _forget_what_is_over(draft: Draft) -> None:
    """A case would grow for ever. Answered duties of closed episodes are kept by the audit, not here. What still waits is asked."""
    over = {each.episode for each in draft.episodes.values() if each.state in OVER}
    draft.duties = {
        key: each for key, each in draft.duties.items() if each.episode not in over or each.next_at is not None
    }
    draft.waiting = {
        key: each for key, each in draft.waiting.items() if each.episode not in over or each.stood_down is None
    }


def _of_another(
    draft: Draft, event: events.ToldOfEpisode, found: Episode | None, unverified: Trigger
) -> list[Reading] | None:
    """None where it is about the one found, by its time and as far as it names one. What is older than that one says nothing of it;
    of what came about later and names another, a person finds out which was meant.
    """
    earlier = None if found is None else _over_since(draft, found)
    if earlier is not None:
        return [Reading(None, earlier, Verdict.TOO_OLD)]
    named = draft.episode_named(event.episode)
    if event.episode is None or found is None or (named is not None and named.episode == found.episode):
        return None
    if draft.happened.time < found.opened_at:
        return [Reading(None, named, Verdict.TOO_OLD)]
    return [Reading(unverified, found, Verdict.UNVERIFIED)]


def _located(draft: Draft, event: events.ChildLocated) -> list[Reading]:
    found = draft.open_episode
    another = _of_another(draft, event, found, Trigger.RETURN_UNVERIFIED)
    if another is not None:
        return another
    if found is None:
        return [Reading(None, None, Verdict.ALREADY_SO)]
    if draft.happened.time < found.last_report_at:
        return [Reading(None, found, Verdict.TOO_OLD)]
    if found.state == EpisodeState.LOCATED:
        # Where the child is now may be another place: whoever goes there has to know.
        return [Reading(Trigger.CHILD_INFORMATION_RECEIVED if event.words else None, found, Verdict.ALREADY_SO)]
    located = found.model_copy(update={"state": EpisodeState.LOCATED, "located_at": draft.happened.time})
    return [Reading(Trigger.CHILD_LOCATED, draft.put_episode(located))]


def _returned(draft: Draft, event: events.ChildReturned) -> list[Reading]:
    found, time = draft.open_episode, draft.happened.time
    if found is None:
        if event.proof is not None and not draft.happened.exercise:
            draft.returned_at = max(filter(None, (draft.returned_at, time)))
        return [Reading(None, draft.latest, Verdict.ALREADY_SO if event.proof is not None else Verdict.UNVERIFIED)]
    another = _of_another(draft, event, found, Trigger.RETURN_UNVERIFIED)
    if another is not None:
        return another
    if event.proof is None or time < found.last_report_at:
        return [Reading(Trigger.RETURN_UNVERIFIED, found, Verdict.UNVERIFIED)]
    returned = found.model_copy(update={"state": EpisodeState.RETURNED, "returned_at": time})
    return [Reading(Trigger.CHILD_RETURNED, draft.put_episode(returned))]


def _retracted(draft: Draft, event: events.ReportRetracted) -> list[Reading]:
    found, time = draft.latest, draft.happened.time
    another = _of_another(draft, event, found, Trigger.RETRACTION_UNVERIFIED)
    if another is not None:
        return another
    nobody_we_know = event.channel == "text" and event.said_by is None
    on_others_word = event.retracts == "missing" and event.proof is None
    if nobody_we_know or on_others_word or found is None:
        return [Reading(Trigger.RETRACTION_UNVERIFIED, found, Verdict.UNVERIFIED)]
    if event.retracts == "return":
        return [_return_retracted(draft, found)]
    if found.state in OVER:
        return [Reading(None, found, Verdict.ALREADY_SO)]
    if time < found.last_report_at:
        return [Reading(Trigger.RETRACTION_UNVERIFIED, found, Verdict.UNVERIFIED)]
    ended = found.model_copy(update={"state": EpisodeState.RETRACTED, "ended_at": time})
    draft.keep(opened=tuple(each for each in draft.record.opened if each != found.opened_at))
    return [Reading(Trigger.MISSING_RETRACTED, draft.put_episode(ended))]


def _return_retracted(draft: Draft, found: Episode) -> Reading:
    if found.state in OPEN_STATES:
        return Reading(None, found, Verdict.ALREADY_SO)
    if found.state != EpisodeState.RETURNED or found.returned_at is None:
        return Reading(Trigger.RETRACTION_UNVERIFIED, found, Verdict.UNVERIFIED)
    if draft.happened.time < found.returned_at:
        return Reading(None, found, Verdict.TOO_OLD)
    # Whoever says so says that the child is missing still: what is older, the mistaken return and what followed it included, is outdone.
    again = found.model_copy(
        update={
            "state": EpisodeState.MISSING,
            "returned_at": None,
            "last_report_at": draft.happened.time,
            "met": frozenset(),
            "interview_offered": False,
        }
    )
    return Reading(Trigger.RETURN_RETRACTED, draft.put_episode(again))


def _close(draft: Draft, episode: Episode) -> Reading | None:
    found = draft.episodes[episode.episode]
    closing = set(draft.protocol_for(found).closing)
    if found.state != EpisodeState.RETURNED or not closing <= found.met:
        return None
    return Reading(Trigger.EPISODE_CLOSED, draft.put_episode(found.model_copy(update={"state": EpisodeState.CLOSED})))


def _plain(trigger: Trigger) -> Callable[[Draft, Any], list[Reading]]:
    return lambda draft, _event: [Reading(trigger, draft.open_episode)]


_READERS: dict[type[Message], Callable[[Draft, Any], list[Reading]]] = {
    **decisions.READERS,
    **care.READERS,
    **moving.READERS,
    events.ChildReportedMissing: _missing,
    events.ChildInformationReceived: _plain(Trigger.CHILD_INFORMATION_RECEIVED),
    events.ChildLocated: _located,
    events.ChildReturned: _returned,
    events.ChildReturnClaimed: _plain(Trigger.CHILD_RETURN_CLAIMED),
    events.MissingRetractionClaimed: _plain(Trigger.MISSING_RETRACTION_CLAIMED),
    events.ChildLocationClaimed: _plain(Trigger.CHILD_LOCATION_CLAIMED),
    events.ReportRetracted: _retracted,
    events.SafeAndWellCheckRecorded: replies.check_recorded,
    events.ReturnInterviewRecorded: replies.interview_recorded,
    events.ChildLuringSuspected: _plain(Trigger.CHILD_LURING_SUSPECTED),
    events.LocationEnquiryReceived: _plain(Trigger.LOCATION_ENQUIRY_RECEIVED),
    events.PoliceAcknowledged: replies.police_reply(Trigger.POLICE_ACKNOWLEDGED),
    events.PoliceReferenceGiven: replies.police_reply(Trigger.POLICE_REFERENCE_GIVEN, reference_known=True),
    events.PoliceRiskGraded: replies.risk_graded,
    events.PoliceClosed: replies.police_closed,
    events.PoliceNoticeHasGaps: replies.police_reply(Trigger.POLICE_NOTICE_HAS_GAPS),
    events.PoliceListDiffers: replies.police_reply(Trigger.POLICE_LIST_DIFFERS),
    events.PoliceReferenceTexted: replies.reference_texted,
    events.TextNeedsHuman: _plain(Trigger.TEXT_NEEDS_HUMAN),
    events.ChildProvisional: _plain(Trigger.CHILD_PROVISIONAL),
    contact_events.ContactUnreachable: _plain(Trigger.CONTACT_UNREACHABLE),
    contact_events.ContactListed: _plain(Trigger.CONTACT_LISTED),
    contact_events.ContactUnlisted: _plain(Trigger.CONTACT_UNLISTED),
    **discussions.READERS,
    MessageDeadLettered: _plain(Trigger.MESSAGE_DEAD_LETTERED),
}
READ = frozenset(_READERS)
"""The events that a case is changed by."""
