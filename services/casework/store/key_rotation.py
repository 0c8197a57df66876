"""Brings people's numbers under the newest phone key: the sender of a text is found by the number's hash."""

from sqlalchemy import bindparam, select, update

from services.casework.store.tables import people
from services.platform.register.key_rotation import AT_ONCE, Batch, Hashed, hashed_anew
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork

REHASH = (
    update(people)
    .where(people.c.id == bindparam("of"), people.c.number_hash == bindparam("before"))
    .values(number_hash=bindparam("after"))
)


async def numbers_of_people(uow: UnitOfWork, keyring: Keyring, after: str) -> Batch:
    found = await uow.connection.execute(
        select(*people.c["id", "mobile", "number_hash"])
        .where(people.c.number_hash.is_not(None), people.c.id > after)
        .order_by(people.c.id)
        .limit(AT_ONCE)
    )
    rows = [Hashed(row.id, row.id, row.mobile, row.number_hash) for row in found]
    anew, shut = await hashed_anew(uow, keyring, rows, "people.mobile")
    if anew:
        await uow.connection.execute(REHASH, anew)
    return Batch(rows[-1].of if rows else None, len(anew), shut)
