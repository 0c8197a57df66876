"""Lists what each role may do at the console."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.safeguarding.identifiers import AuthorityId, Scope
from services.safeguarding.operators import AccountId, OperatorRole

ALL = "all"
"""Stands for every authority. It has to be written: nothing that is left out ever means it."""


class May(StrEnum):
    LOOK = "look"
    """Every page, without a name of a child or a word about one."""
    ANSWER = "answer"
    """Acknowledge on somebody's behalf, or record that police were told by telephone."""
    RECORD = "record"
    """Record what happened to a child (back, not back, checked, interviewed, reviewed); move a strategy discussion."""
    UNDO_FOR_OTHERS = "undo-for-others"
    """Undo what a colleague recorded, before it goes out."""
    SEND_AGAIN = "send-again"
    """Send a delivery once more, redrive a dead letter."""
    EXERCISE = "exercise"
    COVER = "cover"
    """Ring those on duty, take over or swap a turn, hand the shift over and accept it."""
    CHANGE_ROTA = "change-rota"
    """Enter leave and shifts of others and end them, correct a number or an address, give a calendar to somebody."""
    REVEAL = "reveal"
    """Look up who a child is: with a reason once a shift, on the record."""
    READ_WORDS = "read-words"
    """Read what was said about a child, and the numbers of whom to ring: each view on the record."""
    DISCLOSE = "disclose"
    """Draw everything that is held about a child or a person, to give it to them: with a reason, on the record."""
    ADMINISTER = "administer"
    """Make, limit and end the accounts of their authorities, and take an authority of theirs from nothing to live."""
    DISPOSE = "dispose"
    """Have records held for an inquiry, and, two of them, have somebody's records erased."""
    READ_REASONS = "read-reasons"
    """Read the reasons that others gave for their acts."""


_DUTY = frozenset({May.LOOK, May.ANSWER, May.RECORD, May.REVEAL, May.READ_WORDS, May.READ_REASONS, May.COVER})
MAY: Mapping[OperatorRole, frozenset[May]] = {
    OperatorRole.DUTY_MANAGER: _DUTY
    | {May.SEND_AGAIN, May.EXERCISE, May.CHANGE_ROTA, May.UNDO_FOR_OTHERS, May.DISCLOSE, May.DISPOSE},
    OperatorRole.SOCIAL_WORKER: _DUTY,
    OperatorRole.OPERATOR: frozenset({May.LOOK, May.SEND_AGAIN, May.EXERCISE}),
    OperatorRole.AUDITOR: frozenset({May.LOOK, May.READ_REASONS}),
    OperatorRole.SCREEN: frozenset({May.LOOK}),
    OperatorRole.ADMINISTRATOR: frozenset({May.ADMINISTER}),
}


@dataclass(frozen=True, slots=True)
class Operator:
    """Who is signed in, and whose children they see: none without an authority, everybody's with the word `ALL`."""

    account: AccountId
    name: str
    role: OperatorRole
    authorities: frozenset[str]

    @property
    def scope(self) -> Scope:
        """For a question to the database."""
        return None if ALL in self.authorities else sorted(self.authorities)

    @property
    def only_authority(self) -> AuthorityId | None:
        """None where they see several, or none."""
        return next(iter(self.authorities)) if len(self.authorities) == 1 and ALL not in self.authorities else None

    def may(self, what: May) -> bool:
        return what in MAY[self.role]

    def sees(self, authority: AuthorityId | None) -> bool:
        """Whether they may see rows of `authority`. None belongs to no authority: operators of every authority may."""
        return ALL in self.authorities or authority in self.authorities
