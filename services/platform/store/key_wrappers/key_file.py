"""Wraps by a key that lies in a file, and reads the file again when it has changed."""

import os
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.platform.runtime.logs import logger

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


class KeyFile:
    """Several keys in one file, newest first. What is no key leaves those before in use, and is logged."""

    def __init__(self, text: str, file: Path | None = None) -> None:
        """`file` None: the keys are those of `text` for good. Raises ValueError."""
        self._keys = decode_keys(text)
        self._file = file
        self._read = _mark(file)

    def newest_first(self) -> Sequence[bytes]:
        if self._file is not None and (mark := _mark(self._file)) != self._read:
            self._read = mark
            try:
                self._keys = decode_keys(self._file.read_text())
            except (OSError, ValueError) as error:
                logger().error("a changed key file holds no key: the former ones stay", name=self._file.name, why=error)
        return self._keys


def _mark(file: Path | None) -> tuple[int, int] | None:
    """Another one is another file, or another content."""
    try:
        found = None if file is None else file.stat()
    except OSError:
        return None
    return None if found is None else (found.st_ino, found.st_mtime_ns)


class FileWrapper:
    """A KeyWrapper by one key (AES-GCM)."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def wrap(self, authority: str, key: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, key, authority.encode())

    def unwrap(self, authority: str, wrapped: bytes) -> bytes:
        return self._cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], authority.encode())
