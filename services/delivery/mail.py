"""Writes a mail: plain words, the same as HTML, and nothing else. Who it is about, no mail ever says."""

from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape
from pathlib import Path
from string import Template
from uuid import UUID

PAGE = Template((Path(__file__).parent / "pages" / "mail.html").read_text())
BUTTON = Template('<p><a class="button" href="$link">$says</a></p>')
WIRE = policy.SMTP.clone(cte_type="7bit")
"""A relay need not take anything but ASCII."""
NAME = "Safe Return"


@dataclass(frozen=True, slots=True)
class Letter:
    """`paragraphs` in plain words; `button` is what the link says, `link` where it goes, where there is one; `small` is the fine print.

    `headline`, where there is one, is what must be seen first, such as when a discussion is; else the subject is.
    """

    subject: str
    paragraphs: tuple[str, ...]
    button: str = ""
    link: str = ""
    small: tuple[str, ...] = ()
    language: str = "en"
    headline: str = ""


def message_id(delivery: UUID, sender: str) -> str:
    """The same for every attempt."""
    return f"<{delivery}@{sender.rpartition('@')[2]}>"


def write(letter: Letter, *, delivery: UUID, sender: str, recipient: str, at: datetime) -> EmailMessage:
    """`at` is wall time, and is the mail's date for every attempt. Further parts may be added to what is returned."""
    mail = EmailMessage(policy=WIRE)
    mail["From"] = f"{NAME} <{sender}>"
    mail["To"] = recipient
    mail["Subject"] = letter.subject
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = message_id(delivery, sender)
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(_plain(letter))
    mail.add_alternative(_html(letter), subtype="html")
    return mail


def wire(mail: EmailMessage) -> str:
    """The whole mail as it travels, in ASCII."""
    return mail.as_bytes(policy=WIRE).decode("ascii")


def _plain(letter: Letter) -> str:
    headline = [letter.headline] if letter.headline else []
    button = [f"{letter.button}:\n{letter.link}"] if letter.link else []
    return "\n\n".join([*headline, *letter.paragraphs, *button, *letter.small]) + "\n"


def _html(letter: Letter) -> str:
    return PAGE.substitute(
        language=escape(letter.language),
        subject=escape(letter.subject),
        headline=escape(letter.headline or letter.subject),
        paragraphs="".join(f"<p>{escape(each)}</p>" for each in letter.paragraphs),
        button=BUTTON.substitute(link=escape(letter.link), says=escape(letter.button)) if letter.link else "",
        small="".join(f'<p class="small">{escape(each)}</p>' for each in letter.small),
    )
