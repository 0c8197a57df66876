"""Settings that are keys: a wrong one is found when a service starts, not when it reads its first row."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from services.platform.store.encryption import decoded


def _of_keys(written: SecretStr) -> SecretStr:
    decoded(written.get_secret_value())
    return written


Keys = Annotated[
    SecretStr,
    AfterValidator(_of_keys),
    Field(description="the base64 of 32 bytes, or several a line each while it is being changed"),
]
