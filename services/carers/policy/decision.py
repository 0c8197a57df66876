"""Describes what a text brings about: acts, claims to be confirmed, and the answer."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from uuid import UUID

from services.carers.policy.answer import Answer
from services.carers.policy.context import ClaimKind, OpenClaim, Question, Standing
from services.safeguarding.identifiers import AuthorityId, ChildId, PersonId
from services.safeguarding.message import Message

Stage: TypeAlias = Literal["joined", "practising", "practised"]


@dataclass(frozen=True, slots=True)
class Claim:
    """What would end a search, said of some children. One code, texted to the sender, confirms it of all of them."""

    kind: ClaimKind
    about: tuple["Claimed", ...]
    apart: bool = False
    """It has a code of its own, since nobody has said yet which of several is meant."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """One child of a claim. `code` is how the sender calls the child; empty for a report without a name."""

    subject: ChildId
    code: str
    authority: AuthorityId
    person: PersonId | None = None
    episode: UUID | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """Something to say on the bus about `subject`. The text's words are kept about the subject and named in it."""

    subject: ChildId
    content: Message


@dataclass(frozen=True, slots=True)
class Decision:
    acts: tuple[Act, ...] = ()
    answer: Answer | None = None
    standing: Standing = field(default_factory=Standing)
    """For the answer about how things stand."""
    question: Question | None = None
    """The one question that the answer asks."""
    answered: bool = False
    """The open question is answered, or given up."""
    identified: tuple[tuple[ChildId, ChildId], ...] = ()
    """Provisional report and the child it was about."""
    ended: tuple[ChildId, ...] = ()
    """Provisional reports whose child is back, or that were a false alarm."""
    claims: tuple[Claim, ...] = ()
    """What the sender is asked to confirm, a code each."""
    confirmed: tuple[OpenClaim, ...] = ()
    which: tuple[str, ...] = ()
    """The codes of the children of whom something is confirmed, as the sender knows them."""
    denied: tuple[ChildId, ...] = ()
    """Children of whom the sender says now that they are missing: no earlier code ends that."""
    wrong_code: bool = False
    stage: Stage | None = None
    """Where the speaker's enrolment stands from now on."""
    exercise: bool = False
    """All that is said because of it is practice."""
    coded: str | None = None
    """The code by which duty staff named a child, for the answer: whoever mistyped it sees whom they reported."""
