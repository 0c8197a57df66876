"""What one text can say."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias


class Intent(StrEnum):
    MISSING = "missing"
    NOT_BACK = "not-back"
    """Not back: a report, or, where the child was said to be back, that this was not so."""
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
    """Wants to practise, and does not say what."""
    PRACTICE_MISSING = "practice-missing"
    PRACTICE_BACK = "practice-back"
    THANKS = "thanks"
    UNCLEAR = "unclear"


Enquiry: TypeAlias = Literal["where", "after"]
"""Where a child is, or about a child in the way of somebody who is none of the child's own."""

WHEREABOUTS = (Intent.MISSING, Intent.NOT_BACK, Intent.BACK, Intent.FALSE_ALARM, Intent.LOCATED)
"""Of these a text can mean only one of the same child."""
REPORTS = frozenset({Intent.MISSING, Intent.NOT_BACK})


@dataclass(frozen=True, slots=True)
class Said:
    """One thing said, and the words as typed in which it was: whom it is about is looked for there."""

    intent: Intent
    words: str
    mixed: bool = False
    """The same words hold a report and a return: of two children named in them nobody can tell which is which."""
    subject: str = ""
    """The word for whom it is said of, where that is no pronoun and in no list: the child's name, or anybody's."""
    if_named: bool = False
    """It counts only where the words name a child of the speaker's."""
    at: int = -1
    """Its clause, among `Meaning.clauses`: whom "she" means stands before it."""
    was: bool = False
    """A report of what was, as in "she was gone all night": a return in the same text outweighs it, wherever it stands."""
    weak: bool = False
    """A return in words that are said of a child who never went as well, as in "she is here", or a report that others tell: of a child
    that is known to be missing it is news, and no other report."""


@dataclass(frozen=True, slots=True)
class Meaning:
    said: tuple[Said, ...]
    """In the order in which it was said. Never empty."""
    words: str
    """All of it, as typed (`writing.typed`)."""
    welsh: bool = False
    doubtful: bool = False
    """A person must read it too: a language we hardly know, or words that contradict each other."""
    reference: bool = False
    """A police reference stands in it."""
    codes: tuple[str, ...] = ()
    """What may be the code of a text of ours, the likeliest first: by it the sender says which telling they mean."""
    clauses: tuple[str, ...] = ()
    asks_only: bool = False
    """Nothing stands in it but what asks, greets or thanks: an answer is enough. Whatever holds more is kept, or read by a person."""
    enquiry: Enquiry | None = None
    """Whether a child is asked after anywhere in the text, also where something else in it is what the text is about."""

    @property
    def intents(self) -> tuple[Intent, ...]:
        return tuple(dict.fromkeys(each.intent for each in self.said))
