"""Our own certificates hold where they are checked most strictly; those that an operator's authority made hold without what they lack."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from infra.docker import certificates
from infra.docker.certificates import Authority, bears_strictness
from infra.docker.prepare import prepare
from services.platform.bus.connection import Connection
from services.platform.delivery.channels.webhook import Trust
from services.platform.runtime.settings import KafkaSecurity, KafkaSettings, trusting
from tests.support.engines.certificates import Authority as Operators

SERVERS = {"kafka/broker.pem": "kafka", "administrator/postgres.pem": "postgres"}


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, host: str) -> str | None:
    """Why the client does not trust the server; None if it does."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours, theirs = (
        client.wrap_bio(back, there, server_hostname=host),
        server.wrap_bio(there, back, server_side=True),
    )
    for side in (ours, theirs, ours, theirs):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLError as refusal:
            return str(refusal)
    return None


def of_server(pem: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def strict(ca: Path) -> ssl.SSLContext:
    """As Python 3.13 and later make it by default."""
    context = ssl.create_default_context(cafile=ca)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


@pytest.fixture
def lax(monkeypatch: pytest.MonkeyPatch) -> Authority:
    """Makes certificates without key identifiers, as ours were before."""
    name = certificates._name("Safe Return")
    key = ec.generate_private_key(ec.SECP256R1())

    def draft(
        subject: x509.Name, issuer: x509.Name, own: ec.EllipticCurvePrivateKey, _: object
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(own.public_key())
        made = made.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(hours=1))
        return made.not_valid_after(now + certificates.GOOD_FOR)

    monkeypatch.setattr(certificates, "_draft", draft)
    root = draft(name, name, key, key).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return Authority(key, root.sign(key, hashes.SHA256()))


def written(folder: Path, **files: str) -> dict[str, Path]:
    for name, content in files.items():
        (folder / name).write_text(content)
    return {name: folder / name for name in files}


@pytest.mark.parametrize("file", SERVERS)
def test_what_prepare_makes_is_trusted_by_the_strictest_python(tmp_path: Path, file: str) -> None:
    prepare(tmp_path)
    server = tmp_path / file
    assert shake_hands(of_server(server), strict(server.with_name("ca.pem")), SERVERS[file]) is None


def test_an_authority_that_was_made_before_is_made_anew_and_what_it_issued_is_trusted_meanwhile(
    tmp_path: Path, lax: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tmp_path / "made"
    made.mkdir()
    before = written(made, **{"ca.pem": lax.whole, "kafka.pem": lax.issue("broker", "kafka")})
    old = written(tmp_path, **{"old-ca.pem": lax.certificate, "old.pem": before["kafka.pem"].read_text()})
    monkeypatch.undo()
    prepare(tmp_path)
    ca, broker = tmp_path / "kafka" / "ca.pem", tmp_path / "kafka" / "broker.pem"
    assert bears_strictness(before["ca.pem"].read_text())
    assert shake_hands(of_server(broker), strict(ca), "kafka") is None
    assert shake_hands(of_server(old["old.pem"]), trusting(cafile=ca), "kafka") is None, "a broker that still runs"
    assert shake_hands(of_server(broker), trusting(cafile=old["old-ca.pem"]), "kafka") is None, (
        "a service that still runs"
    )
    kept = {each: each.read_text() for each in made.iterdir()}
    prepare(tmp_path)
    assert {each: each.read_text() for each in made.iterdir()} == kept


def of_kafka(ca: Path) -> ssl.SSLContext:
    settings = KafkaSettings(kafka="broker.example:9092", kafka_security=KafkaSecurity.SASL_SSL, kafka_ca=ca)
    return Connection(settings)._certificates()


def of_a_force(ca: Path) -> ssl.SSLContext:
    return Trust(private_ca=ca.read_text()).context()


@pytest.mark.parametrize("context", [of_kafka, of_a_force])
def test_an_operators_own_authority_is_trusted_without_key_identifiers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, context: Callable[[Path], ssl.SSLContext]
) -> None:
    """The default context is that of Python 3.13, whichever runs this."""
    made = ssl.create_default_context

    def default(*arguments: Any, **named: Any) -> ssl.SSLContext:
        strictly = made(*arguments, **named)
        strictly.verify_flags |= ssl.VERIFY_X509_STRICT
        return strictly

    monkeypatch.setattr(ssl, "create_default_context", default)
    operators, others = (Operators(name, identified=False) for name in ("An operator", "Another"))
    files = written(tmp_path, **{"ca.pem": operators.pem, "other.pem": others.pem})
    server = operators.server(tmp_path)
    assert "Key Identifier" in str(shake_hands(server, strict(files["ca.pem"]), "127.0.0.1"))
    assert shake_hands(server, context(files["ca.pem"]), "127.0.0.1") is None
    assert "IP address mismatch" in str(shake_hands(server, context(files["ca.pem"]), "127.0.0.2"))
    assert "certificate verify failed" in str(shake_hands(server, context(files["other.pem"]), "127.0.0.1"))


def test_public_authorities_are_checked_as_strictly_as_python_does() -> None:
    assert trusting().verify_flags == ssl.create_default_context().verify_flags
