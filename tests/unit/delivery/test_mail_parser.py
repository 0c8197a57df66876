"""Mails that are written to be read for minutes, or to break the reading: each is words for a person after a bounded amount of work."""

from email.message import Message
from encodings.aliases import aliases
from uuid import UUID

import pytest

from services.platform.delivery.inbound_mail import classifier as bounds
from services.platform.delivery.inbound_mail.classifier import (
    CALENDAR_AT_MOST,
    CALENDARS_AT_MOST,
    OURS,
    UNREAD,
    MailKind,
    read_mail,
)

OF_OURS = UUID("0a1b2c3d-0000-5000-8000-000000000001")
ANSWER = f"In-Reply-To: <{OF_OURS}@kestrel.example>"
OFFICER = "From: PC Adeyemi <adeyemi@north.example>"


def mail(*headers: str, text: str = "We have this.") -> bytes:
    return "\r\n".join((*headers, "", text)).encode()


def nested(deep: int, text: str = "We have this.") -> bytes:
    """Text within that many parts."""
    around = "".join(f"Content-Type: multipart/mixed; boundary=b{each}\r\n\r\n--b{each}\r\n" for each in range(deep))
    return f"{OFFICER}\r\n{ANSWER}\r\nSubject: Yours\r\n{around}Content-Type: text/plain\r\n\r\n{text}".encode()


def forwarded(deep: int) -> bytes:
    return (
        mail(OFFICER, ANSWER, "Subject: Yours", text="")[:-2]
        + b"Content-Type: message/rfc822\r\n\r\n" * deep
        + b"\r\nhi"
    )


def beside(parts: int) -> bytes:
    return mail(
        OFFICER, ANSWER, "Subject: Yours", "Content-Type: multipart/mixed; boundary=b", text="--b\r\n\r\nhi\r\n" * parts
    )


def blocks(count: int) -> bytes:
    """Each blank line of a delivery status is a part to the parser."""
    return mail(OFFICER, ANSWER, "Subject: Yours", "Content-Type: message/delivery-status", text="a: b\r\n\r\n" * count)


TOO_INVOLVED = {
    "nested": nested(bounds.DEEP_AT_MOST + 1),
    "nested deeper than Python goes": nested(1200),
    "nested, with blank lines": nested(900, "\r\n" * 100_000),
    "few parts, many lines": nested(bounds.DEEP_AT_MOST, "\r\n" * 100_000),
    "lines that end as on an old Macintosh": nested(bounds.DEEP_AT_MOST, "\r" * 100_000),
    "forwarded for ever": forwarded(1200),
    "many parts": beside(bounds.PARTS_AT_MOST + 1),
    "many blocks": blocks(bounds.PARTS_AT_MOST + 1),
}


@pytest.mark.parametrize("raw", TOO_INVOLVED.values(), ids=TOO_INVOLVED)
def test_what_is_too_involved_is_a_person_s_to_ask_about(raw: bytes) -> None:
    read = read_mail(raw, "adeyemi@north.example")
    assert (read.kind, read.sender, read.refers_to) == (MailKind.PERSONAL, "adeyemi@north.example", OF_OURS)
    assert (read.words, read.calendars) == (f"Yours\n\n{UNREAD}", ())


@pytest.mark.parametrize("raw", TOO_INVOLVED.values(), ids=TOO_INVOLVED)
def test_no_more_parts_are_made_than_the_bounds_say(raw: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[bounds.Part] = []
    before = bounds.Part.set_raw

    def counts(part: bounds.Part, name: str, value: str) -> None:
        if part not in made:
            made.append(part)
        before(part, name, value)

    monkeypatch.setattr(bounds.Part, "set_raw", counts)
    assert not bounds.parse(raw)[1]
    assert len(made) <= bounds.PARTS_AT_MOST + 1
    assert max(each.deep for each in made) <= bounds.DEEP_AT_MOST


def test_what_is_just_within_the_bounds_is_read() -> None:
    assert read_mail(nested(bounds.DEEP_AT_MOST - 1), "").words == "Yours\n\nWe have this."
    assert read_mail(beside(bounds.PARTS_AT_MOST - 2), "").words == "Yours\n\nhi"


def test_a_bounce_that_is_too_involved_is_one_all_the_same() -> None:
    headers = ("From: MAILER-DAEMON@x", "Content-Type: multipart/report; report-type=delivery-status; boundary=b")
    copy = f"Action: failed\r\nMessage-ID: <{OF_OURS}@kestrel.example>\r\n"
    read = read_mail(mail(*headers, text=copy + "--b\r\n\r\n" * 1000), "")
    assert (read.kind, read.refers_to) == (MailKind.BOUNCED, OF_OURS)


@pytest.mark.parametrize(
    "broken", ["(" * 2000, '"' * 2001, "<" + "@a," * 33_000, "a@" + "[" * 2000, "a:" * 50_000, "=?" * 9]
)
def test_a_from_that_is_none_is_nobody_s(broken: str) -> None:
    read = read_mail(mail(f"From: {broken}", ANSWER), "somebody@north.example")
    assert (read.kind, read.refers_to, read.words) == (MailKind.PERSONAL, OF_OURS, "We have this.")
    assert "@north" not in read.sender


def test_no_header_is_read_further_than_the_bounds_say() -> None:
    long = ("From: " + "a@b, " * 30_000, "Subject: " + "a " * 50_000, "References: " + "<a@b> " * 30_000)
    kept, whole = bounds.parse(
        mail(*long, *(f"X-{each}: b" for each in range(1000)), *("From: a@b" for _ in range(1000)))
    )
    assert whole
    assert len(kept) == bounds.HEADERS_AT_MOST
    assert max(map(len, kept.values())) <= bounds.HEADER_AT_MOST


def test_an_honest_mail_through_microsoft_s_filters_and_a_long_thread_is_read_whole() -> None:
    """25 kB of headers, one of them of 6 kB, and an answer to the first mail of sixty."""
    chain = [f"ARC-Seal: i={each}; a=rsa-sha256; b={'Zx' * 400}" for each in range(9)]
    filters = ["X-MS-Exchange-AntiSpam-MessageData-0: " + "\r\n ".join("Qx" * 40 for _ in range(75))]
    received = [
        f"Received: from mx{each}.north.example by mx.kestrel.example with ESMTPS; {'z' * 200}" for each in range(40)
    ]
    thread = f"References: <{OF_OURS}@kestrel.example> " + "\r\n ".join(
        f"<{each:040}@north.example>" for each in range(60)
    )
    raw = mail(*received, *chain, *filters, thread, OFFICER, "Subject: RE: Yours")
    assert len(raw) > 24_000
    read = read_mail(raw, "adeyemi@north.example")
    assert (read.sender, read.refers_to) == ("adeyemi@north.example", OF_OURS)
    assert read.words == "RE: Yours\n\nWe have this."


@pytest.mark.parametrize("charset", ["punycode", "idna", "Punycode"])
def test_a_charset_that_no_mail_has_is_not_tried(charset: str) -> None:
    assert read_mail(mail(f"Content-Type: text/plain; charset={charset}", text="caf-dma"), "").words == "caf-dma"


@pytest.mark.parametrize("charset", ["unicode_escape", "raw_unicode_escape", "Unicode-Escape"])
def test_what_a_programmer_s_charset_escapes_is_not_unescaped(charset: str) -> None:
    assert read_mail(mail(f"Content-Type: text/plain; charset={charset}", text=r"at \u0041"), "").words == r"at \u0041"


@pytest.mark.parametrize("charset", sorted(set(aliases.values())))
def test_whatever_the_charset_what_is_read_can_be_kept(charset: str) -> None:
    """UTF-8 has no half of a character, and PostgreSQL no NUL."""
    for raw in (b"+2AA-", rb"\ud800 \U00110000", b"\x00\xd8" * 4, b"\xd8\x00" * 4, b"\xed\xa0\x80"):
        for kind in ("plain", "calendar"):
            subject = f"Subject: a\0b =?{charset}?q?={raw.hex('=')}?="
            head = "\r\n".join((OFFICER, subject, f"Content-Type: text/{kind}; charset={charset}", "", ""))
            read = read_mail(head.encode() + raw, "")
            kept = read.words + read.sender + "".join(each.text for each in read.calendars)
            assert kept.encode().decode() == kept
            assert "\x00" not in kept


def test_only_a_few_short_calendars_of_a_mail_are_read() -> None:
    def parts(*calendars: str) -> bytes:
        each = "".join(f"--b\r\nContent-Type: text/calendar\r\n\r\n{text}\r\n" for text in calendars)
        return mail(OFFICER, "Content-Type: multipart/mixed; boundary=b", text=each + "--b--")

    assert len(read_mail(parts(*(["BEGIN:VCALENDAR"] * 50)), "").calendars) == CALENDARS_AT_MOST
    assert read_mail(parts("X" * (CALENDAR_AT_MOST + 1)), "").calendars == ()


def test_a_message_id_of_ours_ends_within_what_an_address_may_be() -> None:
    """Without an end each that begins would be read to the mail's end, which takes the square of their number."""
    assert OURS.search(f"<{OF_OURS}@{'a' * 255}>".encode())
    assert not OURS.search(f"<{OF_OURS}@{'a' * 256}>".encode())


def test_what_the_parser_itself_raises_leaves_the_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(_part: Message, _payload: Message) -> None:
        raise RuntimeError

    monkeypatch.setattr(bounds.Part, "attach", breaks)
    assert read_mail(beside(2), "").words == f"Yours\n\n{UNREAD}"
