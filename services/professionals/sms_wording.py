"""Writes texts from `messages/`: one file a language, one line a wording."""

from dataclasses import dataclass
from pathlib import Path

from services.safeguarding.roles import Wording
from services.wording import in_language, languages_in, require_no_field

MESSAGES = Path(__file__).parent / "messages"
OPENING = "Safe Return:"
"""How every text begins. The child's code stands before the colon."""
MISSING = "{missing}"
"""In the text for who comes on duty: how many of the authority's children are missing."""
TO_BE_RUNG = frozenset({Wording.POLICE_NOT_REACHED, Wording.POLICE_NOT_ACKNOWLEDGED})
"""A person who answers these with a reference has rung police, which ends the duty. "I have it" only lets it rest."""


@dataclass(frozen=True)
class Language:
    answer: str
    once_rung: str
    exercise: str
    texts: dict[Wording, str]

    def write(self, wording: Wording, code: str, *, child: str | None, exercise: bool) -> str:
        """With the child's code, which answers all about the child, and the telling's, which no other text has."""
        says, mark = self.texts[wording], self.exercise if exercise else ""
        answer = self.once_rung if wording in TO_BE_RUNG else self.answer
        if child is None:
            return mark + says + answer.format(code=code)
        return f"{mark}{says.replace(OPENING, f'{OPENING[:-1]} {child}:', 1)}{answer.format(code=child)} ({code})"


def load(folder: Path = MESSAGES) -> dict[str, Language]:
    """Raises ValueError for a wording that does not exist, or a field in a text: only codes are ever filled in."""
    found = {}
    for name, content in languages_in(folder).items():
        texts = {Wording(each): text for each, text in content["texts"].items()}
        require_no_field(name, (text.replace(MISSING, "") for text in texts.values()))
        found[name] = Language(content["answer"], content["once-rung"], content["exercise"], texts)
    return found


LANGUAGES = load()


def write_text(wording: Wording, language: str, code: str, *, child: str | None = None, exercise: bool) -> str:
    """`child` is the child's own code; None: not identified. In English, if there is no such language.

    Raises KeyError for a wording that professionals are not told.
    """
    return in_language(LANGUAGES, language).write(wording, code, child=child, exercise=exercise)
