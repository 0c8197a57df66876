"""A force whose certificate its own authority signs: that authority is trusted for it alone, and nobody else's is."""

import asyncio
import gzip
import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web

from services.platform.delivery.channels.channel import SendResult
from services.platform.delivery.channels.webhook import Client, Trust, WebhookMedium
from services.safeguarding.duty.decisions import AttemptResult
from tests.support.engines.certificates import Authority
from tests.support.in_process.delivery import sending
from tests.support.in_process.register import SECRET
from tests.support.outside.desk import Answering, faulty_desk, status

TAKEN = SendResult(AttemptResult.ACCEPTED, 204)
NOT_TRUSTED = SendResult(AttemptResult.REFUSED, reason="untrusted-certificate")


async def sent(context: ssl.SSLContext, trust: Trust) -> SendResult:
    async with faulty_desk(SECRET, tls=context) as desk:
        medium = WebhookMedium(sandbox=True)
        medium.trust(desk.url, trust)
        try:
            return await medium.send(sending(desk.url))
        finally:
            await medium.stop()


@pytest.fixture
def force() -> Authority:
    return Authority("Northmoor Police")


async def test_with_its_authority_a_force_is_reached(force: Authority, tmp_path: Path) -> None:
    assert (await sent(force.server(tmp_path), Trust(force.pem))) == TAKEN


async def test_without_it_or_with_anothers_nothing_is_sent(force: Authority, tmp_path: Path) -> None:
    server = force.server(tmp_path)
    assert (await sent(server, Trust())) == NOT_TRUSTED
    assert (await sent(server, Trust(Authority("Somebody").pem))) == NOT_TRUSTED


async def test_its_authority_vouches_for_no_other_name_and_no_day_after_the_last(
    force: Authority, tmp_path: Path
) -> None:
    assert (await sent(force.server(tmp_path, "127.0.0.9"), Trust(force.pem))) == NOT_TRUSTED
    assert (await sent(force.server(tmp_path, good_for=timedelta(days=-1)), Trust(force.pem))) == NOT_TRUSTED


async def test_a_force_that_asks_for_our_certificate_is_shown_it(force: Authority, tmp_path: Path) -> None:
    server = force.server(tmp_path)
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(cadata=force.pem)
    ours = (tmp_path / "server.pem").read_text()
    assert (await sent(server, Trust(force.pem, ours))) == TAKEN
    assert (await sent(server, Trust(force.pem))).result is not AttemptResult.ACCEPTED


async def test_a_change_of_authority_holds_from_the_next_notice_on(force: Authority, tmp_path: Path) -> None:
    newer = Authority("Northmoor Police 2027")
    async with faulty_desk(SECRET, tls=newer.server(tmp_path)) as desk:
        medium = WebhookMedium(sandbox=True)
        medium.trust(desk.url, Trust(force.pem))
        assert (await medium.send(sending(desk.url))) == NOT_TRUSTED
        medium.trust(desk.url, Trust(newer.pem))
        assert (await medium.send(sending(desk.url))) == TAKEN
        await medium.stop()


def token(name: str, lasts: int = 3600) -> Answering:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response({"access_token": name, "token_type": "Bearer", "expires_in": lasts})

    return answer


async def too_long(_: web.Request) -> web.StreamResponse:
    return web.json_response({"access_token": "a", "beside": "x" * 20_000})


async def packed(_: web.Request) -> web.StreamResponse:
    body = gzip.compress(b'{"access_token": "a"}')
    return web.Response(body=body, headers={"content-type": "application/json", "content-encoding": "gzip"})


async def refuses_without_end(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(status=401)
    await response.prepare(request)
    while True:
        await response.write(b"x" * 4096)
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("answers", "result", "asked"),
    [
        ((token("a"), status(204), status(204)), AttemptResult.ACCEPTED, ["Basic", "Bearer a", "Bearer a"]),
        ((token("a"), status(401), token("b"), status(204)), AttemptResult.ACCEPTED, ["Basic", "Bearer a", "Basic", "Bearer b", "Bearer b"]),
        ((token("a", 1), status(204), token("b")), AttemptResult.ACCEPTED, ["Basic", "Bearer a", "Basic", "Bearer b"]),
        ((token("a"), status(401), token("b"), status(401)), AttemptResult.REFUSED, ["Basic", "Bearer a", "Basic", "Bearer b", "Basic"]),
        ((status(503), status(503)), AttemptResult.RETRY, ["Basic", "Basic"]),
        ((status(200), status(401)), AttemptResult.RETRY, ["Basic", "Basic"]),
        ((token("a\r\nx: y"), token("\u00e4")), AttemptResult.RETRY, ["Basic", "Basic"]),
        ((too_long, too_long), AttemptResult.RETRY, ["Basic", "Basic"]),
        ((token("a"), refuses_without_end, token("b")), AttemptResult.ACCEPTED, ["Basic", "Bearer a", "Basic", "Bearer b", "Bearer b"]),
        ((packed, packed), AttemptResult.RETRY, ["Basic", "Basic"]),
    ],
    ids=["kept", "refused once", "over", "refused for good", "its server is away", "no token in the answer", "no header", "too long", "refused without end", "packed"],
)  # fmt: skip
async def test_a_force_that_wants_tokens_of_its_own_gets_them(
    answers: tuple[Answering, ...], result: AttemptResult, asked: list[str]
) -> None:
    async with faulty_desk(SECRET) as desk:
        desk.answers = list(answers)
        medium = WebhookMedium(sandbox=True)
        url = desk.url.replace("/notices", "/token")
        medium.trust(desk.url, Trust(oauth=Client(url, "safe return", "s:ecret", "notices")))
        first = await medium.send(sending(desk.url))
        await medium.send(sending(desk.url))
        await medium.stop()
    assert first.result is result
    borne = [each.headers["authorization"] for each in desk.received]
    assert [each if each.startswith("Bearer") else each.partition(" ")[0] for each in borne] == asked
    assert borne[0] == "Basic c2FmZSUyMHJldHVybjpzJTNBZWNyZXQ="
    assert desk.received[0].body == b"grant_type=client_credentials&scope=notices"
    assert all(each.verified for each in desk.received if each.headers["authorization"].startswith("Bearer")), (
        "signed too"
    )
