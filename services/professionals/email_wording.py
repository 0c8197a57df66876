"""The mails and the page behind their button, as data in `messages/mails/`: one file a language, one entry a wording."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.platform.delivery.channels.mime import EmailContent
from services.safeguarding.duty.duties import Duty
from services.safeguarding.identifiers import code_of
from services.safeguarding.roles import Wording
from services.wording import in_language, languages_in, require_no_field

MESSAGES = Path(__file__).parent / "messages" / "mails"


@dataclass(frozen=True)
class Mail:
    subject: str
    says: str


@dataclass(frozen=True)
class MailLanguage:
    """`page` holds the acknowledgement page's words."""

    name: str
    exercise: str
    button: str
    ring: str
    no_line: str
    small: tuple[str, ...]
    page: dict[str, str]
    mails: dict[Wording, Mail]
    several: dict[str, str]

    def letter(
        self, matters: Sequence[tuple[Wording, str]], *, link: str, duty_line: str | None, exercise: bool
    ) -> EmailContent:
        """`matters`: what is said and the code of each. Several go in one mail that names every one of them."""
        if len(matters) > 1:
            return self._of_several(matters, link=link, duty_line=duty_line, exercise=exercise)
        [(wording, code)] = matters
        mail, mark = self.mails[wording], self.exercise if exercise else ""
        ring = self.no_line.format(code=code) if duty_line is None else self.ring.format(code=code, duty_line=duty_line)
        return EmailContent(
            subject=f"{mark}{mail.subject} ({code})",
            paragraphs=(mark + mail.says, ring),
            button=self.button,
            link=link,
            small=self.small,
            language=self.name,
        )

    def _of_several(
        self, matters: Sequence[tuple[Wording, str]], *, link: str, duty_line: str | None, exercise: bool
    ) -> EmailContent:
        mark, codes = self.exercise if exercise else "", ", ".join(dict.fromkeys(code for _, code in matters))
        line = self.no_line if duty_line is None else self.ring
        return EmailContent(
            subject=f"{mark}{self.several['subject'].format(count=len(matters))} ({codes})",
            paragraphs=(
                mark + self.several["says"].format(count=len(matters)),
                *(f"{code}: {self.mails[wording].says}" for wording, code in matters),
                line.format(code=codes, duty_line=duty_line),
            ),
            button=self.button,
            link=link,
            small=self.small,
            language=self.name,
        )


def mail_code(duty: Duty) -> str:
    """By which the console and the duty team know the matter."""
    return code_of(duty.episode or duty.telling)


def load(folder: Path = MESSAGES) -> dict[str, MailLanguage]:
    """Raises ValueError for a wording that does not exist, or a field in a mail: nothing of a child is ever filled in."""
    found = {}
    for name, content in languages_in(folder).items():
        mails = {Wording(each): Mail(**written) for each, written in content["mails"].items()}
        require_no_field(name, (mail.subject + mail.says for mail in mails.values()))
        found[name] = MailLanguage(
            name,
            content["exercise"],
            content["button"],
            content["ring"],
            content["no-line"],
            tuple(content["small"]),
            content["page"],
            mails,
            content["several"],
        )
    return found


LANGUAGES = load()


def language(name: str) -> MailLanguage:
    """English where there is no such language here."""
    return in_language(LANGUAGES, name)
