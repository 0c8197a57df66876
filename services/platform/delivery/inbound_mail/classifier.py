"""Classifies mails to a mailbox of ours: bounces, automatic answers, calendars' replies, words for a person.

Anybody may have written a mail, so it is parsed within bounds that no honest mail reaches. The standard library's
parser asks each line of every enclosing part, and reads addresses and parameters in quadratic time: a mail of a few
kilobytes could hold up everything else in a service for minutes. No mail is refused for the size of its headers:
those of DKIM, ARC and Microsoft's filters come to 25 kB in honest mails, and none of them is read here.

Who sent it is our relay's verdict (Authentication-Results, RFC 8601); an unclear one counts as none. A relay writes
its own header above those that came with the mail, which anybody can write in another's name or in ours. So only the
topmost one with our relay's name counts, and the relay takes away those that came with a mail (RFC 8601, section 5).
"""

import re
from codecs import lookup
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.policy import default as modern
from email.utils import getaddresses, parseaddr
from enum import StrEnum
from itertools import chain, islice
from typing import Any
from uuid import UUID

from services.platform.runtime.logs import logger

PARTS_AT_MOST, DEEP_AT_MOST = 100, 20
LINES_AT_MOST = 50_000
"""Twice the lines of 2 MB in base64, the largest mail that the listener takes."""
HEADERS_AT_MOST, HEADER_AT_MOST = 200, 2048
"""Headers of one part, and characters of one header. The rest is not read: in a long thread, the newest references."""
HEADER_BLOCK_AT_MOST = 64_000
"""Bytes that are searched for headers where nothing else is read."""


class TooInvolved(Exception):
    """The mail has more parts, or deeper ones, than any mail program writes."""


class Part(Message):
    """Keeps no more of its headers than will be read."""

    deep = 0

    def set_raw(self, name: str, value: str) -> None:
        """The parser calls it for each header."""
        if len(self) < HEADERS_AT_MOST:
            super().set_raw(name, value[:HEADER_AT_MOST])

    def attach(self, payload: Message) -> None:  # type: ignore[override] # the parser attaches nothing but its parts
        """The parser calls it for each part, before it reads the content."""
        if isinstance(payload, Part):
            payload.deep = self.deep + 1
            if payload.deep > DEEP_AT_MOST:
                raise TooInvolved
        super().attach(payload)


def parse(raw: bytes) -> tuple[Message, bool]:
    """Returns the mail, and whether it is whole. One beyond the bounds, or that breaks the parser, has its headers
    alone. Raises nothing.
    """
    lines = raw.count(b"\n") + raw.count(b"\r") - raw.count(b"\r\n")
    if lines <= LINES_AT_MOST:
        try:
            return BytesParser(_counting()).parsebytes(raw), True
        except TooInvolved:
            pass
        except Exception as error:  # noqa: BLE001 nobody knows all that the standard library raises
            logger().warning("a mail could not be parsed", error=type(error).__name__)
    try:
        return BytesHeaderParser(Part).parsebytes(raw[:HEADER_BLOCK_AT_MOST]), False
    except Exception:  # noqa: BLE001 as above
        return Part(), False


def _counting() -> Callable[..., Part]:
    """Makes the parts of one mail, and no more of them than an honest one has."""
    made = 0

    def part(**given: Any) -> Part:
        nonlocal made
        made += 1
        if made > PARTS_AT_MOST:
            raise TooInvolved
        return Part(**given)

    return part


SPACE = " \t\r\n"
VALUE = r'"(?:[^"\\]|\\.)*"(?:@[^\s";]*)?|[^\s";]*'
PAIR = re.compile(rf"[{SPACE}]*([A-Za-z0-9_.-]+)(?:/[0-9]+)?[{SPACE}]*=[{SPACE}]*({VALUE})(?=[{SPACE}]|$)", re.DOTALL)
"""`dmarc=pass`, `dkim/1=pass`, `header.d=north.example`, and Microsoft's `action=none`, which no standard has."""
NAME = re.compile(rf'[{SPACE}]*("(?:[^"\\]|\\.)*"|[^\s";=]+)(?:[{SPACE}]+1)?[{SPACE}]*', re.DOTALL)
"""The checker's name, and the version of the format, which is always 1."""
SAYS_FOR_WHOM = {"dmarc": ("header.from",), "dkim": ("header.d", "header.i"), "spf": ("smtp.mailfrom",)}
"""Where each method names the domain that it checked: the first property that is there counts. Other methods do not."""


class Unclear(Exception):
    """The header is ambiguous."""


@dataclass(frozen=True, slots=True)
class Result:
    method: str
    value: str
    about: Mapping[str, str]


def is_authenticated(headers: Iterable[str], *, relay: str, sender: str) -> bool:
    """Whether our relay says that the domain of `sender` sent this mail: a pass of DMARC, or of DKIM or SPF for exactly
    that domain.

    `headers` are the mail's Authentication-Results as they came, topmost first; `relay` is the name (authserv-id) that
    our relay gives itself in them. Only a domain is checked: whoever sends from it may give any name before the @.
    """
    domain = _domain(sender) if "@" in sender else ""
    own = next((each for each in headers if relay and _checked_by(each) == relay.lower()), None)
    if own is None or not domain or len(own) >= HEADER_AT_MOST:  # which may have been cut
        return False
    try:
        results = _results(own)
    except Unclear:
        return False
    refused = any((each.method, each.value) == ("dmarc", "fail") for each in results)
    return not refused and any(_vouches(each, domain) for each in results)


def _vouches(result: Result, domain: str) -> bool:
    named = [result.about[name] for name in SAYS_FOR_WHOM.get(result.method, ()) if name in result.about]
    return result.value == "pass" and bool(named) and _domain(named[0]) == domain


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower().rstrip(".")


def _checked_by(header: str) -> str | None:
    """None where it names no checker, as Microsoft's does not."""
    try:
        named = NAME.fullmatch(next(_clauses(header)))
    except Unclear:
        return None
    return None if named is None else _unquoted(named[1]).lower()


def _results(header: str) -> list[Result]:
    """Raises Unclear."""
    _, *clauses = _clauses(header)
    found = [clause for clause in clauses if clause.strip(SPACE) and clause.strip(SPACE).lower() != "none"]
    return [_result(clause) for clause in found]


def _result(clause: str) -> Result:
    pairs, at = [], 0
    clause = clause.rstrip(SPACE)
    while at < len(clause):
        pair = PAIR.match(clause, at)
        if pair is None:
            raise Unclear
        pairs.append((pair[1].lower(), _unquoted(pair[2])))
        at = pair.end()
    (method, value), *about = pairs
    if len(dict(about)) < len(about):  # the same thing said twice
        raise Unclear
    return Result(method, value.lower(), dict(about))


def _unquoted(value: str) -> str:
    """Without quotation marks. Of a quoted local part only the domain behind it matters."""
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value[:1] == '"' == value[-1:] else value


def _clauses(header: str) -> Iterator[str]:
    """The clauses between semicolons, without comments. Raises Unclear where a comment or a quotation does not end."""
    clause: list[str] = []
    deep, quoted, escaped = 0, False, False
    for each in header:
        if not deep:
            if each == ";" and not quoted:
                yield "".join(clause)
                clause = []
                continue
            clause.append(each if quoted or each != "(" else " ")
        if escaped:
            escaped = False
        elif each == "\\" and (quoted or deep):
            escaped = True
        elif each == '"' and not deep:
            quoted = not quoted
        elif not quoted:
            deep += (each == "(") - (each == ")" and deep > 0)
    if deep or quoted:
        raise Unclear
    yield "".join(clause)


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
