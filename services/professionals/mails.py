"""The mails and the page behind their button, as data in `messages/mails/`: one file a language, one entry a wording."""

from dataclasses import dataclass
from pathlib import Path
from string import Formatter

import yaml

from services.delivery.mail import Letter
from services.safeguarding.roles import Wording

MESSAGES = Path(__file__).parent / "messages" / "mails"
ENGLISH = "en"


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

    def letter(self, wording: Wording, *, code: str, link: str, duty_line: str | None, exercise: bool) -> Letter:
        mail, mark = self.mails[wording], self.exercise if exercise else ""
        ring = self.no_line.format(code=code) if duty_line is None else self.ring.format(code=code, duty_line=duty_line)
        return Letter(
            subject=f"{mark}{mail.subject} ({code})",
            paragraphs=(mark + mail.says, ring),
            button=self.button,
            link=link,
            small=self.small,
            language=self.name,
        )


def load(folder: Path = MESSAGES) -> dict[str, MailLanguage]:
    """Raises ValueError for a wording that does not exist, or a field in a mail: nothing of a child is ever filled in."""
    languages = {}
    for file in sorted(folder.glob("*.yaml")):
        content = yaml.safe_load(file.read_text())
        mails = {Wording(name): Mail(**written) for name, written in content["mails"].items()}
        for mail in mails.values():
            if any(field is not None for _, field, _, _ in Formatter().parse(mail.subject + mail.says)):
                raise ValueError(f"{file.name}: a mail has a field")
        languages[file.stem] = MailLanguage(
            file.stem,
            content["exercise"],
            content["button"],
            content["ring"],
            content["no-line"],
            tuple(content["small"]),
            content["page"],
            mails,
        )
    return languages


LANGUAGES = load()


def language(name: str) -> MailLanguage:
    """English where there is no such language here."""
    return LANGUAGES.get(name, LANGUAGES[ENGLISH])
