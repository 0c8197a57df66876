"""What an operator may do about an episode or a duty: when it is possible, what it asks, and which messages say that it was done."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.console.policy.about import About
from services.console.policy.answers import Answers, Field, Kind
from services.console.policy.permits import May
from services.console.policy.status import GONE
from services.safeguarding.child_events import discussion_events, events, plan_events
from services.safeguarding.duty.decisions import DutyChanged, EpisodeState, StepRecord
from services.safeguarding.duty.duties import DutySendAgain
from services.safeguarding.duty.evidence import RegisterLookedUp
from services.safeguarding.duty.outcomes import DutyAcknowledged
from services.safeguarding.identifiers import WordsId, is_provisional
from services.safeguarding.message import Message
from services.safeguarding.operators import OperatorAct
from services.safeguarding.roles import Wording

WATCHES = frozenset({Wording.WATCH_OPENED, Wording.WATCH_KNOWN, Wording.WATCH_REVIEW_DUE})


@dataclass(frozen=True, slots=True)
class Deed:
    """`says` is given what was kept in the register: a reason's words go with the event, so that whoever is told may read them."""

    act: OperatorAct
    needs: May
    possible: Callable[[About], bool]
    says: Callable[[About, Answers], tuple[Message, ...]]
    asks: tuple[Field, ...] = ()
    confirms: bool = False
    """It ends or weakens a search: done only from a page that names the child, where whoever does it says once more that it is this one."""


REASON = Field("reason", Kind.WORDS)


def _is(*states: EpisodeState) -> Callable[[About], bool]:
    return lambda about: about.duty is None and about.episode is not None and about.episode.state in states


def _waits(about: About) -> bool:
    return about.duty is not None and about.duty.goes_on


def _has_planned_discussion(about: About) -> bool:
    return about.duty is None and about.discussion is not None and about.discussion.state == "planned"


def _waits_for(condition: str, *states: EpisodeState) -> Callable[[About], bool]:
    """Not in every state in which it is open: the bus may bring a check or an interview before the return that it is of, and the
    engine takes it then, but whoever stands at the console sees that the child is not back.
    """

    def possible(about: About) -> bool:
        found = about.episode
        return _is(*states)(about) and found is not None and condition in found.open_conditions

    return possible


def _told(event: type[events.Told], **more: object) -> Callable[[About, Answers], tuple[Message, ...]]:
    """An event that the operator tells of, with their words, and of the episode whose page it was told on."""

    def says(about: About, answers: Answers) -> tuple[Message, ...]:
        told = {"authority": about.authority, "channel": "console", "words": _reason(answers)} | more
        if issubclass(event, events.ToldOfEpisode) and about.episode is not None:
            told["episode"] = about.episode.episode
        return (event.model_validate(told),)

    return says


def _reason(answers: Answers) -> tuple[WordsId, ...]:
    return answers.words.get("reason", ())


def _acknowledged(about: About, answers: Answers) -> tuple[Message, ...]:
    return (_answer(about, answers, how="console"),)


def _phoned(about: About, answers: Answers) -> tuple[Message, ...]:
    """The officer is named in the acknowledgement's words; the reference is an event of its own, for all who go by it."""
    force = None if about.episode is None else about.episode.force
    taken = _answer(about, answers, how="phoned", force=force, words=answers.words.get("officer", ()))
    return (taken, *(_reference(about, answers) if answers.words.get("reference") else ()))


def _answer(about: About, answers: Answers, **how: object) -> DutyAcknowledged:
    duty = _duty(about)
    named = {"duty": duty.duty, "step": about.step(answers), "authority": duty.authority, "episode": duty.episode}
    return DutyAcknowledged.model_validate(named | how)


def _reference(about: About, answers: Answers) -> tuple[Message, ...]:
    return _told(events.PoliceReferenceTexted, words=answers.words["reference"])(about, answers)


def _interview(about: About, answers: Answers) -> tuple[Message, ...]:
    return _told(events.ReturnInterviewRecorded, state=answers.chosen["state"])(about, answers)


def _reviewed(about: About, answers: Answers) -> tuple[Message, ...]:
    return _told(events.WatchReviewed, goes_on=answers.chosen["goes_on"] == "yes")(about, answers)


def _redated(about: About, answers: Answers) -> tuple[Message, ...]:
    number = about.discussion.discussion if about.discussion else 1
    moved = _told(
        discussion_events.StrategyDiscussionRedated, starts_at=answers.moments["starts_at"], discussion=number
    )
    return moved(about, answers)


def _called_off(about: About, answers: Answers) -> tuple[Message, ...]:
    found = about.discussion
    number, form = (found.discussion, found.form) if found else (1, None)
    return _told(discussion_events.StrategyDiscussionCancelled, discussion=number, form=form)(about, answers)


def _sent_again(about: About, answers: Answers) -> tuple[Message, ...]:
    duty = _duty(about)
    return (DutySendAgain(duty=duty.duty, step=about.step(answers), authority=duty.authority, asked=answers.act),)


def _looked_up(about: About, _answers: Answers) -> tuple[Message, ...]:
    return (RegisterLookedUp(authority=about.authority, purpose="console", fields=("child.name", "child.known_as")),)


def _duty(about: About) -> DutyChanged:
    if about.duty is None:
        raise ValueError("this act is about a duty")
    return about.duty


_BACK_OR_NOT = (EpisodeState.MISSING, EpisodeState.LOCATED, EpisodeState.RETURNED)
_DEEDS = (
    Deed(
        OperatorAct.PHONED,
        May.ANSWER,
        lambda about: _waits(about) and bool(about.steps_of_police(are=True)),
        _phoned,
        (Field("step", Kind.STEP), Field("officer", Kind.LINE), Field("reference", Kind.LINE, required=False)),
    ),
    Deed(
        OperatorAct.ACKNOWLEDGED_FOR,
        May.ANSWER,
        lambda about: _waits(about) and bool(about.steps_of_police(are=False)),
        _acknowledged,
        (Field("step", Kind.STEP), REASON),
    ),
    Deed(
        OperatorAct.WATCH_TALK_PLANNED,
        May.RECORD,
        lambda about: about.duty is not None and about.duty.wording is Wording.WATCH_OPENED and _waits(about),
        _told(plan_events.WatchTalkPlanned),
        (REASON,),
    ),
    Deed(
        OperatorAct.WATCH_REVIEW,
        May.RECORD,
        lambda about: about.duty is not None and about.duty.wording in WATCHES and _waits(about),
        _reviewed,
        (Field("goes_on", Kind.CHOICE, choices=("yes", "no")), REASON),
    ),
    Deed(
        OperatorAct.SENT_AGAIN,
        May.SEND_AGAIN,
        lambda about: _waits(about) and bool(about.steps),
        _sent_again,
        (Field("step", Kind.STEP), REASON),
    ),
    Deed(
        OperatorAct.RETURNED,
        May.RECORD,
        _is(*GONE),
        _told(events.ChildReturned, proof=events.Proof.PERSON),
        (REASON,),
        confirms=True,
    ),
    Deed(
        OperatorAct.LOCATED,
        May.RECORD,
        _is(EpisodeState.MISSING),
        _told(events.ChildLocated, proof=events.Proof.PERSON),
        (REASON,),
        confirms=True,
    ),
    Deed(
        OperatorAct.RETURN_RETRACTED,
        May.RECORD,
        _is(EpisodeState.RETURNED),
        _told(events.ReportRetracted, retracts="return", proof=events.Proof.PERSON),
        (REASON,),
    ),
    Deed(
        OperatorAct.REPORT_RETRACTED,
        May.RECORD,
        _is(*GONE),
        _told(events.ReportRetracted, retracts="missing", proof=events.Proof.PERSON),
        (REASON,),
        confirms=True,
    ),
    Deed(
        OperatorAct.SAFE_AND_WELL_CHECK,
        May.RECORD,
        _waits_for("safe-and-well-check", EpisodeState.LOCATED, EpisodeState.RETURNED),
        _told(events.SafeAndWellCheckRecorded),
        (REASON,),
    ),
    Deed(
        OperatorAct.RETURN_INTERVIEW,
        May.RECORD,
        _waits_for("return-interview", EpisodeState.RETURNED),
        _interview,
        (Field("state", Kind.CHOICE, choices=("offered", "completed", "declined")), REASON),
    ),
    Deed(OperatorAct.POLICE_REFERENCE, May.RECORD, _is(*_BACK_OR_NOT), _reference, (Field("reference", Kind.LINE),)),
    Deed(
        OperatorAct.DISCUSSION_REDATED,
        May.RECORD,
        _has_planned_discussion,
        _redated,
        (Field("starts_at", Kind.MOMENT), REASON),
    ),
    Deed(OperatorAct.DISCUSSION_CANCELLED, May.RECORD, _has_planned_discussion, _called_off, (REASON,)),
    Deed(
        OperatorAct.CHILD_REVEALED,
        May.REVEAL,
        lambda about: about.duty is None and not is_provisional(about.child),
        _looked_up,
        (REASON,),
    ),
)
DEEDS: Mapping[OperatorAct, Deed] = {each.act: each for each in _DEEDS}


def possible(about: About) -> tuple[Deed, ...]:
    """What may be done about it as it now stands, the most pressing first."""
    return tuple(each for each in _DEEDS if each.possible(about))


def steps_to_choose(deed: Deed, about: About) -> tuple[StepRecord, ...]:
    """On whose behalf, or to whom: the newest first, since that is who is asked now."""
    if deed.act is OperatorAct.SENT_AGAIN:
        return about.steps[::-1]
    return about.steps_of_police(are=deed.act is OperatorAct.PHONED)[::-1]


def read_form(deed: Deed, about: About, act: UUID, form: Mapping[str, str], now: datetime) -> Answers:
    """What the form answers. Raises `Faults`, by field."""
    steps = tuple(str(each.step) for each in steps_to_choose(deed, about))
    asked = [each.offering(steps) if each.kind is Kind.STEP else each for each in deed.asks]
    return Answers.read(act, asked, form, now)
