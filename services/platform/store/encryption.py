"""Encrypts columns: AES-GCM under a data key for each child, person or unknown number, wrapped by the master key.

Destroying an owner's data key erases everything encrypted under it. Every ciphertext is bound to its table, column and
owner, so that it cannot be decrypted in another row or column. While a key is being changed there are several: the
first encrypts and hashes, all of them decrypt and are searched by (docs/decisions/0025).
"""

import contextlib
import hashlib
import hmac
import os
from base64 import b64decode
from typing import Annotated

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import AfterValidator, Field, SecretStr

NONCE_BYTES = 12
KEY_BYTES = 32


class DataKey:
    """Encrypts (`close`) and decrypts (`open`) the columns of one owner. `place` is "table.column"."""

    def __init__(self, owner: str, key: bytes) -> None:
        self._owner = owner
        self._cipher = AESGCM(key)

    def close(self, words: str, place: str) -> bytes:
        return self.close_bytes(words.encode(), place)

    def close_bytes(self, content: bytes, place: str) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, f"{place}/{self._owner}".encode())

    def open(self, closed: bytes, place: str) -> str:
        """Raises cryptography's InvalidTag if the key, place or owner is another, or a byte was changed."""
        return self.open_bytes(closed, place).decode()

    def open_bytes(self, closed: bytes, place: str) -> bytes:
        """Raises InvalidTag as `open` does."""
        nonce, sealed = closed[:NONCE_BYTES], closed[NONCE_BYTES:]
        return self._cipher.decrypt(nonce, sealed, f"{place}/{self._owner}".encode())


class Keyring:
    """The master key and the key of keyed hashes. Held only by services that may read personal columns."""

    def __init__(self, master_key: str, phone_key: str) -> None:
        """Each key is the base64 of 32 bytes; several are separated by white space, newest first. Raises ValueError."""
        self._masters = [AESGCM(each) for each in decode_keys(master_key)]
        self._hash_keys = decode_keys(phone_key)

    @property
    def changes_phone_key(self) -> bool:
        """Whether numbers are searched by older keys too."""
        return len(self._hash_keys) > 1

    def wrapped_new_key(self, owner: str) -> bytes:
        return self._wrap(owner, os.urandom(KEY_BYTES))

    def unwrap(self, owner: str, wrapped: bytes) -> DataKey:
        """Raises InvalidTag if none of the master keys decrypts it."""
        return DataKey(owner, self._unwrapped(owner, wrapped)[0])

    def wrapped_anew(self, owner: str, wrapped: bytes) -> bytes | None:
        """Returns the data key wrapped by the newest master key, or None if it is already. Raises as `unwrap` does."""
        key, by = self._unwrapped(owner, wrapped)
        return None if by == 0 else self._wrap(owner, key)

    def number_hash(self, number: str) -> bytes:
        """Hashes a phone number (E.164) or address with the newest key, to find it without storing it in the clear."""
        return self.number_hashes(number)[0]

    def number_hashes(self, number: str) -> tuple[bytes, ...]:
        """Returns the hash by each key, the newest first, to search by."""
        return tuple(_hash(key, b"number/" + number.encode()) for key in self._hash_keys)

    def body_hash(self, body: bytes) -> bytes:
        return _hash(self._hash_keys[0], body)

    def _wrap(self, owner: str, key: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._masters[0].encrypt(nonce, key, owner.encode())

    def _unwrapped(self, owner: str, wrapped: bytes) -> tuple[bytes, int]:
        """Returns the data key, and the index of the master key that wrapped it."""
        nonce, sealed = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        for place, master in enumerate(self._masters):
            with contextlib.suppress(InvalidTag):
                return master.decrypt(nonce, sealed, owner.encode()), place
        raise InvalidTag


def _hash(key: bytes, content: bytes) -> bytes:
    return hmac.new(key, content, hashlib.sha256).digest()


def decode_keys(keys: str) -> list[bytes]:
    """Returns the keys in a file's text. Raises ValueError, which does not show them."""
    try:
        found = [b64decode(each, validate=True) for each in keys.split()]
    except ValueError:
        found = []
    if not found or any(len(each) != KEY_BYTES for each in found):
        msg = f"a key is the base64 of {KEY_BYTES} bytes"
        raise ValueError(msg)
    return found


def _require_keys(setting: SecretStr) -> SecretStr:
    decode_keys(setting.get_secret_value())
    return setting


Keys = Annotated[
    SecretStr,
    AfterValidator(_require_keys),
    Field(description="the base64 of 32 bytes, or several a line each while it is being changed"),
]
"""A setting that is a key: a wrong one is found when the service starts, not when it reads its first row."""
