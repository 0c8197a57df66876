"""What a mail to our mailbox is: a calendar's reply, a bounce, an automatic answer, or words that a person must read."""

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from email.utils import parseaddr
from uuid import UUID

from services.strategy.itip import Answered, NotAReply, read

OURS = re.compile(rb"<([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})@[^>\s]+>")
"""The Message-ID of an invitation of ours, wherever a bounce repeats it."""
FORGED = re.compile(r"\bdmarc\s*=\s*fail\b", re.IGNORECASE)
WORDS_AT_MOST = 2000


@dataclass(frozen=True, slots=True)
class FromCalendar:
    answered: Answered


@dataclass(frozen=True, slots=True)
class Bounced:
    """`delivery` of the invitation that did not arrive, where the bounce names it."""

    delivery: UUID | None


@dataclass(frozen=True, slots=True)
class Automatic:
    """An out-of-office note: nobody has answered."""


@dataclass(frozen=True, slots=True)
class Forged:
    """The relay says that the sender's domain did not send it, or the answer is given in another's name."""


@dataclass(frozen=True, slots=True)
class InWords:
    text: str


Incoming = FromCalendar | Bounced | Automatic | Forged | InWords


@dataclass(frozen=True, slots=True)
class ReadMail:
    """`sender` in lower case. `refers_to`: the invitation that it answers, as far as its headers say."""

    sender: str
    refers_to: UUID | None
    content: Incoming


def read_mail(raw: bytes, envelope_sender: str) -> ReadMail:
    """Raises nothing: a mail that cannot be read is words that a person must look at."""
    mail = message_from_bytes(raw, _class=EmailMessage, policy=modern)
    sender = parseaddr(_header(mail, "From"))[1].strip().lower()
    named = OURS.search(" ".join((_header(mail, "In-Reply-To"), _header(mail, "References"))).encode())
    return ReadMail(
        sender, None if named is None else UUID(named[1].decode()), _content(mail, raw, sender, envelope_sender)
    )


def _content(mail: EmailMessage, raw: bytes, sender: str, envelope_sender: str) -> Incoming:
    kind = mail.get_content_type()
    if kind == "multipart/report" or (not envelope_sender and kind.startswith("multipart/")) or _is_postmaster(sender):
        named = OURS.search(raw)
        return Bounced(None if named is None else UUID(named[1].decode()))
    if FORGED.search(_header(mail, "Authentication-Results")):
        return Forged()
    answered = _calendar_part(mail)
    if answered is not None:
        return FromCalendar(answered) if answered.attendee == sender else Forged()
    if _is_automatic(mail):
        return Automatic()
    return InWords(_text(mail)[:WORDS_AT_MOST])


def _is_postmaster(sender: str) -> bool:
    return sender.partition("@")[0] in {"mailer-daemon", "postmaster"}


def _is_automatic(mail: EmailMessage) -> bool:
    submitted = _header(mail, "Auto-Submitted").lower()
    return (
        submitted not in {"", "no"}
        or _header(mail, "Precedence").lower() in {"bulk", "auto_reply", "junk"}
        or bool(_header(mail, "X-Autoreply") or _header(mail, "X-Auto-Response-Suppress"))
    )


def _calendar_part(mail: EmailMessage) -> Answered | None:
    """Outlook attaches it, Gmail sends it as an alternative, some name it application/ics."""
    for part in mail.walk():
        if part.get_content_type() in {"text/calendar", "application/ics"}:
            try:
                return read(_decoded(part))
            except NotAReply:
                continue
    return None


def _text(mail: EmailMessage) -> str:
    for part in mail.walk():
        if part.get_content_type() == "text/plain":
            return _decoded(part)
    return ""


def _decoded(part: EmailMessage) -> str:
    """A charset that does not exist, or bytes that do not fit it, are read as far as they can be."""
    content = part.get_payload(decode=True)
    raw = content if isinstance(content, bytes) else b""
    try:
        return raw.decode(part.get_content_charset("utf-8"), "replace")
    except LookupError:
        return raw.decode("utf-8", "replace")


def _header(mail: EmailMessage, name: str) -> str:
    """The standard library raises for some broken headers; then it is as if it were not there."""
    try:
        return " ".join(str(each) for each in mail.get_all(name, []))
    except (ValueError, IndexError, AttributeError, TypeError, KeyError):
        return ""
