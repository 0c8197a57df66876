"""Mails that try to be what they are not, or are nothing at all. None is believed, none breaks the reading of it."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as any_

from services.platform.delivery.inbound_mail.classifier import MailKind, ReadMail, read_mail
from services.strategy.discussions.policy import Reply
from services.strategy.web import read_answers
from tests.unit.strategy import mail_programs as by
from tests.unit.strategy.mail_programs import DELIVERY, DISCUSSION, NURSE

ONE = by.gmail_calendar("ACCEPTED")


def read(raw: bytes) -> ReadMail:
    return read_mail(raw, NURSE)


def test_an_answer_names_whose_it_is_and_the_mail_whence_it_comes() -> None:
    mail = read(by.bare(ONE, sender="police@north.example"))
    [answered] = read_answers(mail)
    assert (answered.attendee, mail.sender) == (NURSE, "police@north.example")


def test_each_answer_of_a_mail_that_gives_several_is_seen_and_the_same_one_once() -> None:
    calendars = (ONE, by.gmail_calendar("DECLINED"), ONE)
    parts = "".join(f"--b\r\nContent-Type: text/calendar\r\n\r\n{each}\r\n" for each in calendars)
    raw = f"From: {NURSE}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{parts}--b--"
    assert [each.reply for each in read_answers(read(raw.encode()))] == [Reply.ACCEPTED, Reply.DECLINED]


def test_a_calendar_that_answers_two_invitations_answers_none() -> None:
    event = ONE[ONE.index("BEGIN:VEVENT") : ONE.index("END:VCALENDAR")]
    two = ONE.replace("END:VCALENDAR", event.replace(str(DISCUSSION), str(DELIVERY)) + "END:VCALENDAR")
    assert read_answers(read(by.bare(two))) == ()
    assert read_answers(read(by.bare(ONE.replace("END:VCALENDAR", event + "END:VCALENDAR"))))


def test_an_answer_in_words_keeps_its_subject_and_the_mail_that_it_answers() -> None:
    mail = read(by.words("Can somebody ring me?", f"In-Reply-To: <{DELIVERY}@kestrel.example>"))
    assert mail.refers_to == DELIVERY
    assert mail.words == "Re: Strategy discussion (4K7PX)\n\nCan somebody ring me?"


def test_an_automatic_answer_that_holds_a_calendar_s_reply_is_that_reply() -> None:
    mail = read(by.bare(ONE, "text/calendar; method=REPLY", "Auto-Submitted: auto-generated"))
    assert read_answers(mail)


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
    assert read_answers(read(raw)) == ()


@pytest.mark.parametrize(
    "rule", ["FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3", "FREQ=SECONDLY", "FREQ=DAILY;INTERVAL=0"]
)
def test_a_zone_is_what_its_name_says_however_a_mail_defines_it(rule: str) -> None:
    """Counted from 1601, a zone that changes each second would fill the memory, and every later mail would keep it."""
    in_its_zone = by.outlook_calendar("ACCEPTED", "DTSTART;TZID=GMT Standard Time:20261124T130000")
    defined = in_its_zone.replace("TZOFFSETTO:+0000", "TZOFFSETTO:+0500")
    hostile = re.sub("RRULE:FREQ=YEARLY[^\r]*", f"RRULE:{rule}", defined)
    for each in (hostile, in_its_zone):
        [answered] = read_answers(read(by.bare(each)))
        assert answered.starts_at == datetime(2026, 11, 24, 13, tzinfo=UTC)


def test_a_time_in_a_zone_that_only_the_mail_knows_is_no_time() -> None:
    own = by.outlook_calendar("ACCEPTED", "DTSTART;TZID=Nobody knows it:20261124T130000")
    [answered] = read_answers(read(by.bare(own.replace("TZID:GMT Standard Time", "TZID:Nobody knows it"))))
    assert (answered.reply, answered.starts_at) == (Reply.ACCEPTED, None)


@given(any_.binary(max_size=300))
def test_no_bytes_whatever_break_it(raw: bytes) -> None:
    for each in (raw, b"Content-Type: text/calendar\r\nFrom: " + raw, by.bare(ONE).replace(b"ACCEPTED", raw)):
        read_answers(read(each))
