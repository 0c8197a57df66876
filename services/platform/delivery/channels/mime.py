"""Writes a mail: plain words, the same as HTML, and nothing else. Who it is about, no mail ever says."""

from dataclasses import dataclass
from datetime import datetime
from email.charset import QP, Charset
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.policy import compat32
from email.utils import format_datetime
from html import escape
from pathlib import Path
from string import Template
from uuid import UUID

PAGE = Template((Path(__file__).parents[1] / "pages" / "mail.html").read_text())
BUTTON = Template('<p><a class="button" href="$link">$says</a></p>')
QUOTED = Charset("utf-8")
QUOTED.body_encoding = QP
WIRE = compat32.clone(linesep="\r\n")
"""In ASCII: a relay need not take anything else. By the older of the standard library's two ways to write a mail: the
newer parses each header that it is given, which would be most of what a mail costs.
"""
NAME = "Safe Return"


@dataclass(frozen=True, slots=True)
class EmailContent:
    """`paragraphs` in plain words; `button` is what the link says, `link` where it goes, if there is one; `small` is
    the fine print.

    `headline` is what must be seen first, such as when a discussion is. Without one, the subject stands there.
    """

    subject: str
    paragraphs: tuple[str, ...]
    button: str = ""
    link: str = ""
    small: tuple[str, ...] = ()
    language: str = "en"
    headline: str = ""


@dataclass(frozen=True, slots=True)
class Calendar:
    """An iTIP message, a part of its own."""

    text: str
    method: str


def message_id(delivery: UUID, sender: str) -> str:
    """The same for every attempt."""
    return f"<{delivery}@{sender.rpartition('@')[2]}>"


def build_email(
    letter: EmailContent, *, delivery: UUID, sender: str, recipient: str, at: datetime, calendar: Calendar | None = None
) -> str:
    """The whole mail as it travels, in ASCII. `at` is wall time: the mail's date at every attempt. Raises ValueError if
    a header would hold a line break.
    """
    mail = MIMEMultipart("alternative", boundary=f"=_{delivery.hex}")
    headers = {
        "From": f"{NAME} <{sender}>",
        "To": recipient,
        "Subject": letter.subject,
        "Date": format_datetime(at),
        "Message-ID": message_id(delivery, sender),
        "Auto-Submitted": "auto-generated",
    }
    for name, value in headers.items():
        if "\r" in value or "\n" in value:
            raise ValueError(f"{name} holds a line break")
        mail[name] = value if value.isascii() else Header(value, header_name=name).encode()
    mail.attach(_part("plain", _plain(letter)))
    mail.attach(_part("html", _html(letter)))
    if calendar is not None:
        part = _part("calendar", calendar.text.replace("\r\n", "\n"))
        part.set_param("method", calendar.method)
        mail.attach(part)
    return mail.as_bytes(policy=WIRE).decode("ascii")


def _part(subtype: str, text: str) -> MIMENonMultipart:
    part = MIMENonMultipart("text", subtype, charset="utf-8")
    part.set_payload(text, QUOTED)
    return part


def _plain(letter: EmailContent) -> str:
    headline = [letter.headline] if letter.headline else []
    button = [f"{letter.button}:\n{letter.link}"] if letter.link else []
    return "\n\n".join([*headline, *letter.paragraphs, *button, *letter.small]) + "\n"


def _html(letter: EmailContent) -> str:
    return PAGE.substitute(
        language=escape(letter.language),
        subject=escape(letter.subject),
        headline=escape(letter.headline or letter.subject),
        paragraphs="".join(f"<p>{escape(each)}</p>" for each in letter.paragraphs),
        button=BUTTON.substitute(link=escape(letter.link), says=escape(letter.button)) if letter.link else "",
        small="".join(f'<p class="small">{escape(each)}</p>' for each in letter.small),
    )
