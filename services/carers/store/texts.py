"""Texts that came in: kept before Twilio is answered, read one by one, in order for each sender."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.carers.store.tables import texts_in
from services.carers.text import READ_LETTERS, Flaw, Text
from services.platform.register.keys import data_keys, key_of, remember
from services.platform.store.encryption import DataKey, Keyring
from services.platform.store.query import Statement, bulk_insert, execute_pipelined, unnest_rows
from services.platform.store.unit_of_work import UnitOfWork

SENDER, BODY = "texts_in.sender", "texts_in.body"
HOUR = timedelta(hours=1)
COLUMNS = {
    "message_sid": "text",
    "number_hash": "bytea",
    "sender": "bytea",
    "body": "bytea",
    "received_at": "timestamptz",
    "story_at": "timestamptz",
    "tries": "integer",
    "next_try_at": "timestamptz",
    "key_owner": "text",
    "content_hash": "bytea",
    "flaw": "text",
}
KEEP = bulk_insert("texts_in", COLUMNS, "ON CONFLICT DO NOTHING")
OTHER_WORDS: Flaw = "other-words"
REST = ", ".join(name for name in COLUMNS if name not in {"message_sid", "flaw"})
KEEP_OTHER_WORDS = f"""
    INSERT INTO texts_in (message_sid, flaw, {REST})
    SELECT given.own_sid, '{OTHER_WORDS}', {", ".join(f"given.{name}" for name in REST.split(", "))}
    FROM {unnest_rows({**COLUMNS, "own_sid": "text"})}
    JOIN texts_in AS first USING (message_sid)
    WHERE first.content_hash IS DISTINCT FROM given.content_hash
    ORDER BY place ON CONFLICT DO NOTHING
"""  # noqa: S608 this module's own words
"""After KEEP, as a statement of its own: only so does it see what another process kept meanwhile by the same id."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A text that this transaction holds. Still sealed, so that one that does not open can be told of all the same.

    `wrapped` is its owner's data key, None where that was erased. `waiting`: of each sender the first other text that was not
    read yet, as far as they were looked through.
    """

    sid: str
    key_owner: str
    sender: bytes
    body: bytes
    received_at: datetime
    story_at: datetime
    tries: int
    flaw: Flaw | None
    wrapped: bytes | None
    waiting: Sequence[str]


def owner_of(number_hash: bytes) -> str:
    """Whose key seals what a number sends, whoever it belongs to. Texts from before a change of the phone key keep their own."""
    return f"number-{number_hash.hex()}"


OWNER = "coalesce(key_owner, 'number-' || encode(number_hash, 'hex'))"
"""The same of a row of `texts_in`."""


async def keep(uow: UnitOfWork, keyring: Keyring, several: Sequence[Text]) -> None:
    """As many statements for many as for one. A text that is there already stays as it is; other words by the same id of Twilio's
    are a text of their own, whose id follows from both.

    Keys and rows are written in one order by everybody, so that two processes do not wait for each other.
    """
    hashes = {text.sender: keyring.number_hash(text.sender) for text in several}
    owners = sorted({owner_of(number_hash) for number_hash in hashes.values()})
    keys = await data_keys(uow.connection, keyring, owners, new=True)
    rows: dict[tuple[str, bytes], dict[str, Any]] = {}
    for text in several:
        number_hash = hashes[text.sender]
        owner = owner_of(number_hash)
        content_hash = keyring.body_hash(text.content)
        sealed = _sealed(text, number_hash, owner, keys[owner])
        rows.setdefault((text.sid, content_hash), sealed | {"content_hash": content_hash})
    uow.bulk_write(KEEP, *rows.values(), locks="message_sid")
    others = [row | {"own_sid": f"{sid}-{content.hex()[:32]}"} for (sid, content), row in rows.items()]
    uow.bulk_write(KEEP_OTHER_WORDS, *others, locks="message_sid")


def _sealed(text: Text, number_hash: bytes, owner: str, key: DataKey) -> dict[str, Any]:
    return {
        "message_sid": text.sid,
        "number_hash": number_hash,
        "sender": key.close(text.sender, SENDER),
        "body": key.close(json.dumps([text.body + text.rest, *text.pictures]), BODY),
        "received_at": text.received_at,
        "story_at": text.story_at,
        "tries": 0,
        "next_try_at": text.received_at,
        "key_owner": owner,
        "flaw": text.flaw,
    }


NEXT_UNREAD = f"""
    WITH next AS (
        SELECT * FROM texts_in AS text
        WHERE worked_at IS NULL AND next_try_at <= %(now)s AND NOT EXISTS (
            SELECT FROM texts_in AS older
            WHERE older.number_hash = text.number_hash AND older.worked_at IS NULL
            AND (older.received_at, older.message_sid) < (text.received_at, text.message_sid)
        )
        ORDER BY received_at, message_sid LIMIT 1 FOR UPDATE SKIP LOCKED
    ), others AS (
        SELECT * FROM texts_in WHERE worked_at IS NULL ORDER BY received_at, message_sid LIMIT %(looked_through)s
    )
    SELECT message_sid, owner, sender, body, received_at, story_at, tries, flaw, wrapped, ARRAY(
        SELECT DISTINCT ON (others.number_hash) others.message_sid FROM others
        WHERE others.message_sid <> next.message_sid AND others.next_try_at <= %(now)s
        ORDER BY others.number_hash, others.received_at, others.message_sid
    )
    FROM next
    CROSS JOIN LATERAL (SELECT {OWNER} AS owner) AS whose
    LEFT JOIN register.data_keys USING (owner)
"""  # noqa: S608 this module's own words
LOOKED_THROUGH = 32


async def next_unread(uow: UnitOfWork, now: datetime) -> Unread | None:
    """The oldest whose sender has no older one unread; those in another reader's hands are passed over."""
    asked = {"now": now, "looked_through": LOOKED_THROUGH}
    [rows] = await execute_pipelined(uow.connection, (NEXT_UNREAD, asked))
    return Unread(*rows[0]) if rows else None


async def opened(uow: UnitOfWork, keyring: Keyring, unread: Unread) -> Text:
    remember(uow, keyring, unread.key_owner, unread.wrapped)
    key = await key_of(uow, keyring, unread.key_owner)
    body, *pictures = json.loads(key.open(unread.body, BODY))
    return Text(
        sid=unread.sid,
        sender=key.open(unread.sender, SENDER),
        body=body[:READ_LETTERS],
        pictures=tuple(pictures),
        received_at=unread.received_at,
        story_at=unread.story_at,
        flaw=unread.flaw,
        rest=body[READ_LETTERS:],
    )


READ = "UPDATE texts_in SET worked_at = %(at)s, replied_at = %(replied_at)s WHERE message_sid = %(sid)s"


def read(uow: UnitOfWork, sid: str, *, at: datetime, replied: bool) -> None:
    """Written with the commit. `at` is wall time."""
    uow.write(READ, {"sid": sid, "at": at, "replied_at": at if replied else None})


async def failed(uow: UnitOfWork, unread: Unread, try_again_at: datetime) -> bool:
    """False where another reader, who took it up in between, has counted the failure already or has done better."""
    counted = await uow.connection.execute(
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


ANSWERED_SINCE = """
    SELECT EXISTS (
        SELECT FROM texts_in WHERE number_hash = %(number_hash)s AND received_at > %(since)s AND replied_at IS NOT NULL
    )
"""


def answered_since(number_hash: bytes, since: datetime) -> Statement:
    """One row: whether any text that came from the number after `since` (wall time) was answered."""
    return ANSWERED_SINCE, {"number_hash": number_hash, "since": since}


FIRST_OWNER = f"""
    SELECT {OWNER} FROM texts_in WHERE number_hash = %(number_hash)s
    ORDER BY received_at, message_sid LIMIT 1
"""  # noqa: S608 this module's own words


def first_owner(number_hash: bytes) -> Statement:
    """One row, since the text that is read is there: whose key closes the number's first. That name stays, whatever the number's
    hash becomes.
    """
    return FIRST_OWNER, {"number_hash": number_hash}


async def backlog(connection: AsyncConnection) -> tuple[int, datetime | None]:
    found = await connection.execute(
        select(func.count(), func.min(texts_in.c.received_at)).where(texts_in.c.worked_at.is_(None))
    )
    row = found.one()
    return row[0], row[1]
