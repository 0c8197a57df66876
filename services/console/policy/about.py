"""Describes the episode or duty that an operator acts on."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from services.console.policy.permits import May, Operator
from services.console.policy.record import RecordedMessage
from services.console.policy.status import GONE
from services.safeguarding.child_events.care_events import ChildIdentified
from services.safeguarding.child_events.events import ChildLocated, ChildReturned, ReportRetracted
from services.safeguarding.deeds import Answers, DeedSpec, Matter, deed_of
from services.safeguarding.duty.decisions import DutyChanged, EpisodeChanged, EpisodeState, StepRecord
from services.safeguarding.duty.duties import StrategyDiscussionChanged
from services.safeguarding.identifiers import AuthorityId, ChildId, is_provisional
from services.safeguarding.message import Message
from services.safeguarding.operators import AccountId, OperatorAct
from services.safeguarding.roles import Deed, Role

BACK_OR_NOT = (EpisodeState.MISSING, EpisodeState.LOCATED, EpisodeState.RETURNED)
ENDS_A_SEARCH = (ChildLocated, ChildReturned, ReportRetracted)
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
        is_said = any(isinstance(each.content, ChildIdentified) for each in self.held)
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

    def step(self, answers: Answers) -> int:
        return int(answers.chosen["step"])


def matter_of(about: About) -> Matter:
    episode = about.episode
    named, force = (None, None) if episode is None else (episode.episode, episode.force)
    corrects = None if about.recorded is None else UUID(about.recorded.id)
    duty = None if about.duty is None else about.duty.duty
    return Matter(about.authority, "console", named, force, corrects=corrects, duty=duty)


def can_be_recorded(deed: DeedSpec, about: About) -> bool:
    """On its duty's page, and corrected there; some also on an episode's page, where each on record is corrected."""
    episode, is_held = about.episode, any(isinstance(each.content, deed.kind) for each in about.held)
    if is_held or (deed.is_about_police() and (episode is None or episode.force is None)):
        return False
    if about.duty is not None:
        return about.duty.deed is deed.deed and (about.duty.goes_on or about.recorded is not None)
    if about.recorded is not None:
        return deed_of(about.recorded.content) is deed.deed
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
