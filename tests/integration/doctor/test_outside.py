"""What is broken outside on purpose is named rightly: provider of texts, relay, addresses, sign-in."""

import asyncio
import socket
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from infra.sandbox.authentication import AUTHSERV_ID
from services.console.policy.access import read_providers
from services.doctor import outside as outer
from services.doctor.checks import Broken, reach
from services.doctor.outside import try_provider
from services.platform.delivery.settings.correspondence import CorrespondenceSettings
from services.platform.runtime.clocks import Clocks
from tests.support.engines.certificates import Authority
from tests.support.engines.ports import free_port
from tests.support.outside.relay import PlayedRelay, answering
from tests.support.outside.sandbox import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    NOTIFY_IDS,
    NOTIFY_KEY,
    OWN_NUMBER,
    Outside,
    play_outside_world,
)

OURS = "notices@kestrel.example"
PORT = free_port()
ENDING = "#rc=5&rp=all&rt=5000"


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    calls = "{application}/calls/inbound" + ENDING
    async with play_outside_world(voice_url=calls, own_mailboxes={OURS: PORT}) as playing:
        yield playing


def settings(outside: Outside, **changes: Any) -> CorrespondenceSettings:
    key = b64encode(b"k" * 32).decode()
    given: dict[str, Any] = {
        "sandbox": True,
        "http_port": 1,
        "database_password": "x",
        "master_key": key,
        "phone_key": key,
        "link_key": key,
        "public_url": outside.application.url,
        "twilio_account_sid": ACCOUNT_SID,
        "twilio_auth_token": AUTH_TOKEN,
        "twilio_from": OWN_NUMBER,
        "twilio_base_url": outside.url,
        "notify_base_url": outside.url,
        "notify_template": NOTIFY_IDS["template_id"],
        "notify_bearer": "x",
        "notify_api_key": NOTIFY_KEY,
        "smtp_host": "127.0.0.1",
        "smtp_port": outside.world.config.smtp_port,
        "smtp_from": OURS,
        "smtp_listen_port": PORT,
        "smtp_authserv_id": AUTHSERV_ID,
    }
    return CorrespondenceSettings(**given | changes)


async def cause(attempt: Any) -> str:
    with pytest.raises(Broken) as broken:
        await attempt
    return str(broken.value)


async def test_all_is_well_at_the_providers_of_texts(outside: Outside) -> None:
    ours = settings(outside)
    for attempt in (outer.try_account, outer.try_number, outer.try_hooks, outer.try_clock, outer.try_notify):
        assert await attempt(ours)


@pytest.mark.parametrize(
    ("attempt", "changes", "named"),
    [
        (outer.try_account, {"twilio_auth_token": "another"}, "secret twilio_auth_token"),
        (outer.try_number, {"twilio_from": "+447700900999"}, "has no number SAFE_RETURN_TWILIO_FROM"),
        (outer.try_hooks, {"public_url": "http://127.0.0.1:9"}, "the webhook is another address than"),
        (outer.try_account, {"twilio_base_url": "http://127.0.0.1:1"}, "Twilio does not answer"),
        (outer.try_notify, {"notify_template": "another"}, "no template SAFE_RETURN_NOTIFY_TEMPLATE"),
        (outer.try_notify, {"notify_api_key": NOTIFY_KEY[:-1] + "1"}, "refuses the secret notify_api_key"),
        (outer.try_notify, {"notify_base_url": "http://127.0.0.1:1"}, "Notify does not answer"),
    ],
)
async def test_what_is_wrong_with_texts_is_named(
    outside: Outside, attempt: Any, changes: dict[str, str], named: str
) -> None:
    said = await cause(attempt(settings(outside, **changes)))
    assert named in said
    assert not [value for value in (AUTH_TOKEN, NOTIFY_KEY, "another'") if value in said]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"webhook_url": "{application}/texts/inbound"}, f"the webhook lacks its ending {ENDING}"),
        ({"voice_url": None}, "the voice webhook is not set"),
    ],
)
async def test_a_webhook_that_is_set_wrongly_is_named(changes: dict[str, Any], named: str) -> None:
    right = {"voice_url": "{application}/calls/inbound" + ENDING}
    async with play_outside_world(**right | changes) as outside:
        assert named in await cause(outer.try_hooks(settings(outside)))


async def test_a_number_without_a_stand_in_is_named(outside: Outside) -> None:
    ours = settings(outside).model_copy(update={"sandbox": False})
    assert "no fallback URL: while all of this is down" in await cause(outer.try_hooks(ours))


async def test_another_time_than_twilios_is_named(outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    own = Clocks.own
    monkeypatch.setattr(Clocks, "own", lambda clocks: own(clocks) + timedelta(seconds=40))
    assert "this machine's clock and that of Twilio are" in await cause(outer.try_clock(settings(outside)))


async def test_a_mail_comes_back_and_is_vouched_for(outside: Outside) -> None:
    assert "vouches" in await outer.try_relay(settings(outside))


async def test_a_relay_under_another_name_is_named(outside: Outside) -> None:
    said = await cause(outer.try_relay(settings(outside, smtp_authserv_id="mx.kestrel.example")))
    assert "does not vouch for it under the name mx.kestrel.example" in said


async def test_a_relay_that_hands_nothing_over_is_named(outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outer, "BACK_WITHIN_SECONDS", 0.5)
    said = await cause(outer.try_relay(settings(outside, smtp_from="else@kestrel.example")))
    assert "did not hand it over" in said


async def test_a_mail_that_is_not_the_doctors_is_left_with_the_relay(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real answer that comes meanwhile is tried again by the relay until the service takes it."""
    monkeypatch.setattr(outer, "BACK_WITHIN_SECONDS", 3.0)
    trying = asyncio.create_task(outer.try_relay(settings(outside, smtp_from="else@kestrel.example")))
    await asyncio.sleep(0.3)
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
    said = b""
    for line in (
        "EHLO x",
        "MAIL FROM:<a@b.example>",
        "RCPT TO:<else@kestrel.example>",
        "DATA",
        "Subject: OK\r\n\r\nOK\r\n.",
    ):
        writer.write(f"{line}\r\n".encode())
        await asyncio.sleep(0.2)
        said = await reader.read(2000)
    assert said.startswith(b"451")
    writer.close()
    await cause(trying)


async def test_where_the_service_runs_the_mail_is_left_to_it(outside: Outside) -> None:
    with socket.create_server(("127.0.0.1", PORT)):
        assert "running service has the port" in await outer.try_relay(settings(outside))


async def test_a_service_that_runs_in_the_container_of_its_name_keeps_the_mail_and_shows_its_address(
    outside: Outside,
) -> None:
    taken = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.2", PORT)
    assert "running service has the port" in await outer.try_relay(settings(outside), "127.0.0.2")
    there = settings(outside, http_port=PORT, public_url="http://127.0.0.1:1")
    assert await outer.try_address(there, "127.0.0.2", 0) == "127.0.0.2 answers, without TLS"
    taken.close()
    assert "nothing answers at 127.0.0.1, port 1" in await cause(outer.try_address(there, "127.0.0.3", 0))


@pytest.mark.parametrize(
    ("changes", "rcpt", "named"),
    [
        ({"smtp_port": 1}, "", "no relay answers at 127.0.0.1, port 1"),
        ({}, "550 5.7.1 Not you", "takes no mail to SAFE_RETURN_SMTP_FROM"),
        ({"smtp_user": "me", "smtp_password": "hunter2"}, "", "no STARTTLS, or no login"),
    ],
)
async def test_a_relay_that_does_not_take_our_mail_is_named(
    outside: Outside, changes: dict[str, Any], rcpt: str, named: str
) -> None:
    relay = PlayedRelay(rcpt=rcpt)
    async with answering(relay):
        said = await cause(outer.try_relay(settings(outside, **{"smtp_port": relay.port} | changes)))
    assert named in said


async def test_a_relay_without_tls_is_named_outside_a_sandbox(outside: Outside) -> None:
    ours = settings(outside).model_copy(update={"sandbox": False})
    assert "no STARTTLS" in await cause(outer.try_relay(ours))


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Any]:
    """Serves TLS with a certificate that is good for as long as it is told; gives its port."""
    authority, servers = Authority("of the test"), []

    async def serve(good_for: timedelta) -> tuple[int, ssl.SSLContext]:
        context = authority.server(tmp_path, good_for=good_for)
        servers.append(await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=context))
        trusting = ssl.create_default_context(cadata=authority.pem)
        return servers[-1].sockets[0].getsockname()[1], trusting

    yield serve
    for each in servers:
        each.close()


async def test_an_address_is_reached_and_what_is_wrong_with_it_named(door: Any) -> None:
    now = Clocks().own().timestamp()
    port, trusting = await door(timedelta(days=30))
    assert "holds for 2" in await reach(f"https://127.0.0.1:{port}", now, lambda: trusting)
    assert "does not hold" in await cause(reach(f"https://127.0.0.1:{port}", now))
    assert "nothing answers at 127.0.0.1, port 1" in await cause(reach("https://127.0.0.1:1", now))
    assert "no DNS server knows" in await cause(reach("https://nowhere.invalid", now))
    port, trusting = await door(timedelta(days=3))
    assert " ends in " in await cause(reach(f"https://127.0.0.1:{port}", now, lambda: trusting))


async def test_a_provider_that_calls_itself_otherwise_is_named() -> None:
    async def describe(request: web.Request) -> web.Response:
        own = f"http://{request.host}"
        issuer = own if request.path.startswith("/.well-known") else "http://127.0.0.1:9"
        return web.json_response({"issuer": issuer, "authorization_endpoint": own, "jwks_uri": f"{own}/keys"})

    async def keys(_: web.Request) -> web.Response:
        return web.json_response({"keys": [{"kty": "oct", "k": "eA", "kid": "1"}]})

    server = web.Application()
    server.router.add_get("/keys", keys)
    server.router.add_get("/{path:.*}", describe)
    runner = web.AppRunner(server)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        assert "shows 1 keys" in await try_provider(providers(f"http://127.0.0.1:{port}"), "kestrel")
        said = await cause(try_provider(providers(f"http://127.0.0.1:{port}/other"), "kestrel"))
        assert f"http://127.0.0.1:{port}/other does not answer as OpenID Connect has it" in said
    finally:
        await runner.cleanup()


def providers(issuer: str) -> Any:
    return read_providers(f"""
console: http://127.0.0.1:1
providers:
  kestrel:
    title: Kestrel Council
    issuer: {issuer}
    client: safe-return
    secret: hunter2
    second_factor: {{ amr: [otp] }}
    groups: {{ managers: {{ role: duty-manager, authorities: all }} }}
""")
