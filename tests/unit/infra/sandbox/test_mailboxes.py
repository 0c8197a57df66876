"""Mailboxes on a real SMTP port, met with the client that the services use."""

from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import aiosmtplib
import pytest
from icalendar import Calendar, Event

from tests.support.outside.sandbox import Outside

ATTENDEE = "health@northmoor.example"


def a_mail(subject: str = "Please open your page") -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "safe-return@kestrel.example", ATTENDEE, subject
    mail.set_content("Plain words: tŷ.")
    mail.add_alternative("<p>The same</p>", subtype="html")
    return mail


def an_invitation(sequence: int, method: str = "REQUEST") -> EmailMessage:
    calendar, event = Calendar(), Event()
    for name, value in {"prodid": "-//test//", "version": "2.0", "method": method}.items():
        calendar.add(name, value)
    event.add("uid", "discussion-1@safe-return")
    event.add("sequence", sequence)
    event.add("dtstart", datetime(2026, 11, 25, 10, tzinfo=UTC))
    event.add("attendee", f"mailto:{ATTENDEE}")
    calendar.add_component(event)
    mail = a_mail("Strategy discussion")
    mail.add_alternative(calendar.to_ical().decode(), subtype="calendar", params={"method": method})
    return mail


async def send(outside: Outside, mail: EmailMessage, **more: Any) -> None:
    await aiosmtplib.send(mail, hostname="127.0.0.1", port=outside.world.config.smtp_port, **more)


async def test_a_mail_can_be_read_as_its_recipient_would(outside: Outside) -> None:
    await send(outside, a_mail())
    (mail,) = await outside.get("/mails")
    assert (mail["from"], mail["to"]) == ("safe-return@kestrel.example", [ATTENDEE])
    assert mail["subject"] == "Please open your page"
    assert mail["text"].strip() == "Plain words: tŷ."
    assert mail["html"].strip() == "<p>The same</p>"


async def test_an_invitation_is_read_out_of_its_mail_with_method_and_sequence(outside: Outside) -> None:
    await send(outside, a_mail())
    await send(outside, an_invitation(0))
    await send(outside, an_invitation(1, "CANCEL"))
    invitations = await outside.get("/invitations")
    assert [(one["uid"], one["sequence"], one["method"]) for one in invitations] == [
        ("discussion-1@safe-return", 0, "REQUEST"),
        ("discussion-1@safe-return", 1, "CANCEL"),
    ]
    assert invitations[0]["start"] == "2026-11-25T10:00:00+00:00"
    assert invitations[0]["attendees"] == [ATTENDEE]


async def test_a_calendar_part_that_no_calendar_reads_is_shown_as_a_problem(outside: Outside) -> None:
    mail = a_mail()
    mail.add_alternative("BEGIN:NONSENSE", subtype="calendar", params={"method": "REQUEST"})
    await send(outside, mail)
    (invitation,) = await outside.get("/invitations")
    assert invitation["problem"]


@pytest.mark.parametrize(("mode", "code"), [("failing", 451), ("refusing", 550)])
async def test_a_failing_mail_server_says_so_in_smtp_and_keeps_nothing(outside: Outside, mode: str, code: int) -> None:
    await outside.behave("mail-server", mode=mode)
    with pytest.raises(aiosmtplib.SMTPDataError) as refusal:
        await send(outside, a_mail())
    assert refusal.value.code == code
    assert await outside.get("/mails") == []


async def test_a_silent_mail_server_takes_the_connection_and_never_greets(outside: Outside) -> None:
    await outside.behave("mail-server", mode="silent")
    with pytest.raises(aiosmtplib.SMTPConnectTimeoutError):
        await send(outside, a_mail(), timeout=0.3)


async def test_since_gives_only_later_mails(outside: Outside) -> None:
    await send(outside, a_mail("first"))
    await send(outside, a_mail("second"))
    assert [mail["subject"] for mail in await outside.get("/mails", since=1)] == ["second"]
