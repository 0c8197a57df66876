"""Hashes passwords with Argon2id. Checking one takes as long for a name that does not exist."""

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

CHECKS_AT_ONCE = 2
"""Each check takes 64 MiB and a core for some tens of milliseconds. A flood of them must not bring the console down."""
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_hasher = PasswordHasher()
_checking = asyncio.Semaphore(CHECKS_AT_ONCE)
DUMMY_HASH = _hasher.hash(secrets.token_hex(16))


def hash_password(password: str) -> str:
    return _hasher.hash(password)


def generate_password() -> str:
    """A fresh password of 90 bits, in groups that can be read out, without look-alikes."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(6)) for _ in range(3))


async def verify_password(password: str, seal: str | None) -> bool:
    """`seal` None: no account has this name. The answer is False then, but no sooner."""
    async with _checking:
        return await asyncio.to_thread(_verify, password, seal or DUMMY_HASH) and seal is not None


def _verify(password: str, seal: str) -> bool:
    try:
        return _hasher.verify(seal, password)
    except (VerificationError, InvalidHashError):
        return False
