"""Mailboxes that refuse, put off, bounce or are away: over real SMTP, as the services' own reader of mail understands them."""

from uuid import UUID, uuid4

import aiosmtplib
import pytest

from infra.sandbox.authentication import AUTHSERV_ID
from services.platform.delivery.inbound_mail.classifier import MailKind, read_mail
from tests.support.outside.sandbox import Outside, eventually, play_outside_world
from tests.unit.infra.sandbox.test_correspondents import listening
from tests.unit.infra.sandbox.test_mailboxes import ATTENDEE, a_mail, send

NOBODY = "<>"
"""The sender of what must not be answered, as the SMTP library gives it."""
OWN = "safe-return@kestrel.example"


@pytest.mark.parametrize(("mode", "code", "says"), [("unknown", 550, "5.1.1"), ("full", 552, "5.2.2")])
async def test_a_mailbox_refuses_at_its_name_and_the_others_take(
    outside: Outside, mode: str, code: int, says: str
) -> None:
    await outside.behave(f"mailboxes/{ATTENDEE}", mode=mode)
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refusal:
        await send(outside, a_mail())
    [each] = refusal.value.recipients
    assert (each.code, each.message[:5]) == (code, says)
    await send(outside, a_mail(), recipients=["other@northmoor.example"])
    assert [mail["to"] for mail in await outside.get("/mails")] == [["other@northmoor.example"]]


async def test_a_greylisting_mailbox_takes_at_the_third_attempt(outside: Outside) -> None:
    await outside.behave(f"mailboxes/{ATTENDEE.upper()}", mode="greylisting", times=2)
    for _ in range(2):
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refusal:
            await send(outside, a_mail())
        assert refusal.value.recipients[0].code == 451
    await send(outside, a_mail())
    assert len(await outside.get("/mails")) == 1


@pytest.mark.parametrize(
    ("mode", "kind", "envelope"), [("bounces", MailKind.BOUNCED, NOBODY), ("away", MailKind.AWAY, ATTENDEE)]
)
async def test_a_mail_that_was_taken_comes_back_as_what_it_is(mode: str, kind: MailKind, envelope: str) -> None:
    name: UUID = uuid4()
    async with listening() as (port, taken), play_outside_world(own_mailboxes={OWN: port}) as outside:
        await outside.behave(f"mailboxes/{ATTENDEE}", mode=mode, delay_seconds=0)
        mail = a_mail()
        mail["Message-ID"] = f"<{name}@kestrel.example>"
        await send(outside, mail)
        await eventually(lambda: taken)
    [came] = taken
    assert (came.mail_from, came.rcpt_tos) == (envelope, [OWN])
    read = read_mail(came.original_content, came.mail_from or "", AUTHSERV_ID)
    assert (read.kind, read.refers_to, read.authenticated) == (kind, name, kind is MailKind.AWAY)
