"""Holds a decision while it is made: the case as it will be, and what will be published and scheduled."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from services.protocol.policy.case import (
    HEARD_KEPT,
    OPEN_STATES,
    Case,
    Cause,
    DutyOfCase,
    Episode,
    Facts,
    Marked,
    Record,
    Waiting,
)
from services.protocol.policy.rule_language.grammar import Protocol, Rule
from services.protocol.policy.rule_language.vocabulary import Mark, Trigger
from services.safeguarding.child_events.events import Due
from services.safeguarding.duty.decisions import DutyChanged, EpisodeChanged, ProtocolDecided, Verdict
from services.safeguarding.duty.duties import Duty
from services.safeguarding.identifiers import PersonId
from services.safeguarding.message import Message
from services.safeguarding.working_time import in_first_hours


@dataclass(frozen=True, slots=True)
class Happened:
    """The message that is decided upon. `time` is when it came about, in story time; `id` is the message's own.

    A fact that travelled with others is decided upon alone, under an id that follows from the message's (`part_ids`).
    """

    content: Message
    id: str
    subject: str
    time: datetime
    exercise: bool = False
    source: str = ""
    late: timedelta = timedelta()
    """How long after `time` it is heard of. Time that was skipped does not count."""

    @property
    def key(self) -> str:
        """Unique: two sources may use one id."""
        return f"{self.source} {self.id}".strip()


@dataclass(frozen=True, slots=True)
class Protocols:
    """The protocol in force now, and those that open episodes and duties still follow, by hash."""

    current: Protocol
    kept: Mapping[str, Protocol] = field(default_factory=dict)

    def of(self, name: str) -> Protocol:
        return self.current if name == self.current.hash else self.kept[name]


@dataclass(frozen=True, slots=True)
class Deadline:
    """An event to be published at `due_at`, in place of any earlier version of the same deadline."""

    deadline: UUID
    version: int
    due_at: datetime
    content: Due
    exercise: bool


@dataclass(slots=True)
class Decision:
    """The outcome: the case as it now is, whom to tell or no longer to tell, and when to look again."""

    case: Case
    duties: list[Duty] = field(default_factory=list)
    """Tellings and withdrawals, in the order in which they must be published."""
    deadlines: list[Deadline] = field(default_factory=list)
    cancelled: list[UUID] = field(default_factory=list)
    decided: list[ProtocolDecided] = field(default_factory=list)
    changes: list[EpisodeChanged | DutyChanged] = field(default_factory=list)
    exercises: set[UUID] = field(default_factory=set)
    """Duties and episodes that are exercises."""


def responsible(record: Record, facts: Facts) -> Facts:
    """After a transfer the receiving authority is responsible, also while the register still names the one before."""
    if record.authority is None or facts.authority != record.former_authority:
        return facts
    return facts.model_copy(update={"authority": record.authority})


def with_what_is_known(record: Record, facts: Facts) -> Facts:
    """The register's facts, completed by what a deed has recorded where the register knows nothing."""
    if record.immigration_control is None or facts.subject_to_immigration_control is not None:
        return facts
    return facts.model_copy(update={"subject_to_immigration_control": record.immigration_control})


def newly_placed(record: Record, facts: Facts, now: datetime) -> bool | None:
    """Whether these are the first 72 hours in care, or in another placement (S36). None: nobody knows."""
    began = [each for each in (facts.entered_care_at, record.placed_at) if each is not None]
    return any(in_first_hours(each, now) for each in began) if began else None


class Draft:
    """The working copy of a case. It owns its dictionaries; their values are immutable and shared with the case."""

    def __init__(
        self,
        case: Case,
        happened: Happened,
        facts: Facts,
        protocols: Protocols,
        now: datetime,
        joined: Case | None = None,
    ) -> None:
        self.case = case
        self.child = case.child
        self.joined = joined
        self.happened = happened
        self.facts = with_what_is_known(case.record, responsible(case.record, facts))
        self.record = case.record
        self.opens_watch: Cause | None = None
        self.opens_episode: Cause | None = None
        self.protocols = protocols
        self.now = now
        self.returned_at = case.returned_at
        self.watched_since = case.watched_since
        self.leave_expires_on = case.leave_expires_on
        self.episodes = dict(case.episodes)
        self.duties = dict(case.duties)
        self.waiting = dict(case.waiting)
        self.heard = case.heard
        self.told: list[Duty] = []
        self.decided: list[ProtocolDecided] = []
        self.deadlines: dict[UUID, Deadline | None] = {}
        self.became: list[tuple[UUID, str]] = []
        self.late: list[tuple[UUID, int]] = []
        self.duties_changed: dict[UUID, None] = {}
        self.episodes_changed: dict[UUID, None] = {}

    @cached_property
    def latest(self) -> Episode | None:
        """The open episode, or else the one last opened. An exercise sees only the episodes of exercises.

        The open one may have opened first: it came along from a provisional child. Of two that opened at one moment,
        the one kept last counts as later.
        """
        exercise = self.happened.exercise
        mine = [each for each in self.episodes.values() if each.exercise == exercise and each.merged_into is None]
        return max(reversed(mine), key=lambda each: (each.state in OPEN_STATES, each.opened_at), default=None)

    @property
    def open_episode(self) -> Episode | None:
        return self.latest if self.latest is not None and self.latest.state in OPEN_STATES else None

    @property
    def speaker(self) -> PersonId | None:
        """The carer who texted. None: the message is no carer's text."""
        content = self.happened.content
        person: PersonId | None = getattr(content, "said_by", None)
        return person if getattr(content, "channel", None) == "text" else None

    def remember(self, *keys: str) -> None:
        """Records that these events have been read: one that comes again says nothing new."""
        self.heard = (*self.heard, *keys)[-HEARD_KEPT:]

    def mark(self, mark: Mark, at: datetime, *, on: bool = True) -> None:
        """Sets or clears a mark, unless a newer event has done so. An exercise changes nothing."""
        known = self.record.marks.get(mark)
        if not self.happened.exercise and (known is None or known.since <= at):
            self.keep(marks={**self.record.marks, mark: Marked(on=on, since=at)})

    def keep(self, **update: Any) -> None:
        """Updates the child's record. An exercise changes nothing."""
        if not self.happened.exercise:
            self.record = self.record.model_copy(update=update)

    def put_episode(self, episode: Episode) -> Episode:
        self.episodes[episode.episode] = episode
        self.episodes_changed[episode.episode] = None
        self.__dict__.pop("latest", None)
        return episode

    def put_duty(self, duty: DutyOfCase) -> DutyOfCase:
        self.duties[duty.duty] = duty
        self.duties_changed[duty.duty] = None
        return duty

    def put_waiting(self, waiting: Waiting) -> None:
        self.waiting[waiting.deadline] = waiting

    def before(self, episode: Episode) -> Episode | None:
        """The episode as it was before this message, perhaps a provisional child's."""
        came_along = {} if self.joined is None else self.joined.episodes
        return self.case.episodes.get(episode.episode) or came_along.get(episode.episode)

    def episode_of(self, episode: UUID | None) -> Episode | None:
        return None if episode is None else self.episodes.get(episode)

    def episode_named(self, episode: UUID | None) -> Episode | None:
        """The episode of this id; where it has become part of another, that other one."""
        found = self.episode_of(episode)
        return found if found is None or found.merged_into is None else self.episodes[found.merged_into]

    def episode_meant(self, named: UUID | None) -> Episode | None:
        """The episode of this id; the newest where none is named or known."""
        return self.episode_named(named) or self.latest

    def episode_of_discussion(self, named: UUID | None) -> Episode | None:
        """The episode that is discussed; the newest where none is named. A discussion that a concern called for outside
        any episode goes by an id of its own, and has none.
        """
        return self.latest if named is None else self.episode_named(named)

    def rule_of(self, holder: DutyOfCase | Waiting) -> Rule:
        return self.protocols.of(holder.protocol).by_id[holder.rule]

    def protocol_for(self, episode: Episode | None) -> Protocol:
        return self.protocols.current if episode is None else self.protocols.of(episode.protocol)

    def note(
        self,
        verdict: Verdict,
        rule: Rule | None = None,
        *,
        episode: UUID | None = None,
        duty: UUID | None = None,
        unknown: tuple[str, ...] = (),
    ) -> None:
        """Records the verdict, and by which paragraph."""
        self.decided.append(
            ProtocolDecided(
                authority=self.facts.authority,
                episode=episode,
                about=self.happened.content.kind,
                about_id=self.happened.id,
                rule=None if rule is None else rule.id,
                verdict=verdict,
                protocol=self.protocols.current.label if rule is None else rule.protocol,
                cites=() if rule is None else rule.because.cite,
                duty=duty,
                unknown=unknown,
            )
        )


class Reading(NamedTuple):
    """The trigger that the event amounts to, and its episode; or the reason why it sets off nothing."""

    trigger: Trigger | None = None
    episode: Episode | None = None
    verdict: Verdict | None = None


Reader: TypeAlias = Callable[[Draft, Any], list[Reading]]
"""Reads one kind of event: changes the draft as the event says, and returns the triggers."""
