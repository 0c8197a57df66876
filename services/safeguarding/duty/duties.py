"""Someone who must be told, by a time, by a channel, with a next person to follow; and what comes of it.

Duties are made only by the protocol. Outcomes are heard by the protocol, the console and the audit. A message that
holds several facts is taken apart here, so that each is read in one way, whether it travelled alone or not.
"""

from datetime import date, timedelta
from enum import StrEnum
from typing import Literal, Self, TypeAlias
from uuid import UUID

from pydantic import AwareDatetime, Field, model_validator

from services.safeguarding import identifiers
from services.safeguarding.duty.decisions import DeliveriesAttempted, DeliveryAttempted, MessageDecided
from services.safeguarding.duty.facts import Fact
from services.safeguarding.identifiers import AuthorityId, ChildId, ForceId, PersonId, PlacementId, WordsId, derived
from services.safeguarding.meetings import Form, Meets
from services.safeguarding.message import Contract, Message, Topic
from services.safeguarding.roles import Channel, Deed, Role, Wording


class Because(StrEnum):
    """Why this telling of the duty is made, or withdrawn."""

    FIRST = "first"
    AGAIN = "again"
    NOT_ACCEPTED = "not-accepted"
    NOT_ACKNOWLEDGED = "not-acknowledged"
    FAILED = "failed"
    NOBODY_IN_ROLE = "nobody-in-role"
    ANSWERED = "answered"
    DONE = "done"
    RETURNED = "returned"
    RETRACTED = "retracted"
    SUPERSEDED = "superseded"
    CLOSED = "closed"


class MassReport(Contract):
    """Who reported the child, and from how many children of one reporter within how long people get one message."""

    reporter: UUID
    children: int
    within: timedelta


class Duty(Message, topic=Topic.DUTIES):
    """One telling of a duty: `step` 0 is the first, each later step goes to the next person or asks again.

    The envelope's subject is the child. A receiver ignores a message whose revision is older than one it has seen of
    the same duty and step, and remembers a withdrawal that comes before what it withdraws.
    """

    duty: UUID
    step: int = Field(ge=0)
    revision: int = Field(ge=1)
    act: Literal["tell", "withdraw"] = "tell"
    because: Because
    authority: AuthorityId
    force: ForceId | None = None
    placement: PlacementId | None = None
    candidates: tuple[ChildId, ...] = ()
    episode: UUID | None = None
    role: Role
    person: PersonId | None = None
    """The one person meant, where the role alone does not say (a carer who reported, someone told before)."""
    channel: Channel
    wording: Wording
    unanswered: Wording | None = None
    """What nobody has answered, where this telling says that nobody has."""
    asked: Role | None = None
    """In whose place this telling is made, where it is in somebody's."""
    holds: tuple[Fact, ...] | None = None
    """What is so as it is made, for whoever writes its sentence. None: nobody has said."""
    deed: Deed | None = None
    """What ends the duty when it is recorded. An answer only lets it rest. None: an answer, or its taking, ends it."""
    urgent: bool = True
    rule: str
    protocol: str
    """Name and version of the protocol that made it, such as `missing-from-care 2026.1`."""
    cites: tuple[str, ...]
    created_at: AwareDatetime
    """Story time. Minutes to accept and acknowledge count from here."""
    refers_to: UUID | None = None
    """The telling that this one updates or cancels (CAP 1.2's `references`)."""
    raised_risk: bool = False
    """Inside a watch, the first 72 hours, or again within 90 days: told to police as raised risk, without its cause
    (S36, S59).
    """
    words: tuple[WordsId, ...] = ()
    last_seen_at: AwareDatetime | None = None
    """When the child was, as far as the report that brought the duty says so."""
    mass: MassReport | None = None

    @property
    def telling(self) -> UUID:
        return identifiers.telling(self.duty, self.step)

    @property
    def code(self) -> str:
        """What a person texts back after OK."""
        return identifiers.code_of(self.telling)


class PoliceNotify(Duty, kind="police.notify.v1"):
    """The control room of the force of the child's placement is told, or told of a change."""

    missing_since: AwareDatetime | None = None
    """When the report was made that opened the episode. None: nobody reported it, or it is about no episode."""
    returned_at: AwareDatetime | None = None
    """Since when the child is back: a force that never had the first notice learns both at once."""
    plan_owner: Role | None = None
    """Who has the step of a plan that the force is told of, by `due_on`. What it is stands in `words`."""
    due_on: date | None = None
    same_child: UUID | None = None
    """An earlier telling to this force, which turned out to be about the same absence of the same child as `refers_to`:
    two notices are one child.
    """


class ProfessionalNotify(Duty, kind="professional.notify.v1"):
    """Social worker, duty team, reviewing officer, guardian, legal adviser, host authority, Home Office."""


class CarerAlert(Duty, kind="carer.alert.v1"):
    """What has truly been done by now, and the next practical step (S62)."""


class StrategyInvite(Duty, kind="strategy.invite.v1"):
    """A strategy discussion to come to (S36), or to record."""

    meets: Meets | None = None
    """When the discussion meets. None where its record is asked for."""

    @model_validator(mode="after")
    def _meets_at_some_time(self) -> Self:
        if (self.meets is None) != (self.wording is Wording("strategy-record")):
            raise ValueError("an invitation says when the discussion meets, and a question for its record does not")
        return self


class DutySendAgain(Message, kind="duty.send-again.v1", topic=Topic.DUTIES):
    """An operator asks that one telling be sent once more, to where its recipient is reached now. Nothing of the duty
    changes.
    """

    duty: UUID
    step: int = Field(ge=0)
    authority: AuthorityId
    asked: UUID
    """The operator's act: asked for twice under one id, it is sent once."""


FailureReason: TypeAlias = Literal[
    "nobody-in-role",
    "no-address",
    "refused",
    "gone",
    "untrusted-certificate",
    "opted-out",
    "undeliverable",
    "retries-spent",
    "exercise",
    "declined",
    "away",
]


class Outcome(Message, topic=Topic.OUTCOMES):
    """Names the duty and which telling of it. The envelope's time is when it came about, in story time."""

    duty: UUID
    step: int
    authority: AuthorityId
    episode: UUID | None = None


class DutyAccepted(Outcome, kind="duty.accepted.v1"):
    """The other end has taken it: a 2xx from a force, a text taken by the provider, a mail taken by the relay. Nobody
    has read it yet.
    """

    person: PersonId | None = None


class DutyDelivered(Outcome, kind="duty.delivered.v1"):
    """The provider says that the handset has it."""

    person: PersonId | None = None


How: TypeAlias = Literal["text", "page", "mail", "force", "phoned", "console", "call"]


class DutyAcknowledged(Outcome, kind="duty.acknowledged.v1"):
    """A person has it. Who: `by`, or the officer named in `words`."""

    by: PersonId | None = None
    force: ForceId | None = None
    how: How
    words: tuple[WordsId, ...] = ()
    unread: bool = False
    """Said by whoever holds a link that was mailed, without the code that opens what it leads to."""
    claimed: bool = False
    """By a text that anybody could send in their name: without the telling's own code. While a child is missing it ends
    nothing.
    """


class DutyFailed(Outcome, kind="duty.failed.v1"):
    """No further attempt will be made; the protocol goes on to the next person."""

    person: PersonId | None = None
    reason: FailureReason


class DutyOutcomes(Message, kind="duty.outcomes.v1", topic=Topic.OUTCOMES):
    """Outcomes about one child that one service recorded together, and the attempts that brought them. An
    acknowledgement always travels alone.
    """

    authority: AuthorityId
    attempts: tuple[DeliveryAttempted, ...] = ()
    accepted: tuple[DutyAccepted, ...] = ()
    delivered: tuple[DutyDelivered, ...] = ()
    failed: tuple[DutyFailed, ...] = ()


class StrategyDiscussionChanged(Message, kind="strategy-discussion.changed.v1", topic=Topic.OUTCOMES):
    """A strategy discussion as it now stands: when, and who comes. `discussion` is its number within the episode."""

    authority: AuthorityId
    episode: UUID
    discussion: int
    sequence: int
    state: Literal["planned", "cancelled", "held"]
    form: Form = "urgent"
    starts_at: AwareDatetime
    coming: tuple[Role, ...] = ()
    declined: tuple[Role, ...] = ()
    waited_for: tuple[Role, ...] = ()
    quorum: Literal["reached", "not-reached"]
    """Police, health and social care have said that they come."""


HOLDING_OTHERS = (MessageDecided, DutyOutcomes, DeliveriesAttempted)


def parts_of(content: Message) -> tuple[Message, ...]:
    """The message itself where it holds no others, else those that it holds, in their order."""
    match content:
        case MessageDecided():
            return (*content.verdicts, *content.duties)
        case DutyOutcomes():
            return (*content.attempts, *content.accepted, *content.delivered, *content.failed)
        case DeliveriesAttempted():
            return content.attempts
        case _:
            return (content,)


def part_ids(content: Message, message_id: str) -> tuple[str, ...]:
    """An id for each part, in the order of `parts_of`: the message's own where it holds no others."""
    if not isinstance(content, HOLDING_OTHERS):
        return (message_id,)
    return tuple(str(derived("part", message_id, str(index))) for index in range(len(parts_of(content))))
