"""Signs what leaves for a place, and believes what comes from there only if it is signed. Ed25519, in base64."""

from base64 import b64decode, b64encode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


class NotOurs(Exception):
    """It was not signed by this installation, or was changed since."""


def signer(key: str) -> Ed25519PrivateKey:
    """`key`: 32 bytes in base64."""
    return Ed25519PrivateKey.from_private_bytes(b64decode(key, validate=True))


def public_key(key: Ed25519PrivateKey) -> str:
    """As whoever checks has to keep it, on paper too."""
    return b64encode(key.public_key().public_bytes_raw()).decode()


def sign(content: bytes, key: Ed25519PrivateKey) -> bytes:
    return b64encode(key.sign(content))


def require_signed(content: bytes, signature: bytes, public: str) -> None:
    """Raises NotOurs."""
    try:
        known = Ed25519PublicKey.from_public_bytes(b64decode(public, validate=True))
        known.verify(b64decode(signature, validate=True), content)
    except (InvalidSignature, ValueError):
        raise NotOurs from None
