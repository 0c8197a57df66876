"""Lists the keys that casework rotates. People's numbers and police's references are hashed anew with the newest phone
key, since each is found by its hash.
"""

from services.platform.register.keys import (
    AT_ONCE,
    Batch,
    Decryptor,
    Hashed,
    Renews,
    authority_keys,
    rehash,
    renew_data_keys,
)
from services.platform.register.words import PLACE, hashes_by_key, keep_reference
from services.platform.store.encryption import DOES_NOT_OPEN, Keyring
from services.platform.store.query import Query, all_rows
from services.platform.store.unit_of_work import UnitOfWork

NUMBERS = """
    SELECT id, id AS owner, mobile, number_hash FROM register.people
    WHERE number_hash IS NOT NULL AND id > %(after)s ORDER BY id LIMIT %(most)s
"""
REHASH = "UPDATE register.people SET number_hash = %(after)s WHERE id = %(of)s AND number_hash = %(before)s"
REFERENCES = """
    SELECT r.words AS id, w.about, w.words, w.wrapped, array_agg(r.hash) AS hashes
    FROM register.reference_hashes r LEFT JOIN register.words_for_duty_desk w ON w.id = r.words
    WHERE r.words > %(after)s GROUP BY r.words, w.about, w.words, w.wrapped ORDER BY r.words LIMIT %(most)s
"""
FORGET_REFERENCE = "DELETE FROM register.reference_hashes WHERE words = %(words)s"


async def numbers_of_people(uow: UnitOfWork, keyring: Keyring, after: str) -> Batch:
    asked = {"after": after, "most": AT_ONCE}
    rows = await uow.fetch(Query(NUMBERS, asked, lambda found: [Hashed(*row) for row in found]))
    return await rehash(uow, keyring, rows, "people.mobile", REHASH)


async def police_references(uow: UnitOfWork, keyring: Keyring, after: str) -> Batch:
    """Deletes those of an erased child."""
    rows, changed, undecryptable = await uow.fetch(Query(REFERENCES, {"after": after, "most": AT_ONCE}, all_rows)), 0, 0
    for row in rows:
        try:
            text = Decryptor(keyring, row.about, row.wrapped).open(row.words, PLACE) or ""
        except DOES_NOT_OPEN:
            undecryptable += 1
            continue
        if set(hashes_by_key(keyring, text)[0]) != set(row.hashes):
            await uow.fetch(Query(FORGET_REFERENCE, {"words": row.id}, all_rows))
            keep_reference(uow, keyring, row.id, text)
            changed += 1
    return Batch(rows[-1].id if rows else None, changed, undecryptable)


RENEWS: dict[str, Renews] = {
    "authorities' keys": authority_keys,
    "data keys": renew_data_keys,
    "people's numbers": numbers_of_people,
    "police references": police_references,
}
