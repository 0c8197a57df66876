"""People behind mailboxes: they press the button and accept invitations, unless they are told not to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope
from icalendar import Calendar

from infra.sandbox.authentication import AUTHSERV_ID, HEADER
from infra.sandbox.correspondents import accepted
from infra.sandbox.mailboxes import read_mail
from services.platform.delivery.inbound_mail.classifier import is_authenticated
from tests.support.engines.ports import free_port
from tests.support.outside.sandbox import Outside, eventually, play_outside_world
from tests.unit.infra.sandbox.test_mailboxes import ATTENDEE, a_mail, an_invitation, send

SWITCH = f"/mailboxes/{ATTENDEE}"
FORM = '<form method="post"><button name="answer" value="have-it">I have it</button></form>'


async def with_link(outside: Outside) -> None:
    mail = a_mail()
    mail.clear_content()
    mail.set_content(f"Say that you have it:\n{outside.application.url}/acknowledge/AbC_1-2")
    await send(outside, mail)


async def test_whoever_answers_opens_the_link_and_presses_its_button(outside: Outside) -> None:
    outside.application.answer = FORM
    await outside.scripts.put(SWITCH, json={"answers": True})
    await with_link(outside)
    await eventually(lambda: len(outside.application.at("/acknowledge/AbC_1-2")) == 2)
    shown, pressed = outside.application.at("/acknowledge/AbC_1-2")
    assert (shown.form, pressed.form) == ({}, {"answer": "have-it"})


async def test_whoever_does_not_answer_opens_nothing(outside: Outside) -> None:
    await outside.scripts.put(SWITCH, json={"answers": False})
    await with_link(outside)
    await asyncio.sleep(1.5)
    assert outside.application.requests == []


async def test_an_invitation_is_accepted_by_a_mail_to_whoever_sent_it() -> None:
    async with (
        listening() as (port, taken),
        play_outside_world(own_mailboxes={"safe-return@kestrel.example": port}) as outside,
    ):
        await outside.scripts.put(SWITCH, json={"answers": True})
        await send(outside, an_invitation(3))
        await eventually(lambda: taken)
    [envelope] = taken
    reply = message_from_bytes(envelope.original_content)
    assert (envelope.mail_from, envelope.rcpt_tos) == (ATTENDEE, ["safe-return@kestrel.example"])
    assert is_authenticated([reply[HEADER]], relay=AUTHSERV_ID, sender=ATTENDEE)
    [part] = [each for each in reply.walk() if each.get_content_type() == "text/calendar"]
    calendar = Calendar.from_ical(str(part.get_payload()))
    [event] = calendar.walk("VEVENT")
    assert (str(calendar["METHOD"]), int(str(event["SEQUENCE"]))) == ("REPLY", 3)
    assert event["ATTENDEE"].params["PARTSTAT"] == "ACCEPTED"


def test_a_cancellation_asks_for_no_reply() -> None:
    envelope = Envelope()
    envelope.mail_from, envelope.rcpt_tos = "safe-return@kestrel.example", [ATTENDEE]
    envelope.original_content = an_invitation(1, "CANCEL").as_bytes()
    assert accepted(read_mail(envelope), ATTENDEE) is None


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[int, list[Any]]]:
    taken: list[Any] = []

    class Taking:
        async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
            taken.append(envelope)
            return "250 Taken"

    loop, port = asyncio.get_running_loop(), free_port()
    server = await loop.create_server(lambda: SMTP(Taking(), loop=loop), "127.0.0.1", port)
    yield port, taken
    server.close()
    await asyncio.sleep(0)
