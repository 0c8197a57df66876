"""Writes texts from `messages/`: one file a language, one line a wording."""

from dataclasses import dataclass
from pathlib import Path

from services.safeguarding.roles import Wording
from services.wording import in_language, languages_in, require_no_field

MISSING = "{missing}"
"""How many children of the authority are missing, for who comes on duty."""
MESSAGES = Path(__file__).parent / "messages"
TO_BE_RUNG = frozenset({Wording.POLICE_NOT_REACHED, Wording.POLICE_NOT_ACKNOWLEDGED})
"""A person who answers these with a reference has rung police, which ends the duty. "I have it" only lets it rest."""


@dataclass(frozen=True)
class Language:
    answer: str
    once_rung: str
    exercise: str
    texts: dict[Wording, str]

    def write(self, wording: Wording, code: str, *, exercise: bool, missing: int = 0) -> str:
        mark = self.exercise if exercise else ""
        answer = self.once_rung if wording in TO_BE_RUNG else self.answer
        return mark + self.texts[wording].replace(MISSING, str(missing)) + answer.format(code=code)


def load(folder: Path = MESSAGES) -> dict[str, Language]:
    """Raises ValueError for a wording that does not exist, or a field in a text: only the code is ever filled in, and a
    number of children.
    """
    found = {}
    for name, content in languages_in(folder).items():
        texts = {Wording(each): text for each, text in content["texts"].items()}
        require_no_field(name, (text.replace(MISSING, "") for text in texts.values()))
        found[name] = Language(content["answer"], content["once-rung"], content["exercise"], texts)
    return found


LANGUAGES = load()


def write_text(wording: Wording, language: str, code: str, *, exercise: bool, missing: int = 0) -> str:
    """In English, if there is no such language. Raises KeyError for a wording that professionals are not told."""
    return in_language(LANGUAGES, language).write(wording, code, exercise=exercise, missing=missing)
