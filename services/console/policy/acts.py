"""Lists the acts of operators on a case or a duty: when each is possible, what its form asks, what it publishes."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID

import yaml

from services.console.policy.access import May, Operator
from services.console.policy.child import IDENTITY
from services.console.policy.status import GONE, RecordedMessage
from services.safeguarding import deeds
from services.safeguarding.child_events import care_events, discussion_events, events
from services.safeguarding.duty.decisions import DutyChanged, EpisodeChanged, EpisodeState, RegisterLookedUp, StepRecord
from services.safeguarding.duty.duties import DutyAcknowledged, DutySendAgain, StrategyDiscussionChanged
from services.safeguarding.identifiers import AuthorityId, ChildId, is_provisional
from services.safeguarding.message import Message
from services.safeguarding.operators import AccountId, OperatorAct
from services.safeguarding.roles import PLAN_OWNERS, Deed, Role

BACK_OR_NOT = (EpisodeState.MISSING, EpisodeState.LOCATED, EpisodeState.RETURNED)
ENDS_A_SEARCH = (events.ChildLocated, events.ChildReturned, events.ReportRetracted)
MOVES_A_DISCUSSION = frozenset({OperatorAct.DISCUSSION_REDATED, OperatorAct.DISCUSSION_CANCELLED})


@dataclass(frozen=True, slots=True)
class Held:
    """What an operator recorded within the last minute: `what` by its act's name, `by` whom."""

    message: UUID
    content: Message
    what: str = ""
    by: AccountId | None = None
    name: str = ""
    is_out: bool = False
    """It has gone out, and the episode does not show it yet."""
    act: UUID | None = None
    """The form's. What one form recorded is undone together."""


@dataclass(frozen=True, slots=True)
class SamePhone:
    """A child, sought now, about whom the phone that made this report without a name texted `earlier`."""

    child: ChildId
    code: str | None
    earlier: timedelta


@dataclass(frozen=True, slots=True)
class About:
    """An episode, or a duty with its episode if it has one, as the console knows them."""

    child: ChildId
    authority: AuthorityId
    exercise: bool
    episode: EpisodeChanged | None = None
    duty: DutyChanged | None = None
    discussion: StrategyDiscussionChanged | None = None
    """The episode's newest strategy discussion."""
    held: tuple[Held, ...] = ()
    viewer: Operator | None = None
    """Who looks at it."""
    recorded: RecordedMessage[Message] | None = None
    """The newest event of the duty's deed since the duty began, or the one that is named: another corrects it."""
    same_phone: SamePhone | None = None
    """None also once somebody has said that it is another child."""
    only: UUID | None = None
    """The form whose records alone are to be undone. None: all that may be."""

    def seen_for(self, act: OperatorAct | Deed) -> str:
        """The state that a page shows, kept in its form. If it has changed, the operator may no longer mean the act.
        Whoever undoes means what the page listed, and nothing that was recorded since.
        Whoever moves a discussion means the date that the page showed.
        """
        if act is OperatorAct.UNDONE:
            return " ".join(sorted(str(each.message) for each in self.undoable))
        if self.duty is not None:
            return "waits" if self.duty.goes_on else "over"
        state = "" if self.episode is None else str(self.episode.state)
        if act not in MOVES_A_DISCUSSION or self.discussion is None:
            return state
        return f"{state} {self.discussion.discussion}.{self.discussion.sequence}"

    @property
    def is_gone(self) -> bool:
        """The child is sought, and nothing that would end that waits to go out or to be shown."""
        ends_soon = any(isinstance(each.content, ENDS_A_SEARCH) for each in self.held)
        return self.duty is None and self.episode is not None and self.episode.state in GONE and not ends_soon

    @property
    def is_unnamed(self) -> bool:
        """Nobody has said which child it is, nor is about to."""
        is_said = any(isinstance(each.content, care_events.ChildIdentified) for each in self.held)
        return self.duty is None and is_provisional(self.child) and not is_said

    @property
    def may_be_same(self) -> bool:
        return self.same_phone is not None and self.is_unnamed and self.is_gone

    @property
    def undoable(self) -> tuple[Held, ...]:
        """What the viewer may undo: their own, and for a manager also what others recorded."""
        if self.viewer is None:
            return ()
        own, may = self.viewer.account, self.viewer.may(May.UNDO_FOR_OTHERS)
        meant = (each for each in self.held if self.only in {None, each.act})
        return tuple(each for each in meant if not each.is_out and (may or each.by == own))

    @property
    def has_planned_discussion(self) -> bool:
        return self.duty is None and self.discussion is not None and self.discussion.state == "planned"

    @property
    def steps(self) -> tuple[StepRecord, ...]:
        """Tellings that somebody may still answer."""
        steps = () if self.duty is None else self.duty.steps
        return tuple(each for each in steps if each.state not in {"acknowledged", "withdrawn"})

    def steps_of_police(self, *, are: bool) -> tuple[StepRecord, ...]:
        return tuple(each for each in self.steps if (each.role is Role.POLICE_CONTROL_ROOM) == are)

    def step(self, answers: deeds.Answers) -> int:
        return int(answers.chosen["step"])


def matter_of(about: About) -> deeds.Matter:
    episode = about.episode
    named, force = (None, None) if episode is None else (episode.episode, episode.force)
    corrects = None if about.recorded is None else UUID(about.recorded.id)
    duty = None if about.duty is None else about.duty.duty
    return deeds.Matter(about.authority, "console", named, force, corrects=corrects, duty=duty)


def can_be_recorded(deed: deeds.DeedSpec, about: About) -> bool:
    """On its duty's page, and corrected there; some also on an episode's page, where each on record is corrected."""
    episode, is_held = about.episode, any(isinstance(each.content, deed.kind) for each in about.held)
    if is_held or (deed.is_about_police() and (episode is None or episode.force is None)):
        return False
    if about.duty is not None:
        return about.duty.deed is deed.deed and (about.duty.goes_on or about.recorded is not None)
    if about.recorded is not None:
        return deeds.deed_of(about.recorded.content) is deed.deed
    states, condition = ON_EPISODES_PAGE.get(deed.deed, ((), None))
    if episode is None or episode.state not in states:
        return False
    return condition is None or condition in episode.open_conditions


ON_EPISODES_PAGE: Mapping[Deed, tuple[Collection[EpisodeState], str | None]] = {
    Deed("safe-and-well-check"): ((EpisodeState.LOCATED, EpisodeState.RETURNED), "safe-and-well-check"),
    Deed("return-interview"): ((EpisodeState.RETURNED,), "return-interview"),
    Deed("police-reference"): (BACK_OR_NOT, None),
    Deed("police-grade"): (GONE, None),
    Deed("police-closed"): (BACK_OR_NOT, "police-closed"),
    Deed("parents-decision"): (GONE, None),
}
"""When an operator may record it without a duty: states, and the condition that must still be open. The protocol takes
a check that overtakes its return on the bus; an operator must not record one while the child is not back.
"""


Says: TypeAlias = Callable[[About, deeds.Answers], tuple[Message, ...]]


@dataclass(frozen=True, slots=True)
class ActSpec:
    """As `acts.yaml` has it. `messages` takes answers whose words are in the register. A reason goes with the event."""

    act: OperatorAct | Deed
    needs: May
    is_possible: Callable[[About], bool]
    messages: Says
    asks: tuple[deeds.Field, ...] = ()
    confirms: bool = False
    held: bool = False
    faults: Callable[[deeds.Answers], Mapping[str, deeds.Fault]] = lambda _answers: {}
    """Those that lie between fields."""


REASON = deeds.Field("reason", deeds.Kind.WORDS)
HAPPENED_AT = deeds.Field("happened_at", deeds.Kind.PAST, required=False)
PERSON = events.Proof.PERSON
CAME = tuple(sorted(PLAN_OWNERS))


def _is_episode_in(*states: EpisodeState) -> Callable[[About], bool]:
    return lambda about: about.duty is None and about.episode is not None and about.episode.state in states


_is_there = _is_episode_in(*BACK_OR_NOT)


def _waits(about: About) -> bool:
    return about.duty is not None and about.duty.goes_on


def _waits_for(*, police: bool) -> Callable[[About], bool]:
    return lambda about: _waits(about) and bool(about.steps_of_police(are=police))


def _tell(event: type[events.Told], **more: object) -> Says:
    """An event with the operator's words, about the episode of the page."""

    def messages(about: About, answers: deeds.Answers) -> tuple[Message, ...]:
        words = tuple(each for ids in answers.words.values() for each in ids)
        fields = {"authority": about.authority, "channel": "console", "words": words} | more
        if issubclass(event, events.ToldOfEpisode) and about.episode is not None:
            fields["episode"] = about.episode.episode
        return (event.model_validate(fields),)

    return messages


def _acknowledge(about: About, answers: deeds.Answers) -> tuple[Message, ...]:
    return (_acknowledgement(about, about.step(answers), how="console"),)


def _take(about: About, _answers: deeds.Answers) -> tuple[Message, ...]:
    """For the newest telling: its recipient is asked now."""
    return (_acknowledgement(about, about.steps_of_police(are=False)[-1].step, how="console"),)


def _inform(about: About, answers: deeds.Answers) -> tuple[Message, ...]:
    nature = answers.chosen["nature"]
    if nature == "luring":
        return _tell(events.ChildLuringSuspected)(about, answers)
    return _tell(events.ChildInformationReceived, nature=nature)(about, answers)


def _identify(about: About, answers: deeds.Answers) -> tuple[Message, ...]:
    return _tell(care_events.ChildIdentified, child=answers.chosen["child"])(about, answers)


def _record_call(about: About, answers: deeds.Answers) -> tuple[Message, ...]:
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


def _record_reference(about: About, answers: deeds.Answers) -> tuple[Message, ...]:
    return _tell(events.PoliceReferenceTexted, words=answers.words["reference"])(about, answers)


def _move_discussion(about: About, answers: deeds.Answers) -> tuple[Message, ...]:
    number, starts_at = about.discussion.discussion if about.discussion else 1, answers.moments["starts_at"]
    move = _tell(discussion_events.StrategyDiscussionRedated, starts_at=starts_at, discussion=number)
    return move(about, answers)


def _cancel_discussion(about: About, answers: deeds.Answers) -> tuple[Message, ...]:
    found = about.discussion
    number, form = (found.discussion, found.form) if found else (1, None)
    return _tell(discussion_events.StrategyDiscussionCancelled, discussion=number, form=form)(about, answers)


def _correct_discussion(about: About, answers: deeds.Answers) -> tuple[Message, ...]:
    """Who came, and the decision on a section 47 enquiry. The plan stands."""
    if about.recorded is None:
        raise ValueError("this act corrects a record")
    now = {"channel": "console", "said_by": None, "plan": (), "words": answers.words.get("reason", ())}
    corrected = about.recorded.content.model_dump() | dict(answers.facts) | now | {"corrects_event": about.recorded.id}
    return (discussion_events.StrategyDiscussionHeld.model_validate(corrected),)


def _send_again(about: About, answers: deeds.Answers) -> tuple[Message, ...]:
    duty = _duty(about)
    return (DutySendAgain(duty=duty.duty, step=about.step(answers), authority=duty.authority, asked=answers.act),)


def _look_up(about: About, _answers: deeds.Answers) -> tuple[Message, ...]:
    return (RegisterLookedUp(authority=about.authority, purpose="console", fields=IDENTITY),)


def _duty(about: About) -> DutyChanged:
    if about.duty is None:
        raise ValueError("this act is about a duty")
    return about.duty


_NOTHING: Says = lambda _about, _answers: ()  # noqa: E731 as those beside it
_DOES: Mapping[OperatorAct, tuple[Callable[[About], bool], Says]] = {
    OperatorAct.UNDONE: (lambda about: bool(about.undoable), _NOTHING),
    OperatorAct.TAKEN: (_waits_for(police=False), _take),
    OperatorAct.IDENTIFIED: (lambda about: about.is_unnamed and _is_there(about), _identify),
    OperatorAct.KEPT_APART: (lambda about: about.may_be_same, _NOTHING),
    OperatorAct.INFORMED: (_is_there, _inform),
    OperatorAct.PHONED: (_waits_for(police=True), _record_call),
    OperatorAct.ACKNOWLEDGED_FOR: (_waits_for(police=False), _acknowledge),
    OperatorAct.SENT_AGAIN: (lambda about: _waits(about) and bool(about.steps), _send_again),
    OperatorAct.RETURNED: (lambda about: about.is_gone, _tell(events.ChildReturned, proof=PERSON)),
    OperatorAct.LOCATED: (
        lambda about: about.is_gone and _is_episode_in(EpisodeState.MISSING)(about),
        _tell(events.ChildLocated, proof=PERSON),
    ),
    OperatorAct.RETURN_RETRACTED: (
        _is_episode_in(EpisodeState.RETURNED),
        _tell(events.ReportRetracted, retracts="return", proof=PERSON),
    ),
    OperatorAct.REPORT_RETRACTED: (
        lambda about: about.is_gone,
        _tell(events.ReportRetracted, retracts="missing", proof=PERSON),
    ),
    OperatorAct.DISCUSSION_REDATED: (lambda about: about.has_planned_discussion, _move_discussion),
    OperatorAct.DISCUSSION_CANCELLED: (lambda about: about.has_planned_discussion, _cancel_discussion),
    OperatorAct.DISCUSSION_CORRECTED: (
        lambda about: correcting_act(about.recorded) is OperatorAct.DISCUSSION_CORRECTED,
        _correct_discussion,
    ),
    OperatorAct.NOTED: (lambda about: about.duty is None and about.episode is not None, _NOTHING),
    OperatorAct.CHILD_REVEALED: (lambda about: about.duty is None and not is_provisional(about.child), _look_up),
}


def _describe(
    act: str, *, needs: str, asks: Mapping[str, Any] | None = None, confirms: bool = False, held: bool = False
) -> ActSpec:
    """Each word of the file is an argument, so that no other is passed over."""
    is_possible, says = _DOES[OperatorAct(act)]
    fields = [deeds.read_field(name, asked, events.Told) for name, asked in (asks or {}).items()]
    offered = tuple(each.offering(CAME) if each.name == "came" else each for each in fields)
    return ActSpec(OperatorAct(act), May(needs), is_possible, says, offered, confirms, held)


def _describe_deed(deed: deeds.DeedSpec) -> ActSpec:
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


_WRITTEN = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text())
_ALL = (*(_describe(act, **about) for act, about in _WRITTEN.items()), *map(_describe_deed, deeds.DEED_SPECS.values()))
ACT_SPECS: Mapping[OperatorAct | Deed, ActSpec] = {each.act: each for each in _ALL}


SAME_CHILD = replace(
    ACT_SPECS[OperatorAct.IDENTIFIED], is_possible=lambda about: about.may_be_same, asks=(), confirms=False, held=True
)
"""One tap, on the page that names the other report. It joins two cases for good, and so can be undone for a minute."""


def correcting_act(entry: RecordedMessage[Message] | None) -> OperatorAct | Deed | None:
    """By which an event on record is corrected on the page of its episode. None: by none."""
    content = None if entry is None else entry.content
    held = discussion_events.StrategyDiscussionHeld
    return OperatorAct.DISCUSSION_CORRECTED if isinstance(content, held) else deeds.deed_of(content)


def possible_acts(about: About) -> tuple[ActSpec, ...]:
    """The acts that are possible in its present state, the most pressing first."""
    return tuple(each for each in _ALL if each.is_possible(about))


def steps_to_choose(spec: ActSpec, about: About) -> tuple[StepRecord, ...]:
    """The tellings that the act may be about, newest first, since the newest recipient is asked now."""
    if spec.act is OperatorAct.SENT_AGAIN:
        return about.steps[::-1]
    return about.steps_of_police(are=spec.act is OperatorAct.PHONED)[::-1]


def read_form(spec: ActSpec, about: About, act: UUID, form: Mapping[str, str], now: datetime) -> deeds.Answers:
    """The form's answers. `now` is story time. Raises Faults."""
    steps = tuple(str(each.step) for each in steps_to_choose(spec, about))
    asked = [each.offering(steps) if each.kind is deeds.Kind.STEP else each for each in spec.asks]
    answers = deeds.Answers.read(act, asked, form, now)
    if faults := spec.faults(answers):
        raise deeds.Faults(dict(faults))
    ended_at = answers.moments.get(HAPPENED_AT.name) if spec.confirms else None
    if ended_at is not None and about.episode is not None and ended_at < about.episode.opened_at:
        raise deeds.Faults({HAPPENED_AT.name: deeds.Fault.EARLY})
    return answers
