"""A force whose certificate its own authority signs: that authority is trusted for it alone, and nobody else's is."""

import ssl
from datetime import timedelta
from pathlib import Path

import pytest

from services.platform.delivery.channels.channel import SendResult
from services.platform.delivery.channels.http.clients import Trust
from services.platform.delivery.channels.webhook import WebhookMedium
from services.safeguarding.duty.evidence import AttemptResult
from tests.support.certificates import Authority
from tests.support.delivery import sending
from tests.support.desk import faulty_desk
from tests.support.register import SECRET

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
