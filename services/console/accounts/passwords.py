"""Checks passwords (Argon2id) and the codes of an authenticator app (TOTP, RFC 6238).

Checking a password takes as long for a name that does not exist. Each check occupies a core, and everybody behind it
waits, so concurrent sign-ins are limited. An app's key is encrypted under a data key of the account.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pyotp
import segno
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pyotp.exceptions import OTPVerificationError

from services.console.accounts.repository import Account
from services.platform.register.keys import key_of
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query
from services.platform.store.unit_of_work import UnitOfWork

MOST, MOST_FROM_ONE_PLACE = 20, 10
"""Within one process. One place alone never fills it: somebody on duty elsewhere still gets in, within seconds."""


class SignInLimiter:
    """Counts, in memory, the sign-ins that are under way in this process."""

    def __init__(self) -> None:
        self._under_way: Counter[str] = Counter()

    @contextmanager
    def slot(self, place: str) -> Iterator[bool]:
        """False if there is no room: then neither the database nor a password may be looked at."""
        if self._under_way.total() >= MOST or self._under_way[place] >= MOST_FROM_ONE_PLACE:
            yield False
            return
        self._under_way[place] += 1
        try:
            yield True
        finally:
            self._under_way[place] -= 1
            if not self._under_way[place]:
                del self._under_way[place]


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


PLACE = "accounts.second_factor"
ISSUER = "Safe Return"
USE = """
    UPDATE accounts SET second_factor_used = %(counter)s
    WHERE account = %(account)s AND second_factor_used < %(counter)s RETURNING account
"""
SET = """
    UPDATE accounts SET second_factor = %(key)s, second_factor_used = %(counter)s
    WHERE account = %(account)s AND second_factor IS NULL RETURNING account
"""


def new_secret() -> str:
    return pyotp.random_base32()


def picture_of(secret: str, sign_in: str) -> str:
    """The SVG that an authenticator app photographs."""
    address = pyotp.TOTP(secret).provisioning_uri(name=sign_in, issuer_name=ISSUER)
    return segno.make(address, error="m").svg_inline(
        scale=4, border=2, svgclass=None, lineclass=None, title="Code for your app"
    )


def counter_of(secret: str, code: str, now: datetime) -> int | None:
    """The step of time that the code belongs to, the last or the next one included. None: it is wrong."""
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(code.replace(" ", ""), for_time=now, valid_window=1)
    except (OTPVerificationError, ValueError):
        return None


async def check_code(uow: UnitOfWork, keyring: Keyring, account: Account, code: str, now: datetime) -> bool:
    """Each code counts once. True for an account without a second factor: whether it may is asked elsewhere."""
    if account.second_factor is None:
        return True
    key = await key_of(uow, keyring, account.operator.account)
    counter = counter_of(key.open(account.second_factor, PLACE), code, now)
    used = {"account": account.operator.account, "counter": counter}
    return counter is not None and await uow.fetch(Query(USE, used, bool))


async def keep_secret(
    uow: UnitOfWork, keyring: Keyring, account: Account, secret: str, code: str, now: datetime
) -> bool:
    """False if the code does not belong to the secret, or the account has a second factor already."""
    counter = counter_of(secret, code, now)
    if counter is None:
        return False
    key = await key_of(uow, keyring, account.operator.account)
    kept = {"account": account.operator.account, "key": key.close(secret, PLACE), "counter": counter}
    return await uow.fetch(Query(SET, kept, bool))
