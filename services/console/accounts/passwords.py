"""Passwords: Argon2id, never kept otherwise. Checking takes the same time for a name that does not exist."""

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

AT_ONCE = 2
"""Each check takes 64 MiB and a core for some tens of milliseconds: a flood of them must not take the console with it."""
WORDS = "23456789abcdefghjkmnpqrstuvwxyz"
_hasher = PasswordHasher()
_checking = asyncio.Semaphore(AT_ONCE)
NOBODYS = _hasher.hash(secrets.token_hex(16))


def sealed(password: str) -> str:
    return _hasher.hash(password)


def made() -> str:
    """A fresh one of 90 bits, in groups that can be read out: no look-alikes."""
    return "-".join("".join(secrets.choice(WORDS) for _ in range(6)) for _ in range(3))


async def fits(password: str, seal: str | None) -> bool:
    """`seal` None: nobody has this name. False then, but no sooner."""
    async with _checking:
        return await asyncio.to_thread(_fits, password, seal or NOBODYS) and seal is not None


def _fits(password: str, seal: str) -> bool:
    try:
        return _hasher.verify(seal, password)
    except (VerificationError, InvalidHashError):
        return False
