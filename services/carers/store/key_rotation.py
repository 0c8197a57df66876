"""Brings the rows of a number under the newest phone key: when the number texts, and when `renew-keys` comes to it."""

from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from sqlalchemy import Update, delete, literal_column, select, update
from sqlalchemy.dialects.postgresql import distinct_on, insert

from services.carers.store.tables import claims, enrolments, provisionals, questions, texts_in
from services.carers.store.texts import OWNER, SENDER, owner_of
from services.platform.register.key_rotation import AT_ONCE, Batch
from services.platform.register.keys import known_data_keys
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork


async def bring_over(uow: UnitOfWork, keyring: Keyring, number: str) -> None:
    """Passes over a text that a reader has locked: that reader brings it over itself."""
    if not keyring.changes_phone_key:
        return
    newest, *older = keyring.number_hashes(number)
    held = (
        select(texts_in.c.message_sid)
        .where(texts_in.c.number_hash.in_(older))
        .order_by(texts_in.c.message_sid)
        .with_for_update(skip_locked=True)
    )
    await uow.connection.execute(_rehash_texts(newest).where(texts_in.c.message_sid.in_(held)))
    await _bring_question_over(uow, newest, older)
    for table in (provisionals, enrolments, claims):
        moved = update(table).where(table.c.number_hash.in_(older)).values(number_hash=newest)
        await uow.connection.execute(moved)


async def keep_in_order(uow: UnitOfWork, keyring: Keyring, numbers: Sequence[str]) -> None:
    """Call before texts are kept: the numbers' unread texts under an older key must be read first."""
    if not keyring.changes_phone_key:
        return
    for number in sorted(set(numbers)):
        newest, *older = keyring.number_hashes(number)
        waiting = texts_in.c.number_hash.in_(older) & texts_in.c.worked_at.is_(None)
        await uow.connection.execute(_rehash_texts(newest).where(waiting))


async def texting_numbers(uow: UnitOfWork, keyring: Keyring, after: str) -> Batch:
    """One number a transaction, so that its texts wait for no other's. `after` is a hash in hex."""
    found = await uow.connection.execute(
        select(*texts_in.c["number_hash", "sender", "key_owner"])
        .ext(distinct_on(texts_in.c.number_hash))
        .where(texts_in.c.number_hash > bytes.fromhex(after))
        .order_by(texts_in.c.number_hash)
        .limit(AT_ONCE)
    )
    rows = [(row.number_hash, row.sender, row.key_owner or owner_of(row.number_hash)) for row in found]
    keys = await known_data_keys(uow.connection, keyring, {owner for _hash, _sender, owner in rows})
    last, shut = None, 0
    for number_hash, sender, owner in rows:
        last = number_hash.hex()
        try:
            number = keys[owner].open(sender, SENDER)
        except (KeyError, InvalidTag):
            shut += 1
            continue
        if number_hash not in keyring.number_hashes(number):
            shut += 1
        elif number_hash != keyring.number_hash(number):
            await bring_over(uow, keyring, number)
            return Batch(last, 1, shut)
    return Batch(last, 0, shut)


def _rehash_texts(newest: bytes) -> Update:
    """The words stay sealed under their old key, whose owner is named by the older hash."""
    return update(texts_in).values(number_hash=newest, key_owner=literal_column(OWNER))


async def _bring_question_over(uow: UnitOfWork, newest: bytes, older: Sequence[bytes]) -> None:
    """A later question takes the place of an earlier, as in `conversations.ask`."""
    gone = await uow.connection.execute(
        delete(questions).where(questions.c.number_hash.in_(older)).returning(questions)
    )
    asked = sorted((dict(row) for row in gone.mappings()), key=lambda row: row["asked_at"])
    if asked:
        written = insert(questions).values(asked[-1] | {"number_hash": newest})
        await uow.connection.execute(written.on_conflict_do_nothing())
