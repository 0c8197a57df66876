"""Writes texts from `messages/`: one file a language, one line a wording."""

from datetime import datetime
from pathlib import Path

from services.platform.delivery.channels.gsm_segments import segments
from services.platform.delivery.channels.sms import REPEAT_MARK
from services.professionals.matters import matter_of
from services.safeguarding.roles import Role, Wording
from services.safeguarding.working_time import in_england
from services.wording import Words, in_language, languages_in, require_no_field

MESSAGES = Path(__file__).parent / "messages"
OPENING = "Safe Return:"
"""How every text begins. The child's code stands before the colon."""
MISSING = "{missing}"
"""How many of the authority's children are missing, in the text to whoever comes on duty."""
TO_BE_RUNG = frozenset({Wording("police-not-reached"), Wording("police-not-acknowledged")})
"""A person who answers these with a reference has rung police, which ends the duty. "I have it" only lets it rest."""


class Language(Words):
    answer: str
    answer_all: str
    once_rung: str
    exercise: str
    late: str
    mass_report: str
    many: str
    nobody_answered: str
    nobody_to_ask: str
    not_reached: str
    people: dict[Role, str]
    matters: dict[str, str]
    console: str
    carers: dict[Wording, str]
    texts: dict[Wording, str]

    @property
    def unanswered(self) -> dict[str, str]:
        """The sentence that nobody has answered, by matter."""
        return {each: self.nobody_answered.format(matter=matter) for each, matter in self.matters.items()}

    def _says(self, wording: Wording, unanswered: Wording | None, asked: Role | None) -> list[str]:
        """The sentences that fit, the one that says most first."""
        named, general = asked and self.people.get(asked), self.texts[wording]
        matter = None if unanswered is None else matter_of(unanswered)
        if wording is Wording("not-acknowledged") and matter is not None:
            return [self.unanswered[matter]]
        if wording is Wording("nobody-in-role") and named and matter is not None:
            return [self.nobody_to_ask.format(asked=named, matter=self.matters[matter]), general]
        if wording is Wording("contact-unreachable") and named:
            return [self.not_reached.format(asked=named), general]
        return [general]

    def write(
        self,
        wording: Wording,
        code: str,
        *,
        child: str | None = None,
        exercise: bool,
        unanswered: Wording | None = None,
        asked: Role | None = None,
        link: str | None = None,
    ) -> str:
        """With the code of the child (None: not identified), which means all texts about the child, and `code`, which
        is this text's own and proves whose phone answers. `unanswered`: the message that nobody has answered. `asked`:
        in whose place it is said. `link`: to the deed's page, which takes the place of the console if one segment has
        room for it.

        Raises KeyError for a wording that professionals are not told.
        """
        said = [
            self._write(says, wording, code, child, exercise=exercise, link=link)
            for says in self._says(wording, unanswered, asked)
        ]
        return next((each for each in said if segments(REPEAT_MARK + each) == 1), said[-1])

    def _write(
        self, says: str, wording: Wording, code: str, child: str | None, *, exercise: bool, link: str | None
    ) -> str:
        mark = self.exercise if exercise else ""
        answer = self.once_rung if wording in TO_BE_RUNG else self.answer
        text = mark + says + answer.format(code=code)
        if child is not None:
            text = f"{mark}{_begin(says, child)}{answer.format(code=f'{child} {code}')}"
        linked = text if link is None else text.replace(self.console, f" {link}")
        return linked if segments(REPEAT_MARK + linked) == 1 else text

    def write_to_carer(self, wording: Wording, child: str | None, link: str, *, exercise: bool) -> str:
        """Raises KeyError for a wording that carers are not asked here."""
        return (self.exercise if exercise else "") + self.carers[wording].format(child=child or "", link=link)

    def write_mass(self, wording: Wording, code: str, children: int, *, exercise: bool) -> str:
        """About so many children of one reporter. `code` answers for all of them."""
        says = self.mass_report if wording is Wording("missing-notice") else self.texts[wording]
        mark = self.exercise if exercise else ""
        return mark + _begin(says, self.many.format(count=children)) + self.answer_all.format(code=code)

    def mark_late(self, text: str, since: datetime) -> str:
        """Says since when it was due. The console's name gives way if one segment has no room for both. A few texts
        take two segments all the same.
        """
        mark = self.exercise if text.startswith(self.exercise) else ""
        marked = mark + self.late.format(at=f"{in_england(since):%H:%M}") + text.removeprefix(mark)
        return marked if segments(REPEAT_MARK + marked) == 1 else marked.replace(self.console, "")


def _begin(says: str, about: str) -> str:
    return says.replace(OPENING, f"{OPENING[:-1]} {about}:", 1)


def load(folder: Path = MESSAGES) -> dict[str, Language]:
    """Raises ValueError for a wording that does not exist, or a field in a text: only codes are ever filled in."""
    found = {}
    for name, content in languages_in(folder).items():
        texts = (*content["texts"].values(), content["mass-report"])
        require_no_field(name, (text.replace(MISSING, "") for text in texts))
        found[name] = Language.model_validate(content)
    return found


LANGUAGES = load()


def language(name: str | None) -> Language:
    """English, if there is no such language or none is known."""
    return in_language(LANGUAGES, name)
