"""Checks the codes of an authenticator app (TOTP, RFC 6238). Its key is encrypted under a data key of the account."""

from datetime import datetime

import pyotp
import segno
from pyotp.exceptions import OTPVerificationError

from services.console.accounts.repository import Account
from services.platform.register.keys import key_of
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query
from services.platform.store.unit_of_work import UnitOfWork

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
