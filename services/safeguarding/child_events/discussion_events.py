"""Describes events of a strategy discussion (S36): moved, called off, held and recorded, and the steps of its plan."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, WithJsonSchema

from services.safeguarding.child_events.events import Event, Told, ToldOfEpisode
from services.safeguarding.meetings import Form
from services.safeguarding.message import Contract
from services.safeguarding.roles import PLAN_OWNERS, Role
from services.safeguarding.working_time import Day, Moment


class StrategyDiscussionRedated(ToldOfEpisode, kind="strategy-discussion.redated.v1"):
    """The convener has moved the discussion; everyone invited hears of it in their calendar.

    `discussion` is its number within the episode. None: the newest that is planned, of that episode where one is named.
    """

    starts_at: Moment
    discussion: int | None = Field(default=None, ge=1)


class StrategyDiscussionCancelled(ToldOfEpisode, kind="strategy-discussion.cancelled.v1"):
    """The convener has called it off. `discussion` as in a new date.

    With `form`, those invited to a discussion of the other form are still waited for.
    """

    discussion: int | None = Field(default=None, ge=1)
    form: Form | None = None


def _reached_by_mail(owner: Role) -> Role:
    if owner not in PLAN_OWNERS:
        raise ValueError("an owner whom a mail reaches: one of " + ", ".join(sorted(PLAN_OWNERS)))
    return owner


PlanOwner = Annotated[
    Role, AfterValidator(_reached_by_mail), WithJsonSchema({"type": "string", "enum": sorted(PLAN_OWNERS)})
]


class PlannedStep(Contract):
    """One step of a discussion's plan: who does it, by which day. What is to be done is in the record's `words`."""

    owner: PlanOwner
    due_on: Day


class StrategyDiscussionHeld(ToldOfEpisode, kind="strategy-discussion.held.v1"):
    """The record of a discussion (S36, Working Together). `words` are what was said and decided, then one text a step
    of `plan`.
    """

    discussion: int | None = Field(default=None, ge=1)
    """Its number within the episode. None: the newest of this form that is planned."""
    held_on: Day | None = None
    """From this day the five and the fifteen working days count; None: from the event's own."""
    form: Form
    """`urgent`: by telephone, at once. The full meeting follows within five working days (practice)."""
    section_47: Literal["enquiry", "no-enquiry", "under-way"]
    """`enquiry`: it starts now, and with it the fifteen working days to the child protection conference."""
    came: tuple[Role, ...] = ()
    plan: tuple[PlannedStep, ...] = Field(default=(), max_length=20)


class ChildProtectionConferenceHeld(Told, kind="child-protection-conference.held.v1"):
    """The initial conference after a section 47 enquiry, or a manager's recorded decision that none is needed."""

    state: Literal["held", "not-needed"] = "held"


class StrategyRecordDue(Event, kind="strategy.record-due.v1"):
    """The time of a discussion is over, and nobody has recorded it yet."""

    episode: UUID
    discussion: int

    @property
    def matter(self) -> str:
        """Strategy's id of the discussion: one on a child's arrival belongs to no episode of ours."""
        return str(self.episode)


class PlanStepSet(Event, kind="plan-step.set.v1"):
    """A step of a recorded discussion's plan: its owner hears of it now, and on the day on which it is due."""

    discussion: int
    number: int
    owner: PlanOwner
    due_on: date

    @property
    def matter(self) -> str:
        return f"{self.due_on} {self.discussion}.{self.number}"


class StrategyQuorumReached(Event, kind="strategy.quorum-reached.v1"):
    """All who must be there have accepted: police, social care, and by day health, who is not invited by night."""

    episode: UUID
    discussion: int
    seats: tuple[Literal["police", "health", "social-care"], ...] = ()
    """Whose seats somebody has accepted. Empty: nobody has said."""

    @property
    def matter(self) -> str:
        return " ".join(self.seats)


class StrategyWithoutQuorum(Event, kind="strategy.without-quorum.v1"):
    """Not all who must be there (police, health, social care) have said that they come: the discussion is about to
    begin, people have had their time to answer to a new date, somebody has withdrawn at the last moment, or has
    accepted another at the same time before.
    """

    episode: UUID
    discussion: int
    lacking: tuple[Literal["police", "health", "social-care"], ...]
    doubled: tuple[Literal["police", "health", "social-care"], ...] = ()
    """Of these: whoever accepted the seat had accepted another discussion at the same time, and can come to one."""

    @property
    def matter(self) -> str:
        return " ".join(self.doubled)


class StrategyCounterProposed(Event, kind="strategy.counter-proposed.v1"):
    """Somebody invited proposes another time. The convener decides."""

    episode: UUID
    discussion: int
    role: str
    starts_at: Moment
