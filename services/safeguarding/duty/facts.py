"""Names the facts that a sentence may presuppose, and chooses the sentence that takes the place of one that is not so.

A sentence is sent only if what it presupposes is so once everything has been carried out. It is never dropped or put
off for that: another one, which is so, is sent instead.

Loads what each wording presupposes (`presupposes.yaml`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import yaml

from services.safeguarding.roles import Wording


class Fact(StrEnum):
    """Of the child, or of each of the children, whom the sentence is about."""

    REPORT_OPEN = "report-open"
    NO_REPORT_OPEN = "no-report-open"
    SEARCH_RESTARTED = "search-restarted"
    """The child was recorded as back, and is searched for again."""
    RETURNED = "returned"
    CHILD_NAMED = "child-named"
    CHILD_NOT_NAMED = "child-not-named"
    SEVERAL_CHILDREN = "several-children"
    """The reader may mean one of several."""
    PERSON_ASKED = "person-asked"
    """Somebody on duty is asked to read it, or to find out."""
    CODE_LIVE = "code-live"
    """A code that counts stands in the sentence."""
    QUESTION_OPEN = "question-open"
    NOBODY_TOLD = "nobody-told"
    POLICE_NOT_TOLD = "police-not-told"
    """Of this: no force is known that would get the report."""
    POLICE_ACCEPTED = "police-accepted"
    """Their system, or the mail's, has taken the notice."""
    POLICE_SAY_THEY_HAVE_IT = "police-say-they-have-it"
    NO_REFERENCE = "no-reference"
    REFERENCE_HELD = "reference-held"
    DEED_OPEN = "deed-open"
    """Something has to be done, and an OK only lets it rest."""
    NOT_GRADED = "not-graded"
    OF_A_REPORT = "of-a-report"
    """The notice is of a missing child, not of an enquiry or a concern."""
    CHILD_NOT_BACK = "child-not-back"
    SOMEBODY_WAS_ASKED = "somebody-was-asked"
    SOMEBODY_SAYS_THEY_HAVE_IT = "somebody-says-they-have-it"
    """One of those who were asked before, or a text in their name."""
    NOBODY_SAYS_THEY_HAVE_IT = "nobody-says-they-have-it"
    AGENCY_INVITED = "agency-invited"
    POLICE_COME = "police-come"
    SOCIAL_CARE_COMES = "social-care-comes"
    HEALTH_COMES = "health-comes"
    EACH_IS_FREE = "each-is-free"
    """Nobody who accepted the discussion had accepted another at the same time."""
    ONE_SOURCE = "one-source"
    READER_IS_DUTY = "reader-is-duty"


@dataclass(frozen=True, slots=True)
class Presupposition:
    """Of one sentence: the facts that must hold, and the key of what takes its place. A last resort has none."""

    holds: frozenset[StrEnum] = frozenset()
    otherwise: str | None = None

    @classmethod
    def read(cls, line: Mapping[str, Any], fact: Callable[[str], StrEnum] = Fact) -> Self:
        """A line of `presupposes.yaml`. Raises ValueError for a fact that there is not, TypeError for another field."""
        return cls._of(fact, **{("otherwise" if name == "else" else name): value for name, value in line.items()})

    @classmethod
    def _of(cls, fact: Callable[[str], StrEnum], holds: list[str], otherwise: str | None = None) -> Self:
        return cls(frozenset(map(fact, holds)), otherwise)


def choose_sentence(key: str, facts: frozenset[StrEnum], presupposes: Mapping[str, Presupposition]) -> str:
    """The key itself if what it presupposes holds, else the first for which that is so. A sentence without a line
    presupposes nothing; one without an `else` is the last resort.
    """
    line = presupposes.get(key, Presupposition())
    if line.holds <= facts or line.otherwise is None:
        return key
    return choose_sentence(line.otherwise, facts, presupposes)


FILE = Path(__file__).parent / "presupposes.yaml"
PRESUPPOSED = {
    str(Wording(key)): Presupposition.read(line)
    for key, line in yaml.load(FILE.read_text(encoding="utf-8"), yaml.CSafeLoader).items()
}
"""By wording. One without a line presupposes nothing but what sets its rule off."""
