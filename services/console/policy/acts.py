"""Lists the acts of operators: when each is possible, what its form asks, and which messages it publishes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from services.console.policy.about import BACK_OR_NOT, About, can_be_recorded, matter_of
from services.console.policy.child import IDENTITY
from services.console.policy.permits import May
from services.console.policy.record import RecordedMessage
from services.safeguarding.child_events import care_events, discussion_events, events
from services.safeguarding.deeds.answers import Answers, Fault, Faults, Field, Kind, ask_choice
from services.safeguarding.deeds.catalogue import DEED_SPECS, deed_of
from services.safeguarding.deeds.deed import DeedSpec
from services.safeguarding.duty.decisions import DutyChanged, EpisodeState, StepRecord
from services.safeguarding.duty.duties import DutySendAgain
from services.safeguarding.duty.evidence import RegisterLookedUp
from services.safeguarding.duty.outcomes import DutyAcknowledged
from services.safeguarding.identifiers import is_provisional
from services.safeguarding.message import Message
from services.safeguarding.operators import OperatorAct
from services.safeguarding.roles import PLAN_OWNERS, Deed


@dataclass(frozen=True, slots=True)
class ActSpec:
    """`messages` takes answers whose words are in the register already. A reason goes with the event."""

    act: OperatorAct | Deed
    needs: May
    is_possible: Callable[[About], bool]
    messages: Callable[[About, Answers], tuple[Message, ...]]
    asks: tuple[Field, ...] = ()
    confirms: bool = False
    """It ends or weakens a search, or joins two cases for good, so it needs a second page, which names the child."""
    held: bool = False
    """It goes out a minute later, and can be undone until then: a search that goes on for a minute harms nobody."""
    faults: Callable[[Answers], Mapping[str, Fault]] = lambda _answers: {}
    """Those that lie between fields."""


REASON = Field("reason", Kind.WORDS)
NATURES = ("sighting", "contact", "luring", "other")
HAPPENED_AT = Field("happened_at", Kind.PAST, required=False)
SEEN = (
    Field("last_seen_place", Kind.LINE, required=False),
    Field("clothing", Kind.LINE, required=False),
    Field("companions", Kind.LINE, required=False),
)
"""Each is a question of police, and its answer goes into their notice as one."""
NEWS = (HAPPENED_AT, *SEEN, Field("shared_because", Kind.LINE, required=False))


def _is_episode_in(*states: EpisodeState) -> Callable[[About], bool]:
    return lambda about: about.duty is None and about.episode is not None and about.episode.state in states


def _waits(about: About) -> bool:
    return about.duty is not None and about.duty.goes_on


def _tell(event: type[events.Told], **more: object) -> Callable[[About, Answers], tuple[Message, ...]]:
    """An event with the operator's words, about the episode of the page."""

    def messages(about: About, answers: Answers) -> tuple[Message, ...]:
        words = tuple(each for ids in answers.words.values() for each in ids)
        fields = {"authority": about.authority, "channel": "console", "words": words} | more
        if issubclass(event, events.ToldOfEpisode) and about.episode is not None:
            fields["episode"] = about.episode.episode
        return (event.model_validate(fields),)

    return messages


def _acknowledge(about: About, answers: Answers) -> tuple[Message, ...]:
    return (_acknowledgement(about, about.step(answers), how="console"),)


def _take(about: About, _answers: Answers) -> tuple[Message, ...]:
    """For the newest telling: its recipient is asked now."""
    return (_acknowledgement(about, about.steps_of_police(are=False)[-1].step, how="console"),)


def _inform(about: About, answers: Answers) -> tuple[Message, ...]:
    nature = answers.chosen["nature"]
    if nature == "luring":
        return _tell(events.ChildLuringSuspected)(about, answers)
    return _tell(events.ChildInformationReceived, nature=nature)(about, answers)


def _identify(about: About, answers: Answers) -> tuple[Message, ...]:
    return _tell(care_events.ChildIdentified, child=answers.chosen["child"])(about, answers)


def _record_call(about: About, answers: Answers) -> tuple[Message, ...]:
    """The officer's name is in the acknowledgement's words. The reference is an event of its own."""
    force = None if about.episode is None else about.episode.force
    taken = _acknowledgement(
        about, about.step(answers), how="phoned", force=force, words=answers.words.get("officer", ())
    )
    return (taken, *(_record_reference(about, answers) if answers.words.get("reference") else ()))


def _acknowledgement(about: About, step: int, **how: object) -> DutyAcknowledged:
    duty = _duty(about)
    named = {"duty": duty.duty, "step": step, "authority": duty.authority, "episode": duty.episode}
    return DutyAcknowledged.model_validate(named | how)


def _record_reference(about: About, answers: Answers) -> tuple[Message, ...]:
    return _tell(events.PoliceReferenceTexted, words=answers.words["reference"])(about, answers)


def _move_discussion(about: About, answers: Answers) -> tuple[Message, ...]:
    number, starts_at = about.discussion.discussion if about.discussion else 1, answers.moments["starts_at"]
    move = _tell(discussion_events.StrategyDiscussionRedated, starts_at=starts_at, discussion=number)
    return move(about, answers)


def _cancel_discussion(about: About, answers: Answers) -> tuple[Message, ...]:
    found = about.discussion
    number, form = (found.discussion, found.form) if found else (1, None)
    return _tell(discussion_events.StrategyDiscussionCancelled, discussion=number, form=form)(about, answers)


def _correct_discussion(about: About, answers: Answers) -> tuple[Message, ...]:
    """Who came, and the decision on a section 47 enquiry. The plan stands."""
    if about.recorded is None:
        raise ValueError("this act corrects a record")
    now = {"channel": "console", "said_by": None, "plan": (), "words": answers.words.get("reason", ())}
    corrected = about.recorded.content.model_dump() | dict(answers.facts) | now | {"corrects_event": about.recorded.id}
    return (discussion_events.StrategyDiscussionHeld.model_validate(corrected),)


def _send_again(about: About, answers: Answers) -> tuple[Message, ...]:
    duty = _duty(about)
    return (DutySendAgain(duty=duty.duty, step=about.step(answers), authority=duty.authority, asked=answers.act),)


def _look_up(about: About, _answers: Answers) -> tuple[Message, ...]:
    return (RegisterLookedUp(authority=about.authority, purpose="console", fields=IDENTITY),)


def _duty(about: About) -> DutyChanged:
    if about.duty is None:
        raise ValueError("this act is about a duty")
    return about.duty


_SPECS = (
    ActSpec(OperatorAct.UNDONE, May.RECORD, lambda about: bool(about.undoable), lambda _about, _answers: ()),
    ActSpec(
        OperatorAct.TAKEN, May.ANSWER, lambda about: _waits(about) and bool(about.steps_of_police(are=False)), _take
    ),
    ActSpec(
        OperatorAct.IDENTIFIED,
        May.RECORD,
        lambda about: is_provisional(about.child) and _is_episode_in(*BACK_OR_NOT)(about),
        _identify,
        (Field("child", Kind.CODE), REASON),
        confirms=True,
    ),
    ActSpec(
        OperatorAct.INFORMED,
        May.RECORD,
        _is_episode_in(*BACK_OR_NOT),
        _inform,
        (Field("nature", Kind.CHOICE, choices=NATURES), *NEWS, REASON),
    ),
    ActSpec(
        OperatorAct.PHONED,
        May.ANSWER,
        lambda about: _waits(about) and bool(about.steps_of_police(are=True)),
        _record_call,
        (Field("step", Kind.STEP), Field("officer", Kind.LINE), Field("reference", Kind.LINE, required=False)),
    ),
    ActSpec(
        OperatorAct.ACKNOWLEDGED_FOR,
        May.ANSWER,
        lambda about: _waits(about) and bool(about.steps_of_police(are=False)),
        _acknowledge,
        (Field("step", Kind.STEP), REASON),
    ),
    ActSpec(
        OperatorAct.SENT_AGAIN,
        May.SEND_AGAIN,
        lambda about: _waits(about) and bool(about.steps),
        _send_again,
        (Field("step", Kind.STEP), REASON),
    ),
    ActSpec(
        OperatorAct.RETURNED,
        May.RECORD,
        lambda about: about.is_gone,
        _tell(events.ChildReturned, proof=events.Proof.PERSON),
        (HAPPENED_AT, REASON),
        confirms=True,
        held=True,
    ),
    ActSpec(
        OperatorAct.LOCATED,
        May.RECORD,
        lambda about: about.is_gone and _is_episode_in(EpisodeState.MISSING)(about),
        _tell(events.ChildLocated, proof=events.Proof.PERSON),
        (REASON,),
        confirms=True,
        held=True,
    ),
    ActSpec(
        OperatorAct.RETURN_RETRACTED,
        May.RECORD,
        _is_episode_in(EpisodeState.RETURNED),
        _tell(events.ReportRetracted, retracts="return", proof=events.Proof.PERSON),
        (REASON,),
    ),
    ActSpec(
        OperatorAct.REPORT_RETRACTED,
        May.RECORD,
        lambda about: about.is_gone,
        _tell(events.ReportRetracted, retracts="missing", proof=events.Proof.PERSON),
        (REASON,),
        confirms=True,
        held=True,
    ),
    ActSpec(
        OperatorAct.DISCUSSION_REDATED,
        May.RECORD,
        lambda about: about.has_planned_discussion,
        _move_discussion,
        (Field("starts_at", Kind.MOMENT), REASON),
    ),
    ActSpec(
        OperatorAct.DISCUSSION_CANCELLED,
        May.RECORD,
        lambda about: about.has_planned_discussion,
        _cancel_discussion,
        (REASON,),
    ),
    ActSpec(
        OperatorAct.DISCUSSION_CORRECTED,
        May.RECORD,
        lambda about: correcting_act(about.recorded) is OperatorAct.DISCUSSION_CORRECTED,
        _correct_discussion,
        (
            ask_choice("section_47", "enquiry", "no-enquiry", "under-way"),
            Field("came", Kind.SEVERAL, required=False, choices=tuple(sorted(PLAN_OWNERS))),
            REASON,
        ),
        held=True,
    ),
    ActSpec(
        OperatorAct.NOTED,
        May.RECORD,
        lambda about: about.duty is None and about.episode is not None,
        lambda _about, _answers: (),
        (Field("note", Kind.WORDS),),
    ),
    ActSpec(
        OperatorAct.CHILD_REVEALED,
        May.REVEAL,
        lambda about: about.duty is None and not is_provisional(about.child),
        _look_up,
        (REASON,),
    ),
)


def _describe_deed(deed: DeedSpec) -> ActSpec:
    """The form that stands behind the link of a duty's mail, under the operator's name."""
    return ActSpec(
        deed.deed,
        May.RECORD,
        partial(can_be_recorded, deed),
        lambda about, answers: (deed.event(matter_of(about), answers),),
        deed.asks,
        held=True,
        faults=deed.needs,
    )


_ALL = (*_SPECS, *map(_describe_deed, DEED_SPECS.values()))
ACT_SPECS: Mapping[OperatorAct | Deed, ActSpec] = {each.act: each for each in _ALL}


def correcting_act(entry: RecordedMessage[Message] | None) -> OperatorAct | Deed | None:
    """By which an event on record is corrected on the page of its episode. None: by none."""
    content = None if entry is None else entry.content
    held = discussion_events.StrategyDiscussionHeld
    return OperatorAct.DISCUSSION_CORRECTED if isinstance(content, held) else deed_of(content)


def possible_acts(about: About) -> tuple[ActSpec, ...]:
    """The acts that are possible in its present state, the most pressing first."""
    return tuple(each for each in _ALL if each.is_possible(about))


def steps_to_choose(spec: ActSpec, about: About) -> tuple[StepRecord, ...]:
    """The tellings that the act may be about, newest first, since the newest recipient is asked now."""
    if spec.act is OperatorAct.SENT_AGAIN:
        return about.steps[::-1]
    return about.steps_of_police(are=spec.act is OperatorAct.PHONED)[::-1]


def read_form(spec: ActSpec, about: About, act: UUID, form: Mapping[str, str], now: datetime) -> Answers:
    """The form's answers. `now` is story time. Raises Faults."""
    steps = tuple(str(each.step) for each in steps_to_choose(spec, about))
    asked = [each.offering(steps) if each.kind is Kind.STEP else each for each in spec.asks]
    answers = Answers.read(act, asked, form, now)
    if faults := spec.faults(answers):
        raise Faults(dict(faults))
    ended_at = answers.moments.get(HAPPENED_AT.name) if spec.confirms else None
    if ended_at is not None and about.episode is not None and ended_at < about.episode.opened_at:
        raise Faults({HAPPENED_AT.name: Fault.EARLY})
    return answers
