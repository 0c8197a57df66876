"""The stand-in keeps every text while carers is away, tells the sender whom to ring, and hands over each once."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import httpx
import pytest
from pydantic import ValidationError
from twilio.request_validator import RequestValidator

from services.carers.inbound.intake import Spool
from services.options.stand_in.process import HandOver, StandInSettings, serve
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.safeguarding.child_events.events import TextNeedsHuman
from tests.support.engines.database import Database
from tests.support.in_process.carers import ACCOUNT_SID, KEY, PUBLIC_URL, TOKEN, Carers, carers, import_kestrel, kinds
from tests.support.in_process.delivery import eventually
from tests.support.in_process.register import fresh_number
from tests.support.outside.twilio_posts import TYPE, counted, escaped, form_of, signed_bytes

OWN_URL = "https://stand-in.kestrel.example"
DUTY_LINE = "+441214960000"


class Earlier(Clocks):
    by = timedelta(0)

    def wall(self) -> datetime:
        return datetime.now(UTC) - self.by

    def story(self) -> datetime:
        return self.wall()


@dataclass
class StandIn:
    client: httpx.AsyncClient
    folder: Path
    keyring: Keyring
    clocks: Earlier
    spool: Spool
    hand_over: HandOver

    async def post(self, path: str, token: str = TOKEN, **form: str) -> httpx.Response:
        form = {"AccountSid": ACCOUNT_SID} | form
        signature = RequestValidator(token).compute_signature(f"{OWN_URL}{path}", form)
        return await self.client.post(path, data=form, headers={"X-Twilio-Signature": signature})

    async def text(self, sender: str, body: str, sid: str = "", **more: str) -> httpx.Response:
        return await self.post("/texts/inbound", MessageSid=sid or f"SM{uuid4().hex}", From=sender, Body=body, **more)

    def restarted(self, transport: httpx.AsyncBaseTransport) -> HandOver:
        """As after a kill -9: only the disk is left."""
        return HandOver(settings_for(self.folder), Spool(self.folder, self.keyring), Clocks(), transport)


def settings_for(folder: Path, to: str = PUBLIC_URL) -> StandInSettings:
    return StandInSettings(
        http_port=1,
        master_key=KEY,
        phone_key=KEY,
        twilio_account_sid=ACCOUNT_SID,
        twilio_auth_token=TOKEN,
        public_url=OWN_URL,
        spool_dir=folder,
        hands_over_to=to,
        duty_line=DUTY_LINE,
    )


@pytest.fixture
async def stand_in(tmp_path: Path, keyring: Keyring) -> AsyncIterator[StandIn]:
    folder, clocks = tmp_path / "kept", Earlier()
    settings, spool = settings_for(folder), Spool(folder, keyring)
    hand_over = HandOver(settings, spool, clocks, httpx.MockTransport(lambda _: httpx.Response(403)))
    app = serve(spool, hand_over, clocks, settings)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=OWN_URL) as client:
        yield StandIn(client, folder, keyring, clocks, spool, hand_over)


@pytest.fixture
async def service(database: Database, keyring: Keyring, tmp_path: Path) -> AsyncIterator[Carers]:
    async with carers(database, keyring, tmp_path / "spool") as running:
        yield running


def transport_of(service: Carers) -> httpx.AsyncBaseTransport:
    return service.client._transport


async def test_a_report_kept_by_the_stand_in_is_a_report_of_its_own_time_once_carers_is_back(
    stand_in: StandIn, service: Carers, database: Database, keyring: Keyring
) -> None:
    kestrel = await import_kestrel(database, keyring)
    stand_in.clocks.by = timedelta(hours=2)
    answer = await stand_in.text(kestrel.phone("ash"), "MISSING C1", "SMone")
    assert answer.status_code == 200
    assert answer.text.count(DUTY_LINE) == 2
    assert "police now" in answer.text
    await stand_in.text(kestrel.phone("ash"), "MISSING C1", "SMone")
    assert "It is us. Texts kept here: 1." in (await stand_in.client.get("/")).text
    assert not [each for each in stand_in.folder.iterdir() if b"MISSING" in each.read_bytes()]

    def away(_: httpx.Request) -> httpx.Response:
        return httpx.Response(502)

    with pytest.raises(httpx.HTTPStatusError):
        await stand_in.restarted(httpx.MockTransport(away)).turn()
    before = await service.last_position()
    for _ in range(2):
        await stand_in.restarted(transport_of(service)).turn()
    await service.work()
    said = await service.said_after(before)
    assert kinds(said).count("child.reported-missing.v1") == 1
    reported = next(each for each in said if each.content.kind == "child.reported-missing.v1")
    assert abs(reported.time - (datetime.now(UTC) - timedelta(hours=2))) < timedelta(minutes=1)
    assert not list(stand_in.folder.iterdir())


async def test_a_number_that_texts_on_and_on_is_answered_less_and_less_and_each_text_is_kept(
    stand_in: StandIn,
) -> None:
    now = datetime.now(UTC)
    stand_in.clocks.by = now - now.replace(minute=30)
    number, another = fresh_number(), fresh_number()
    answered = [DUTY_LINE in (await stand_in.text(number, "we are closed")).text for _ in range(8)]
    assert answered == [True, True, False, True, False, False, False, True]
    assert stand_in.spool.count == 8
    assert DUTY_LINE in (await stand_in.text(another, "MISSING")).text
    stand_in.clocks.by -= timedelta(hours=1)
    assert DUTY_LINE in (await stand_in.text(number, "MISSING")).text


@pytest.mark.parametrize("bodies", [[b"MISSING from the caf\xe9"], [b"hello there", b"MISSING"]])
async def test_a_person_reads_a_text_that_came_to_the_stand_in_damaged(
    stand_in: StandIn, service: Carers, database: Database, keyring: Keyring, bodies: list[bytes]
) -> None:
    kestrel = await import_kestrel(database, keyring)
    pairs = form_of(kestrel.phone("cat"), *bodies)
    headers = TYPE | {"X-Twilio-Signature": signed_bytes(pairs, url=f"{OWN_URL}/texts/inbound")}
    assert (await stand_in.client.post("/texts/inbound", content=escaped(pairs), headers=headers)).status_code == 200
    before = await service.last_position()
    await stand_in.restarted(transport_of(service)).turn()
    await service.work()
    said = await service.said_after(before)
    assert kinds(said) == ["child.reported-missing.v1", "text.needs-human.v1"]
    assert isinstance(said[1].content, TextNeedsHuman)
    assert said[1].content.reason == "damaged"


async def test_a_text_that_carers_refuses_is_set_aside_and_holds_up_no_other(
    stand_in: StandIn, service: Carers, database: Database, keyring: Keyring
) -> None:
    kestrel = await import_kestrel(database, keyring)
    stand_in.clocks.by = timedelta(days=20)
    await stand_in.text(kestrel.phone("ash"), "MISSING C1")
    stand_in.clocks.by = timedelta(0)
    await stand_in.text(kestrel.phone("ash"), "MISSING C2")
    before = await service.last_position()
    await stand_in.restarted(transport_of(service)).turn()
    await service.work()
    assert kinds(await service.said_after(before)).count("child.reported-missing.v1") == 1
    assert [each.suffix for each in stand_in.folder.iterdir()] == [".refused"]


async def test_a_text_at_which_carers_fails_waits_with_its_senders_others_alone_and_is_said(
    stand_in: StandIn, service: Carers, database: Database, keyring: Keyring
) -> None:
    kestrel = await import_kestrel(database, keyring)
    bad, taken = kestrel.phone("ash"), list[str]()
    for body in ("MISSING C1", "MISSING C2"):
        await stand_in.text(bad, body)
    await stand_in.text(kestrel.phone("cat"), "MISSING")

    async def fails_at_one(request: httpx.Request) -> httpx.Response:
        sender = parse_qs(request.content.decode())["From"][0]
        taken.append(sender)
        return httpx.Response(500) if sender == bad else await transport_of(service).handle_async_request(request)

    before = await service.last_position()
    with pytest.raises(httpx.HTTPStatusError):
        await stand_in.restarted(httpx.MockTransport(fails_at_one)).turn()
    await service.work()
    assert taken == [bad, kestrel.phone("cat")]
    assert kinds(await service.said_after(before)).count("child.reported-missing.v1") == 1
    assert len(list(stand_in.folder.iterdir())) == 2


@pytest.mark.parametrize("status", [200, 204, 401, 403, 404, 408, 429])
async def test_what_says_nothing_of_the_text_sets_none_aside(
    stand_in: StandIn, service: Carers, database: Database, keyring: Keyring, status: int
) -> None:
    kestrel = await import_kestrel(database, keyring)
    await stand_in.text(kestrel.phone("ash"), "MISSING C1")
    with pytest.raises(httpx.HTTPStatusError):
        await stand_in.restarted(httpx.MockTransport(lambda _: httpx.Response(status, text="Back soon."))).turn()
    before = await service.last_position()
    await stand_in.restarted(transport_of(service)).turn()
    await service.work()
    assert kinds(await service.said_after(before)).count("child.reported-missing.v1") == 1


async def test_a_report_is_one_though_the_stand_ins_clock_is_ahead(
    stand_in: StandIn, service: Carers, database: Database, keyring: Keyring
) -> None:
    kestrel = await import_kestrel(database, keyring)
    stand_in.clocks.by = timedelta(minutes=-2)
    await stand_in.text(kestrel.phone("ash"), "MISSING C1")
    before = await service.last_position()
    await stand_in.restarted(transport_of(service)).turn()
    await service.work()
    said = await service.said_after(before)
    reported = next(each for each in said if each.content.kind == "child.reported-missing.v1")
    assert reported.time <= datetime.now(UTC)
    assert not list(stand_in.folder.iterdir())


async def test_a_stranger_whose_text_was_kept_for_long_is_not_answered_late(stand_in: StandIn, service: Carers) -> None:
    """Somebody else may hold a child's phone by then. A text that comes now is answered."""
    stranger = fresh_number()
    stand_in.clocks.by = timedelta(hours=2)
    await stand_in.text(stranger, "please come")
    before = await service.last_position()
    await stand_in.restarted(transport_of(service)).turn()
    await service.work()
    assert kinds(await service.said_after(before)) == ["text.needs-human.v1"]
    assert await service.replies_to(stranger) == []
    await service.says(stranger, "are you there")
    assert len(await service.replies_to(stranger)) == 1


def test_kept_texts_travel_over_https_alone(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="hands_over_to"):
        settings_for(tmp_path, "http://safe-return.kestrel.example")


async def test_that_a_text_was_set_aside_is_said(stand_in: StandIn) -> None:
    await stand_in.text("+447700900111", "MISSING")
    for name, _ in stand_in.spool.oldest():
        stand_in.spool.refuse(name)
    assert "1 texts were set aside" in (await stand_in.client.get("/")).text


async def test_alerts_hear_what_is_kept_and_that_carers_does_not_take_it(stand_in: StandIn) -> None:
    assert (await stand_in.client.get("/health/ready")).status_code == 200
    for sender in ("+447700900111", "+447700900112"):
        await stand_in.text(sender, "MISSING")
    [(name, _), _] = stand_in.spool.oldest()
    stand_in.spool.refuse(name)
    await stand_in.hand_over.repeating.start()
    await eventually(stand_in.hand_over.repeating.obstacle)
    ready, measured = [await stand_in.client.get(each) for each in ("/health/ready", "/metrics")]
    await stand_in.hand_over.repeating.stop()
    assert (ready.status_code, ready.json()["obstacles"]) == (503, {"hand-over": "HTTPStatusError"})
    for each in ("texts_spooled 1.0", "texts_set_aside 1.0", 'process_obstacle{name="hand-over"} 1.0'):
        assert each in measured.text


async def test_only_twilio_is_answered_and_a_caller_is_put_through(stand_in: StandIn) -> None:
    with counted("inbound", "Not from Twilio", "account"):
        refused = await stand_in.post("/texts/inbound", "false", MessageSid="SM1", From="+447700900111")
    assert refused.status_code == 403
    assert (await stand_in.post("/calls/inbound", "false", From="+447700900111")).status_code == 403
    call = await stand_in.post("/calls/inbound", From="+447700900111")
    assert f"<Dial>{DUTY_LINE}</Dial>" in call.text
    assert "No text waits here" in (await stand_in.client.get("/")).text


async def test_a_text_that_the_disk_does_not_take_is_not_taken(stand_in: StandIn, monkeypatch: Any) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Spool, "put", full)
    with counted("inbound", "Not now", "twilio"):
        assert (await stand_in.text("+447700900111", "MISSING")).status_code == 503


async def test_a_time_of_receipt_is_believed_within_a_fortnight_alone(service: Carers) -> None:
    for said in ("yesterday", "2026-11-01T10:00", (datetime.now(UTC) - timedelta(days=15)).isoformat()):
        refused = await service.text("+447700900111", "MISSING", ReceivedAt=said)
        assert refused.status_code == 400
        assert "ReceivedAt" in refused.text
    ahead = (datetime.now(UTC) + timedelta(minutes=10)).isoformat()
    assert (await service.text("+447700900111", "MISSING", ReceivedAt=ahead)).status_code == 200, (
        "a fast clock costs no report"
    )
