"""Wraps by a key that never leaves a hardware security module (PKCS#11). Needs the extra `hsm`."""

import os
from pathlib import Path
from typing import Any

import pkcs11
from cryptography.exceptions import InvalidTag
from pkcs11 import GCMParams, KeyType, Mechanism, ObjectClass, exceptions

from services.platform.store import encryption

NOT_BY_THIS_KEY = (
    exceptions.DataInvalid,
    exceptions.DataLenRange,
    exceptions.EncryptedDataInvalid,
    exceptions.EncryptedDataLenRange,
)
NOT_CERTAIN = (exceptions.FunctionFailed, exceptions.GeneralError)
"""What SoftHSM says of a wrong tag, and any module of a fault of its own."""


class HsmWrapper:
    """A KeyWrapper by the AES key that the token holds under a label; in it, `{authority}` is replaced by the id."""

    def __init__(self, module: Path, token: str, pin: str, label: str) -> None:
        self._module, self._token, self._pin, self._label = module, token, pin, label
        self._session: Any = None

    def wrap(self, authority: str, key: bytes) -> bytes:
        nonce = os.urandom(encryption.NONCE_BYTES)
        try:
            sealed = self._key(authority).encrypt(
                key, mechanism=Mechanism.AES_GCM, mechanism_param=_gcm(nonce, authority)
            )
        except exceptions.PKCS11Error as error:
            raise self._away(error, authority) from error
        return nonce + bytes(sealed)

    def unwrap(self, authority: str, wrapped: bytes) -> bytes:
        nonce, sealed = wrapped[: encryption.NONCE_BYTES], wrapped[encryption.NONCE_BYTES :]
        try:
            key = self._key(authority)
            return bytes(key.decrypt(sealed, mechanism=Mechanism.AES_GCM, mechanism_param=_gcm(nonce, authority)))
        except NOT_BY_THIS_KEY as error:
            raise InvalidTag from error
        except NOT_CERTAIN as error:
            self._session = None
            self.wrap(authority, wrapped)  # raises KeyServiceAway where the module is at fault
            raise InvalidTag from error
        except exceptions.PKCS11Error as error:
            raise self._away(error, authority) from error

    def _key(self, authority: str) -> Any:
        if self._session is None:
            token = pkcs11.lib(str(self._module)).get_token(token_label=self._token)
            try:
                self._session = token.open(user_pin=self._pin)
            except exceptions.UserAlreadyLoggedIn:  # a login holds for all sessions of a process
                self._session = token.open()
        label = encryption.fill_in_authority(self._label, authority)
        return self._session.get_key(object_class=ObjectClass.SECRET_KEY, key_type=KeyType.AES, label=label)

    def _away(self, error: exceptions.PKCS11Error, authority: str) -> encryption.KeyServiceAway:
        self._session = None
        missing = isinstance(error, exceptions.NoSuchKey) and encryption.is_its_own(self._label, authority)
        return (encryption.KeyMissing if missing else encryption.KeyServiceAway)(
            f"the hardware security module: {type(error).__name__}"
        )


def _gcm(nonce: bytes, authority: str) -> GCMParams:
    return GCMParams(nonce, aad=authority.encode())
