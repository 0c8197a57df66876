"""Wraps by a key that never leaves AWS KMS. Needs the extra `kms`; region and credentials are boto3's own settings."""

import time
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from cryptography.exceptions import InvalidTag

from services.platform.store.encryption import KeyMissing, KeyServiceAway, fill_in_authority, is_its_own

NOT_BY_THIS_KEY = frozenset(
    {
        "DisabledException",
        "IncorrectKeyException",
        "InvalidCiphertextException",
        "KMSInvalidStateException",
        "NotFoundException",
    }
)
"""Also a key that is disabled or waits to be deleted: then its authority's data cannot be read."""
DENIED = "AccessDeniedException"
"""Said also of what another key has wrapped."""
NO_RIGHT = "not authorized"
"""Says that we lack a right: a slip, which passes. The message waits, rather than becoming a dead letter."""
RESTS_SECONDS = 5.0
"""After a call without an answer: whoever calls is held up, and with them all that the process does besides."""


class KmsWrapper:
    """A KeyWrapper by the key of this id or alias; in it, `{authority}` is replaced by the authority's id."""

    def __init__(self, name: str) -> None:
        self._name = name
        quickly = Config(connect_timeout=2, read_timeout=2, retries={"total_max_attempts": 1})
        self._kms = boto3.client("kms", config=quickly)
        self._rests_until = 0.0

    def wrap(self, authority: str, key: bytes) -> bytes:
        return bytes(self._ask("encrypt", authority, Plaintext=key)["CiphertextBlob"])

    def unwrap(self, authority: str, wrapped: bytes) -> bytes:
        return bytes(self._ask("decrypt", authority, CiphertextBlob=wrapped)["Plaintext"])

    def _ask(self, what: str, authority: str, **given: bytes) -> Any:
        name, context = fill_in_authority(self._name, authority), {"authority": authority}
        if time.monotonic() < self._rests_until:
            raise KeyServiceAway("the key service: did not answer a moment ago")
        try:
            return getattr(self._kms, what)(KeyId=name, EncryptionContext=context, **given)
        except ClientError as error:
            code, said = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
            is_anothers = code == DENIED and NO_RIGHT not in said
            if what == "decrypt" and (code in NOT_BY_THIS_KEY or is_anothers):
                raise InvalidTag from error
            missing = code in NOT_BY_THIS_KEY and is_its_own(self._name, authority)
            raise (KeyMissing if missing else KeyServiceAway)(f"the key service: {code}") from error
        except BotoCoreError as error:
            self._rests_until = time.monotonic() + RESTS_SECONDS
            raise KeyServiceAway(f"the key service: {type(error).__name__}") from error
