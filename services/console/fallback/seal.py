"""Seals a pack to its authority and signs it. Opens one, if it is ours and whole."""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import NamedTuple

import pyrage
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pyrage import x25519


class SealedPack(NamedTuple):
    """`pack` is an age file; `signature` is Ed25519's over its bytes, in base64. Both go to each place."""

    pack: bytes
    signature: bytes


class NotOurs(Exception):
    """The pack was not signed by this installation, or was changed since."""


class WrongKey(Exception):
    """The identity is none of those that the pack was sealed to."""


def signer(key: str) -> Ed25519PrivateKey:
    """`key`: 32 bytes in base64."""
    return Ed25519PrivateKey.from_private_bytes(b64decode(key, validate=True))


def public_key(key: Ed25519PrivateKey) -> str:
    """As whoever opens packs has to keep it, on paper too."""
    return b64encode(key.public_key().public_bytes_raw()).decode()


def seal(page: str, recipients: Sequence[str], key: Ed25519PrivateKey) -> SealedPack:
    pack = pyrage.encrypt(page.encode(), [x25519.Recipient.from_str(each) for each in recipients])
    return SealedPack(pack, b64encode(key.sign(pack)))


def open_pack(sealed: SealedPack, identity: str, public: str) -> str:
    """The page. Raises NotOurs before anything is decrypted, and WrongKey."""
    try:
        known = Ed25519PublicKey.from_public_bytes(b64decode(public, validate=True))
        known.verify(b64decode(sealed.signature, validate=True), sealed.pack)
    except (InvalidSignature, ValueError):
        raise NotOurs from None
    try:
        page: bytes = pyrage.decrypt(sealed.pack, [x25519.Identity.from_str(identity.strip())])
    except (pyrage.DecryptError, pyrage.IdentityError):
        raise WrongKey from None
    return page.decode()
