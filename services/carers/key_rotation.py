"""Brings the rows of a number under the newest phone key: when the number texts, and when `renew-keys` comes to it."""

from collections.abc import Sequence

from services.carers.store.texts import OWNER, SENDER
from services.platform.delivery.queue.repository import texted_numbers
from services.platform.register.keys import AT_ONCE, Batch, Renews, wrapped_keys_of
from services.platform.store.encryption import DOES_NOT_OPEN, Keyring
from services.platform.store.query import Query, all_rows
from services.platform.store.unit_of_work import UnitOfWork

OF_OLDER = "number_hash = ANY(%(older)s::bytea[])"
# The words stay sealed under their old key, whose owner is named by the older hash.
REHASH_TEXTS = f"UPDATE texts_in SET number_hash = %(newest)s, key_owner = {OWNER} WHERE"  # noqa: S608 own words
REHASH_UNREAD_TEXTS = f"{REHASH_TEXTS} {OF_OLDER} AND worked_at IS NULL"
QUESTION = "about, provisional, asked_at, whether, authority, person, called_at"
# A later question takes the place of an earlier, as in `conversations.ask`.
MOVE_QUESTION = f"""
    WITH gone AS (DELETE FROM questions WHERE {OF_OLDER} RETURNING {QUESTION})
    INSERT INTO questions (number_hash, {QUESTION}) SELECT %(newest)s, {QUESTION} FROM gone ORDER BY asked_at DESC LIMIT 1 ON CONFLICT DO NOTHING
"""  # noqa: S608 this module's own words
BRING_OVER = (
    f"""{REHASH_TEXTS} message_sid IN (
        SELECT message_sid FROM texts_in WHERE {OF_OLDER} ORDER BY message_sid FOR UPDATE SKIP LOCKED
    )""",  # noqa: S608 this module's own words
    MOVE_QUESTION,
    *(
        f"UPDATE {table} SET number_hash = %(newest)s WHERE {OF_OLDER}"  # noqa: S608 this module's own words
        for table in ("provisionals", "enrolments", "claims")
    ),
)
NUMBERS = f"""
    SELECT DISTINCT ON (number_hash) number_hash, sender, {OWNER} AS owner FROM texts_in
    WHERE number_hash > %(after)s ORDER BY number_hash LIMIT %(most)s
"""  # noqa: S608 this module's own words


async def bring_over(uow: UnitOfWork, keyring: Keyring, number: str) -> None:
    """Passes over a text that a reader has locked: that reader brings it over itself."""
    await _rehash(uow, keyring, number, BRING_OVER)


async def keep_in_order(uow: UnitOfWork, keyring: Keyring, numbers: Sequence[str]) -> None:
    """Call before texts are kept: the numbers' unread texts under an older key must be read first."""
    for number in sorted(set(numbers)):
        await _rehash(uow, keyring, number, (REHASH_UNREAD_TEXTS,))


async def _rehash(uow: UnitOfWork, keyring: Keyring, number: str, statements: Sequence[str]) -> None:
    if keyring.changes_phone_key:
        newest, *older = keyring.number_hashes(number)
        await uow.fetch_each([Query(each, {"newest": newest, "older": older}, all_rows) for each in statements])


async def texting_numbers(uow: UnitOfWork, keyring: Keyring, after: str) -> Batch:
    """One number a transaction, so that its texts wait for no other's. `after` is a hash in hex."""
    rows = await uow.fetch(Query(NUMBERS, {"after": bytes.fromhex(after), "most": AT_ONCE}, all_rows))
    wrapped = await uow.fetch(wrapped_keys_of({row.owner for row in rows}))
    last, shut = None, 0
    for row in rows:
        last = row.number_hash.hex()
        try:
            number = keyring.unwrap(row.owner, wrapped[row.owner]).open(row.sender, SENDER)
        except (KeyError, *DOES_NOT_OPEN):
            shut += 1
            continue
        if row.number_hash not in keyring.number_hashes(number):
            shut += 1
        elif row.number_hash != keyring.number_hash(number):
            await bring_over(uow, keyring, number)
            return Batch(last, 1, shut)
    return Batch(last, 0, shut)


RENEWS: dict[str, Renews] = {
    "numbers that texts came from": texting_numbers,
    "numbers that texts went to": texted_numbers,
}
