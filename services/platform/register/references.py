"""Finds the words in which police gave a reference, by keyed hashes of its parts: none has to be decrypted for it."""

from services.platform.store.encryption import Keyring
from services.platform.store.query import bulk_insert
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import WordsId

KEEP = bulk_insert("register.reference_hashes", {"words": "text", "hash": "bytea"}, "ON CONFLICT DO NOTHING")
LEAST = 3


def keep_reference(uow: UnitOfWork, keyring: Keyring, words: WordsId, text: str) -> None:
    """Written with the commit, as the words are."""
    for each in hashes_by_key(keyring, text)[0]:
        uow.bulk_write(KEEP, {"words": words, "hash": each})


def hashes_by_key(keyring: Keyring, text: str) -> list[tuple[bytes, ...]]:
    """Of the whole, and of each of its words with three letters or more, where it has a digit: by the newest key, then
    by older ones. Case, blanks and strokes make no difference.
    """
    parts = {"".join(filter(str.isalnum, each)).upper() for each in (text, *text.split())}
    named = sorted(each for each in parts if len(each) >= LEAST and any(map(str.isdigit, each)))
    hashed = [keyring.number_hashes(f"reference {each}") for each in named]
    return list(zip(*hashed, strict=True)) or [()]
