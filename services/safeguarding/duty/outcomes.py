"""Describes the outcomes of a duty. Heard by the protocol, the console and the audit."""

from typing import Literal, TypeAlias
from uuid import UUID

from pydantic import AwareDatetime

from services.safeguarding.duty.evidence import DeliveryAttempted
from services.safeguarding.identifiers import AuthorityId, ForceId, PersonId, WordsId
from services.safeguarding.meetings import Form
from services.safeguarding.message import Message, Topic
from services.safeguarding.roles import Role

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
