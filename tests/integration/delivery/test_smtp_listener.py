"""Who talks to our mail listener without end, or without TLS where it is asked for."""

import asyncio
import smtplib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

import pytest

from services.platform.delivery.inbound_mail import mailbox
from services.platform.delivery.inbound_mail.classifier import ReadMail
from services.platform.delivery.inbound_mail.mailbox import BoundedSession, MailListener, Networks
from tests.support.engines.certificates import Authority
from tests.support.engines.ports import free_port

OURS = "safe-return@kestrel.example"
HALF_A_MAIL = (
    f"EHLO here\r\nMAIL FROM:<>\r\nRCPT TO:<{OURS}>\r\nDATA\r\nSubject: half\r\n\r\n".encode(),
    b"x" * 900 + b"\r\n",
)


@asynccontextmanager
async def listening(
    certificate: Path | None = None, networks: Networks = ()
) -> AsyncIterator[tuple[int, list[ReadMail]]]:
    taken: list[ReadMail] = []

    async def take(mail: ReadMail) -> str:
        taken.append(mail)
        return "taken"

    port = free_port()
    relay = "mx.kestrel.example"
    listener = MailListener("127.0.0.1", port, OURS, take, relay=relay, networks=networks, certificate=certificate)
    await listener.start()
    try:
        yield port, taken
    finally:
        await listener.stop()


def hand_over(port: int, tls: ssl.SSLContext | None = None) -> None:
    with smtplib.SMTP("127.0.0.1", port) as relay:
        if tls is not None:
            relay.starttls(context=tls)
        relay.sendmail("", [OURS], "Subject: hello\r\n\r\nwords\r\n")


async def test_forty_half_mails_are_no_more_than_may_run_and_a_whole_one_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Attack 9."""
    monkeypatch.setattr(mailbox, "MOST_SESSIONS", 5)
    async with listening() as (port, taken):
        opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(40)]
        for _, writer in opened:
            for said in HALF_A_MAIL:
                writer.write(said)
        await asyncio.to_thread(hand_over, port)
        assert (len(taken), len(BoundedSession._running) <= 5) == (1, True)
        for _, writer in opened:
            writer.close()


async def test_a_session_ends_however_much_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "SESSION_SECONDS", 0.3)
    async with listening() as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def talk() -> None:
            while True:
                writer.write(b"NOOP\r\n")
                await writer.drain()
                await asyncio.sleep(0.02)

        talking = asyncio.create_task(talk())
        async with asyncio.timeout(30):
            while not reader.at_eof() and reader.exception() is None:  # noqa: ASYNC110 either end may come first
                await asyncio.sleep(0.02)
        talking.cancel()
        writer.close()


async def test_with_a_certificate_no_mail_is_taken_before_tls(tmp_path: Path) -> None:
    authority = Authority("ours")
    authority.server(tmp_path)
    trusts = ssl.create_default_context(cadata=authority.pem)
    async with listening(tmp_path / "server.pem") as (port, taken):
        with pytest.raises(smtplib.SMTPException, match="STARTTLS"):
            await asyncio.to_thread(hand_over, port)
        assert taken == []
        await asyncio.to_thread(hand_over, port, trusts)
        assert len(taken) == 1


async def test_mail_is_taken_from_the_networks_of_the_relays_alone(tmp_path: Path) -> None:
    """Whoever may hand over mail may write that our relay vouches for it. The certificate keeps nobody out."""
    authority = Authority("ours")
    authority.server(tmp_path)
    trusts = ssl.create_default_context(cadata=authority.pem)
    elsewhere = (ip_network("10.20.0.0/24"), ip_network("fd00::/8"))
    async with listening(tmp_path / "server.pem", elsewhere) as (port, taken):
        with pytest.raises(smtplib.SMTPConnectError) as refused:
            await asyncio.to_thread(hand_over, port, trusts)
        assert (refused.value.smtp_code, taken, BoundedSession._running) == (421, [], {})
    async with listening(tmp_path / "server.pem", (*elsewhere, ip_network("127.0.0.0/8"))) as (port, taken):
        await asyncio.to_thread(hand_over, port, trusts)
        assert len(taken) == 1
