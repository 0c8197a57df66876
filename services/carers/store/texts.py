"""Keeps the texts that came in: written before Twilio is answered, read one by one, in order for each sender.

Known numbers' texts are read before strangers'.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.carers.text import READ_LETTERS, Flaw, Priority, Text
from services.platform.register.keys import data_keys, key_of, remember
from services.platform.store.encryption import DataKey, Keyring
from services.platform.store.query import Query, first_row, scalar, unnest_rows
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import ChildId

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
    "texted": "text",
}
PRIORITY = f"""CASE WHEN EXISTS (
    SELECT FROM register.for_conversation AS known WHERE known.number_hash IN (given.number_hash, given.oldest_hash)
) THEN {Priority.KNOWN} ELSE given.priority END"""
GIVEN = {**COLUMNS, "priority": "smallint", "oldest_hash": "bytea"}
KEEP = f"""
    INSERT INTO texts_in ({", ".join(COLUMNS)}, priority)
    SELECT {", ".join(f"given.{name}" for name in COLUMNS)}, {PRIORITY} FROM {unnest_rows(GIVEN)}
    ORDER BY place ON CONFLICT DO NOTHING RETURNING true
"""  # noqa: S608 this module's own words
OTHER_WORDS: Flaw = "other-words"
REST = ", ".join(name for name in COLUMNS if name not in {"message_sid", "flaw"})
KEEP_OTHER_WORDS = f"""
    INSERT INTO texts_in (message_sid, flaw, {REST}, priority)
    SELECT given.own_sid, '{OTHER_WORDS}', {", ".join(f"given.{name}" for name in REST.split(", "))}, {PRIORITY}
    FROM {unnest_rows({**GIVEN, "own_sid": "text"})}
    JOIN texts_in AS first USING (message_sid)
    WHERE first.content_hash IS DISTINCT FROM given.content_hash
    ORDER BY place ON CONFLICT DO NOTHING
"""  # noqa: S608 this module's own words
"""A statement of its own, after KEEP: only then does it see a text that another process has kept under the same id."""
BRING_FORWARD = f"""
    UPDATE texts_in SET priority = behind.wanted
    FROM (
        SELECT older.message_sid, kept.priority AS wanted FROM {unnest_rows({"message_sid": "text"})}
        JOIN texts_in AS kept USING (message_sid) JOIN texts_in AS older USING (number_hash)
        WHERE kept.priority < {Priority.STRANGER} AND older.worked_at IS NULL AND older.priority > kept.priority
        ORDER BY older.message_sid FOR UPDATE OF older SKIP LOCKED
    ) AS behind
    WHERE texts_in.message_sid = behind.message_sid
"""  # noqa: S608 this module's own words
"""What a number texted before must be read before an urgent text of it. One that is locked is being read."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A text that this transaction has locked. It is still sealed, so that one that does not open can be reported all
    the same.

    `wrapped` is its owner's data key, None where that was erased. `waiting` holds the first other unread text of each
    sender, of the oldest `LOOKED_THROUGH`.
    """

    sid: str
    key_owner: str
    sender: bytes
    body: bytes
    received_at: datetime
    story_at: datetime
    tries: int
    flaw: Flaw | None
    texted: str
    priority: Priority
    wrapped: bytes | None
    waiting: Sequence[str]


def owner_of(number_hash: bytes) -> str:
    """The owner of the key that seals the number's texts. Texts from before a change of the phone key keep theirs."""
    return f"number-{number_hash.hex()}"


OWNER = "coalesce(key_owner, 'number-' || encode(number_hash, 'hex'))"
"""`owner_of`, for a row of `texts_in`."""


KNOWN = """
    SELECT number_hash FROM register.for_conversation WHERE number_hash = ANY(%(numbers)s::bytea[])
"""


def known_of(number_hashes: Collection[bytes]) -> Query[frozenset[bytes]]:
    """Those of them that the register knows."""
    return Query(KNOWN, {"numbers": list(number_hashes)}, lambda rows: frozenset(bytes(row[0]) for row in rows))


async def keep(uow: UnitOfWork, keyring: Keyring, several: Mapping[Text, Priority]) -> None:
    """`several`: each text, and its priority if the register does not know its number.

    Writes with the commit, in one statement for all. A text that is there already stays as it is; other words under
    the same Twilio id are a text of their own, whose id is derived from both.

    Keys and rows are always written in the same order, so that two processes cannot deadlock. `uow.returned[KEEP]` has
    a row for each that was not there.
    """
    hashes = {text.sender: keyring.number_hashes(text.sender) for text in several}
    owners = sorted({owner_of(newest) for newest, *_ in hashes.values()})
    keys = await data_keys(uow.connection, keyring, owners, new=True)
    rows: dict[tuple[str, bytes], dict[str, Any]] = {}
    for text, priority in several.items():
        number_hash, oldest_hash = hashes[text.sender][0], hashes[text.sender][-1]
        owner = owner_of(number_hash)
        content_hash = keyring.body_hash(text.content)
        sealed = _seal(text, number_hash, owner, keys[owner]) | {"priority": priority, "oldest_hash": oldest_hash}
        rows.setdefault((text.sid, content_hash), sealed | {"content_hash": content_hash})
    uow.bulk_write(KEEP, *rows.values(), locks="message_sid")
    others = [row | {"own_sid": f"{sid}-{content.hex()[:32]}"} for (sid, content), row in rows.items()]
    uow.bulk_write(KEEP_OTHER_WORDS, *others, locks="message_sid")
    uow.bulk_write(BRING_FORWARD, *({"message_sid": sid} for sid, _ in rows))


def _seal(text: Text, number_hash: bytes, owner: str, key: DataKey) -> dict[str, Any]:
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
        "texted": text.to,
    }


NEXT_UNREAD = f"""
    WITH next AS (
        SELECT * FROM texts_in AS text
        WHERE worked_at IS NULL AND priority <= %(least)s AND next_try_at <= %(now)s AND (
            SELECT older.message_sid FROM texts_in AS older
            WHERE older.number_hash = text.number_hash AND older.worked_at IS NULL
            AND (older.received_at, older.message_sid) < (text.received_at, text.message_sid)
            ORDER BY older.worked_at, older.received_at, older.message_sid LIMIT 1
        ) IS NULL
        ORDER BY priority, received_at, message_sid LIMIT 1 FOR UPDATE SKIP LOCKED
    ), others AS (
        SELECT * FROM texts_in WHERE worked_at IS NULL AND priority <= %(least)s
        ORDER BY priority, received_at, message_sid LIMIT %(looked_through)s
    )
    SELECT message_sid AS sid, owner AS key_owner, sender, body, received_at, story_at, tries, flaw, texted,
        priority, wrapped, ARRAY(
        SELECT DISTINCT ON (others.number_hash) others.message_sid FROM others
        WHERE others.message_sid <> next.message_sid AND others.next_try_at <= %(now)s
        ORDER BY others.number_hash, others.received_at, others.message_sid
    ) AS waiting
    FROM next
    CROSS JOIN LATERAL (SELECT {OWNER} AS owner) AS whose
    LEFT JOIN register.data_keys USING (owner)
"""  # noqa: S608 this module's own words
"""A subquery, since PostgreSQL may answer `NOT EXISTS` by reading all that is unread. Its order is that of
`texts_in_by_reading`. Asked under `BY_INDEX_ORDER`.
"""
LOOKED_THROUGH = 32


def next_unread(now: datetime, least: Priority = Priority.STRANGER) -> Query[Unread | None]:
    """Locks the first text whose sender has no older one unread: by priority, none under `least`, then by age. Passes
    over texts that another reader has locked.
    """
    asked = {"now": now, "least": least, "looked_through": LOOKED_THROUGH}
    return Query(NEXT_UNREAD, asked, lambda rows: Unread(**rows[0]._asdict()) if rows else None)


async def decrypt(uow: UnitOfWork, keyring: Keyring, unread: Unread) -> Text:
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
        to=unread.texted,
        rest=body[READ_LETTERS:],
    )


MARK_READ = """
    UPDATE texts_in SET worked_at = %(at)s, replied_at = %(replied_at)s, about = %(about)s WHERE message_sid = %(sid)s
"""


def mark_read(uow: UnitOfWork, sid: str, *, at: datetime, replied: bool, about: Collection[ChildId]) -> None:
    """Written with the commit. `at` is wall time. The text goes with the first of `about` that is erased."""
    uow.write(MARK_READ, {"sid": sid, "at": at, "replied_at": at if replied else None, "about": sorted(about)})


FAILED = """
    UPDATE texts_in SET tries = tries + 1, next_try_at = %(next_try_at)s
    WHERE message_sid = %(sid)s AND worked_at IS NULL AND tries = %(tries)s RETURNING true
"""


async def count_failure(uow: UnitOfWork, unread: Unread, next_try_at: datetime) -> bool:
    """False where another reader has taken it up meanwhile, and has counted the failure or read the text."""
    row = {"sid": unread.sid, "tries": unread.tries, "next_try_at": next_try_at}
    return await uow.fetch(Query(FAILED, row, bool))


PUT_OFF = "UPDATE texts_in SET next_try_at = %(until)s WHERE message_sid = %(sid)s AND worked_at IS NULL"


def put_off(uow: UnitOfWork, unread: Unread, until: datetime) -> None:
    """Written with the commit. No failure is counted: what the text needs is away."""
    uow.write(PUT_OFF, {"sid": unread.sid, "until": until})


OF_NUMBER = """
    SELECT count(*) + 1 AS texts, count(replied_at) AS replies, ARRAY(
        SELECT DISTINCT about[1] FROM texts_in
        WHERE number_hash = %(number_hash)s AND worked_at > %(spoken_of_since)s AND cardinality(about) = 1
    ) AS about
    FROM texts_in WHERE number_hash = %(number_hash)s AND worked_at > %(since)s AND received_at > %(since)s
"""
"""A text that came since then was read since then, so `worked_at` bounds the search, and the index alone answers."""
A_WEEK = timedelta(days=7)


def texts_of_number(number_hash: bytes, now: datetime) -> Query[tuple[int, int, Sequence[ChildId]]]:
    """How many of the number's texts of the hour before `now` (wall time) have been read, the one that is being read
    included, and how many were answered. Also whom texts of its week were about, and nobody else with them.
    """
    asked = {"number_hash": number_hash, "since": now - HOUR, "spoken_of_since": now - A_WEEK}
    return Query(OF_NUMBER, asked, first_row)


ABOUT_THIS_HOUR = """
    SELECT about, max(story_at) AS at FROM texts_in
    WHERE number_hash = %(number_hash)s AND worked_at > %(since)s AND received_at > %(since)s AND about IS NOT NULL
    GROUP BY about ORDER BY at DESC
"""


def about_in_last_hour(number_hash: bytes, now: datetime) -> Query[tuple[tuple[frozenset[ChildId], datetime], ...]]:
    """Whom the number's texts of the hour before `now` (wall time) were about, and when (story time), the newest first.
    What is about nobody in particular is kept as about all of its children.
    """
    asked = {"number_hash": number_hash, "since": now - HOUR}
    return Query(ABOUT_THIS_HOUR, asked, lambda rows: tuple((frozenset(row.about), row.at) for row in rows))


ANSWERED_SINCE = """
    SELECT EXISTS (
        SELECT FROM texts_in
        WHERE number_hash = %(number_hash)s AND worked_at > %(since)s AND received_at > %(since)s AND replied_at IS NOT NULL
    )
"""


def is_answered_since(number_hash: bytes, since: datetime) -> Query[bool]:
    """Whether any text that came from the number after `since` (wall time) was answered."""
    return Query(ANSWERED_SINCE, {"number_hash": number_hash, "since": since}, scalar)


FIRST_OWNER = f"""
    SELECT {OWNER} FROM texts_in WHERE number_hash = %(number_hash)s
    ORDER BY received_at, message_sid LIMIT 1
"""  # noqa: S608 this module's own words


def first_key_owner(number_hash: bytes) -> Query[str]:
    """The owner of the key that seals the number's first text. A text of the number must be there.

    The name outlives changes of the number's hash.
    """
    return Query(FIRST_OWNER, {"number_hash": number_hash}, scalar)


ANY_UNREAD = """
    SELECT (
        SELECT message_sid FROM texts_in WHERE worked_at IS NULL ORDER BY priority, received_at, message_sid LIMIT 1
    ) IS NOT NULL
"""
"""Asked under `BY_INDEX_ORDER`."""


def is_any_unread() -> Query[bool]:
    """Whether there is one, also where another reader has locked it, or its time to be tried again has not come."""
    return Query(ANY_UNREAD, {}, scalar)


BACKLOG = f"""
    SELECT count(*) AS texts, min(received_at) AS oldest,
        min(received_at) FILTER (WHERE priority = {Priority.KNOWN}) AS oldest_known
    FROM texts_in WHERE worked_at IS NULL
"""  # noqa: S608 this module's own words


def backlog() -> Query[tuple[int, datetime | None, datetime | None]]:
    """How many texts are unread, when the oldest of them came, and when the oldest of a known number."""
    return Query(BACKLOG, {}, first_row)
