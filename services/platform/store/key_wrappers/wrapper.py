"""Says what wraps an authority's key, and how a key that is one authority's is named.

Here it is a key that lies in a file, read again when the file has changed; `cloud` and `hsm` are the other ways.
"""

import os
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.platform.runtime.settings import SecretFile

AUTHORITY = "{authority}"
"""In the name of the key above: the authority's id."""
OF_NO_AUTHORITY = "*"
"""In place of an authority's id: unknown numbers, forces, agencies, accounts, children who are not identified yet."""


class KeyServiceAway(ConnectionError):
    """The module or service that holds the key does not answer. It passes: the work is repeated."""


class KeyMissing(KeyServiceAway):
    """One authority's own key is not there, or is disabled. Others' work need not wait for it: this does not pass by
    itself.
    """


DOES_NOT_OPEN = (InvalidTag, KeyMissing)
"""Says of one row that it stays closed, and nothing of the others."""


def is_away(error: BaseException) -> bool:
    """Whether the work may be put off until the key is there, while others' keys are."""
    return isinstance(error, KeyServiceAway) and not isinstance(error, KeyMissing)


class KeyWrapper(Protocol):
    """Called rarely: an unwrapped key is kept in memory. A call holds the process up until it is answered."""

    def wrap(self, authority: str, key: bytes) -> bytes:
        """Raises KeyServiceAway."""

    def unwrap(self, authority: str, wrapped: bytes) -> bytes:
        """Raises InvalidTag if it was wrapped by another key, or the key may not be used; KeyServiceAway."""


def is_its_own(name: str, authority: str) -> bool:
    """Whether a key of this name is one authority's alone. What belongs to none is everybody's."""
    return AUTHORITY in name and authority != OF_NO_AUTHORITY


def fill_in_authority(name: str, authority: str) -> str:
    """`_` stands for what belongs to no authority: an alias of AWS KMS may not hold an asterisk."""
    return name.replace(AUTHORITY, authority.replace(OF_NO_AUTHORITY, "_"))


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
