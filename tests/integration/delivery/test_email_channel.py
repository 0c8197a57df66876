"""Mail over real SMTP: what is taken, what is tried again, what is refused, and what nobody knows."""

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_string
from email.policy import default as modern
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from services.platform.delivery import metrics
from services.platform.delivery.channels.channel import SendResult
from services.platform.delivery.channels.email import EmailMedium, Relay, build_email, message_id
from services.safeguarding.duty.decisions import AttemptResult
from tests.support.outside.relay import LETTER, NOW, RECIPIENT, SENDER, PlayedRelay, a_sending, listening


async def sent(relay: PlayedRelay) -> SendResult:
    async with listening(relay) as medium:
        return await medium.send(a_sending())


async def test_a_mail_arrives_as_it_was_written_under_the_id_of_its_delivery() -> None:
    relay, sending = PlayedRelay(), a_sending()
    async with listening(relay) as medium:
        first = await medium.send(sending)
        await medium.send(sending)
    assert first == SendResult(AttemptResult.ACCEPTED, 250)
    assert relay.mails[0] == relay.mails[1]
    mail = message_from_string(relay.mails[0].decode("ascii"), policy=modern)
    assert mail["Message-ID"] == message_id(sending.id, SENDER)
    assert mail["From"] == f"Safe Return <{SENDER}>"
    assert mail["Subject"] == "Mae plentyn ar goll (4K7PX)"


def test_plain_and_html_say_the_same_and_carry_the_link() -> None:
    mail: Any = message_from_string(a_sending().body, policy=modern)
    plain, html = (part.get_content() for part in mail.iter_parts())
    for words in (*LETTER.paragraphs, LETTER.link, *LETTER.small):
        assert words in plain
        assert words in html
    assert 'lang="cy"' in html


def test_whatever_a_subject_says_it_is_read_as_it_was_written() -> None:
    for subject in ("Mae plentyn ar goll " * 9, "Dysgu\u02bcr plant: ŵ, ŷ " * 9, "= ?"):
        letter = replace(LETTER, subject=subject.strip())
        written = build_email(letter, delivery=uuid4(), sender=SENDER, recipient=RECIPIENT, at=NOW)
        assert written.isascii()
        assert max(map(len, written.split("\r\n"))) <= 78
        assert message_from_string(written, policy=modern)["Subject"] == letter.subject


def test_no_address_adds_a_header() -> None:
    with pytest.raises(ValueError, match="line break"):
        build_email(LETTER, delivery=uuid4(), sender=SENDER, recipient=f"{RECIPIENT}\r\nBcc: a@b.example", at=NOW)


@pytest.mark.parametrize(
    ("rcpt", "data", "result", "reason"),
    [
        ("450 4.2.0 Greylisted, try again", "250", AttemptResult.RETRY, None),
        ("550 5.1.1 No such mailbox", "250", AttemptResult.REFUSED, "gone"),
        ("550 5.7.1 Refused", "250", AttemptResult.REFUSED, "refused"),
        ("552 5.2.2 Mailbox full", "250", AttemptResult.RETRY, None),
        ("", "451 4.3.0 Later", AttemptResult.RETRY, None),
        ("", "554 5.6.0 Refused", AttemptResult.REFUSED, "refused"),
        ("", "gone", AttemptResult.UNKNOWN, None),
    ],
)
async def test_a_refusal_is_read_for_what_it_means(
    rcpt: str, data: str, result: AttemptResult, reason: str | None
) -> None:
    answer = await sent(PlayedRelay(rcpt=rcpt, data=data))
    assert (answer.result, answer.reason) == (result, reason)


async def test_an_address_that_cannot_be_written_on_the_wire_is_refused() -> None:
    relay = PlayedRelay()
    async with listening(relay) as medium:
        answer = await medium.send(replace(a_sending(), recipient="siân.owen@ysgol.example"))
    assert (answer.result, answer.reason) == (AttemptResult.REFUSED, "refused")
    assert relay.mails == []


async def test_a_senders_address_that_cannot_be_written_on_the_wire_is_an_operators_matter() -> None:
    relay = PlayedRelay()
    async with listening(relay):
        medium = EmailMedium(Relay("127.0.0.1", relay.port, "siân@kestrel.example", encrypted=False))
        assert (await medium.send(a_sending())).result is AttemptResult.RETRY


async def test_a_relay_that_is_away_is_tried_again() -> None:
    medium = EmailMedium(Relay("127.0.0.1", 1, SENDER, encrypted=False))
    assert (await medium.send(a_sending())).result is AttemptResult.RETRY


async def test_without_tls_at_the_relay_nothing_is_sent() -> None:
    relay = PlayedRelay()
    async with listening(relay):
        medium = EmailMedium(Relay("127.0.0.1", relay.port, SENDER))
        await medium.start()
        answer = await medium.send(a_sending())
    assert answer.result is AttemptResult.RETRY
    assert relay.mails == []


def certified(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate for `name`, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(name))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, secret = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return chain, secret


@pytest.mark.parametrize(
    ("trusted", "result"), [(True, AttemptResult.ACCEPTED), (False, AttemptResult.RETRY)], ids=["trusted", "unknown"]
)
async def test_a_mail_goes_over_tls_and_only_to_a_relay_whose_certificate_is_known(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trusted: bool,
    result: AttemptResult,
) -> None:
    chain, secret = certified(tmp_path, "127.0.0.1")
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(chain))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(chain, secret)
    relay = PlayedRelay()
    async with listening(relay, tls_context=tls, require_starttls=True):
        medium = EmailMedium(Relay("127.0.0.1", relay.port, SENDER))
        await medium.start()
        answer = await medium.send(a_sending())
    assert answer.result is result
    assert len(relay.mails) == int(trusted)


async def test_a_relay_without_tls_is_the_operators_to_mend_and_gets_no_mail() -> None:
    counted = metrics.OPERATOR.labels("email")
    before = counted._value.get()
    relay = PlayedRelay()
    async with listening(relay):
        medium = EmailMedium(Relay("127.0.0.1", relay.port, SENDER))
        await medium.start()
        answer = await medium.send(a_sending())
    assert (answer.result, relay.mails) == (AttemptResult.RETRY, [])
    assert counted._value.get() == before + 1
