"""Keeps the words of carers, officers and agencies: append-only, encrypted under the key of their subject.

The words in which police gave a reference are found by keyed hashes of its parts: none has to be decrypted for it.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from services.platform.register.keys import Decryptor, key_of
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, Rows, bulk_insert, fields_in
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import WordsId, is_provisional, new_id
from services.safeguarding.notice_fields import QUESTIONS

KEEP_REFERENCE = bulk_insert("register.reference_hashes", {"words": "text", "hash": "bytea"}, "ON CONFLICT DO NOTHING")
LEAST = 3
MONTHS = "JAN|FEB|MAR|APR|MAY|JUNE?|JULY?|AUG|SEPT?|OCT|NOV|DEC"
DAY = re.compile(
    rf"(?:\d{{1,2}}[/.-]\d{{1,2}}(?:[/.-](?:20)?\d\d)?|\d{{1,2}}[/.-]?(?:{MONTHS})[/.-]?(?:(?:20)?\d\d)?|20[23]\d|\d\d)[,.;]?",
    re.IGNORECASE,
)
"""A day or a year says nothing of a reference: those of one evening share it. In full, or without the year."""
UNLIKE = """
    SELECT known.words FROM register.references_for_protocol known
    CROSS JOIN (SELECT array_agg(hash) AS hashes FROM register.references_for_protocol WHERE words = ANY(%(given)s)) said
    WHERE known.words = ANY(%(known)s) AND said.hashes IS NOT NULL
    GROUP BY known.words, said.hashes HAVING NOT bool_or(known.hash = ANY(said.hashes))
"""


def keep_reference(uow: UnitOfWork, keyring: Keyring, words: WordsId, text: str) -> None:
    """Written with the commit, as the words are."""
    for each in hashes_by_key(keyring, text)[0]:
        uow.bulk_write(KEEP_REFERENCE, {"words": words, "hash": each})


def hashes_by_key(keyring: Keyring, text: str) -> list[tuple[bytes, ...]]:
    """Hashes of the whole text, and of each of its words that has three characters and a digit and is no day: by the
    newest key, then by older ones. Case, blanks and strokes make no difference.
    """
    words = [each for each in text.split() if not DAY.fullmatch(each)]
    parts = {"".join(filter(str.isalnum, each)).upper() for each in (text, *words)}
    named = sorted(each for each in parts if len(each) >= LEAST and any(map(str.isdigit, each)))
    hashed = [keyring.number_hashes(f"reference {each}") for each in named]
    return list(zip(*hashed, strict=True)) or [()]


def unlike_references(given: Collection[WordsId], known: Collection[WordsId]) -> Query[frozenset[WordsId]]:
    """The references among `known` that have no part in common with those given now. Words without a reference are left
    out.
    """
    about = {"given": list(given), "known": list(known)}
    return Query(UNLIKE, about, lambda rows: frozenset(row.words for row in rows))


PLACE = "words.words"


@dataclass(frozen=True, slots=True)
class Words:
    id: WordsId
    text: str
    said_by: str | None
    at: datetime
    answers: str | None = None
    """A value of `notice_fields.QUESTIONS`. None: they answer no question."""


KEEP = bulk_insert(
    "register.words",
    {"id": "text", "about": "text", "words": "bytea", "said_by": "text", "at": "timestamptz", "answers": "text"},
)


async def keep(
    uow: UnitOfWork,
    keyring: Keyring,
    *,
    about: str,
    words: str,
    said_by: str | None,
    at: datetime,
    answers: str | None = None,
    reference: bool = False,
) -> WordsId:
    """Written with the commit: a read in the same transaction does not find them.

    `about` is a child's id, provisional or not, or the owner of a number's key. `at` is when it was said, story time.
    `reference`: police gave one in it, by which the case is found again.
    """
    key = await key_of(uow, keyring, about, new=is_provisional(about))  # most words of such a child are its first
    words_id = new_id("words")
    row = {"id": words_id, "about": about, "words": key.close(words, PLACE), "said_by": said_by, "at": at}
    uow.bulk_write(KEEP, row | {"answers": answers})
    if reference:
        keep_reference(uow, keyring, words_id, words)
    return words_id


async def keep_form(
    uow: UnitOfWork, keyring: Keyring, said: Mapping[str, str], *, about: str, said_by: str | None, at: datetime
) -> dict[str, tuple[WordsId, ...]]:
    """The words of a form, by field. One that is named as a question of police is its answer."""
    how = partial(keep, uow, keyring, about=about, said_by=said_by, at=at)
    return {
        name: (await how(words=text, answers=QUESTIONS.get(name), reference=name == "reference"),)
        for name, text in said.items()
    }


REASONS = "SELECT * FROM register.words_of_operators WHERE id = ANY(%(ids)s::text[])"
FOR_DESK = "SELECT * FROM register.words_for_duty_desk WHERE id = ANY(%(ids)s::text[])"
OF_DISCUSSION = "SELECT * FROM register.discussion_records WHERE discussion = %(discussion)s ORDER BY place"
TOLD_TO_POLICE = "SELECT * FROM register.words_told_to_police WHERE delivery = %(delivery)s ORDER BY at, id"


def words_of_discussion(keyring: Keyring, discussion: UUID) -> Query[list[str | None]]:
    """A recorded discussion's words: what was said, then one text for each step of its plan. None is a gap: erased."""

    def decode(rows: Rows) -> list[str | None]:
        return [Decryptor(keyring, row.about, row.wrapped).open(row.words, PLACE) for row in rows]

    return Query(OF_DISCUSSION, {"discussion": discussion}, decode)


def words_told_to_police(keyring: Keyring, delivery: UUID) -> Query[list[Words]]:
    """The words that one notice to police names, oldest first."""
    return Query(TOLD_TO_POLICE, {"delivery": delivery}, partial(decrypt_words, keyring))


def words_by_id(keyring: Keyring, ids: Collection[WordsId]) -> Query[dict[WordsId, Words]]:
    """For the duty desk: what was said, word for word, as events name it."""
    return Query(FOR_DESK, {"ids": list(ids)}, lambda rows: {each.id: each for each in decrypt_words(keyring, rows)})


def reasons_by_id(keyring: Keyring, ids: Collection[WordsId]) -> Query[dict[WordsId, str]]:
    """The reasons that operators gave for their acts, and nobody else's words, without those whose key was erased."""
    return Query(
        REASONS, {"ids": list(ids)}, lambda rows: {each.id: each.text for each in decrypt_words(keyring, rows)}
    )


def decrypt_words(keyring: Keyring, rows: Rows) -> list[Words]:
    """Leaves out the words whose key was erased."""
    found = []
    for row in rows:
        text = Decryptor(keyring, row.about, row.wrapped).open(row.words, PLACE)
        if text is not None:
            found.append(Words(**fields_in(row, Words), text=text))
    return found
