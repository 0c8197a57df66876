"""Says what wraps an authority's key, and how a key that is one authority's is named.

Here it is a key that lies in a file, read again when the file has changed; `cloud` and `hsm` are the other ways.

Encrypts columns: AES-GCM under a data key for each child, person or unknown number.

A data key is sealed by its authority's key, which is wrapped by the master key, or by one in a hardware module or key
service. Destroying an owner's data key erases everything encrypted under it; destroying an authority's, everything of
its owners'. Every ciphertext is bound to its table, column and owner, so that it cannot be decrypted in another row or
column. While a key is being changed there are several: the first encrypts and hashes, all of them decrypt and are
searched by (docs/decisions/0025, 0079).
"""

import hashlib
import hmac
import os
from base64 import b64decode
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal, Protocol

from cachetools import LRUCache
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import AfterValidator, Field, SecretStr, ValidationInfo
from pydantic_core import PydanticCustomError

from services.platform.runtime.settings import SecretFile, Settings, secret_path

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


AUTHORITY_KEYS_KEPT = 2000


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
    """The keys above all others. Held only by services that may read personal columns."""

    def __init__(self, master_key: str | KeyFile | None, phone_key: str | KeyFile, *wrappers: KeyWrapper) -> None:
        """A key is the base64 of 32 bytes; several are separated by white space, newest first. Of `wrappers` and then
        the master keys, the first wraps and all unwrap. Raises ValueError.
        """
        self._wrappers = wrappers
        self._masters = None if master_key is None else KeyFile.of(master_key)
        self._hash_keys = KeyFile.of(phone_key)
        self._unwrapped: LRUCache[bytes, AESGCM] = LRUCache(AUTHORITY_KEYS_KEPT)
        self.authority_keys: dict[str, bytes] = {}
        """As they were last read, by authority."""

    @property
    def changes_phone_key(self) -> bool:
        """Whether numbers are searched by older keys too."""
        return len(self._hash_keys.newest_first()) > 1

    def new_authority_key(self, authority: str) -> bytes:
        return self._wrap(authority, os.urandom(KEY_BYTES))

    def authority_key_anew(self, wrapped: bytes) -> bytes | None:
        """Returns it wrapped by the newest key, or None if it is already. Raises InvalidTag."""
        authority, key, is_newest = self._open(wrapped)
        return None if is_newest else self._wrap(authority, key)

    def open_authority_key(self, wrapped: bytes) -> bytes:
        """The key itself, to be handed over to the authority. Raises InvalidTag."""
        return self._open(wrapped)[1]

    def wrapped_new_key(self, owner: str, under: bytes | None = None) -> bytes:
        """A data key that `unwrap` takes: behind its authority's key, which is `under`, or a key that is its alone."""
        under = under or self.new_authority_key(OF_NO_AUTHORITY)
        return under + self._seal(owner, os.urandom(KEY_BYTES), under)

    def unwrap(self, owner: str, wrapped: bytes) -> DataKey:
        """Raises InvalidTag if none of the keys decrypts it, and KeyServiceAway."""
        return DataKey(owner, self._data_key(owner, wrapped))

    def moved(self, owner: str, wrapped: bytes, under: bytes) -> bytes:
        """The same data key behind another authority's key."""
        return under + self._seal(owner, self._data_key(owner, wrapped), under)

    def number_hash(self, number: str) -> bytes:
        """Hashes a phone number (E.164) or address with the newest key, to find it without storing it in the clear."""
        return self.number_hashes(number)[0]

    def number_hashes(self, number: str) -> tuple[bytes, ...]:
        """Returns the hash by each key, the newest first, to search by."""
        return tuple(_hash(key, b"number/" + number.encode()) for key in self._hash_keys.newest_first())

    def body_hash(self, body: bytes) -> bytes:
        return _hash(self._hash_keys.newest_first()[0], body)

    def _data_key(self, owner: str, wrapped: bytes) -> bytes:
        under, sealed = split(wrapped)
        return self._cipher(under).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], owner.encode())

    def _seal(self, owner: str, key: bytes, under: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher(under).encrypt(nonce, key, owner.encode())

    def _cipher(self, under: bytes) -> AESGCM:
        cipher = self._unwrapped.get(under)
        if cipher is None:
            cipher = self._unwrapped[under] = AESGCM(self._open(under)[1])
        return cipher

    def _wrap(self, authority: str, key: bytes) -> bytes:
        name, wrapped = authority.encode(), self._in_turn()[0].wrap(authority, key)
        return bytes([len(name)]) + name + len(wrapped).to_bytes(2) + wrapped

    def _open(self, wrapped: bytes) -> tuple[str, bytes, bool]:
        """Whose key it is, the key, and whether the newest of ours wrapped it."""
        name_ends = 1 + wrapped[0]
        authority = wrapped[1:name_ends].decode()
        away: KeyServiceAway | None = None
        for place, wrapper in enumerate(self._in_turn()):
            try:
                return authority, wrapper.unwrap(authority, wrapped[name_ends + 2 :]), place == 0
            except InvalidTag:
                continue
            except KeyServiceAway as error:
                if away is None or isinstance(away, KeyMissing):  # a key that is away may still be the right one
                    away = error
        raise away or InvalidTag

    def _in_turn(self) -> Sequence[KeyWrapper]:
        masters = () if self._masters is None else self._masters.newest_first()
        return (*self._wrappers, *map(FileWrapper, masters))


def split(wrapped: bytes) -> tuple[bytes, bytes]:
    """The authority's key (its name, its length, itself wrapped) and the data key that it seals. Raises InvalidTag."""
    try:
        name_ends = 1 + wrapped[0]
        ends = name_ends + 2 + int.from_bytes(wrapped[name_ends : name_ends + 2])
    except IndexError:
        raise InvalidTag from None
    return bytes(wrapped[:ends]), bytes(wrapped[ends:])


def _hash(key: bytes, content: bytes) -> bytes:
    return hmac.new(key, content, hashlib.sha256).digest()


def _require_keys(setting: SecretStr) -> SecretStr:
    decode_keys(setting.get_secret_value())
    return setting


def _require_master_key(setting: SecretStr | None, others: ValidationInfo) -> SecretStr | None:
    if setting is None and others.data.get("key_wrapper") == "file":
        raise PydanticCustomError("missing", "no key")
    return setting if setting is None else _require_keys(setting)


A_KEY = "the base64 of 32 bytes, or several a line each while it is being changed"
Keys = Annotated[SecretStr, AfterValidator(_require_keys), Field(description=A_KEY)]
"""A setting that is a key: a wrong one is found when the service starts, not when it reads its first row."""
MasterKeys = Annotated[
    SecretStr | None, AfterValidator(_require_master_key), Field(description=A_KEY, validate_default=True)
]


class KeyringSettings(Settings):
    """`key_name` names keys of the hardware module or key service, newest first, with white space between. In a name,
    `{authority}` is replaced by the authority's id. `master_key` beside them still unwraps what it has wrapped.
    """

    key_wrapper: Literal["file", "hsm", "kms"] = Field(default="file", description="file, hsm (PKCS#11) or kms (AWS)")
    key_name: str = Field(default="", description="the names of the keys that wrap, such as alias/safe-return")
    hsm_module: Path = Field(default=Path(), description="the PKCS#11 library, a file")
    hsm_token: str = Field(default="", description="the label of the token that holds the keys")
    hsm_pin: SecretStr = Field(default=SecretStr(""), description="the token's PIN")
    master_key: MasterKeys = None
    phone_key: Keys

    @property
    def keyring(self) -> Keyring:
        """Each has what it has unwrapped for itself: a process needs one."""
        master = None if self.master_key is None else key_file("master_key", self.master_key)
        return Keyring(master, key_file("phone_key", self.phone_key), *self._wrappers())

    def _wrappers(self) -> Sequence[KeyWrapper]:
        if self.key_wrapper == "file":
            return ()
        if self.key_wrapper not in WRAPPERS:
            raise SystemExit(f"SAFE_RETURN_KEY_WRAPPER={self.key_wrapper} needs the option key-wrappers")
        return WRAPPERS[self.key_wrapper](self)


WRAPPERS: dict[str, Callable[[KeyringSettings], Sequence[KeyWrapper]]] = {}
"""By name, what options add: filled once, when a process is put together."""


def key_file(name: str, setting: SecretStr) -> KeyFile:
    """The setting's keys, read again from its file when that changes, if it came from one."""
    return KeyFile(setting.get_secret_value(), secret_path(name))
