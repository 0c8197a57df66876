"""A mail to a force that comes back, over a real SMTP port: a failure at once, so that somebody telephones."""

import asyncio
import smtplib
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from services.platform.delivery.inbound_mail import mailbox
from services.platform.delivery.inbound_mail.classifier import PARTLY, UNREAD, ReadMail, read_mail
from services.platform.delivery.inbound_mail.mailbox import UNAUTHENTICATED, MailAnswers, Mailbox, MailListener
from services.platform.store.encryption import DataKey, Keyring
from services.police.replies import MAILS_IN
from tests.support.engines.database import Database
from tests.support.engines.ports import free_port
from tests.support.in_process.police import FORCE_MAILBOX as FORCE
from tests.support.in_process.police import Police, by_mail, police_of
from tests.support.in_process.register import words_kept
from tests.support.outside.mail import RELAY, says
from tests.support.tables import deliveries

OURS = "safe-return@kestrel.example"
DOMAIN = FORCE.rpartition("@")[2]
POSTFIX = """\
From: MAILER-DAEMON@relay.kestrel.example (Mail Delivery System)
To: {ours}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="r"

--r
Content-Type: text/plain; charset=us-ascii

This is the mail system at host relay.kestrel.example. Your message could not be delivered.

--r
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.kestrel.example

Final-Recipient: rfc822; {force}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 User unknown

--r
Content-Type: message/rfc822-headers

Message-ID: <{delivery}@kestrel.example>
To: {force}

--r--
"""


@pytest.fixture
async def police(database: Database, keyring: Keyring) -> AsyncIterator[Police]:
    async with police_of(database, keyring, by_mail) as running:
        yield running


@asynccontextmanager
async def listening(police: Police) -> AsyncIterator[int]:
    floor, port = police.floor, free_port()
    replies = Mailbox(floor.store, MailAnswers(police.keyring, floor.clocks).made_of, MAILS_IN)
    listener = MailListener("127.0.0.1", port, OURS, replies.take, relay=RELAY)
    await listener.start()
    try:
        yield port
    finally:
        await listener.stop()


async def mailed(police: Police) -> Any:
    told = await police.tell()
    await police.floor.until(told.content.telling, "accepted")
    return told


async def come_back(
    police: Police, delivery: object, *, action: str = "failed", status: str = "5.1.1", to: str = OURS
) -> None:
    """As Postfix returns it: with no sender."""
    await hand_over(
        police, POSTFIX.format(ours=OURS, force=FORCE, action=action, status=status, delivery=delivery), to=to
    )


async def answered(
    police: Police, told: Any, words: str, *headers: str, results: str | None = f"dmarc=pass header.from={DOMAIN}"
) -> None:
    """`results` are the relay's, where it has looked at the mail."""
    lines = (f"From: {FORCE}", f"To: {OURS}", f"In-Reply-To: <{told.content.telling}@kestrel.example>", *headers)
    raw = "\r\n".join((*lines, "", words))
    await hand_over(police, raw if results is None else says(raw.encode(), results).decode(), sender=FORCE)


async def hand_over(police: Police, mail: str, *, sender: str = "", to: str = OURS) -> None:
    """As a relay does."""

    def relay(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port) as connection:
            connection.sendmail(sender, [to], mail)

    async with listening(police) as port:
        await asyncio.to_thread(relay, port)


async def test_a_mail_that_bounces_is_a_failure_at_once(police: Police) -> None:
    told = await mailed(police)
    await come_back(police, told.content.telling)
    [failed] = await police.said_since(told, ("duty.failed",))
    assert (failed["data"]["duty"], failed["data"]["reason"]) == (str(told.content.duty), "undeliverable")
    assert failed["traceparent"] == told.trace
    assert (await police.floor.row(told.content.telling))["state"] == "failed"


async def test_a_bounce_that_comes_twice_is_one_failure(police: Police) -> None:
    told = await mailed(police)
    await come_back(police, told.content.telling)
    await come_back(police, told.content.telling)
    assert len(await police.said_since(told, ("duty.failed",))) == 1


async def test_a_mail_that_is_merely_late_is_no_failure(police: Police) -> None:
    told = await mailed(police)
    await come_back(police, told.content.telling, action="delayed", status="4.4.1")
    assert await police.said_since(told, ("duty.failed",)) == []


async def test_a_bounce_after_an_officer_has_it_changes_nothing(police: Police) -> None:
    told = await mailed(police)
    async with police.floor.store.transaction() as uow:
        await police.floor.loop.acknowledged(uow, told.content.duty, told.content.step)
    await come_back(police, told.content.telling)
    assert await police.said_since(told, ("duty.failed",)) == []


async def test_a_bounce_of_a_mail_that_is_not_ours_is_of_nothing(police: Police) -> None:
    told = await mailed(police)
    await come_back(police, "00000000-0000-4000-8000-000000000000")
    assert await police.said_since(told, ("duty.failed",)) == []


async def test_mail_to_any_other_mailbox_is_not_taken(police: Police) -> None:
    told = await mailed(police)
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        await come_back(police, told.content.telling, to="somebody@kestrel.example")


async def test_an_answer_that_nobody_is_there_leads_to_a_person_too(police: Police) -> None:
    told = await mailed(police)
    await answered(police, told, "This mailbox is no longer monitored.", "Auto-Submitted: auto-replied")
    [failed] = await police.said_since(told, ("duty.failed",))
    assert failed["data"]["reason"] == "away"


NOBODY_VOUCHES = {
    "nobody looked": None,
    "attack 5": "spf=fail smtp.mailfrom=x@elsewhere.example; dmarc=none header.from=" + DOMAIN,
    "another domain": "dmarc=pass header.from=elsewhere.example",
}


@pytest.mark.parametrize("results", NOBODY_VOUCHES.values(), ids=NOBODY_VOUCHES)
async def test_an_absence_that_nobody_vouches_for_leads_nowhere_and_a_person_hears_of_it(
    police: Police, database: Database, keyring: Keyring, results: str | None
) -> None:
    told = await mailed(police)
    await answered(police, told, "This mailbox is not monitored.", "Auto-Submitted: auto-replied", results=results)
    assert await police.said_since(told, ("duty.failed",)) == []
    assert (await police.floor.row(told.content.telling))["state"] == "accepted"
    [needs] = await police.said_since(told, ("text.needs-human",))
    [kept] = await words_kept(database, keyring, needs["data"]["words"])
    assert kept.text.startswith(f"{UNAUTHENTICATED}\n\nFrom {FORCE}")
    assert "not monitored" in kept.text


async def test_words_that_nobody_vouches_for_say_so_to_whoever_reads_them(
    police: Police, database: Database, keyring: Keyring
) -> None:
    told = await mailed(police)
    await answered(police, told, "She has gone again.", results=None)
    [needs] = await police.said_since(told, ("text.needs-human",))
    [kept] = await words_kept(database, keyring, needs["data"]["words"])
    assert kept.text.startswith(UNAUTHENTICATED)
    assert kept.text.endswith("She has gone again.")


@pytest.mark.parametrize("state", ["waiting", "sending", "unknown"])
async def test_a_forged_bounce_of_a_mail_that_may_not_have_gone_out_stops_it_never(police: Police, state: str) -> None:
    """Whoever knows its name can write one. Of one that waits it is no bounce; of another somebody telephones as well."""
    told = await mailed(police)
    changed = update(deliveries).where(deliveries.c.id == told.content.telling)
    async with police.floor.store.transaction() as uow:
        later = datetime.now(UTC) + timedelta(hours=1)
        await uow.connection.execute(
            changed.values(state=state, next_attempt_at=later, lease_owner="x", lease_until=later)
        )
    await come_back(police, told.content.telling)
    assert (await police.floor.row(told.content.telling))["state"] == ("waiting" if state == "waiting" else "unknown")
    assert len(await police.said_since(told, ("duty.failed",))) == (0 if state == "waiting" else 1)
    async with police.floor.store.transaction() as uow:
        await uow.connection.execute(changed.values(state="withdrawn", lease_owner=None, lease_until=None))


async def test_a_receipt_is_no_answer_and_no_failure(police: Police) -> None:
    told = await mailed(police)
    await answered(police, told, "We have received your message.", "Auto-Submitted: auto-replied")
    assert await police.said_since(told, ("duty.failed", "duty.acknowledged", "text.needs-human")) == []


async def test_what_an_officer_writes_a_person_reads_and_acknowledges_nothing(police: Police) -> None:
    told = await mailed(police)
    await answered(police, told, "We have this, PC Adeyemi, ref NP-77.")
    [needs] = await police.said_since(told, ("text.needs-human",))
    assert (len(needs["data"]["words"]), needs["data"]["channel"]) == (1, "mail")
    assert needs["traceparent"] == told.trace
    assert "Adeyemi" not in str(needs)
    assert await police.said_since(told, ("duty.acknowledged",)) == []


@pytest.mark.parametrize(
    "sender", ["(" * 900, "<" + "\r\n ".join(["@a," * 200] * 100), FORCE], ids=["deep", "long", "honest"]
)
async def test_what_anybody_writes_is_taken_and_read_off_the_loop(
    police: Police, sender: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left for the relay to send again for days, and nobody waits for the reading of it."""
    read_by: list[int] = []

    def reads(raw: bytes, envelope_sender: str, relay: str) -> ReadMail:
        read_by.append(threading.get_ident())
        return read_mail(raw, envelope_sender, relay)

    monkeypatch.setattr(mailbox, "read_mail", reads)
    told = await mailed(police)
    lines = (
        f"From: {sender}",
        f"To: {OURS}",
        f"In-Reply-To: <{told.content.telling}@kestrel.example>",
        "",
        "We have this.",
    )
    await hand_over(police, "\r\n".join(lines), sender=FORCE)
    [needs] = await police.said_since(told, ("text.needs-human",))
    assert len(needs["data"]["words"]) == 1
    assert threading.get_ident() not in read_by


SURROGATES = {
    "utf-7": "Seen at nine +2AA-",
    "unicode_escape": r"Seen at nine \ud800",
    "raw_unicode_escape": r"Seen at nine \ud800",
}


@pytest.mark.parametrize("charset", SURROGATES)
async def test_words_with_half_a_character_reach_a_person(
    police: Police, database: Database, keyring: Keyring, charset: str
) -> None:
    told = await mailed(police)
    await answered(police, told, SURROGATES[charset], f"Content-Type: text/plain; charset={charset}")
    [needs] = await police.said_since(told, ("text.needs-human",))
    [kept] = await words_kept(database, keyring, needs["data"]["words"])
    assert "Seen at nine" in kept.text


async def test_of_a_mail_that_cannot_be_taken_as_it_is_a_person_reads_the_words(
    police: Police, database: Database, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bounce is one here, since the code that deals with it fails for good."""

    async def fails(*_anything: object) -> str:
        raise ValueError

    monkeypatch.setattr(MailAnswers, "goes_on", fails)
    told = await mailed(police)
    await come_back(police, told.content.telling)
    [needs] = await police.said_since(told, ("text.needs-human",))
    [kept] = await words_kept(database, keyring, needs["data"]["words"])
    assert kept.said_by is None
    assert PARTLY in kept.text
    assert "Undelivered Mail Returned to Sender" in kept.text


async def test_where_the_words_cannot_be_taken_either_a_person_hears_that(
    police: Police, database: Database, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = DataKey.close

    def fails(key: DataKey, words: str, place: str) -> bytes:
        if "seen at nine" in words:
            raise ValueError
        return close(key, words, place)

    monkeypatch.setattr(DataKey, "close", fails)
    told = await mailed(police)
    await answered(police, told, "She was seen at nine.")
    [needs] = await police.said_since(told, ("text.needs-human",))
    [kept] = await words_kept(database, keyring, needs["data"]["words"])
    assert kept.text == f"From {FORCE}\n\n{UNREAD}"


@pytest.mark.parametrize("failure", [ConnectionError, RuntimeError], ids=["passes by itself", "whatever is taken"])
async def test_what_cannot_be_taken_at_all_the_relay_keeps(
    police: Police, monkeypatch: pytest.MonkeyPatch, failure: type[Exception]
) -> None:
    tries = []

    async def fails(*_anything: object) -> str:
        tries.append(1)
        raise failure

    monkeypatch.setattr(MailAnswers, "made_of", fails)
    told = await mailed(police)
    with pytest.raises(smtplib.SMTPDataError) as refused:
        await answered(police, told, "She was seen at nine.")
    assert refused.value.smtp_code == 451
    assert len(tries) == (1 if failure is ConnectionError else 3)
