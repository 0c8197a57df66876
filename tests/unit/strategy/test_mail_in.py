"""Mails that try to be what they are not, or are nothing at all. None is believed, none breaks the reading of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as any_

from services.delivery.mail_in import MailKind, ReadMail, read_mail
from services.strategy.replies import answered_in
from tests.unit.strategy import mail_programs as by
from tests.unit.strategy.mail_programs import DELIVERY, NURSE

ONE = by.gmail_calendar("ACCEPTED")


def read(raw: bytes) -> ReadMail:
    return read_mail(raw, NURSE)


def test_an_answer_names_whose_it_is_and_the_mail_whence_it_comes() -> None:
    mail = read(by.bare(ONE, sender="police@north.example"))
    answered = answered_in(mail)
    assert answered is not None
    assert (answered.attendee, mail.sender) == (NURSE, "police@north.example")


@pytest.mark.parametrize(
    ("results", "forged"),
    [
        ("relay.kestrel.example; dkim=none; dmarc=fail header.from=kestrel.example", True),
        ("relay.kestrel.example; dkim=pass; DMARC = FAIL (p=none)", True),
        ("relay.kestrel.example; dkim=pass; dmarc=pass", False),
        ("relay.kestrel.example; none", False),
    ],
)
def test_the_relay_says_who_is_forged(results: str, forged: bool) -> None:
    assert read(by.words("Yes", f"Authentication-Results: {results}")).forged is forged


def test_an_answer_in_words_keeps_its_subject_and_the_mail_that_it_answers() -> None:
    mail = read(by.words("Can somebody ring me?", f"In-Reply-To: <{DELIVERY}@kestrel.example>"))
    assert mail.refers_to == DELIVERY
    assert mail.words == "Re: Strategy discussion (4K7PX)\n\nCan somebody ring me?"


def test_an_automatic_answer_that_holds_a_calendar_s_reply_is_that_reply() -> None:
    mail = read(by.bare(ONE, "text/calendar; method=REPLY", "Auto-Submitted: auto-generated"))
    assert answered_in(mail) is not None


def test_words_about_leave_are_no_absence_where_a_person_wrote_them() -> None:
    assert read(by.words("I am on leave tomorrow, but I come today.")).kind is MailKind.PERSONAL


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00",
        b"From: =?bogus?q?x?= <a@b>\r\n\r\nhello",
        b"From: a@b, c@d\r\nContent-Type: text/plain; charset=no-such\r\n\r\nh\xe9llo",
        b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        b"Content-Type: multipart/report; report-type\r\n\r\n",
        by.bare("BEGIN:VCALENDAR\r\nMETHOD:REPLY"),
        by.bare(ONE.replace("SEQUENCE:0", "SEQUENCE:two")),
        by.bare(ONE.replace("PARTSTAT=ACCEPTED", "PARTSTAT=")),
        by.bare(ONE.replace("ATTENDEE", "X-ATTENDEE")),
    ],
)
def test_what_is_no_answer_is_none_and_breaks_nothing(raw: bytes) -> None:
    assert answered_in(read(raw)) is None


@given(any_.binary(max_size=300))
def test_no_bytes_whatever_break_it(raw: bytes) -> None:
    for each in (raw, b"Content-Type: text/calendar\r\nFrom: " + raw, by.bare(ONE).replace(b"ACCEPTED", raw)):
        answered_in(read(each))
