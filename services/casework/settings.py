"""Reads casework's own settings."""

from pydantic import Field, SecretStr

from services.platform.runtime.settings import ExerciseAuthority, Settings
from services.platform.store.encryption import Keys


class CaseworkSettings(Settings):
    master_key: Keys
    phone_key: Keys
    register_token: SecretStr = Field(min_length=32, description="32 characters or more that nobody can guess")
    """Its bearer may change the register of any authority, so it must be long enough that nobody can guess it."""
    exercise_authority: ExerciseAuthority = ""
    """Reports its made-up child missing every fifteen minutes, to endpoints of our own. Empty: no such reports."""
