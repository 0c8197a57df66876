"""Texts that came in: kept before Twilio is answered, read one by one, in order for each sender."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, bindparam, exists, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.carers.store.tables import texts_in
from services.carers.text import Text
from services.register.keys import data_key, data_keys
from services.store.encryption import DataKey, Keyring
from services.store.pipeline import Statement, insert_given
from services.store.transaction import Transaction

SENDER, BODY = "texts_in.sender", "texts_in.body"
HOUR = timedelta(hours=1)
KEEP = insert_given(
    "texts_in",
    {
        "message_sid": "text",
        "number_hash": "bytea",
        "sender": "bytea",
        "body": "bytea",
        "received_at": "timestamptz",
        "story_at": "timestamptz",
        "tries": "integer",
        "next_try_at": "timestamptz",
        "key_owner": "text",
    },
    "ON CONFLICT DO NOTHING",
)


@dataclass(frozen=True, slots=True)
class Unread:
    """A text that this transaction holds. Still sealed, so that one that does not open can be told of all the same."""

    sid: str
    key_owner: str
    sender: bytes
    body: bytes
    received_at: datetime
    story_at: datetime
    tries: int


def owner_of(number_hash: bytes) -> str:
    """Whose key seals what a number sends, whoever it belongs to. Texts from before a change of the phone key keep their own."""
    return f"number-{number_hash.hex()}"


async def keep(transaction: Transaction, keyring: Keyring, several: Sequence[Text]) -> None:
    """As many statements for many as for one. A text that is there already stays as it is.

    Keys and rows are written in one order by everybody, so that two processes do not wait for each other.
    """
    hashes = {text.sender: keyring.number_hash(text.sender) for text in several}
    owners = sorted({owner_of(number_hash) for number_hash in hashes.values()})
    keys = await data_keys(transaction.connection, keyring, owners)
    rows: dict[str, dict[str, Any]] = {}
    for text in several:
        number_hash = hashes[text.sender]
        owner = owner_of(number_hash)
        rows.setdefault(text.sid, _sealed(text, number_hash, owner, keys[owner]))
    transaction.write_last(KEEP, *rows.values(), locks="message_sid")


def _sealed(text: Text, number_hash: bytes, owner: str, key: DataKey) -> dict[str, Any]:
    return {
        "message_sid": text.sid,
        "number_hash": number_hash,
        "sender": key.close(text.sender, SENDER),
        "body": key.close(json.dumps([text.body, *text.pictures]), BODY),
        "received_at": text.received_at,
        "story_at": text.story_at,
        "tries": 0,
        "next_try_at": text.received_at,
        "key_owner": owner,
    }


def _next_unread() -> Select[Any]:
    older = texts_in.alias()
    place = tuple_(texts_in.c.received_at, texts_in.c.message_sid)
    waits_for_older = exists().where(
        older.c.number_hash == texts_in.c.number_hash,
        older.c.worked_at.is_(None),
        tuple_(older.c.received_at, older.c.message_sid) < place,
    )
    return (
        select(texts_in)
        .where(texts_in.c.worked_at.is_(None), texts_in.c.next_try_at <= bindparam("now"), ~waits_for_older)
        .order_by(texts_in.c.received_at, texts_in.c.message_sid)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


NEXT_UNREAD = _next_unread()


async def next_unread(transaction: Transaction, now: datetime) -> Unread | None:
    """The oldest whose sender has no older one unread; those in another reader's hands are passed over."""
    row = (await transaction.connection.execute(NEXT_UNREAD, {"now": now})).mappings().first()
    if row is None:
        return None
    return Unread(
        row["message_sid"],
        row["key_owner"] or owner_of(row["number_hash"]),
        row["sender"],
        row["body"],
        row["received_at"],
        row["story_at"],
        row["tries"],
    )


async def opened(connection: AsyncConnection, keyring: Keyring, unread: Unread) -> Text:
    key = await data_key(connection, keyring, unread.key_owner)
    body, *pictures = json.loads(key.open(unread.body, BODY))
    return Text(unread.sid, key.open(unread.sender, SENDER), body, tuple(pictures), unread.received_at, unread.story_at)


READ = "UPDATE texts_in SET worked_at = %(at)s, replied_at = %(replied_at)s WHERE message_sid = %(sid)s"


def read(transaction: Transaction, sid: str, *, at: datetime, replied: bool) -> None:
    """Written with the commit. `at` is wall time."""
    transaction.write_in_order(READ, {"sid": sid, "at": at, "replied_at": at if replied else None})


async def failed(transaction: Transaction, unread: Unread, try_again_at: datetime) -> bool:
    """False where another reader, who took it up in between, has counted the failure already or has done better."""
    counted = await transaction.connection.execute(
        update(texts_in)
        .where(texts_in.c.message_sid == unread.sid, texts_in.c.worked_at.is_(None), texts_in.c.tries == unread.tries)
        .values(tries=unread.tries + 1, next_try_at=try_again_at)
        .returning(texts_in.c.tries)
    )
    return counted.first() is not None


THIS_HOUR = """
    SELECT count(*), count(replied_at) FROM texts_in WHERE number_hash = %(number_hash)s AND received_at > %(since)s
"""


def this_hour(number_hash: bytes, now: datetime) -> Statement:
    """One row: how many texts came from the number in the hour before `now` (wall time), and how many were answered."""
    return THIS_HOUR, {"number_hash": number_hash, "since": now - HOUR}


async def answered_since(connection: AsyncConnection, number_hash: bytes, since: datetime) -> bool:
    """Whether any text that came from the number after `since` (wall time) was answered."""
    return bool(
        await connection.scalar(
            select(
                exists().where(
                    texts_in.c.number_hash == number_hash,
                    texts_in.c.received_at > since,
                    texts_in.c.replied_at.is_not(None),
                )
            )
        )
    )


async def first_owner(connection: AsyncConnection, number_hash: bytes) -> str:
    """Whose key closes the number's first text: the name stays, whatever the number's hash becomes."""
    owner = await connection.scalar(
        select(texts_in.c.key_owner)
        .where(texts_in.c.number_hash == number_hash)
        .order_by(texts_in.c.received_at, texts_in.c.message_sid)
        .limit(1)
    )
    return owner or owner_of(number_hash)


async def backlog(connection: AsyncConnection) -> tuple[int, datetime | None]:
    found = await connection.execute(
        select(func.count(), func.min(texts_in.c.received_at)).where(texts_in.c.worked_at.is_(None))
    )
    row = found.one()
    return row[0], row[1]
