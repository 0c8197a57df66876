"""Holds the state of one child: episodes, duties with their tellings, waiting rules. Ids, kinds, times, no words.

With it, what rules may ask of the register about a child: no name, number, address or status in words.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from services.protocol.policy.rule_language.vocabulary import Condition, Mark
from services.safeguarding.child_events.events import ReferenceKind, RiskGrade
from services.safeguarding.duty.decisions import GOES_ON, DutyState, EpisodeState, StepRecord, TellingState
from services.safeguarding.identifiers import AuthorityId, ChildId, ForceId, PersonId, PlacementId, WordsId
from services.safeguarding.roles import Channel, Role, Wording


class Facts(BaseModel):
    """None means unknown, never "no". Dates without a time are days in England."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    authority: AuthorityId
    """The authority that is responsible; of a provisional child, the reporter's."""
    force: ForceId | None = None
    """The force of the placement."""
    placement: PlacementId | None = None
    host_authority: AuthorityId | None = None
    adult_on: date | None = None
    """The 18th birthday; while age is disputed, of the youngest plausible birth date. Rules have no other."""
    unaccompanied: bool | None = None
    modern_slavery_concern: bool | None = None
    subject_to_immigration_control: bool | None = None
    age_disputed: bool | None = None
    guardian_allocated: bool | None = None
    entered_care_at: datetime | None = None
    carers: tuple[PersonId, ...] | None = None
    """Those who care for the child in its placement now."""
    unlike_references: frozenset[WordsId] = frozenset()
    """The child's earlier references of police that are not the one that this event gives."""


OPEN_STATES = frozenset({EpisodeState.MISSING, EpisodeState.LOCATED})
FIRST_KEPT, NEWEST_KEPT = 8, 8
ASKS_AGAIN = -1
"""The next step of a duty that rests: whoever answered is asked once more."""
HEARD_KEPT = 64


class State(BaseModel):
    """Immutable. `model_copy(update=...)` does not validate: pass it only what was validated before."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """As pydantic's, in a sixth of its time: a decision copies a dozen states. `model_fields_set` stays."""
        if deep:
            return super().model_copy(update=update, deep=True)
        copied = object.__new__(type(self))
        object.__setattr__(copied, "__dict__", {**self.__dict__, **(update or {})})
        object.__setattr__(copied, "__pydantic_fields_set__", self.__pydantic_fields_set__)
        object.__setattr__(copied, "__pydantic_extra__", None)
        object.__setattr__(copied, "__pydantic_private__", None)
        return copied


class Report(State):
    """A report of the child as missing that a carer texted."""

    event: str
    person: PersonId
    at: datetime


class Claim(State):
    """Somebody has said that the child is back, was never missing or is found, and has not proved it."""

    what: Literal["return", "retraction", "location"]
    person: PersonId | None = None
    """None: nobody we know, or no text."""
    at: datetime


class Cause(State):
    """The message that sets a rule off: its id, its time, and who said it."""

    id: str
    time: datetime
    person: PersonId | None = None
    """The carer who texted, or the contact that the message is about. None for an agency, a force or a clock."""
    words: tuple[WordsId, ...] = ()
    exercise: bool = False
    owner: Role | None = None
    """Who carries out a step of a plan."""
    day: date | None = None
    """The day that a rule may count down to."""
    matter: str = ""
    last_seen_at: datetime | None = None
    """When the child was last seen, as a report tells it."""
    reporter: UUID | None = None
    """The agency, placement or person that reported the child, without saying which."""


class Marked(State):
    on: bool
    since: datetime


class Record(State):
    """What events have said of the child, beside the register."""

    marks: dict[Mark, Marked] = {}
    photo_taken_on: date | None = None
    contacts_checked_at: datetime | None = None
    placed_at: datetime | None = None
    """When the child last came to where it lives."""
    immigration_control: bool | None = None
    """As a deed said, where the register does not know."""
    wrong_adult_on: date | None = None
    """What the register held when an assessment found otherwise. No date is counted from it."""
    carers_aware: dict[str, datetime] = {}
    """By carer: when it was last recorded that they know what to do."""
    discussion_over_at: datetime | None = None
    """When a strategy discussion was last recorded or called off."""
    opened: tuple[datetime, ...] = ()
    """When each episode opened that was not retracted."""
    authority: AuthorityId | None = None
    """Since a transfer: who is responsible, until the register says so itself."""
    former_authority: AuthorityId | None = None

    def has(self, mark: Mark) -> bool:
        return mark in self.marks and self.marks[mark].on


NOTHING = Record()


class Episode(State):
    episode: UUID
    revision: int = 0
    state: EpisodeState = EpisodeState.MISSING
    protocol: str
    """Hash of the merged protocol at the opening: it holds for the whole episode."""
    authority: AuthorityId
    force: ForceId | None = None
    placement: PlacementId | None = None
    candidates: tuple[ChildId, ...] = ()
    exercise: bool = False
    opened_at: datetime
    last_report_at: datetime
    """When the child was last said to be missing: by a report, or by a return taken back."""
    reports: tuple[Report, ...] = ()
    last_seen_at: datetime | None = None
    """The newest sighting that a report has told of (`newest_sighting`)."""
    claims: tuple[Claim, ...] = ()
    """Claims since the last report. They change nothing, and nobody is told the same one twice in ten minutes."""
    located_at: datetime | None = None
    returned_at: datetime | None = None
    ended_at: datetime | None = None
    """When it was retracted: a report older than this opens nothing."""
    unreported: bool = False
    """Nobody had reported the child missing: the episode opened with the return."""
    merged_into: UUID | None = None
    """The episode of the same child that was open already."""
    met: frozenset[Condition] = frozenset()
    interview_offered: bool = False
    reference_known: bool = False
    references: dict[WordsId, ReferenceKind] = {}
    """The kind of each, by the words in which police, or whoever rang them, gave it."""
    grade: RiskGrade | None = None
    """As police graded the risk last."""
    news_at: datetime | None = None
    """When we last heard something new of it, a further report included."""
    immigration_control_unknown: bool = False
    """Since the report, until the record says."""
    no_guardian_known: bool = False
    """Since the report, until the record has one."""
    discussion_over: bool = False

    @property
    def over_at(self) -> datetime | None:
        """When it returned or was retracted, whichever is later. None while it is open."""
        return max(filter(None, (self.returned_at, self.ended_at)), default=None)


class Telling(State, StepRecord):
    """As it is published, and with its wording."""

    wording: Wording
    state: TellingState = "told"


class Rest(State):
    """Somebody said that they have it, and it is not done yet: at `until` they are asked again."""

    role: Role
    channel: Channel
    until: datetime


class DutyOfCase(State):
    duty: UUID
    revision: int = 0
    """Grows by one with each decision that changes the duty."""
    rule: str
    protocol: str
    episode: UUID | None = None
    cause: Cause
    role: Role
    """Who is told first. The rule's `otherwise` says who is told next."""
    person: PersonId | None = None
    channel: Channel
    wording: Wording
    refers_to: UUID | None = None
    force: ForceId | None = None
    """Which control room, where one is told. The episode may move on to another force, and each hears how it ends."""
    authority: AuthorityId | None = None
    """Where it is not the child's own."""
    state: DutyState = DutyState.OPEN
    accepted: bool = False
    """Whether the one told first has taken it, by themselves or by their system."""
    ended_because: str | None = None
    ended_by_report: UUID | None = None
    """The episode whose report ended it. Where that was a mistake it goes on."""
    created_at: datetime
    counted_from: datetime
    """From when the minutes of its steps count: its creation, or when its end proved a mistake. A rest or a late step
    moves it on.
    """
    passed: int = 0
    """How many steps of the rule's `otherwise` lie behind."""
    next: int | None = None
    """Index of the step to come, or ASKS_AGAIN. None: nothing more is to come."""
    rest: Rest | None = None
    next_at: datetime | None = None
    deadline_version: int = 0
    told: int = 0
    """How many tellings there have been."""
    tellings: tuple[Telling, ...] = ()
    """The first and the newest alone: a duty repeated for weeks would fill the case."""

    @property
    def goes_on(self) -> bool:
        """Whether somebody has still to answer. A duty that only informs ends when it is accepted."""
        return self.state in GOES_ON and self.ended_because is None

    @property
    def invites_to_discussion(self) -> bool:
        """To the urgent one, not to the full meeting."""
        return (self.channel, self.wording) == (Channel.INVITATION, Wording("strategy-discussion"))

    def tells_carers_missing(self, episode: UUID) -> bool:
        """Those who did not report it themselves. What else carers are told in an episode may be of another matter."""
        about = (self.episode, self.role, self.wording)
        return about == (episode, Role.CARERS_ALL, Wording("missing-said-elsewhere"))

    def telling(self, step: int) -> Telling | None:
        return next((each for each in self.tellings if each.step == step), None)

    def with_telling(self, telling: Telling) -> "DutyOfCase":
        """A copy with this telling added, or replacing the one of the same step."""
        if telling.step < self.told:
            tellings = [telling if each.step == telling.step else each for each in self.tellings]
            return self.model_copy(update={"tellings": tuple(tellings)})
        kept = (
            self.tellings
            if len(self.tellings) < FIRST_KEPT + NEWEST_KEPT
            else (*self.tellings[:FIRST_KEPT], *self.tellings[1 - NEWEST_KEPT :])
        )
        return self.model_copy(update={"tellings": (*kept, telling), "told": self.told + 1})


class Waiting(State):
    """A rule that is set off and waits for its time. If it is stood down it stays: the return may prove a mistake."""

    deadline: UUID
    version: int = 1
    rule: str
    protocol: str
    episode: UUID | None = None
    cause: Cause
    due_at: datetime
    stood_down: str | None = None
    ended_by_report: UUID | None = None
    """The episode whose report stood it down. If the report was a mistake, it waits again."""


class Case(State):
    """Everything that decisions about this child rest on, beside the register's facts."""

    child: str
    episodes: dict[UUID, Episode] = {}
    duties: dict[UUID, DutyOfCase] = {}
    waiting: dict[UUID, Waiting] = {}
    heard: tuple[str, ...] = ()
    """Keys of the events read last, the newest at the end. An event no longer among them goes by its time alone."""
    returned_at: datetime | None = None
    """The last return that found no episode to end."""
    watched_since: datetime | None = None
    """When the open watch began: a decision opens it, a person's review ends it. None: no watch is open."""
    leave_expires_on: date | None = None
    record: Record = NOTHING
    merged_into: ChildId | None = None
    """The child whose case this has become, where a provisional child was identified."""

    def protocols(self) -> frozenset[str]:
        """Hashes of the protocols that this case still follows."""
        holders: tuple[Episode | DutyOfCase | Waiting, ...] = (
            *self.episodes.values(),
            *self.duties.values(),
            *self.waiting.values(),
        )
        return frozenset(holder.protocol for holder in holders)


def newest_sighting(known: datetime | None, told: datetime | None, *, until: datetime) -> datetime | None:
    """The later of two times at which a child was said to be seen: a later text that tells of an earlier hour takes no
    sighting back. One after `until`, when it was told, is no sighting.
    """
    return max((each for each in (known, told) if each is not None and each <= until), default=None)
