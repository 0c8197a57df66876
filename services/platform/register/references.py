"""Finds the words in which police gave a reference, by keyed hashes of its parts: none has to be decrypted for it."""

import re
from collections.abc import Collection

from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, bulk_insert
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import WordsId

KEEP = bulk_insert("register.reference_hashes", {"words": "text", "hash": "bytea"}, "ON CONFLICT DO NOTHING")
LEAST = 3
DAY = re.compile(r"(?:\d{1,2}[/.-]\d{1,2}[/.-])?(?:20[23]\d|\d\d)[,.;]?")
"""A day or a year says nothing of a reference: those of one evening share it."""
UNLIKE = """
    SELECT known.words FROM register.references_for_protocol known
    CROSS JOIN (SELECT array_agg(hash) AS hashes FROM register.references_for_protocol WHERE words = ANY(%(given)s)) said
    WHERE known.words = ANY(%(known)s) AND said.hashes IS NOT NULL
    GROUP BY known.words, said.hashes HAVING NOT bool_or(known.hash = ANY(said.hashes))
"""


def keep_reference(uow: UnitOfWork, keyring: Keyring, words: WordsId, text: str) -> None:
    """Written with the commit, as the words are."""
    for each in hashes_by_key(keyring, text)[0]:
        uow.bulk_write(KEEP, {"words": words, "hash": each})


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
