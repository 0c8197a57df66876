"""Describes a line of an authority's rota."""

from dataclasses import dataclass

from services.safeguarding.identifiers import AuthorityId, PersonId
from services.safeguarding.working_time import Turn


@dataclass(frozen=True, slots=True)
class RotaLine:
    """One turn of one person. `code` is the child's, where the line is of one child alone."""

    authority: AuthorityId
    role: str
    person: PersonId
    name: str | None
    code: str | None
    turn: Turn
    has_mobile: bool
    has_email: bool
