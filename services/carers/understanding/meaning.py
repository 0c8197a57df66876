"""Describes the meaning of a text."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias


class Intent(StrEnum):
    MISSING = "missing"
    NOT_BACK = "not-back"
    """A report, or the withdrawal of an earlier "back"."""
    BACK = "back"
    FALSE_ALARM = "false-alarm"
    LOCATED = "located"
    SEEN = "seen"
    CONTACT = "contact"
    """The child rang, wrote or was rung."""
    LURE = "lure"
    REFERENCE = "reference"
    ACKNOWLEDGE = "acknowledge"
    STATUS = "status"
    ENQUIRY = "enquiry"
    HELP = "help"
    STOP = "stop"
    JOIN = "join"
    PRACTICE = "practice"
    """A wish to practise, without saying what."""
    PRACTICE_MISSING = "practice-missing"
    PRACTICE_BACK = "practice-back"
    THANKS = "thanks"
    UNCLEAR = "unclear"


Enquiry: TypeAlias = Literal["where", "after"]
"""Where a child is, or about a child as an outsider asks."""

WHEREABOUTS = (Intent.MISSING, Intent.NOT_BACK, Intent.BACK, Intent.FALSE_ALARM, Intent.LOCATED)
"""A text can mean only one of these for the same child."""
REPORTS = frozenset({Intent.MISSING, Intent.NOT_BACK})


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, and its words as typed, where the children's names are looked for."""

    intent: Intent
    words: str
    mixed: bool = False
    """The words hold a report and a return, so that of two children named nobody can tell which is which."""
    subject: str = ""
    """The subject, where it is no pronoun and in no word list: the child's name, or anybody's."""
    if_named: bool = False
    """It counts only where the words name a child of the speaker's."""
    at: int = -1
    """The index of its clause in `Meaning.clauses`. The antecedent of "she" stands before it."""
    was: bool = False
    """A report about the past, as in "she was gone all night". A return anywhere in the text outweighs it."""
    weak: bool = False
    """A return in words that also fit a child who never left, as in "she is here", or a report by hearsay. About a
    child known to be missing the latter is news, and no new report.
    """


@dataclass(frozen=True, slots=True)
class Clause:
    typed: str
    """Words as `plain_words.normalise` gives them."""
    plain: str
    asked: bool
    """A question mark ends it."""
    at: int = -1


@dataclass(frozen=True, slots=True)
class Meaning:
    said: tuple[Statement, ...]
    """In the order of the text. Never empty."""
    words: str
    """The whole text as `plain_words.normalise` gives it."""
    welsh: bool = False
    doubtful: bool = False
    """A person must read it too: it is in a language that is hardly read here, or contradicts itself."""
    reference: bool = False
    """The text holds a police reference."""
    codes: tuple[str, ...] = ()
    """Candidates for the code of a telling, the likeliest first."""
    clauses: tuple[str, ...] = ()
    unread: tuple[Clause, ...] = ()
    """Those that neither ask nor are read. The policy, which knows the children, weighs them."""
    asks_only: bool = False
    """The text only asks, greets or thanks, so that an answer is enough."""
    danger: bool = False
    """It speaks of a life in danger now."""
    wants_person: bool = False
    """It asks for a person, or something that no reply of ours answers."""
    enquiry: Enquiry | None = None
    """The enquiry in the text, also where the text is mainly about something else."""

    @property
    def intents(self) -> tuple[Intent, ...]:
        return tuple(dict.fromkeys(each.intent for each in self.said))
