"""A connection to the relay is kept from one mail to the next, and no mail is lost, or sent twice, because of that."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest

from services.platform.delivery import metrics
from services.platform.delivery.channels import email
from services.platform.delivery.channels.channel import SendResult
from services.platform.delivery.channels.email import EmailMedium, Relay
from services.safeguarding.duty.decisions import AttemptResult
from tests.integration.delivery.test_email_channel import certified
from tests.support.in_process.delivery import eventually
from tests.support.outside.relay import SENDER, PlayedRelay, a_sending, answering, listening

TAKEN = SendResult(AttemptResult.ACCEPTED, 250)


class WantsNoMore(PlayedRelay):
    """Takes one mail a connection."""

    async def handle_MAIL(self, _server: Any, session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if session in self.sessions:
            return "421 4.7.0 Too many mails in this session"
        envelope.mail_from = address
        return "250 OK"


def opened(relay: PlayedRelay) -> int:
    return len(relay.connections)


async def test_mails_one_after_another_go_over_one_connection_and_those_at_once_over_their_own() -> None:
    relay = PlayedRelay()
    async with listening(relay) as medium:
        for _ in range(3):
            assert await medium.send(a_sending()) == TAKEN
        assert opened(relay) == 1
        assert await asyncio.gather(*(medium.send(a_sending()) for _ in range(3))) == [TAKEN] * 3
        assert opened(relay) == 3
    assert len(relay.mails) == 6


async def test_a_relay_that_hangs_up_between_two_mails_gets_the_second_over_a_new_connection() -> None:
    relay = PlayedRelay()
    async with listening(relay) as medium:
        for _ in range(3):
            assert await medium.send(a_sending()) == TAKEN
            relay.hang_up()
    assert (len(relay.mails), opened(relay)) == (3, 3)


async def test_a_relay_that_hangs_up_as_the_next_mail_begins_gets_it_over_a_new_connection() -> None:
    relay = PlayedRelay()
    async with listening(relay) as medium:
        assert await medium.send(a_sending()) == TAKEN
        sending = asyncio.create_task(medium.send(a_sending()))
        await asyncio.sleep(0)
        relay.hang_up()
        assert await sending == TAKEN
    assert (len(relay.mails), opened(relay)) == (2, 2)


async def test_a_relay_that_wants_no_more_mails_over_a_connection_gets_the_next_over_another() -> None:
    relay, before = WantsNoMore(), metrics.OPERATOR.labels("email")._value.get()
    async with listening(relay) as medium:
        for _ in range(3):
            assert await medium.send(a_sending()) == TAKEN
    assert (len(relay.mails), opened(relay)) == (3, 3)
    assert metrics.OPERATOR.labels("email")._value.get() == before


async def test_a_relay_that_was_restarted_gets_the_next_mail_and_one_that_is_away_gets_it_later() -> None:
    relay = PlayedRelay()
    async with answering(relay):
        medium = EmailMedium(Relay("127.0.0.1", relay.port, SENDER, encrypted=False))
        await medium.start()
        assert await medium.send(a_sending()) == TAKEN
    assert (await medium.send(a_sending())).result is AttemptResult.RETRY
    async with answering(relay):
        assert await medium.send(a_sending()) == TAKEN
        await medium.stop()
    assert len(relay.mails) == 2


async def test_an_answer_lost_after_the_mail_over_a_kept_connection_is_nobody_s_to_guess() -> None:
    """The mail is not sent once more within the attempt: it may have arrived."""
    relay = PlayedRelay()
    async with listening(relay) as medium:
        await medium.send(a_sending())
        relay.data = "gone"
        assert (await medium.send(a_sending())).result is AttemptResult.UNKNOWN
        assert (len(relay.mails), opened(relay)) == (2, 1)
        relay.data = "250 OK"
        assert await medium.send(a_sending()) == TAKEN


@pytest.mark.parametrize("refusal", [{"rcpt": "550 5.1.1 No such mailbox"}, {"data": "451 4.3.0 Later"}])
async def test_after_a_refusal_the_next_mail_begins_afresh(refusal: dict[str, str]) -> None:
    relay = PlayedRelay()
    async with listening(relay) as medium:
        for name, answer in refusal.items():
            setattr(relay, name, answer)
        await medium.send(a_sending())
        relay.rcpt, relay.data = "", "250 OK"
        assert await medium.send(a_sending()) == TAKEN
    assert opened(relay) == 2


async def test_a_connection_is_closed_when_it_is_idle_when_it_has_brought_many_and_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    relay = PlayedRelay()
    monkeypatch.setattr(email, "MAILS_MOST", 2)
    async with listening(relay) as medium:
        for _ in range(3):
            await medium.send(a_sending())
        assert opened(relay) == 2
        await eventually(lambda: relay.connections[0].transport is None)
        assert relay.connections[1].transport is not None
        monkeypatch.setattr(email, "KEPT_SECONDS", 0.05)
        await medium.send(a_sending())
        await medium.send(a_sending())
        await eventually(lambda: relay.connections[2].transport is None)
        monkeypatch.setattr(email, "KEPT_SECONDS", 60.0)
        await medium.send(a_sending())
        await medium.stop()
        await eventually(lambda: relay.connections[3].transport is None)


async def test_a_mail_over_a_kept_connection_goes_over_tls_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chain, secret = certified(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(chain))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(chain, secret)
    relay = PlayedRelay()
    async with answering(relay, tls_context=tls, require_starttls=True):
        medium = EmailMedium(Relay("127.0.0.1", relay.port, SENDER))
        await medium.start()
        for _ in range(2):
            assert await medium.send(a_sending()) == TAKEN
        await medium.stop()
    assert opened(relay) == 1
    assert all(each.ssl is not None for each in relay.sessions)
