"""Each service works, and fails, on a story of secrets: none is logged, in a label, URL, subject or text, or on the bus."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import aiosmtplib
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import DBAPIError

from services.carers.store import texts
from services.carers.text import Text
from services.console.read_model.projections import Handlers as ConsoleHandlers
from services.platform.bus import message_processor
from services.platform.bus.message_processor import MessageProcessor, Subscription
from services.platform.delivery.channels.channel import SendRequest
from services.platform.delivery.inbound_mail.classifier import read_mail
from services.platform.messages.envelope import Raw, compose
from services.platform.register import words
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Origin, Store
from services.safeguarding.child_events.events import ChildReportedMissing
from services.safeguarding.identifiers import new_id
from services.safeguarding.operators import OperatorRole
from services.safeguarding.roles import Channel, Wording
from tests.support.engines.database import Database
from tests.support.in_process.audit import opened as opened_audit
from tests.support.in_process.audit import record
from tests.support.in_process.carers import Kestrel, carers, import_kestrel
from tests.support.in_process.casework import ImportAuth, casework
from tests.support.in_process.console import account, browser_at, csrf_in, hear, sign_in, somewhere
from tests.support.in_process.delivery import LATER, REFUSED, eventually
from tests.support.in_process.police import answer, by_mail, police_of
from tests.support.in_process.professionals import running_by_mail
from tests.support.in_process.protocol import Protocol
from tests.support.in_process.register import load, own_part
from tests.support.in_process.strategy import HEALTH, POLICE, SOCIAL, running_strategy
from tests.support.outside.agency import Hospital
from tests.support.outside.desk import reset, status
from tests.support.outside.mail import RELAY, vouched
from tests.support.outside.twilio_posts import escaped, form_of, post, signed_bytes
from tests.support.overheard import (
    KNOWN_AS,
    NAME,
    OFFICER,
    REFERENCE,
    STREET,
    WORDS,
    Overheard,
    authority,
    overhearing,
    quoting,
)
from tests.support.signatures import SIGNERS, SPEAKERS, say

BOUNCE = (
    "From: MAILER-DAEMON@relay.example\r\nSubject: Undelivered: worker@kestrel.example\r\nIn-Reply-To: {}\r\n\r\n{}"
)
ABOUT_STATUS = [Wording("leave-expiring"), Wording("nrm-check-due"), Wording("location-enquiry")]


@pytest.fixture(autouse=True)
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Overheard]:
    with overhearing(monkeypatch) as heard:
        yield heard


async def raising(sending: SendRequest) -> Any:
    """A channel that fails as none should, with all that it was given in its error."""
    raise ValueError(f"{WORDS}: {sending}")


@pytest.fixture
async def kestrel(database: Database, keyring: Keyring) -> Kestrel:
    return await import_kestrel(database, keyring)


async def test_no_secret_leaves_carers_with_the_texts_that_it_reads(
    heard: Overheard,
    database: Database,
    keyring: Keyring,
    kestrel: Kestrel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the texts bring about is then heard by all who hear the bus."""
    ash, whose = kestrel.phone("ash"), kestrel.document["authority"]["id"]
    async with carers(database, keyring, tmp_path / "spool", authority=whose) as service:
        said = [
            *await service.says(ash, f"MISSING C1 {WORDS}"),
            *await service.says(ash, f"crime number {REFERENCE}"),
            *await service.says(ash, f"{NAME} was seen at {STREET} Close"),
            *await service.says("07700988777", f"where is {KNOWN_AS}? {WORDS}"),
            *await service.says(ash, f"BACK {NAME}"),
        ]
        raw = form_of(ash, b"MISSING C2 caf\xe9 bumblepuppy")
        assert (await post(service, escaped(raw), signed_bytes(raw))).status_code == 200
        assert (await service.text(ash, WORDS, MessageSid=None)).status_code == 400
        assert (await service.text(ash, WORDS, signature="x")).status_code == 403
        assert (await service.text_by_notify(ash, WORDS, id=NAME)).status_code in {400, 422}
        await service.call("inbound", ash, CallSid=f"CA{uuid4().hex}")
        await service.work()
        with monkeypatch.context() as broken:
            broken.setattr(words, "keep", quoting)
            await service.text(ash, f"MISSING C2 {WORDS}")
            await service.work()
            assert heard.has_held_back()
            broken.setattr(texts, "keep", quoting)
            assert (await service.text(ash, WORDS)).status_code == 500
        service.spool.put(Text(f"SM{uuid4().hex}", ash, WORDS, (), Clocks().wall(), Clocks().story()))
        [file] = (tmp_path / "spool").glob("*.text")
        file.write_text(WORDS)
        assert service.spool.oldest() == []
        heard.texts += await service.replies_to(ash)
    assert {each.content.kind for each in said} >= {"child.reported-missing.v1", "text.needs-human.v1"}
    await _all_hear(database, said)
    assert heard.leaks(database) == []


async def _all_hear(database: Database, said: list[Any]) -> None:
    protocol = Protocol(database)
    await protocol.takes(*said)
    decided = [each for child in {each.subject for each in said} for each in await protocol.said(child)]
    assert decided
    async with opened_audit(database) as audit:
        await record(audit, *said, *decided)
    console = Store(database.engine("console"), origin=Origin("console", Clocks()))
    handlers = ConsoleHandlers(Clocks())
    await hear(console, handlers, *(each for each in (*said, *decided) if type(each.content) in handlers.by_kind()))
    await console.close()
    await protocol.store.close()


async def test_no_secret_leaves_police_with_a_notice_or_its_answer(
    heard: Overheard, database: Database, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with police_of(database, keyring) as police:
        told, notice = await police.notice()
        assert NAME in str(notice), "police are told"
        assert (await police.reply(answer(told, officer=f"{OFFICER}"))).status_code == 422
        assert (await police.reply(WORDS.encode())).status_code == 422
        taken = await police.reply(answer(told, officer=OFFICER, reference=REFERENCE, words=WORDS))
        assert taken.status_code == 202
        police.desk.answers += [status(500), reset]
        async with police.floor.without_pauses():
            await police.floor.until((await police.tell("C2")).content.telling, "accepted")
        monkeypatch.setattr(words, "keep", quoting)
        with pytest.raises(DBAPIError, match="bumblepuppy"):
            await police.reply(answer(told, officer=OFFICER, words=WORDS))
    assert heard.leaks(database) == []


async def test_no_secret_leaves_police_with_a_notice_by_mail(
    heard: Overheard, database: Database, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with police_of(database, keyring, by_mail) as police:
        told = await police.tell()
        await police.floor.until(told.content.telling, "accepted")
        heard.send(police.relay.sent)
        path = next(each for each in heard.urls if "/notices/" in each).removeprefix("http://police")
        opened = await police.open_notice(path, answer="read", name=OFFICER["name"], collar=OFFICER["collar_number"])
        assert NAME in opened.text, "police are told"
        heard.send(police.phone.sent)
        monkeypatch.setattr(police.relay, "send", raising)
        await police.tell("C2")
        await eventually(lambda: any(WORDS in each for each in heard.held_back))
    assert heard.leaks(database) == []


async def test_no_secret_leaves_professionals_with_mails_and_texts(
    heard: Overheard, database: Database, keyring: Keyring
) -> None:
    async with running_by_mail(database, keyring) as service:
        service.mail.answers += [LATER]
        service.text.answers += [REFUSED]
        for wording in ABOUT_STATUS:
            await service.tell(wording=wording)
            await service.tell(wording=wording, channel=Channel.TEXT)
        await eventually(lambda: len(service.text.sent) == len(ABOUT_STATUS) and service.mail.sent)
        page = await service.web.get(await service.link())
        assert page.status_code == 200
        for body in (BOUNCE.format(service.message_id(), WORDS), f"From: worker@kestrel.example\r\n\r\n{WORDS}"):
            await service.mailbox.take(read_mail(vouched(body.encode()), "worker@kestrel.example", RELAY))
        heard.send([*service.mail.sent, *service.text.sent])
        service.text.send = raising  # type: ignore[method-assign]
        await service.tell(channel=Channel.TEXT)
        await eventually(lambda: any("+447700" in each for each in heard.held_back))
    assert heard.leaks(database) == []


async def test_no_secret_leaves_strategy_with_invitations_and_answers(
    heard: Overheard, database: Database, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_strategy(database, keyring) as strategy:
        await strategy.invite(HEALTH, SOCIAL, POLICE, episode=uuid4())
        mine, mail = strategy.address(HEALTH), strategy.newest(HEALTH)
        await strategy.accept(HEALTH, mail)
        about = f"From: {mine}\r\nIn-Reply-To: {mail['Message-ID']}\r\nSubject: Re: {NAME}\r\n"
        await strategy.post(f"{about}\r\n{WORDS}".encode())
        await strategy.post(BOUNCE.format(mail["Message-ID"], WORDS).encode())
        await strategy.post(f"{about}Content-Type: multipart/mixed; boundary={NAME}\r\n\r\n--{NAME}\r\n".encode())
        heard.send(strategy.medium.sent)
        monkeypatch.setattr(words, "keep", quoting)
        with contextlib.suppress(aiosmtplib.SMTPException):
            await strategy.post(f"{about}\r\nagain: {WORDS}".encode())
        assert heard.has_held_back()
        monkeypatch.setattr(strategy.medium, "send", raising)
        await strategy.hear(strategy.invitation(HEALTH, episode=uuid4()))
        await eventually(lambda: any(WORDS in each for each in heard.held_back))
    assert heard.leaks(database) == []


async def test_no_secret_leaves_casework_with_events_and_imports(
    heard: Overheard, database: Database, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, document = database.engine("casework"), authority()
    ids, whose = await load(engine, keyring, document, datetime(2026, 11, 24, tzinfo=UTC)), document["authority"]["id"]
    transport = httpx.ASGITransport(casework(database, engine), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://casework", auth=ImportAuth(engine)) as client:
        hospital, told = Hospital(client, engine, whose, ids), {"words": [WORDS]}
        for event, code in (
            (hospital.event(data=told), 202),
            (hospital.event(id=f"{NAME}.{STREET}", subject=f"{NAME} of {STREET}", data=told), 202),
            (hospital.event(id=f"{NAME} {STREET}"), 400),
            (hospital.event(type=NAME), 422),
            (hospital.event(data={"status": WORDS, NAME: WORDS}), 422),
            (WORDS.encode(), 400),
        ):
            assert (await hospital.send(event)).status_code == code
        own = await own_part(engine, document)
        assert (await client.put(f"/register/{whose}", json=own)).status_code == 200
        wrong = own | {"children": [each | {"sex": WORDS, NAME: WORDS} for each in own["children"]]}
        assert (await client.put(f"/register/{whose}", json=wrong)).status_code == 422
        assert (await client.put(f"/register/{whose}", content=WORDS, headers={"content-type": "text/plain"})).is_error
        monkeypatch.setattr(words, "keep", quoting)
        assert (await hospital.send(hospital.event(data=told))).status_code == 500
    await engine.dispose()
    assert heard.leaks(database) == []


async def test_no_secret_leaves_the_console_with_a_report(
    heard: Overheard, database: Database, keyring: Keyring, monkeypatch: pytest.MonkeyPatch, app: FastAPI, opened: Store
) -> None:
    engine, document = database.engine("casework"), authority()
    await load(engine, keyring, document, Clocks().wall())
    await engine.dispose()
    async with browser_at(app, somewhere()) as browser:
        assert (await sign_in(browser, NAME, WORDS, then=f"/children/{NAME}")).status_code != 303
        heard.urls.clear()  # the address that the test itself made up
        whose = document["authority"]["id"]
        await sign_in(browser, await account(opened, OperatorRole.SOCIAL_WORKER, authority=whose))
        page = await browser.get("/report")
        hidden = {name: page.text.split(f'name="{name}" value="')[1].split('"')[0] for name in ("act", "seen")}
        caller = {"reporter": f"Bea {NAME}", "reporter_telephone": "07700 988777", "story": WORDS, "clothing": WORDS}
        form = {"csrf": csrf_in(page), **hidden, **caller}
        assert (await browser.post("/report", data=form | {"child": NAME})).status_code == 422
        assert (await browser.post("/report", data=form | {"child": "C1"})).status_code == 303
        for path in ("/", "/shift", "/unread", "/records"):
            await browser.get(path)
        monkeypatch.setattr(words, "keep", quoting)
        with pytest.raises(DBAPIError, match="bumblepuppy"):
            await browser.post("/report", data=form | {"child": "C2", "act": str(uuid4())})
    assert heard.leaks(database) == []


class Settled:
    """In the publisher's place."""

    async def wait_published(self, _: Any) -> None: ...


@pytest.fixture
async def processor(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MessageProcessor]:
    """Of a service whose handler fails, at what the database quotes."""
    monkeypatch.setattr(message_processor, "ATTEMPT_PAUSE_SECONDS", 0.0)
    store = Store(database.engine("protocol"), origin=Origin("protocol", Clocks()))
    fails = [Subscription(ChildReportedMissing, lambda _, uow: quoting(uow))]
    yield MessageProcessor("protocol", store, cast("Any", Settled()), Clocks(), SPEAKERS, fails, most_bundles=4)
    await store.close()


async def test_no_secret_leaves_with_a_message_that_cannot_be_processed(
    heard: Overheard, database: Database, processor: MessageProcessor
) -> None:
    """One at which the handler fails, one with other content than its contract wants, one of a kind that anybody made up."""
    report, child, now = ChildReportedMissing(authority="kestrel"), new_id("child"), Clocks().wall()
    sound = compose(report, said_by="carers", subject=child, at=now)
    spoilt = sound.replace(b'"authority": "kestrel"', b'"authority": ["%b"]' % WORDS.encode())
    spoilt = spoilt.replace(b'"authority":"kestrel"', b'"authority":["%b"]' % WORDS.encode())
    assert spoilt != sound
    made_up = sound.replace(report.kind.encode(), WORDS.encode())
    several = [say(report, by="carers", subject=child, at=now), SIGNERS["carers"].sign(spoilt), made_up, WORDS.encode()]
    for number, each in enumerate(several):
        assert await processor.process_batch(
            [Raw(each, report.topic, f"child-events/0/{uuid4().int % 10**6 + number}")]
        )
    assert heard.has_held_back()
    assert heard.printed.getvalue().count("dead-lettered") == len(several)
    assert heard.leaks(database) == []
