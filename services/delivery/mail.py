"""Writes a mail: plain words, the same as HTML, and nothing else. Who it is about, no mail ever says.

Written out here, since the standard library's EmailMessage parses each header that it is given: a hundred times the work.
"""

from binascii import b2a_qp
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.utils import format_datetime
from html import escape
from pathlib import Path
from string import Template
from uuid import UUID

PAGE = Template((Path(__file__).parent / "pages" / "mail.html").read_text())
BUTTON = Template('<p><a class="button" href="$link">$says</a></p>')
CRLF = "\r\n"
LINE_AT_MOST = 76
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


@dataclass(frozen=True, slots=True)
class Calendar:
    """An iTIP message, a part of its own."""

    text: str
    method: str


def message_id(delivery: UUID, sender: str) -> str:
    """The same for every attempt."""
    return f"<{delivery}@{sender.rpartition('@')[2]}>"


def write(
    letter: Letter, *, delivery: UUID, sender: str, recipient: str, at: datetime, calendar: Calendar | None = None
) -> str:
    """The whole mail as it travels, in ASCII: a relay need not take anything else. `at` is wall time, and is the mail's date for
    every attempt. Raises ValueError where a header would hold a line break.
    """
    boundary = f"=_{delivery.hex}"
    headers = {
        "From": f"{NAME} <{sender}>",
        "To": recipient,
        "Subject": letter.subject,
        "Date": format_datetime(at),
        "Message-ID": message_id(delivery, sender),
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "1.0",
        "Content-Type": f'multipart/alternative; boundary="{boundary}"',
    }
    parts = [_part("text/plain", _plain(letter)), _part("text/html", _html(letter))]
    if calendar is not None:
        parts.append(_part(f"text/calendar; method={calendar.method}", calendar.text))
    head = "".join(_header(name, value) for name, value in headers.items())
    return head + "".join(f"\r\n--{boundary}\r\n{part}" for part in parts) + f"\r\n--{boundary}--\r\n"


def _header(name: str, value: str) -> str:
    if "\r" in value or "\n" in value:
        msg = f"{name} holds a line break"
        raise ValueError(msg)
    fits = value.isascii() and len(name) + len(value) < LINE_AT_MOST
    return f"{name}: {value if fits else Header(value, header_name=name).encode(linesep=CRLF)}{CRLF}"


def _part(kind: str, text: str) -> str:
    """Quoted-printable, in which no boundary of ours can occur."""
    lines = CRLF.join(text.splitlines()) + CRLF
    written = b2a_qp(lines.encode(), istext=True).decode("ascii")
    return f'Content-Type: {kind}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{written}'


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
