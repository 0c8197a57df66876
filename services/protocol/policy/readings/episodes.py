"""Reads each event by its own time: an event that is older than a return reopens nothing."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from services.protocol.policy.case import Episode, Report, newest_sighting
from services.protocol.policy.draft import Draft, Reader, Reading
from services.protocol.policy.readings import care, discussions, endings, moves, replies
from services.protocol.policy.readings.openings import (
    episode_id,
    find_earlier_episode,
    lose_again,
    open_episode,
    read_lost_again,
)
from services.protocol.policy.rule_language.vocabulary import Mark, Trigger
from services.safeguarding.child_events import events
from services.safeguarding.contracts import contracts
from services.safeguarding.duty.decisions import EpisodeState, Verdict
from services.safeguarding.message import Message

PLAIN_EVENTS = yaml.load(Path(__file__).with_name("plain_events.yaml").read_text(), yaml.CSafeLoader)
FOUND: Mapping[str, Callable[[Draft, Any], Episode | None]] = {
    "the-child": lambda _draft, _event: None,
    "the-open-episode": lambda draft, _event: draft.open_episode,
    "the-episode-meant": lambda draft, event: draft.episode_meant(event.episode),
    "the-discussion-s-episode": lambda draft, event: (
        draft.open_episode if event.episode is None else draft.episode_named(event.episode)
    ),
}


def read(draft: Draft) -> list[Reading]:
    """Changes the child's episodes as the event says, and returns the triggers that it amounts to."""
    readings = _READERS[type(draft.happened.content)](draft, draft.happened.content)
    closed = [_close(draft, each.episode) for each in readings if each.episode is not None]
    return [*readings, *(each for each in closed if each is not None)]


def _read_missing(draft: Draft, event: events.ChildReportedMissing) -> list[Reading]:
    happened = draft.happened
    report = () if draft.speaker is None else (Report(event=happened.key, person=draft.speaker, at=happened.time),)
    known = _find_known_report(draft)
    if known is not None:
        return [Reading(None, known, Verdict.ALREADY_SO)]
    found = draft.open_episode
    earlier = find_earlier_episode(draft, found)
    if earlier is not None:
        return [_read_late_report(draft, earlier, report)]
    if found is not None:
        added = _add_report(draft, found, report, event.last_seen_at)
        return [Reading(Trigger.REPORT_ADDED, added), *read_lost_again(found, added)]
    if draft.returned_at is not None and happened.time < draft.returned_at:
        return [Reading(Trigger.REPORT_LATE)]
    if event.status == "away-without-authorisation":
        draft.mark(Mark.AWAY, happened.time)
        return [Reading(Trigger.CHILD_AWAY)]
    opened = open_episode(
        draft,
        placement=event.placement,
        candidates=event.candidates,
        reports=report,
        last_seen_at=_last_seen(draft, None, event.last_seen_at),
    )
    return [Reading(Trigger.CHILD_REPORTED_MISSING, opened), Reading(Trigger.EPISODE_COUNTED, opened)]


def _read_late_report(draft: Draft, earlier: Episode, report: tuple[Report, ...]) -> Reading:
    """A report of an absence that is over reopens nothing, and a person looks into it: the end may have been recorded
    long after the child came, and left again. A child who is missing again is searched for already.
    """
    if draft.open_episode is not None and not earlier.unreported:
        return Reading(None, earlier, Verdict.TOO_OLD)
    reported = draft.put_episode(earlier.model_copy(update={"reports": earlier.reports + report}))
    return Reading(Trigger.REPORT_LATE, reported, Verdict.TOO_OLD)


def _find_known_report(draft: Draft) -> Episode | None:
    """The episode that this same report opened or was added to. It may be over by now, and must not begin again."""
    opened = draft.episode_of(episode_id(draft))
    if opened is not None:
        return opened
    key = draft.happened.key
    return next((each for each in draft.episodes.values() if any(one.event == key for one in each.reports)), None)


def _last_seen(draft: Draft, known: datetime | None, told: datetime | None) -> datetime | None:
    return newest_sighting(known, told, until=max(draft.now, draft.happened.time))


def _add_report(draft: Draft, found: Episode, report: tuple[Report, ...], last_seen_at: datetime | None) -> Episode:
    time = draft.happened.time
    return draft.put_episode(
        found.model_copy(
            update={
                "reports": found.reports + report,
                "last_report_at": max(found.last_report_at, time),
                "last_seen_at": _last_seen(draft, found.last_seen_at, last_seen_at),
                "news_at": draft.now,
                "claims": tuple(each for each in found.claims if each.at > time),
            }
            | lose_again(found, time)
        )
    )


def _read_information(draft: Draft, _event: Message) -> list[Reading]:
    found = draft.open_episode
    if found is not None:
        found = draft.put_episode(found.model_copy(update={"news_at": draft.now}))
    return [Reading(Trigger.CHILD_INFORMATION_RECEIVED, found)]


def _close(draft: Draft, episode: Episode) -> Reading | None:
    found = draft.episodes[episode.episode]
    closing = set(draft.protocol_for(found).closing)
    if found.state != EpisodeState.RETURNED or not closing <= found.met:
        return None
    return Reading(Trigger.EPISODE_CLOSED, draft.put_episode(found.model_copy(update={"state": EpisodeState.CLOSED})))


def _set_off(trigger: Trigger, find: Callable[[Draft, Any], Episode | None]) -> Reader:
    return lambda draft, event: [Reading(trigger, find(draft, event))]


_READERS: dict[type[Message], Reader] = {
    **care.DECISION_READERS,
    **care.READERS,
    **moves.READERS,
    **endings.READERS,
    events.ChildReportedMissing: _read_missing,
    events.ChildInformationReceived: _read_information,
    events.SafeAndWellCheckRecorded: replies.check_recorded,
    events.ReturnInterviewRecorded: replies.interview_recorded,
    events.PoliceReferenceGiven: replies.reference_given,
    events.PoliceRiskGraded: replies.risk_graded,
    events.PoliceClosed: replies.police_closed,
    events.PoliceReferenceTexted: replies.reference_given,
    **discussions.READERS,
    **{
        contracts()[f"{name}.v1"]: _set_off(Trigger(name), FOUND[of])
        for of, names in PLAIN_EVENTS.items()
        for name in names
    },
}
READ = frozenset(_READERS)
"""The events that change a case."""
