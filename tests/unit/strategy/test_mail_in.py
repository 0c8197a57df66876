"""Mails as people's programs send them: each is a reply, a bounce, automatic, forged, or words for a person. None breaks it."""

import base64
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as any_

from services.strategy.mail_in import Automatic, Bounced, Forged, FromCalendar, InWords, read_mail
from services.strategy.policy import Reply

DISCUSSION = UUID("12b6ba26-9c10-5891-8200-e6e0b261d95e")
DELIVERY = UUID("0a1b2c3d-0000-5000-8000-000000000001")
NURSE = "nurse@kestrel.example"


def calendar(
    partstat: str = "ACCEPTED",
    *,
    method: str = "REPLY",
    attendee: str = NURSE,
    extra: str = "",
    sequence: str = "SEQUENCE:2",
) -> str:
    return "\r\n".join(
        [
            "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Program//EN", f"METHOD:{method}", "BEGIN:VEVENT",
            f"UID:{DISCUSSION}@kestrel.example", sequence, "DTSTAMP:20261124T180000Z",
            f"ATTENDEE;PARTSTAT={partstat};CN=Nurse:mailto:{attendee}", *([extra] if extra else []),
            "ORGANIZER:mailto:safe-return@kestrel.example", "END:VEVENT", "END:VCALENDAR", "",
        ]
    )  # fmt: skip


def mail(
    body: str, kind: str = 'text/calendar; method=REPLY; charset="utf-8"', *headers: str, sender: str = NURSE
) -> bytes:
    head = [
        f"From: Nurse <{sender}>",
        "To: safe-return@kestrel.example",
        "Subject: Accepted: Strategy discussion",
        *headers,
    ]
    return "\r\n".join([*head, "MIME-Version: 1.0", f"Content-Type: {kind}", "", body]).encode()


def mixed(part: str, kind: str, encoding: str = "7bit") -> bytes:
    """As Gmail and Outlook nest it: words first, the calendar as an alternative or an attachment."""
    lines = [
        "--b", "Content-Type: text/plain; charset=utf-8", "", "Nurse has accepted.", "--b", f"Content-Type: {kind}",
        f"Content-Transfer-Encoding: {encoding}", "", part, "--b--", "",
    ]  # fmt: skip
    return mail("\r\n".join(lines), 'multipart/alternative; boundary="b"')


@pytest.mark.parametrize(
    ("partstat", "reply"),
    [
        ("ACCEPTED", Reply.ACCEPTED),
        ("accepted", Reply.ACCEPTED),
        ("TENTATIVE", Reply.TENTATIVE),
        ("DECLINED", Reply.DECLINED),
        ("DELEGATED", Reply.DECLINED),
    ],
)
def test_a_calendar_s_answer_is_read(partstat: str, reply: Reply) -> None:
    content = read_mail(mail(calendar(partstat)), NURSE).content
    assert isinstance(content, FromCalendar)
    assert (content.answered.reply, content.answered.sequence) == (reply, 2)
    assert content.answered.discussion == DISCUSSION


@pytest.mark.parametrize("kind", ["text/calendar; method=REPLY", "application/ics; name=invite.ics", "TEXT/CALENDAR"])
def test_it_is_found_wherever_a_program_puts_it(kind: str) -> None:
    assert isinstance(read_mail(mixed(calendar(), kind), NURSE).content, FromCalendar)


def test_a_stamp_that_is_no_time_hinders_no_answer() -> None:
    raw = mail(calendar().replace("DTSTAMP:20261124T180000Z", "DTSTAMP:yesterday"))
    assert isinstance(read_mail(raw, NURSE).content, FromCalendar)


def test_base64_folded_lines_and_an_address_in_capitals_are_read() -> None:
    folded = calendar(attendee="NURSE@Kestrel.example").replace("CN=Nurse:mail", "CN=Nurse:m\r\n ail")
    coded = base64.encodebytes(folded.encode()).decode()
    content = read_mail(mixed(coded, "text/calendar; method=REPLY", "base64"), NURSE).content
    assert isinstance(content, FromCalendar)


def test_a_counter_proposal_names_its_time() -> None:
    content = read_mail(mail(calendar("TENTATIVE", method="COUNTER", extra="DTSTART:20261125T093000Z")), NURSE).content
    assert isinstance(content, FromCalendar)
    assert content.answered.reply is Reply.COUNTER
    assert content.answered.proposes is not None
    assert content.answered.proposes.isoformat() == "2026-11-25T09:30:00+00:00"


def test_an_answer_in_another_s_name_is_forged() -> None:
    assert isinstance(read_mail(mail(calendar(attendee="police@north.example")), NURSE).content, Forged)


def test_a_sender_whose_domain_did_not_send_it_is_forged() -> None:
    header = "Authentication-Results: relay.kestrel.example; dkim=none; dmarc=fail header.from=kestrel.example"
    raw = mail(calendar(), "text/calendar; method=REPLY", header)
    assert isinstance(read_mail(raw, NURSE).content, Forged)


@pytest.mark.parametrize(
    "header", ["Auto-Submitted: auto-replied", "Precedence: bulk", "X-Auto-Response-Suppress: All", "X-Autoreply: yes"]
)
def test_an_out_of_office_note_is_nobody_s_answer(header: str) -> None:
    assert isinstance(read_mail(mail("I am away until Monday.", "text/plain", header), NURSE).content, Automatic)


@pytest.mark.parametrize("sender", ["MAILER-DAEMON@relay.example", "postmaster@relay.example"])
def test_a_bounce_names_the_invitation_that_did_not_arrive(sender: str) -> None:
    body = f"--b\r\n\r\nNo such user\r\n--b\r\n\r\nMessage-ID: <{DELIVERY}@kestrel.example>\r\n--b--"
    raw = mail(body, 'multipart/report; report-type=delivery-status; boundary="b"', sender=sender)
    assert read_mail(raw, "").content == Bounced(DELIVERY)


def test_words_in_answer_to_an_invitation_are_for_a_person() -> None:
    raw = mail("Can somebody ring me?", "text/plain", f"In-Reply-To: <{DELIVERY}@kestrel.example>")
    read = read_mail(raw, NURSE)
    assert (read.refers_to, read.sender) == (DELIVERY, NURSE)
    assert read.content == InWords("Can somebody ring me?")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00",
        b"From: =?bogus?q?x?= <a@b>\r\n\r\nhello",
        b"From: a@b, c@d\r\nContent-Type: text/plain; charset=no-such\r\n\r\nh\xe9llo",
        b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        mail("BEGIN:VCALENDAR\r\nMETHOD:REPLY"),
        mail(calendar().replace("SEQUENCE:2", "SEQUENCE:two")),
        mail(calendar().replace(str(DISCUSSION), "somebody-else's")),
        mail(calendar().replace("METHOD:REPLY", "METHOD:REQUEST")),
        mail(calendar("PERHAPS")),
    ],
)
def test_what_is_no_answer_is_left_to_a_person_and_breaks_nothing(raw: bytes) -> None:
    assert not isinstance(read_mail(raw, NURSE).content, FromCalendar | Bounced)


def test_a_program_that_leaves_the_sequence_out_answers_the_first_date() -> None:
    content = read_mail(mail(calendar(sequence="X-NONE:1")), NURSE).content
    assert isinstance(content, FromCalendar)
    assert content.answered.sequence == 0


@given(any_.binary(max_size=300))
def test_no_bytes_whatever_break_it(raw: bytes) -> None:
    read_mail(raw, NURSE)
    read_mail(b"Content-Type: text/calendar\r\nFrom: " + raw, NURSE)
    read_mail(mail(calendar()).replace(b"ACCEPTED", raw), NURSE)
