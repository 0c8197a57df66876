"""Keeps known devices and failed sign-ins, tokens by their hash, and limits how often a sign-in may fail. Wall time.

Checks passwords (Argon2id) and the codes of an authenticator app (TOTP, RFC 6238). Checking a password takes as long
for a name that does not exist. Each check occupies a core, and everybody behind it waits, so concurrent sign-ins are
limited. An app's key is encrypted under a data key of the account.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pyotp
import segno
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pyotp.exceptions import OTPVerificationError

from services.console.accounts import Account, hash_of, normalise_sign_in
from services.platform.register.keys import key_of
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, all_rows, first_row
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.operators import AccountId

FAILURES_COUNT_FOR = timedelta(minutes=15)
FAILURES_FROM_ONE_PLACE = 5
"""Of one name. There is no limit for a name from everywhere: by it, anybody could lock the duty manager out. Guesses
from many places still need the second factor, whose wrong codes count as one place.
"""
FAILURES_OF_ONE_PLACE = 30
"""Of any names: each attempt costs a password check, also for a name that does not exist."""
PASSWORD_LENGTH = range(12, 129)
"""Length is the only rule for a password (NIST SP 800-63B, 5.1.1.2)."""


def is_held_back(*, from_this_place: int, of_this_place: int) -> bool:
    """Takes the failures within `FAILURES_COUNT_FOR`: of this name from this place, and of any name from this place.
    Names that do not exist count too, so that an attacker cannot tell them apart. A device that the name's owner has
    signed in from is a place of its own.
    """
    return from_this_place >= FAILURES_FROM_ONE_PLACE or of_this_place >= FAILURES_OF_ONE_PLACE


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
USE_CODE = """
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
    return counter is not None and await uow.fetch(Query(USE_CODE, used, bool))


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


DEVICE_KNOWN_FOR = timedelta(days=180)
SECOND_FACTOR = "second factor"
"""The place of wrong codes, wherever they are typed: whoever guesses at them knows the password."""

KNOW_DEVICE = """
    INSERT INTO known_devices (device_hash, account, at) VALUES (%(device)s, %(account)s, %(now)s)
    ON CONFLICT (device_hash, account) DO UPDATE SET at = excluded.at
"""
FORGET_DEVICES = "DELETE FROM known_devices WHERE at < %(before)s"
IS_KNOWN_DEVICE = """
    SELECT 1 FROM known_devices JOIN accounts USING (account)
    WHERE device_hash = %(device)s AND sign_in = %(sign_in)s AND at >= %(since)s
"""

LOCK = "SELECT pg_advisory_xact_lock(%(key)s::bigint)"
FORGET_FAILURES = "DELETE FROM failed_sign_ins WHERE at < %(before)s"
COUNT_FAILURES = """
    SELECT count(*) FILTER (WHERE sign_in_hash = %(name)s AND place = %(place)s) AS from_this_place,
           count(*) FILTER (WHERE place = %(place)s AND place <> %(anywhere)s) AS of_this_place FROM failed_sign_ins
"""
ADD_FAILURE = "INSERT INTO failed_sign_ins (sign_in_hash, place, at) VALUES (%(name)s, %(place)s, %(at)s)"
FORGET_FAILURE = """
    DELETE FROM failed_sign_ins WHERE sign_in_hash = %(name)s AND place = %(place)s AND at = %(at)s
"""


def know_device(uow: UnitOfWork, device: str, account: AccountId, now: datetime) -> None:
    uow.write(KNOW_DEVICE, {"device": hash_of(device), "account": account, "now": now})
    uow.write(FORGET_DEVICES, {"before": now - DEVICE_KNOWN_FOR})


async def place_of_attempt(uow: UnitOfWork, sign_in: str, device: str, place: str, now: datetime) -> str:
    """The device, as a place of its own, where the name's owner has used it: nobody else locks it out. Else `place`."""
    asked = {"device": hash_of(device), "sign_in": normalise_sign_in(sign_in), "since": now - DEVICE_KNOWN_FOR}
    is_known = device and await uow.fetch(Query(IS_KNOWN_DEVICE, asked, first_row)) is not None
    return f"device {hash_of(device).hex()}" if is_known else place


async def count_attempt(uow: UnitOfWork, sign_in: str, place: str, now: datetime) -> bool:
    """Counts the attempt as failed before it is checked, so that parallel attempts cannot exceed the limit.

    False: too many have failed, so nothing must be checked. The name is kept as a hash: people type their password into
    the wrong field.
    """
    name = hash_of(normalise_sign_in(sign_in))
    _, _, _, counts = await uow.fetch(
        _lock(hash_of(f"place {place}")),
        _lock(name),
        Query(FORGET_FAILURES, {"before": now - FAILURES_COUNT_FOR}, all_rows),
        Query(COUNT_FAILURES, {"name": name, "place": place, "anywhere": SECOND_FACTOR}, first_row),
    )
    if is_held_back(**counts._asdict()):
        return False
    uow.write(ADD_FAILURE, {"name": name, "place": place, "at": now})
    return True


def forget_attempt(uow: UnitOfWork, sign_in: str, place: str, at: datetime) -> None:
    """The attempt that `count_attempt` counted at this time did not fail."""
    uow.write(FORGET_FAILURE, {"name": hash_of(normalise_sign_in(sign_in)), "place": place, "at": at})


def _lock(of: bytes) -> Query[Any]:
    return Query(LOCK, {"key": int.from_bytes(of[:8], signed=True)}, all_rows)
