"""One certificate that cannot be read is named, and the others are still listed."""

from base64 import b64encode
from types import SimpleNamespace

from cryptography.x509 import load_pem_x509_certificates

from infra.docker.certificates import Authority
from services.options.register_upkeep.monitor import CERTIFICATE, End, certificate_ends
from services.platform.register.organisations import force_owner
from services.platform.store.encryption import Keyring

KEYRING = Keyring(b64encode(b"m" * 32).decode(), b64encode(b"p" * 32).decode())
OTHERS = Keyring(b64encode(b"n" * 32).decode(), b64encode(b"p" * 32).decode())
CHAIN = Authority.make().issue("safe-return", "127.0.0.1")


def _row(force: str, pem: str | None, keyring: Keyring = KEYRING) -> SimpleNamespace:
    wrapped = keyring.wrapped_new_key(force_owner(force))
    closed = None if pem is None else keyring.unwrap(force_owner(force), wrapped).close(pem, CERTIFICATE)
    return SimpleNamespace(force=force, wrapped=wrapped, client_certificate=closed)


def test_a_certificate_that_cannot_be_read_is_named_and_hides_no_other() -> None:
    changed = _row("changed", CHAIN)
    changed.client_certificate = changed.client_certificate[:-1] + bytes([changed.client_certificate[-1] ^ 1])
    rows = [
        _row("sealed-by-another-key", CHAIN, OTHERS),
        changed,
        _row("no-pem", "-----BEGIN CERTIFICATE-----"),
        _row("without-one", None),
        _row("good", CHAIN),
    ]
    [certificate] = load_pem_x509_certificates(CHAIN.encode())
    assert list(certificate_ends(KEYRING, rows)) == [
        End("force-certificate", "sealed-by-another-key", None),
        End("force-certificate", "changed", None),
        End("force-certificate", "no-pem", None),
        End("force-certificate", "good", certificate.not_valid_after_utc),
    ]
