"""Makes certificates for engines that our own services alone reach, and the authority that vouches for them."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtensionOID, NameOID

GOOD_FOR = timedelta(days=3650)
"""As long as the volumes: nothing renews them but deleting a file in `made` (docs/operating.md)."""

USES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def bears_strictness(pem: str) -> bool:
    """Whether a certificate has what Python 3.13 and later ask of it. What 0.4.0 and earlier made has not."""
    held = {each.oid for each in x509.load_pem_x509_certificate(pem.encode()).extensions}
    return held >= {ExtensionOID.AUTHORITY_KEY_IDENTIFIER, ExtensionOID.KEY_USAGE}


class Authority:
    """`whole` is its key and certificate, to be kept; `certificate` is what clients read."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self._key = key
        self._certificate = certificate

    @classmethod
    def read(cls, whole: str) -> Self:
        key = load_pem_private_key(whole.encode(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("the authority's key is of another kind")
        return cls(key, x509.load_pem_x509_certificate(whole.encode()))

    @classmethod
    def make(cls) -> Self:
        return cls._of(ec.generate_private_key(ec.SECP256R1()))

    def renewed(self) -> Self:
        """Of the same key and name: whoever has one of the two certificates trusts what either has issued."""
        return self._of(self._key)

    @classmethod
    def _of(cls, key: ec.EllipticCurvePrivateKey) -> Self:
        name = _name("Safe Return")
        draft = (
            _draft(name, name, key, key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_use(key_cert_sign=True, crl_sign=True), critical=True)
        )
        return cls(key, draft.sign(key, hashes.SHA256()))

    @property
    def certificate(self) -> str:
        return self._certificate.public_bytes(Encoding.PEM).decode()

    @property
    def whole(self) -> str:
        return _pem(self._key) + self.certificate

    def issue(self, name: str, *hosts: str) -> str:
        """A key and its certificate. `name` is the principal that a broker sees, `hosts` where a server is reached."""
        key = ec.generate_private_key(ec.SECP256R1())
        draft = (
            _draft(_name(name), self._certificate.subject, key, self._key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_use(digital_signature=True), critical=True)
            .add_extension(x509.SubjectAlternativeName([_host(each) for each in hosts]), critical=False)
        )
        return _pem(key) + draft.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _host(named: str) -> x509.GeneralName:
    return x509.IPAddress(ip_address(named)) if named[0].isdigit() else x509.DNSName(named)


def _use(**granted: bool) -> x509.KeyUsage:
    return x509.KeyUsage(**{**dict.fromkeys(USES, False), **granted})


def _draft(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    """With the identifiers of both keys, without which Python 3.13 and later trust no certificate."""
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + GOOD_FOR)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
