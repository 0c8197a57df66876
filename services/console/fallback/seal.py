"""Seals a pack to its authority and signs it, puts it in a place and fetches it there. Opens one, if it is ours and
whole.
"""

import asyncio
from collections.abc import Sequence
from io import BytesIO
from typing import NamedTuple

import pyrage
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pyrage import x25519

from services.platform.runtime.places import Place, PlaceAway, open_place, require_signed, sign

PACK, SIGNATURE = "pack.html.age", "pack.html.age.sig"


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


async def put(place: Place, sealed: SealedPack) -> None:
    """In place of the last one. The pack first: a reader between the two meets a signature that does not fit. Raises
    PlaceAway, also where another process wrote at the same moment and one file is its, the other ours.
    """
    for name, content in ((PACK, sealed.pack), (SIGNATURE, sealed.signature)):
        await asyncio.to_thread(open_place(place).put, name, BytesIO(content))
    found = await fetch(place)
    if (found.pack == sealed.pack) != (found.signature == sealed.signature):
        raise PlaceAway("another process wrote at the same moment")


async def fetch(place: Place) -> SealedPack:
    """Raises PlaceAway where there is none."""
    pack, signature = BytesIO(), BytesIO()
    for name, into in ((PACK, pack), (SIGNATURE, signature)):
        await asyncio.to_thread(open_place(place).fetch, name, into)
    return SealedPack(pack.getvalue(), signature.getvalue())
