"""Describes what a text brings about: acts, claims to be confirmed, and the answer."""

from collections.abc import Iterable
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


def combine_decisions(parts: list[Decision]) -> Decision:
    """What is said of several children in one text, with one answer to it: the gravest."""
    acts: dict[tuple[str, type[Message]], Act] = {}
    for part in parts:
        for act in part.acts:
            acts.setdefault((act.subject, type(act.content)), act)
    gravest = min(parts, key=lambda part: GRAVITY.index(part.answer) if part.answer else len(GRAVITY))
    return Decision(
        tuple(acts.values()),
        gravest.answer,
        gravest.standing,
        question=next((part.question for part in parts if part.question), None),
        ended=tuple(ended for part in parts for ended in part.ended),
        identified=tuple(each for part in parts for each in part.identified),
        coded=gravest.coded,
        claims=merge_claims(claim for part in parts for claim in part.claims),
        denied=tuple(denied for part in parts for denied in part.denied),
    )


GRAVITY = list(Answer)
"""`Answer` lists the gravest first."""


def merge_claims(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """One code for all of whom the same text claims the same."""
    apart: list[Claim] = []
    about: dict[ClaimKind, dict[ChildId, Claimed]] = {}
    for claim in claims:
        if claim.apart:
            apart.append(claim)
            continue
        for each in claim.about:
            about.setdefault(claim.kind, {}).setdefault(each.subject, each)
    return (*(Claim(kind, tuple(of_kind.values())) for kind, of_kind in about.items()), *apart)
