"""Reads that a child is back, found or was never missing. Proof ends or changes the episode; a claim only informs.

Nothing ends, is withdrawn or is weakened on less than proof (docs/decisions/0039). A claim that nobody has proved is
kept and told to those who search; it never does more.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from services.protocol.policy.case import OPEN_STATES, Claim, Episode, Report
from services.protocol.policy.draft import Draft, Reader, Reading
from services.protocol.policy.duties.steps import end
from services.protocol.policy.readings.openings import find_earlier_episode, open_episode
from services.protocol.policy.readings.replies import GRADED
from services.protocol.policy.rule_language.vocabulary import Condition, Mark, Trigger
from services.safeguarding.child_events import events
from services.safeguarding.child_events.events import Proof
from services.safeguarding.duty.decisions import OVER, EpisodeState, Verdict
from services.safeguarding.duty.duties import Because
from services.safeguarding.message import Message
from services.safeguarding.roles import Wording

What: TypeAlias = Literal["return", "retraction", "location"]

STANDS_FOR = timedelta(minutes=10)
"""How long the code that confirms a claim is valid, and how long the same claim is not told again."""
TOLD: dict[What, Trigger] = {
    "return": Trigger.CHILD_RETURN_CLAIMED,
    "retraction": Trigger.MISSING_RETRACTION_CLAIMED,
    "location": Trigger.CHILD_LOCATION_CLAIMED,
}
OVERTAKEN: dict[What, Trigger] = {
    "return": Trigger.RETURN_UNVERIFIED,
    "retraction": Trigger.RETRACTION_UNVERIFIED,
    "location": Trigger.RETURN_UNVERIFIED,
}
"""The child was said to be missing after the claim: a person finds out the truth."""


def record_claim(draft: Draft, found: Episode, what: What) -> list[Reading]:
    """Keeps a claim about an open episode. Searchers hear it once in ten minutes; the claimant is asked to confirm."""
    time, person = draft.happened.time, draft.speaker
    if time < found.last_report_at:
        return [Reading(OVERTAKEN[what], found, Verdict.UNVERIFIED)]
    heard = [each for each in found.claims if each.what == what and abs(time - each.at) < STANDS_FOR]
    if any(each.person == person for each in heard) or (heard and what == "location"):
        return [pass_over(found)]
    mine = Claim(what=what, person=person, at=time)
    kept = tuple(each for each in found.claims if time < each.at + STANDS_FOR)
    found = draft.put_episode(found.model_copy(update={"claims": (*kept, mine)}))
    return [Reading(Trigger.CLAIM_SECONDED if heard else TOLD[what], found, Verdict.UNVERIFIED)]


def pass_over(found: Episode) -> Reading:
    return Reading(None, found, Verdict.ALREADY_SO)


Ending: TypeAlias = events.ChildReturned | events.ChildLocated | events.ReportRetracted

FITS: Mapping[str, Proof] = {
    "text": Proof.HANDSET,
    "force": Proof.FORCE,
    "agency": Proof.AGENCY,
    "console": Proof.PERSON,
    "page": Proof.PERSON,
}
"""Which proof may come by which channel. Any other counts as none: the channel cannot show it."""


def is_proven(draft: Draft, event: Ending, episode: Episode | None) -> bool:
    """An exercise needs no proof: nobody searches, and it never touches a real episode."""
    if draft.happened.exercise:
        return True
    if event.proof is Proof.WORD:
        return is_word_enough(draft, episode)
    return event.proof is not None and FITS.get(event.channel) is event.proof


def is_word_enough(draft: Draft, episode: Episode | None) -> bool:
    """Whether the authority's rules take a carer's word, and the register names the speaker as this child's carer."""
    if draft.protocol_for(episode).stand_down.by_text != "word":
        return False
    return draft.speaker is not None and draft.speaker in (draft.facts.carers or ())


LURED = Wording("luring-suspected")
SAID_OF_GRADE = {
    Trigger.POLICE_GRADED_LOW: Wording("grade-questioned"),
    Trigger.POLICE_GRADED_HIGH: Wording("graded-high"),
}
SAID_AGAIN_WITHIN = timedelta(hours=12)
"""A return that is said later than this after an end is of another absence, which nobody reported."""


def _read_located(draft: Draft, event: events.ChildLocated) -> list[Reading]:
    found = draft.open_episode
    return _locate(draft, event, found) if is_proven(draft, event, found) else _read_location_claimed(draft, event)


def _locate(draft: Draft, event: events.ToldOfEpisode, found: Episode | None) -> list[Reading]:
    another = _read_of_another_episode(draft, event, found, Trigger.RETURN_UNVERIFIED)
    if another is not None:
        return another
    if found is None:
        return [Reading(verdict=Verdict.ALREADY_SO)]
    if draft.happened.time < found.last_report_at:
        return [Reading(None, found, Verdict.TOO_OLD)]
    if found.state == EpisodeState.LOCATED and not _was_collected(draft, found):
        return [_read_new_place(event, found)]
    located = found.model_copy(update={"state": EpisodeState.LOCATED, "located_at": _date_end(draft)})
    return [Reading(Trigger.CHILD_LOCATED, draft.put_episode(located))]


def _was_collected(draft: Draft, found: Episode) -> bool:
    """Whether somebody has collected the child since it was located, and it is found anew after that: on the way back
    it has gone again.
    """
    collected = (
        each.cause.time
        for each in draft.waiting.values()
        if each.episode == found.episode and Trigger.CHILD_COLLECTED in draft.rule_of(each).on
    )
    since = found.located_at
    return since is not None and any(since < time < draft.happened.time for time in collected)


def _read_new_place(event: events.ToldOfEpisode, found: Episode) -> Reading:
    """The child may be in another place by now, and those who fetch it must know."""
    return Reading(Trigger.CHILD_INFORMATION_RECEIVED if event.words else None, found, Verdict.ALREADY_SO)


def _read_returned(draft: Draft, event: events.ChildReturned) -> list[Reading]:
    found = draft.open_episode
    if is_proven(draft, event, found):
        return _end_by_return(draft, event, found)
    if found is None:
        return _read_claim_without_episode(draft, event)
    return _read_of_another_episode(draft, event, found, Trigger.RETURN_UNVERIFIED) or [
        Reading(Trigger.RETURN_UNVERIFIED, found, Verdict.UNVERIFIED)
    ]


def _end_by_return(draft: Draft, event: events.ToldOfEpisode, found: Episode | None) -> list[Reading]:
    if found is None:
        return _open_by_return(draft, event)
    another = _read_of_another_episode(draft, event, found, Trigger.RETURN_UNVERIFIED)
    if another is not None:
        return another
    if draft.happened.time < found.last_report_at:
        return [Reading(Trigger.RETURN_UNVERIFIED, found, Verdict.UNVERIFIED)]
    back = {"state": EpisodeState.RETURNED, "returned_at": _date_end(draft), "claims": ()}
    return [Reading(Trigger.CHILD_RETURNED, draft.put_episode(found.model_copy(update=back)))]


def _date_end(draft: Draft) -> datetime:
    """Not after now: an agency's clock may be ahead of ours, and a report that follows would count as an older one."""
    return min(draft.happened.time, draft.now)


def _open_by_return(draft: Draft, event: events.ToldOfEpisode) -> list[Reading]:
    """The child was missing, and nobody said so: police and a person are told; a check and an interview are due."""
    time = draft.happened.time
    if draft.record.has(Mark.AWAY) and time >= draft.record.marks[Mark.AWAY].since:
        draft.mark(Mark.AWAY, time, on=False)
        return [Reading(Trigger.CHILD_BACK_FROM_AWAY)]
    if _said_again(draft, event) or draft.happened.exercise:
        if not draft.happened.exercise:
            draft.returned_at = max(filter(None, (draft.returned_at, _date_end(draft))))
        return [Reading(None, draft.latest, Verdict.ALREADY_SO)]
    opened = open_episode(draft, unreported=True, state=EpisodeState.RETURNED, returned_at=_date_end(draft))
    triggers = (Trigger.CHILD_RETURNED, Trigger.RETURN_UNREPORTED, Trigger.EPISODE_COUNTED)
    return [Reading(each, opened) for each in triggers]


def _said_again(draft: Draft, event: events.ToldOfEpisode) -> bool:
    """Whether the return is of an absence that is known to be over."""
    if draft.episode_named(event.episode) is not None:
        return True
    over_at = None if draft.latest is None else draft.latest.over_at
    ends = filter(None, (over_at, draft.returned_at))
    return any(draft.happened.time <= each + SAID_AGAIN_WITHIN for each in ends)


def _read_retracted(draft: Draft, event: events.ReportRetracted) -> list[Reading]:
    found = draft.latest
    another = _read_of_another_episode(draft, event, found, Trigger.RETRACTION_UNVERIFIED)
    if another is not None:
        return another
    if event.retracts == "return":
        return _take_return_back(draft, found)
    if found is None or not is_proven(draft, event, found):
        return [Reading(Trigger.RETRACTION_UNVERIFIED, found, Verdict.UNVERIFIED)]
    return _end_by_retraction(draft, found)


def _end_by_retraction(draft: Draft, found: Episode) -> list[Reading]:
    if found.state in OVER:
        return [Reading(None, found, Verdict.ALREADY_SO)]
    if draft.happened.time < found.last_report_at:
        return [Reading(Trigger.RETRACTION_UNVERIFIED, found, Verdict.UNVERIFIED)]
    ended = {"state": EpisodeState.RETRACTED, "ended_at": _date_end(draft), "claims": ()}
    draft.keep(opened=tuple(each for each in draft.record.opened if each != found.opened_at))
    invited = [each for each in draft.duties.values() if each.episode == found.episode and each.invites_to_discussion]
    of_report = [each for each in invited if Trigger.MISSING_RETRACTED in draft.rule_of(each).until]
    is_weighed = len(of_report) < len(invited)  # by the discussion that the concern called for
    concern = [Reading(Trigger.PRESENTED_WITH_CONCERN)] if _was_lured(draft, found) and not is_weighed else []
    for duty in of_report:
        end(draft, duty, Because.RETRACTED)
    if _was_away_before(draft, found):
        draft.mark(Mark.AWAY, found.opened_at)
    return [Reading(Trigger.MISSING_RETRACTED, draft.put_episode(found.model_copy(update=ended))), *concern]


def _was_lured(draft: Draft, found: Episode) -> bool:
    """Whether somebody suspected luring meanwhile that no discussion has weighed yet: that was no false alarm."""
    about, weighed_at = (found.episode, LURED), draft.record.discussion_over_at
    return any(
        (each.episode, each.wording) == about and (weighed_at is None or each.created_at > weighed_at)
        for each in draft.duties.values()
    )


def _was_away_before(draft: Draft, found: Episode) -> bool:
    """Whether the report came while the child was away, the child is not back since, and time is left for that."""
    known = draft.record.marks.get(Mark.AWAY)
    was_away = known is not None and not known.on and known.since == found.opened_at
    clocks = (each for each in draft.waiting.values() if Trigger.CHILD_AWAY in draft.rule_of(each).on)
    has_time = any(
        each.stood_down is None and not each.cause.exercise and each.cause.time < found.opened_at for each in clocks
    )
    return was_away and has_time and found.state in OPEN_STATES


def _take_return_back(draft: Draft, found: Episode | None) -> list[Reading]:
    """Needs no proof from anybody: it starts a search."""
    if found is not None and found.state in OPEN_STATES:
        return [_still_missing(draft, found)]
    was_back = found is not None and found.state in {EpisodeState.RETURNED, EpisodeState.CLOSED}
    if found is None or not was_back or found.returned_at is None:
        return [Reading(Trigger.RETRACTION_UNVERIFIED, found, Verdict.UNVERIFIED)]
    if draft.happened.time < found.returned_at:
        return [Reading(None, found, Verdict.TOO_OLD)]
    if found.state is EpisodeState.CLOSED:
        return _open_after_closing(draft)
    # The speaker says that the child is missing still: that outdoes everything older, the mistaken return included.
    again = draft.put_episode(
        found.model_copy(
            update={
                "state": EpisodeState.MISSING,
                "returned_at": None,
                "last_report_at": draft.happened.time,
                "met": frozenset(),
                "interview_offered": False,
                "unreported": False,
            }
        )
    )
    reported = [Reading(Trigger.CHILD_REPORTED_MISSING, again)] if found.unreported else []
    closed = [Reading(Trigger.POLICE_CLOSED, again)] if Condition.POLICE_CLOSED in found.met else []
    return [Reading(Trigger.RETURN_RETRACTED, again), *reported, *closed, *_read_grade_again(draft, again)]


def _open_after_closing(draft: Draft) -> list[Reading]:
    """A closed episode stays closed: everybody who would search has put it away. The child is missing anew."""
    said = (
        ()
        if draft.speaker is None
        else (Report(event=draft.happened.key, person=draft.speaker, at=draft.happened.time),)
    )
    opened = open_episode(draft, reports=said)
    return [Reading(Trigger.CHILD_REPORTED_MISSING, opened), Reading(Trigger.EPISODE_COUNTED, opened)]


def _read_grade_again(draft: Draft, again: Episode) -> list[Reading]:
    """A grade that police gave while the child counted as back set nothing off then."""
    graded = None if again.grade is None else GRADED.get(again.grade)
    if graded is None:
        return []
    about = again.episode, SAID_OF_GRADE[graded]
    was_told = any((each.episode, each.wording) == about for each in draft.duties.values())
    return [] if was_told else [Reading(graded, again)]


def _still_missing(draft: Draft, found: Episode) -> Reading:
    """A newer report: it settles earlier claims."""
    time = draft.happened.time
    newer = tuple(each for each in found.claims if each.at > time)
    if newer == found.claims:
        return Reading(None, found, Verdict.ALREADY_SO)
    said = {"last_report_at": max(found.last_report_at, time), "claims": newer}
    return Reading(Trigger.REPORT_ADDED, draft.put_episode(found.model_copy(update=said)))


def _read_return_claimed(draft: Draft, event: events.ChildReturnClaimed) -> list[Reading]:
    found = draft.open_episode
    if is_word_enough(draft, found):
        return _end_by_return(draft, event, found)
    if found is None:
        return _read_claim_without_episode(draft, event)
    another = _read_of_another_episode(draft, event, found, Trigger.RETURN_UNVERIFIED)
    return another or record_claim(draft, found, "return")


def _read_claim_without_episode(draft: Draft, event: events.ToldOfEpisode) -> list[Reading]:
    if draft.happened.exercise or _said_again(draft, event):
        known = Verdict.UNVERIFIED if isinstance(event, events.ChildReturned) else Verdict.ALREADY_SO
        return [Reading(None, draft.latest, known)]
    return [Reading(Trigger.RETURN_UNREPORTED_CLAIMED, verdict=Verdict.UNVERIFIED)]


def _read_retraction_claimed(draft: Draft, event: events.MissingRetractionClaimed) -> list[Reading]:
    found = draft.latest
    another = _read_of_another_episode(draft, event, found, Trigger.RETRACTION_UNVERIFIED)
    if another is not None:
        return another
    if found is None or found.state == EpisodeState.RETURNED:
        return [Reading(Trigger.RETRACTION_UNVERIFIED, found, Verdict.UNVERIFIED)]
    if is_word_enough(draft, found):
        return _end_by_retraction(draft, found)
    return [pass_over(found)] if found.state in OVER else record_claim(draft, found, "retraction")


def _read_location_claimed(draft: Draft, event: events.ToldOfEpisode) -> list[Reading]:
    found = draft.open_episode
    if isinstance(event, events.ChildLocationClaimed) and is_word_enough(draft, found):
        return _locate(draft, event, found)
    if found is None:
        known = _said_again(draft, event)
        return [Reading(None if known else Trigger.CHILD_INFORMATION_RECEIVED, verdict=Verdict.UNVERIFIED)]
    another = _read_of_another_episode(draft, event, found, Trigger.RETURN_UNVERIFIED)
    if another is not None:
        return another
    if found.state == EpisodeState.LOCATED:
        return [_read_new_place(event, found)]
    told = record_claim(draft, found, "location")
    return [_read_new_place(event, found)] if told == [pass_over(found)] else told


def _read_of_another_episode(
    draft: Draft, event: events.ToldOfEpisode, found: Episode | None, unverified: Trigger
) -> list[Reading] | None:
    """None: the event is about the episode found, by its time and by the episode that it names. An older event says
    nothing of that episode. Where a newer one names another, a person finds out which was meant.
    """
    earlier = None if found is None else find_earlier_episode(draft, found)
    if earlier is not None:
        return [Reading(None, earlier, Verdict.TOO_OLD)]
    named = draft.episode_named(event.episode)
    if event.episode is None or found is None or (named is not None and named.episode == found.episode):
        return None
    if draft.happened.time < found.opened_at:
        return [Reading(None, named, Verdict.TOO_OLD)]
    return [Reading(unverified, found, Verdict.UNVERIFIED)]


READERS: dict[type[Message], Reader] = {
    events.ChildLocated: _read_located,
    events.ChildReturned: _read_returned,
    events.ReportRetracted: _read_retracted,
    events.ChildReturnClaimed: _read_return_claimed,
    events.MissingRetractionClaimed: _read_retraction_claimed,
    events.ChildLocationClaimed: _read_location_claimed,
}
