"""Seals a pack to its authority and signs it. Opens one, if it is ours and whole."""

from collections.abc import Sequence
from typing import NamedTuple

import pyrage
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pyrage import x25519

from services.platform.runtime.places.signature import require_signed, sign


class SealedPack(NamedTuple):
    """`pack` is an age file; `signature` is Ed25519's over its bytes, in base64. Both go to each place."""

    pack: bytes
    signature: bytes


class WrongKey(Exception):
    """The identity is none of those that the pack was sealed to."""


def seal(page: str, recipients: Sequence[str], key: Ed25519PrivateKey) -> SealedPack:
    pack = pyrage.encrypt(page.encode(), [x25519.Recipient.from_str(each) for each in recipients])
    return SealedPack(pack, sign(pack, key))


def open_pack(sealed: SealedPack, identity: str, public: str) -> str:
    """The page. Raises NotOurs before anything is decrypted, and WrongKey."""
    require_signed(sealed.pack, sealed.signature, public)
    try:
        page: bytes = pyrage.decrypt(sealed.pack, [x25519.Identity.from_str(identity.strip())])
    except (pyrage.DecryptError, pyrage.IdentityError):
        raise WrongKey from None
    return page.decode()
