"""What a sender says that would end a search, until the code that only their handset has confirms it."""

from dataclasses import dataclass
from typing import Literal, TypeAlias
from uuid import UUID

from services.safeguarding.identifiers import AuthorityId, ChildId, PersonId

ClaimKind: TypeAlias = Literal["return", "retraction", "practice"]


@dataclass(frozen=True, slots=True)
class OpenClaim:
    """What was said of one child that would end a search, and the code that confirms it from this very number."""

    kind: ClaimKind
    code: str
    subject: ChildId
    authority: AuthorityId
    live: bool
    """Its ten minutes are not over, and it was neither confirmed nor denied."""
    confirmed: bool = False
    person: PersonId | None = None
    episode: UUID | None = None
    """The one that it was said of; None: whichever is open."""


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
