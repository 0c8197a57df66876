"""Writes texts from `messages/`, and mails and the page behind their button from `messages/mails/`: one file a
language, one entry a wording.

Messages are sorted by matter (`matters.yaml`): which is the most urgent, and which may share a mail.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

import yaml

from services.platform.delivery.channels.email import EmailContent
from services.platform.delivery.channels.sms import REPEAT_MARK, segments
from services.safeguarding.duty.duties import Duty
from services.safeguarding.duty.facts import PRESUPPOSED
from services.safeguarding.identifiers import code_of
from services.safeguarding.roles import ON_DUTY, Role, Wording
from services.safeguarding.working_time import TimeForm, format_time
from services.wording import Words, in_language, languages_in, require_no_field, role_words
from services.wording.presuppositions import choose_true, show_from_the_start

PLACE = Path(__file__).parent / "matters.yaml"
PARTS: dict[str, dict[str, list[str]]] = yaml.load(PLACE.read_text(encoding="utf-8"), yaml.CSafeLoader)
MATTERS = tuple(matter for part in PARTS.values() for matter in part)
"""The most urgent first. The last has every wording that no other lists."""
OF_WORDING = {Wording(each): matter for part in PARTS.values() for matter, of in part.items() for each in of}


def matter_of(wording: Wording) -> str:
    return OF_WORDING.get(wording, MATTERS[-1])


def urgency_of(wording: Wording) -> int:
    """0 for the most urgent."""
    return MATTERS.index(matter_of(wording))


def may_share_a_mail(one: Wording, another: Wording) -> bool:
    return any({matter_of(one), matter_of(another)} <= part.keys() for part in PARTS.values())


show_from_the_start(PRESUPPOSED)


def say_what_is_so(duty: Duty) -> Duty:
    """Puts a sentence that is so in the place of one that is not, as the duty says what is.

    The protocol chose by the same facts, unless it is of another release. Without them the wording stays.
    """
    if duty.holds is None:
        return duty
    return duty.model_copy(update={"wording": Wording(choose_true(duty.wording, frozenset(duty.holds), PRESUPPOSED))})


CALLED = frozenset({Wording("danger-texted"), Wording("carer-unclear")})
"""Their texts are read out by a call as well, unless they are answered before: whoever is on duty may be asleep."""
TEXTS = Path(__file__).parent / "messages"
OPENING = "Safe Return:"
"""How every text begins. The child's code stands before the colon."""
MISSING = "{missing}"
"""How many of the authority's children are missing, in the text to whoever comes on duty."""
TO_BE_RUNG = frozenset({Wording("police-not-reached"), Wording("police-not-acknowledged")})
"""A person who answers these with a reference has rung police, which ends the duty. "I have it" only lets it rest."""


class TextLanguage(Words):
    name: str
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
        named, general = asked and role_words(asked, self.name).short, self.texts[wording]
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
        marked = mark + self.late.format(at=format_time(since, TimeForm.HOUR)) + text.removeprefix(mark)
        return marked if segments(REPEAT_MARK + marked) == 1 else marked.replace(self.console, "")


def _begin(says: str, about: str) -> str:
    return says.replace(OPENING, f"{OPENING[:-1]} {about}:", 1)


def load_texts(folder: Path = TEXTS) -> dict[str, TextLanguage]:
    """Raises ValueError for a wording that does not exist, or a field in a text: only codes are ever filled in."""
    found = {}
    for name, content in languages_in(folder).items():
        texts = (*content["texts"].values(), content["mass-report"])
        require_no_field(name, (text.replace(MISSING, "") for text in texts))
        found[name] = TextLanguage.model_validate(content | {"name": name})
    return found


TEXT_LANGUAGES = load_texts()


def text_language(name: str | None) -> TextLanguage:
    """English, if there is no such language or none is known."""
    return in_language(TEXT_LANGUAGES, name)


MAILS = Path(__file__).parent / "messages" / "mails"
ROLE = "{role}"
"""What the reader is to the child: `whose social worker you are`."""
ASKED = "{asked}"
"""In whose place the mail goes to its reader."""


class Mail(Words):
    """`to_duty`: what it says to people on duty, where that is another thing."""

    subject: str
    says: str
    to_duty: str | None = None


class MailLanguage(Words):
    """`page` holds the acknowledgement page's words."""

    name: str
    exercise: str
    button: str
    button_of_deed: str
    ring: str
    no_line: str
    of_duty: str
    of_duty_with_case: str
    button_of_case: str
    somebody: str
    small: tuple[str, ...]
    small_of_duty: tuple[str, ...]
    page: dict[str, str]
    mails: dict[Wording, Mail]
    several: dict[str, str]

    def says(self, wording: Wording, role: Role, asked: Role | None = None) -> str:
        """With what the reader is to the child, and in whose place they are told."""
        named = self.somebody if asked is None else role_words(asked, self.name).short
        mail = self.mails[wording]
        says = mail.to_duty if mail.to_duty and role in ON_DUTY else mail.says
        return says.format(role=role_words(role, self.name).whose, asked=named)

    def email(
        self,
        matters: Sequence[tuple[Wording, str, Role]],
        *,
        link: str,
        duty_line: str | None,
        exercise: bool,
        has_deed: bool = False,
        children: int = 0,
        case: str = "",
        asked: Mapping[str, Role] = MappingProxyType({}),
    ) -> EmailContent:
        """`matters`: wording, code and the reader's role of each, the most urgent first. `children`: one reporter has
        reported so many, and further ones will be behind the link. `case`: where people on duty open it. `asked`: by
        code, in whose place they are told.
        """
        mark, codes = self.exercise if exercise else "", ", ".join(dict.fromkeys(code for _, code, _ in matters))
        if len(matters) == 1:
            wording, _, role = matters[0]
            subject, says = self.mails[wording].subject, [self.says(wording, role, asked.get(codes))]
        else:
            first = self.mails[matters[0][0]].subject
            subject = self.several["subject"].format(first=first, count=len(matters) - 1)
            intro = self.several["says"].format(count=len(matters))
            says = [intro, *(f"{code}: {self.says(wording, role, asked.get(code))}" for wording, code, role in matters)]
        if children:
            subject += f". {self.several['mass-subject'].format(count=children)}"
            says.append(self.several["mass"])
        on_duty = all(role in ON_DUTY for _, _, role in matters)
        answer = (self.button_of_deed if has_deed else self.button, link)
        if on_duty:
            first = (self.of_duty_with_case if case else self.of_duty).format(code=codes)
            paragraphs: tuple[str, ...] = (mark + first, *says)
        else:
            ring = self.no_line if duty_line is None else self.ring
            paragraphs = (mark + says[0], *says[1:], ring.format(code=codes, duty_line=duty_line))
        opens_case = on_duty and bool(case)
        button, opens = (self.button_of_case, case) if opens_case else answer
        return EmailContent(
            subject=f"{mark}{subject} ({codes})",
            paragraphs=paragraphs,
            button=button,
            link=opens,
            second=answer if opens_case else ("", ""),
            small=self.small_of_duty if on_duty else self.small,
            language=self.name,
        )


def mail_code(duty: Duty) -> str:
    """The code by which the console and the duty team know the matter."""
    return code_of(duty.episode or duty.telling)


def load_mails(folder: Path = MAILS) -> dict[str, MailLanguage]:
    """Raises ValueError for an unknown wording, or a field in a mail but `ROLE` and `ASKED`: nothing of a child is
    filled in.
    """
    found = {}
    for name, content in languages_in(folder).items():
        found[name] = MailLanguage.model_validate(content | {"name": name})
        mails = found[name].mails.values()
        require_no_field(
            name, (f"{mail.subject}{mail.says}{mail.to_duty}".replace(ROLE, "").replace(ASKED, "") for mail in mails)
        )
    return found


MAIL_LANGUAGES = load_mails()


def mail_language(name: str | None) -> MailLanguage:
    """English, if there is no such language or none is known."""
    return in_language(MAIL_LANGUAGES, name)
