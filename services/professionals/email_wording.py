"""Writes mails, and the page behind their button, from `messages/mails/`: one file a language, one entry a wording."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from services.platform.delivery.channels.email import EmailContent
from services.professionals import sms_wording
from services.safeguarding.duty.duties import Duty
from services.safeguarding.identifiers import code_of
from services.safeguarding.roles import ON_DUTY, Role, Wording
from services.wording import Words, in_language, languages_in, require_no_field

MESSAGES = Path(__file__).parent / "messages" / "mails"
ROLE = "{role}"
"""What the reader is to the child: `whose social worker you are`."""
ASKED = "{asked}"
"""In whose place the mail goes to its reader."""


class Mail(Words):
    subject: str
    says: str


class MailLanguage(Words):
    """`page` holds the acknowledgement page's words."""

    name: str
    exercise: str
    button: str
    button_of_deed: str
    ring: str
    no_line: str
    of_duty: str
    somebody: str
    small: tuple[str, ...]
    small_of_duty: tuple[str, ...]
    page: dict[str, str]
    mails: dict[Wording, Mail]
    several: dict[str, str]
    roles: dict[str, str]

    def says(self, wording: Wording, role: Role, asked: Role | None = None) -> str:
        """With what the reader is to the child, and in whose place they are told."""
        named = None if asked is None else sms_wording.language(self.name).people.get(asked)
        return self.mails[wording].says.format(
            role=self.roles.get(role, self.roles["other"]), asked=named or self.somebody
        )

    def email(
        self,
        matters: Sequence[tuple[Wording, str, Role]],
        *,
        link: str,
        duty_line: str | None,
        exercise: bool,
        has_deed: bool = False,
        children: int = 0,
        asked: Mapping[str, Role] = MappingProxyType({}),
    ) -> EmailContent:
        """`matters`: wording, code and the reader's role of each, the most urgent first. `children`: one reporter has
        reported so many, and further ones will be behind the link. `asked`: by code, in whose place they are told.
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
        ring = self.of_duty if on_duty else self.no_line if duty_line is None else self.ring
        return EmailContent(
            subject=f"{mark}{subject} ({codes})",
            paragraphs=(mark + says[0], *says[1:], ring.format(code=codes, duty_line=duty_line)),
            button=self.button_of_deed if has_deed else self.button,
            link=link,
            small=self.small_of_duty if on_duty else self.small,
            language=self.name,
        )


def mail_code(duty: Duty) -> str:
    """The code by which the console and the duty team know the matter."""
    return code_of(duty.episode or duty.telling)


def load(folder: Path = MESSAGES) -> dict[str, MailLanguage]:
    """Raises ValueError for an unknown wording, or a field in a mail but `ROLE` and `ASKED`: nothing of a child is
    filled in.
    """
    found = {}
    for name, content in languages_in(folder).items():
        found[name] = MailLanguage.model_validate(content | {"name": name})
        mails = found[name].mails.values()
        require_no_field(name, (mail.subject + mail.says.replace(ROLE, "").replace(ASKED, "") for mail in mails))
    return found


LANGUAGES = load()


def language(name: str | None) -> MailLanguage:
    """English, if there is no such language or none is known."""
    return in_language(LANGUAGES, name)
