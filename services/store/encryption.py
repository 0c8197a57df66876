"""Encrypted columns: AES-GCM under a data key per child, person or unknown number; data keys wrapped by the master key.

Destroying an owner's data key erases everything kept under it. Every ciphertext is bound to its table, column and
owner, so that one moved to another row or column does not open.
"""

import hashlib
import hmac
import os
from base64 import b64decode

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
KEY_BYTES = 32


class DataKey:
    """Opens and closes what belongs to one owner. `place` is "table.column"."""

    def __init__(self, owner: str, key: bytes) -> None:
        self._owner = owner
        self._cipher = AESGCM(key)

    def close(self, words: str, place: str) -> bytes:
        return self.close_bytes(words.encode(), place)

    def close_bytes(self, content: bytes, place: str) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, f"{place}/{self._owner}".encode())

    def open(self, closed: bytes, place: str) -> str:
        """Raises cryptography's InvalidTag where key, place or owner is another, or a byte was changed."""
        return self.open_bytes(closed, place).decode()

    def open_bytes(self, closed: bytes, place: str) -> bytes:
        """Raises InvalidTag as `open` does."""
        nonce, sealed = closed[:NONCE_BYTES], closed[NONCE_BYTES:]
        return self._cipher.decrypt(nonce, sealed, f"{place}/{self._owner}".encode())


class Keyring:
    """The master key and the key of keyed hashes. Held only by services that may read personal columns."""

    def __init__(self, master_key: str, phone_key: str) -> None:
        """Both base64 of 32 bytes; raises ValueError otherwise."""
        self._master = AESGCM(_decoded(master_key, "master_key"))
        self._hash_key = _decoded(phone_key, "phone_key")

    def wrapped_new_key(self, owner: str) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._master.encrypt(nonce, os.urandom(KEY_BYTES), owner.encode())

    def unwrap(self, owner: str, wrapped: bytes) -> DataKey:
        nonce, sealed = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        return DataKey(owner, self._master.decrypt(nonce, sealed, owner.encode()))

    def number_hash(self, number: str) -> bytes:
        """Finds a phone number (E.164) or an address without keeping it in the clear."""
        return self.body_hash(b"number/" + number.encode())

    def body_hash(self, body: bytes) -> bytes:
        return hmac.new(self._hash_key, body, hashlib.sha256).digest()


def _decoded(key: str, name: str) -> bytes:
    decoded = b64decode(key, validate=True)
    if len(decoded) != KEY_BYTES:
        msg = f"{name} must be the base64 of {KEY_BYTES} bytes"
        raise ValueError(msg)
    return decoded
