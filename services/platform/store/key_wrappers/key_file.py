"""Wraps by a key that lies in a file, and reads the file again when it has changed."""

import os
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.platform.runtime.settings import SecretFile

NONCE_BYTES = 12
KEY_BYTES = 32


def decode_keys(keys: str) -> list[bytes]:
    """Returns the keys in a file's text. Raises ValueError, which does not show them."""
    try:
        found = [b64decode(each, validate=True) for each in keys.split()]
    except ValueError:
        found = []
    if not found or any(len(each) != KEY_BYTES for each in found):
        raise ValueError(f"a key is the base64 of {KEY_BYTES} bytes")
    return found


class KeyFile(SecretFile[list[bytes]]):
    """Several keys in one file, newest first."""

    def __init__(self, text: str, file: Path | None = None) -> None:
        """`file` None: the keys are those of `text` for good. Raises ValueError."""
        super().__init__(text, decode_keys, file)

    def newest_first(self) -> Sequence[bytes]:
        return self.value()

    @classmethod
    def of(cls, key: "str | KeyFile") -> "KeyFile":
        return key if isinstance(key, KeyFile) else cls(key)


class FileWrapper:
    """A KeyWrapper by one key (AES-GCM)."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def wrap(self, authority: str, key: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, key, authority.encode())

    def unwrap(self, authority: str, wrapped: bytes) -> bytes:
        return self._cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], authority.encode())
