"""Classifies mails to a mailbox of ours: bounces, automatic answers, calendars' replies, words for a person."""

import re
from codecs import lookup
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email.message import Message
from email.policy import default as modern
from email.utils import getaddresses, parseaddr
from enum import StrEnum
from itertools import chain, islice
from uuid import UUID

from services.platform.delivery.inbound_mail.authentication import is_authenticated
from services.platform.delivery.inbound_mail.parser import parse

OURS = re.compile(rb"<([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})@[^>\s]{1,255}>")
"""The Message-ID of a mail of ours, wherever a bounce or an answer repeats it."""
ACTION = re.compile(rb"^Action:[ \t]*([a-z]+)", re.IGNORECASE | re.MULTILINE)
"""The outcome for a recipient in a delivery status notification (RFC 3464)."""
AUTOMATIC_SUBJECT = re.compile(
    r"^\s*(automatic reply|auto(matic)?[- ]?(response|reply)|auto|out of (the )?office|ateb awtomatig)\b", re.IGNORECASE
)
AWAY = re.compile(
    r"out of (the )?office|on (annual |sick |maternity |paternity |study )?leave|annual leave|away (from|until|on|till)|\babsen(t|ce)\b"
    r"|on holiday|not (in|at) (work|the office)|non[- ]working day|return(ing)? (to (work|the office)|on|in)\b|back (on|in the office)"
    r"|no longer (work|employed|with|monitored|in use)|not monitored|has left|have left"
    r"|allan o'r swyddfa|ar wyliau|ar (absenoldeb|gwyliau)|ddim yn y gwaith|nid yw'r blwch",
    re.IGNORECASE,
)
WORDS_AT_MOST = 2000
CALENDARS_AT_MOST, CALENDAR_AT_MOST = 3, 32_000
"""Calendars in one mail, and characters in one. Gmail sends its answer twice; one takes a page."""
BROKEN = (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""Errors of the standard library for malformed headers."""
SAME_HEADERS_AT_MOST = 4
"""Headers of the same name."""
NAMED_AT_MOST = 10
"""Mails of ours that one mail may name."""
NO_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "unicode-escape"})
"""Charsets of Python that no mail uses: decoding them takes quadratic time, or does not give text."""
PARTLY = (
    "(Our machine could not deal with this mail and did nothing of what it says. This is what could be read of it.)"
)
UNREAD = "(What this mail says could not be read by our machine. Please ask whoever sent it.)"


class MailKind(StrEnum):
    BOUNCED = "bounced"
    """It will not arrive."""
    NOTICE = "notice"
    """A machine's report without consequence: delayed, relayed, displayed."""
    AWAY = "away"
    """The recipient is absent or has left: somebody else must be told."""
    AUTOMATIC = "automatic"
    """A machine's receipt, such as a shared mailbox's. No person has answered."""
    PERSONAL = "personal"


@dataclass(frozen=True, slots=True)
class CalendarPart:
    """A calendar, as far as it can be decoded. `method` is its Content-Type's, in upper case, or empty."""

    text: str
    method: str = ""


@dataclass(frozen=True, slots=True)
class ReadMail:
    """A mail whose text PostgreSQL takes: without NUL and lone surrogates. `sender` is as `spelt` returns it.
    `refers_to` is the mail of ours that it answers, or that a bounce repeats, if it names one; `also_named` are others
    that it answers.

    `authenticated`: our relay says that the sender's domain sent it. Nothing else is believed. `words`: subject and
    text, for a person.
    """

    sender: str
    kind: MailKind
    refers_to: UUID | None
    authenticated: bool
    words: str
    calendars: tuple[CalendarPart, ...] = field(default=())
    also_named: tuple[UUID, ...] = ()


def spelt(address: str) -> str:
    """The form in which addresses are compared and hashed: mail programs change their case at will."""
    return address.strip().lower()


def read_mail(raw: bytes, envelope_sender: str, relay: str = "") -> ReadMail:
    """`relay` is the name that our relay gives itself in Authentication-Results; without it no mail counts as
    authenticated.

    Raises nothing: a mail that cannot be read is for a person to look at. The worst mail takes tenths of a second: read
    it in a thread where others wait for the same event loop.
    """
    mail, whole = parse(raw)
    sender = _address(_header(mail, "From"))
    words = f"{_header(mail, 'Subject')}\n\n{_text(mail) if whole else UNREAD}".strip()
    kind = _kind(mail, raw, sender, envelope_sender, words)
    named = _named(mail, raw, kind)
    return ReadMail(
        sender=sender,
        kind=kind,
        refers_to=named[0] if named else None,
        authenticated=_is_of_one(mail)
        and is_authenticated(_each(mail, "Authentication-Results"), relay=relay, sender=sender),
        words=words[:WORDS_AT_MOST],
        calendars=tuple(_calendars(mail)) if whole else (),
        also_named=named[1:],
    )


def fallback_readings(mail: ReadMail) -> tuple[ReadMail, ReadMail, ReadMail]:
    """The mail as it is, its words alone for a person, and a note that it could not be read: each can fail less than
    the one before.
    """
    words = replace(mail, kind=MailKind.PERSONAL, calendars=())
    return mail, replace(words, words=f"{PARTLY}\n\n{mail.words}"), replace(words, words=UNREAD)


def _named(mail: Message, raw: bytes, kind: MailKind) -> tuple[UUID, ...]:
    """Our mails that it names: those that it answers (In-Reply-To) before those of its thread (References)."""
    if kind is MailKind.BOUNCED:
        found = islice(OURS.finditer(raw), 1)
    else:
        answered, thread = (OURS.finditer(_header(mail, name).encode()) for name in ("In-Reply-To", "References"))
        found = islice(chain(answered, thread), NAMED_AT_MOST)
    return tuple(dict.fromkeys(UUID(each[1].decode()) for each in found))


def _is_of_one(mail: Message) -> bool:
    """Whether it has one sender: of several, the relay may have checked another than the one that we read."""
    senders = list(_each(mail, "From"))
    try:
        return len(senders) == 1 and len(getaddresses([_header(mail, "From")])) == 1
    except BROKEN:
        return False


def _kind(mail: Message, raw: bytes, sender: str, envelope_sender: str, words: str) -> MailKind:
    if mail.get_content_type() == "multipart/report":
        return _report(mail, raw)
    if _header(mail, "X-Failed-Recipients"):
        return MailKind.BOUNCED
    if _is_automatic(mail):
        return MailKind.AWAY if AWAY.search(words) else MailKind.AUTOMATIC
    if sender.partition("@")[0] in {"mailer-daemon", "postmaster"} or (not envelope_sender and OURS.search(raw)):
        return MailKind.BOUNCED
    return MailKind.PERSONAL


def _report(mail: Message, raw: bytes) -> MailKind:
    """A receipt that says "displayed" is a report as well, and no bounce."""
    if str(mail.get_param("report-type", "delivery-status")).lower() != "delivery-status":
        return MailKind.NOTICE
    actions = {each.lower() for each in ACTION.findall(raw)}
    return MailKind.BOUNCED if not actions or b"failed" in actions else MailKind.NOTICE


def _is_automatic(mail: Message) -> bool:
    submitted = _header(mail, "Auto-Submitted").partition(";")[0].strip().lower()
    return (
        submitted not in {"", "no"}
        or _header(mail, "Precedence").lower() in {"bulk", "auto_reply", "junk"}
        or any(_header(mail, name) for name in ("X-Autoreply", "X-Autorespond", "X-Autoresponder"))
        or AUTOMATIC_SUBJECT.match(_header(mail, "Subject")) is not None
    )


def _calendars(mail: Message) -> list[CalendarPart]:
    """Outlook attaches it, Gmail sends it as an alternative and a file, others as application/ics or plain text."""
    found = []
    for part in mail.walk():
        if part.is_multipart():
            continue
        kind, name = part.get_content_type(), _file_name(part)
        if kind in {"text/calendar", "application/ics", "text/x-vcalendar"} or name.endswith(".ics"):
            found.append(CalendarPart(_decoded(part), str(part.get_param("method", "")).upper()))
        elif kind == "text/plain" and (text := _decoded(part)).lstrip().upper().startswith("BEGIN:VCALENDAR"):
            found.append(CalendarPart(text))
    return [each for each in found if len(each.text) <= CALENDAR_AT_MOST][:CALENDARS_AT_MOST]


def _file_name(part: Message) -> str:
    try:
        return (part.get_filename() or "").lower()
    except BROKEN:
        return ""


def _text(mail: Message) -> str:
    for part in mail.walk():
        if part.get_content_type() == "text/plain" and not part.is_multipart():
            return _decoded(part)
    return ""


def _decoded(part: Message) -> str:
    """Decodes as much as it can where the charset does not exist or the bytes do not fit it."""
    content = part.get_payload(decode=True)
    raw = content if isinstance(content, bytes) else b""
    if raw[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return _clean(raw.decode("utf-16", "replace"))
    try:
        charset = lookup(part.get_content_charset("utf-8")).name
        text = raw.decode("utf-8" if charset in NO_CHARSETS else charset, "replace")
    except (LookupError, ValueError):
        text = raw.decode("utf-8", "replace")
    return _clean(text).lstrip("\ufeff")


def _clean(text: str) -> str:
    """Replaces lone surrogates, which UTF-7 may contain, and NUL: PostgreSQL takes neither."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "")


def _address(header: str) -> str:
    try:
        return spelt(parseaddr(header)[1])
    except BROKEN:
        return ""


def _each(mail: Message, name: str) -> Iterator[str]:
    """Undecoded, topmost first: no relay writes encoded words."""
    return (str(value) for each, value in mail.raw_items() if each.lower() == name.lower())


def _header(mail: Message, name: str) -> str:
    """Decoded, which is costly: only for a few headers. Empty where the standard library raises on a malformed one."""
    raw = islice(_each(mail, name), SAME_HEADERS_AT_MOST)
    try:
        return _clean(" ".join(str(modern.header_fetch_parse(name, each)) for each in raw))
    except BROKEN:
        return ""
